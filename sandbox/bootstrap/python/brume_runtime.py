"""The Lambda runtime for Python: takes events from the Runtime API, calls the handler, gives its answer back.

What a function sees follows https://docs.aws.amazon.com/lambda/latest/dg/python-handler.html, python-context.html,
python-logging.html and python-exceptions.html. Modules are imported late where that shortens a cold start.
"""

import importlib
import os
import sys
import time

import _json  # the module json takes as long to import as all of the above, for the sake of re
import _socket  # as does the module socket

VERSION = "/2018-06-01/runtime/"
HERE = os.path.dirname(os.path.abspath(__file__))

WARNING = (
    "LAMBDA_WARNING: Unhandled exception. The most likely cause is an issue in the function code. "
    "However, in rare cases, a Lambda runtime update can cause unexpected function behavior. "
    "For functions using managed runtimes, runtime updates can be triggered by a function change, or can be applied "
    "automatically. To determine if the runtime has been updated, check the runtime version in the INIT_START log "
    "entry. If this error correlates with a change in the runtime version, you may be able to mitigate this error by "
    "temporarily rolling back to the previous runtime version. For more information, see "
    "https://docs.aws.amazon.com/lambda/latest/dg/runtimes-update.html\r"
)


class Fault(Exception):
    """An error of Lambda's own: it has a type and no stack."""

    def __init__(self, kind, message, trace=None):
        super().__init__(message)
        self.kind, self.message, self.trace = kind, message, trace


class Gone(Exception):
    """The Runtime API is not there any more."""


# The Runtime API.


class Api:
    """A client of the Runtime API on one kept-open connection."""

    def __init__(self, address):
        host, _, port = address.rpartition(":")
        self.target, self.host = (host, int(port)), address
        self.sock, self.rest = None, b""
        self.asked = False  # the request for the next event has been sent with the answer to the last

    def _request(self, head, body=b""):
        data = head + b"Host: " + self.host.encode() + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        for attempt in (1, 2):
            if self.sock is None:
                self.sock = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
                self.sock.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
                self.sock.connect(self.target)
                self.rest = b""
            try:
                self.sock.sendall(data)
                return self._response()
            except (OSError, Gone):
                self.sock.close()
                self.sock = None
                if attempt == 2:
                    raise Gone()

    def _more(self):
        chunk = self.sock.recv(65536)  # what is larger is mapped and unmapped each time
        if not chunk:
            raise Gone()
        return chunk

    def _response(self):
        buf = self.rest
        while True:
            end = buf.find(b"\r\n\r\n")
            if end >= 0:
                break
            buf += self._more()
        lines = buf[:end].decode("utf-8", "replace").split("\r\n")
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        size = int(headers.get("content-length", 0))
        parts, have = [buf[end + 4 :]], len(buf) - end - 4
        while have < size:
            parts.append(self._more())
            have += len(parts[-1])
        body = b"".join(parts)
        self.rest = body[size:]
        return int(lines[0].split(" ", 2)[1]), headers, body[:size]

    def next(self):
        if self.asked:
            self.asked = False
            try:
                status, headers, body = self._response()
            except (OSError, Gone):
                self.sock.close()
                self.sock = None
                return self.next()
        else:
            status, headers, body = self._request(self._next_head())
        if status != 200:
            raise Gone()
        return headers, body

    def _next_head(self):
        return b"GET " + VERSION.encode() + b"invocation/next HTTP/1.1\r\n"

    def answer(self, path, body, content_type):
        """Gives an answer and asks for the next event with it, which spares a turn."""
        head = "POST %s%s HTTP/1.1\r\nContent-Type: %s\r\nHost: %s\r\nContent-Length: %d\r\n\r\n" % (
            VERSION, path, content_type, self.host, len(body))
        if self.sock is None or len(body) > 65536:
            return self.post(path, body, content_type)
        data = b"".join((head.encode("utf-8", "replace"), body, self._next_head(), b"Host: ", self.host.encode(), b"\r\n\r\n"))
        try:
            self.sock.sendall(data)
            status = self._response()[0]
            self.asked = True
            return status
        except (OSError, Gone):
            self.sock.close()
            self.sock = None
            return self.post(path, body, content_type)

    def post(self, path, body, content_type="application/json", kind=None, cause=None):
        head = "POST %s%s HTTP/1.1\r\nContent-Type: %s\r\n" % (VERSION, path, content_type)
        if kind:
            head += "Lambda-Runtime-Function-Error-Type: %s\r\n" % kind
        if cause and len(cause) < 1024 * 1024:
            head += "Lambda-Runtime-Function-XRay-Error-Cause: %s\r\n" % cause
        return self._request(head.encode("utf-8", "replace"), body)[0]


