"""What of a function's output goes to its log, by ApplicationLogLevel."""

import base64
import io
import json
import zipfile

from client import client, fails

functions, iam = client("lambda"), client("iam")
CODE = '''
import json, logging, sys
log = logging.getLogger()
def handler(event, context):
    log.debug("debug of the logger")
    log.info("info of the logger")
    log.warning("warning of the logger")
    print("a plain text")
    for level in ("debug", "WARN", "error", "loud"):
        print(json.dumps({"level": level, "timestamp": "2024-11-02T16:51:31.587199Z", "msg": level + " of our own"}))
    print(json.dumps({"level": "error", "msg": "no time"}))
    if event:
        raise RuntimeError("broken")
'''
code = io.BytesIO()
with zipfile.ZipFile(code, "w") as z:
    z.writestr("app.py", CODE)
trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
role = iam.create_role(RoleName="logger", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
iam.attach_role_policy(RoleName="logger", PolicyArn="arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole")
PARTS = ["debug of the logger", "info of the logger", "warning of the logger", "a plain text", "debug of our own", "WARN of our own", "error of our own",
         "loud of our own", "no time", "broken"]


def printed(name, config, event):
    """The parts that are in the log of a function with a LoggingConfig after it has run."""
    functions.create_function(FunctionName=name, Runtime="python3.13", Handler="app.handler", Role=role, Code={"ZipFile": code.getvalue()}, LoggingConfig=config)
    functions.get_waiter("function_active_v2").wait(FunctionName=name)
    out = functions.invoke(FunctionName=name, Payload=json.dumps(event), LogType="Tail")
    log = base64.b64decode(out["LogResult"]).decode()
    assert ("platform.report" if config["LogFormat"] == "JSON" else "REPORT ") in log, log
    return [p for p in PARTS if p in log]


json_ = lambda level: {"LogFormat": "JSON", "ApplicationLogLevel": level}
assert printed("text", {"LogFormat": "Text"}, {}) == PARTS[2:-1]
assert printed("trace", json_("TRACE"), {}) == PARTS[:-1]
assert printed("info", {"LogFormat": "JSON"}, {}) == [p for p in PARTS[1:-1] if "debug" not in p]
assert printed("warn", json_("WARN"), {"fail": 1}) == ["warning of the logger", "WARN of our own", "error of our own", "broken"]
assert printed("fatal", json_("FATAL"), {}) == []
with fails("InvalidParameterValueException", 400):
    functions.update_function_configuration(FunctionName="text", LoggingConfig={"LogFormat": "Text", "ApplicationLogLevel": "WARN"})
