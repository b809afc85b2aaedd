"""Botocore as the judge of the protocols: it parses answers that the codecs wrote, and writes requests for them to read.

Reads one JSON object a line on standard input and answers each with one line. The models are those of the zip named by
the first argument, the same that api/gen reads.

  {"do": "parse", "service", "version", "op", "protocol", "status", "headers", "body"}  -> {"value": ...} or {"error": ...}
  {"do": "request", "service", "version", "op", "protocol", "seed"}  -> {"method", "path", "query", "headers", "body", "value"}

Values have the form of documents: JSON names, timestamps in milliseconds, blobs in base64.
"""
import base64
import datetime
import io
import json
import random
import sys
import zipfile

import botocore.model
import botocore.parsers
import botocore.serialize
from botocore.awsrequest import HeadersDict
from botocore.utils import datetime2timestamp

ZIP = zipfile.ZipFile(sys.argv[1])
DATA = "awscli/awscli/botocore/data/"
JSON = ("json", "rest-json", "smithy-rpc-v2-cbor")
models = {}


def model(service, version):
    key = service, version
    if key not in models:
        raw = json.loads(ZIP.read(f"{DATA}{service}/{version}/service-2.json"))
        models[key] = botocore.model.ServiceModel(raw, service)
    return models[key]


def wire(name, shape, protocol):
    """The name of a member in a document."""
    if protocol in JSON and "location" not in shape.serialization:
        return shape.serialization.get("name", name)
    return name


def document(shape, x, protocol):
    if x is None:
        return None
    kind = shape.type_name
    if kind == "structure":
        out = {}
        for name, member in shape.members.items():
            if x.get(name) is not None:
                out[wire(name, member, protocol)] = document(member, x[name], protocol)
        return out
    if kind == "list":
        return [document(shape.member, e, protocol) for e in x]
    if kind == "map":
        return {k: document(shape.value, v, protocol) for k, v in x.items()}
    if kind == "timestamp":
        if isinstance(x, datetime.datetime):
            return round(datetime2timestamp(x) * 1000)
        return x
    if kind == "blob":
        if hasattr(x, "read"):
            x = x.read()
        if isinstance(x, str):
            x = x.encode()
        return base64.b64encode(x).decode()
    return x


class Body(io.BytesIO):
    """A raw answer: streaming payloads are read from it."""


def parse(r):
    op = model(r["service"], r["version"]).operation_model(r["op"])
    parser = botocore.parsers.create_parser(r["protocol"])
    body = base64.b64decode(r["body"])
    if op.has_streaming_output and r["status"] < 300:
        body = Body(body)
    parsed = parser.parse({"headers": HeadersDict(r["headers"]), "body": body, "status_code": r["status"]}, op.output_shape)
    if r["status"] >= 300:
        return {"error": parsed["Error"], "id": parsed["ResponseMetadata"].get("RequestId")}
    out = {}
    if op.output_shape is not None:
        out = document(op.output_shape, parsed, r["protocol"])
    return {"value": out, "id": parsed["ResponseMetadata"].get("RequestId")}


TEXT = ["a", "Ω", "日本", '"', "\\", "<&>", "%41", "+", "plain text", "/", "x=y"]


def text(rnd, plain):
    if plain:
        return "".join(rnd.choice("abcXYZ019-_.") for _ in range(rnd.randint(1, 8)))
    return "".join(rnd.choice(TEXT) for _ in range(rnd.randint(1, 3)))


def value(shape, rnd, depth, plain=False):
    kind = shape.type_name
    if kind == "structure":
        members = list(shape.members.items())
        if getattr(shape, "is_tagged_union", False) or shape.name == "AttributeValue":
            members = [m for m in members if m[0] == "S"] or [rnd.choice(members)]
        out = {}
        for name, member in members:
            if depth > 4 and member.type_name in ("structure", "list", "map"):
                continue
            bound = "location" in member.serialization
            out[name] = value(member, rnd, depth + 1, plain or bound)
        return out
    if kind == "list":
        return [value(shape.member, rnd, depth + 1, plain) for _ in range(rnd.randint(1, 2))]
    if kind == "map":
        return {text(rnd, plain).lower() + str(i): value(shape.value, rnd, depth + 1, plain) for i in range(rnd.randint(1, 2))}
    if kind == "string":
        return rnd.choice(shape.enum) if shape.enum else text(rnd, plain)
    if kind == "boolean":
        return rnd.random() < 0.5
    if kind in ("integer", "long"):
        return rnd.randint(0, 1 << 30)
    if kind in ("float", "double"):
        return rnd.randint(0, 1 << 20) / 4
    if kind == "timestamp":
        return datetime.datetime.fromtimestamp(rnd.randint(0, 1 << 32), datetime.timezone.utc)
    return text(rnd, plain).encode()


def request(r):
    op = model(r["service"], r["version"]).operation_model(r["op"])
    rnd = random.Random(r["seed"])
    params = {} if op.input_shape is None else value(op.input_shape, rnd, 0)
    http = botocore.serialize.create_serializer(r["protocol"], False).serialize_to_request(params, op)
    body = http["body"]
    if isinstance(body, dict):
        from urllib.parse import urlencode

        body = urlencode(body)
    if isinstance(body, str):
        body = body.encode()
    query = http["query_string"]
    if not isinstance(query, str):
        from urllib.parse import urlencode

        pairs = query.items() if isinstance(query, dict) else query
        query = urlencode([(k, v) for k, vs in pairs for v in (vs if isinstance(vs, list) else [vs])])
    return {
        "method": http["method"],
        "path": http["url_path"],
        "query": query,
        "headers": {k: str(v) for k, v in http["headers"].items()},
        "body": base64.b64encode(body or b"").decode(),
        "value": {} if op.input_shape is None else document(op.input_shape, params, r["protocol"]),
    }


for line in sys.stdin:
    r = json.loads(line)
    try:
        print(json.dumps({"parse": parse, "request": request}[r["do"]](r)), flush=True)
    except Exception as e:  # noqa: BLE001: whatever it is, the test must see it
        print(json.dumps({"failed": f"{type(e).__name__}: {e}"}), flush=True)