# JSON, as Lambda writes it.


class Reading:
    """What the scanner of the module json is told by json.JSONDecoder."""

    strict = True
    object_hook = object_pairs_hook = None
    parse_float, parse_int = float, int
    parse_constant = {"-Infinity": float("-inf"), "Infinity": float("inf"), "NaN": float("nan")}.__getitem__
    memo = {}


scan = _json.make_scanner(Reading)


def from_json(data):
    try:
        text = data.decode("utf-8", "surrogatepass").strip(" \t\n\r")
        value, end = scan(text, 0)
        if end == len(text):
            return value
    except (ValueError, StopIteration):
        pass
    import json

    return json.loads(data)  # says what is wrong


class Encoder:
    """Writes decimal.Decimal as a number. The text of the number goes through a mark that no string contains."""

    mark = "\ue000brume:%d\ue000"

    def __init__(self, ascii_only):
        self.string = _json.encode_basestring_ascii if ascii_only else _json.encode_basestring
        self.numbers = []

    def encode(self, value):
        if isinstance(value, str):
            return self.string(value)
        write = _json.make_encoder({}, self.default, self.string, None, ": ", ", ", False, False, True)
        return "".join(write(value, 0))

    def default(self, o):
        decimal = sys.modules.get("decimal")
        if decimal and isinstance(o, decimal.Decimal):
            self.numbers.append("NaN" if o.is_nan() else str(o))
            return self.mark % (len(self.numbers) - 1)
        raise TypeError("Object of type %s is not JSON serializable" % type(o).__name__)


def ascii_only():
    # Since Python 3.12 the runtime writes characters as they are.
    name = os.environ.get("AWS_EXECUTION_ENV", "")
    return name in ("AWS_Lambda_python3.8", "AWS_Lambda_python3.9", "AWS_Lambda_python3.10", "AWS_Lambda_python3.11")


def to_json(value):
    encoder = Encoder(ascii_only())
    text = encoder.encode(value)
    for i, number in enumerate(encoder.numbers):
        mark = Encoder.mark % i
        text = text.replace(encoder.string(mark), number, 1)
    return text.encode("utf-8", "surrogatepass")


# Logging.

LEVEL_FRAMES = {0: 0x02, 10: 0x0A, 20: 0x0E, 30: 0x12, 40: 0x16, 50: 0x1A}


class Sink:
    """Writes log messages so that a message of several lines stays one log event.

    A frame is: type (4 bytes, 0xa55a00 and a byte that holds level and format), length (4), microseconds since 1970
    (8), the message; big-endian.
    """

    def __init__(self, as_json):
        fd = os.environ.pop("_LAMBDA_TELEMETRY_LOG_FD", None)
        self.fd = int(fd) if fd else None
        self.text_bit = 0 if as_json else 1

    def log(self, message, level=0):
        if self.fd is None:
            sys.stdout.write(message)
            return
        data = message.encode("utf-8", "replace")
        kind = 0xA55A0000 | LEVEL_FRAMES.get(level, 0x02) | self.text_bit
        data = b"".join((kind.to_bytes(4, "big"), len(data).to_bytes(4, "big"),
                         (time.time_ns() // 1000).to_bytes(8, "big"), data))
        while data:
            data = data[os.write(self.fd, data) :]


def timestamp(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + ".%03dZ" % (seconds * 1000 % 1000)


class LoggingLater:
    """Sets the root logger up when the function imports logging, which costs more than all of our own imports."""

    current = ""  # request id

    def __init__(self, sink, as_json):
        self.sink, self.as_json = sink, as_json

    def find_spec(self, name, path=None, target=None):
        if name != "logging":
            return None
        sys.meta_path.remove(self)
        from importlib.machinery import PathFinder

        spec = PathFinder.find_spec(name)
        execute = spec.loader.exec_module

        def exec_module(module):
            execute(module)
            self.set_up(module)

        spec.loader.exec_module = exec_module
        return spec

    def set_up(self, logging):
        sink = self.sink

        class Handler(logging.Handler):
            log_sink = sink

            def emit(self, record):
                sink.log(self.format(record), min(50, max(0, record.levelno)) // 10 * 10)

        logging.Formatter.converter = time.gmtime
        handler = Handler()
        if self.as_json:
            handler.setFormatter(json_formatter(logging))
        else:
            handler.setFormatter(
                logging.Formatter(
                    "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n", "%Y-%m-%dT%H:%M:%S"
                )
            )

        def add_request_id(record):
            record.aws_request_id = LoggingLater.current
            return True

        handler.addFilter(add_request_id)
        root = logging.getLogger()
        root.addHandler(handler)
        level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "").upper()
        level = "DEBUG" if level == "TRACE" else level
        if level in ("DEBUG", "INFO", "WARNING", "WARN", "ERROR", "CRITICAL", "FATAL"):
            root.setLevel(level)


def json_formatter(logging):
    import json

    reserved = frozenset(vars(logging.makeLogRecord({}))) | {"aws_request_id", "message", "asctime"}

    class JsonFormatter(logging.Formatter):
        def format(self, record):
            result = {
                "timestamp": timestamp(record.created),
                "level": logging.getLevelName(min(50, max(0, record.levelno)) // 10 * 10),
                "message": record.getMessage(),
                "logger": record.name,
            }
            if record.exc_info:
                import traceback

                result["stackTrace"] = traceback.format_tb(record.exc_info[2])
                result["errorType"] = record.exc_info[0].__name__
                result["errorMessage"] = str(record.exc_info[1])
            result["requestId"] = record.aws_request_id
            if record.exc_info:
                result["location"] = "%s:%s:%s" % (record.pathname, record.funcName, record.lineno)
            for key, value in vars(record).items():
                if key not in reserved and key not in result:
                    result[key] = value
            return json.dumps(result, ensure_ascii=False, default=str) + "\n"

    return JsonFormatter()


def set_up_logging():
    as_json = os.environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON"
    sink = Sink(as_json)
    sys.meta_path.insert(0, LoggingLater(sink, as_json))
    return sink, as_json


def log_error(error, sink, as_json):
    if as_json:
        line = {"timestamp": timestamp(time.time()), "level": "ERROR"}
        line.update(error)
        sink.log(Encoder(False).encode(line), 40)
        return
    lines = ["[ERROR] %s: %s" % (error["errorType"], error["errorMessage"])]
    lines.append("Traceback (most recent call last):")
    for element in error["stackTrace"]:
        for line in element.splitlines() or [""]:
            bare = line.lstrip(" ")
            lines.append("\u00a0" * (len(line) - len(bare)) + bare)  # log viewers drop leading spaces
    sink.log("\n".join(lines), 40)


# Errors.


def error_document(message, kind, trace, request_id=""):
    return {"errorMessage": message, "errorType": kind, "requestId": request_id, "stackTrace": trace}


def own_frames_off(frames):
    while frames and frames[0].filename.startswith(HERE):
        frames = frames[1:]
    return frames


def describe(exc, request_id=""):
    """The error document of an exception, and what X-Ray is told of it."""
    import traceback

    if isinstance(exc, Fault):
        frames, kind, message = [], exc.kind, exc.message
        trace = exc.trace or []
    else:
        frames = own_frames_off(list(traceback.extract_tb(exc.__traceback__)))
        kind, message = type(exc).__name__, str(exc)
        # As tuples: without the markers that newer versions put below a line.
        trace = traceback.format_list([(f.filename, f.lineno, f.name, f.line) for f in frames])
    cause = {
        "working_directory": os.getcwd(),
        "exceptions": [
            {
                "message": message,
                "type": kind,
                "stack": [{"label": f.name, "path": f.filename, "line": f.lineno} for f in frames],
            }
        ],
        "paths": sorted({f.filename for f in frames}),
    }
    return error_document(message, kind, trace, request_id), Encoder(True).encode(cause)


# The handler.


def load(name):
    module_name, dot, function = name.rpartition(".")
    if not dot:
        raise Fault(
            "Runtime.MalformedHandlerName",
            "Bad handler '%s': not enough values to unpack (expected 2, got 1)" % name,
        )
    if module_name.split(".")[0] in sys.builtin_module_names:
        raise Fault(
            "Runtime.BuiltInModuleConflict", "Cannot use built-in module %s as a handler module" % module_name
        )
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as e:
        raise Fault("Runtime.ImportModuleError", "Unable to import module '%s': %s" % (module_name, e)) from None
    except SyntaxError as e:
        trace = ['  File "%s" Line %s\n    %s' % (e.filename, e.lineno, e.text)]
        raise Fault(
            "Runtime.UserCodeSyntaxError", "Syntax error in module '%s': %s" % (module_name, e), trace
        ) from None
    try:
        return getattr(module, function)
    except AttributeError:
        raise Fault(
            "Runtime.HandlerNotFound", "Handler '%s' missing on module '%s'" % (function, module_name)
        ) from None


class Record:
    """An object whose attributes are the members of a JSON object; missing ones are None."""

    fields = ()

    def __init__(self, values):
        for field in self.fields:
            setattr(self, field, values.get(field))

    def __repr__(self):
        return "%s([%s])" % (type(self).__name__, ",".join("%s=%s" % (f, getattr(self, f)) for f in self.fields))


class CognitoIdentity(Record):
    fields = ("cognito_identity_id", "cognito_identity_pool_id")


class Client(Record):
    fields = ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name")


class ClientContext(Record):
    fields = ("custom", "env", "client")


class LambdaContext:
    def __init__(self, headers, sink):
        environ = os.environ.get
        self.aws_request_id = headers.get("lambda-runtime-aws-request-id")
        self.log_group_name = environ("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = environ("AWS_LAMBDA_LOG_STREAM_NAME")
        self.function_name = environ("AWS_LAMBDA_FUNCTION_NAME")
        self.memory_limit_in_mb = environ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.function_version = environ("AWS_LAMBDA_FUNCTION_VERSION")
        self.invoked_function_arn = headers.get("lambda-runtime-invoked-function-arn")
        self.tenant_id = headers.get("lambda-runtime-aws-tenant-id")
        self._deadline = int(headers.get("lambda-runtime-deadline-ms", 0))
        self._sink = sink
        client = self._header(headers, "lambda-runtime-client-context", "Client Context")
        self.client_context = None
        if client is not None:
            self.client_context = ClientContext(client)
            if self.client_context.client is not None:
                self.client_context.client = Client(self.client_context.client)
        identity = self._header(headers, "lambda-runtime-cognito-identity", "Cognito Identity") or {}
        self.identity = CognitoIdentity(
            {
                "cognito_identity_id": identity.get("cognitoIdentityId"),
                "cognito_identity_pool_id": identity.get("cognitoIdentityPoolId"),
            }
        )

    @staticmethod
    def _header(headers, name, what):
        text = headers.get(name)
        if not text:
            return None
        try:
            return from_json(text.encode())
        except ValueError as e:
            raise Fault("Runtime.LambdaContextUnmarshalError", "Unable to parse %s JSON: %s" % (what, e)) from None

    def get_remaining_time_in_millis(self):
        return max(0, self._deadline - int(time.time() * 1000))

    def log(self, message):
        self._sink.log(str(message))

    def __repr__(self):
        shown = ("aws_request_id", "log_group_name", "log_stream_name", "function_name", "memory_limit_in_mb",
                 "function_version", "invoked_function_arn", "client_context", "identity", "tenant_id")
        return "LambdaContext([%s])" % ",".join("%s=%s" % (n, getattr(self, n)) for n in shown)


def answer(handler, headers, body, sink):
    """The handler's answer: bytes and their content type."""
    context = LambdaContext(headers, sink)
    try:
        event = from_json(body)
    except ValueError as e:
        raise Fault("Runtime.UnmarshalError", "Unable to unmarshal input: %s" % e) from None
    response = handler(event, context)
    if isinstance(response, bytes):
        return response, "application/unknown"
    try:
        return to_json(response), "application/json"
    except Exception as e:
        raise Fault("Runtime.MarshalError", "Unable to marshal response: %s" % e) from None


def serve(api, handler, sink, as_json):
    environ = os.environ
    while True:
        headers, body = api.next()
        request_id = headers["lambda-runtime-aws-request-id"]
        LoggingLater.current = request_id
        trace = headers.get("lambda-runtime-trace-id")
        if trace is not None:
            environ["_X_AMZN_TRACE_ID"] = trace
        else:
            environ.pop("_X_AMZN_TRACE_ID", None)
        try:
            result, content_type = answer(handler, headers, body, sink)
        except Exception as e:
            error, cause = describe(e, request_id)
            log_error(error, sink, as_json)
            api.post("invocation/%s/error" % request_id, to_json(error), kind=error["errorType"], cause=cause)
            continue
        api.answer("invocation/%s/response" % request_id, result, content_type)


def main():
    api = Api(os.environ["AWS_LAMBDA_RUNTIME_API"])
    sink, as_json = set_up_logging()
    try:
        try:
            handler = load(os.environ.get("_HANDLER", ""))
        except Exception as e:
            error, cause = describe(e)
            import logging

            logging.warning(WARNING)
            log_error(error, sink, as_json)
            api.post("init/error", to_json(error), kind=error["errorType"], cause=cause)
            sys.exit(1)
        serve(api, handler, sink, as_json)
    except Gone:
        # Brume is not there any more. os._exit: threads of the function must not hold the process up.
        os._exit(1)
