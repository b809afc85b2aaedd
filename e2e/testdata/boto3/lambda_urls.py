"""Function URLs with signed and unsigned requests, streamed answers, layers and provisioned concurrency."""

import base64
import http.client
import io
import json
import urllib.parse
import zipfile

import botocore.auth
import botocore.awsrequest
import botocore.credentials

from client import ACCOUNT, ENDPOINT, REGION, client, eventually, fails

iam, functions = client("iam"), client("lambda")
PYTHON = '''
import os, sys, time, json
import shared
started = os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"]

def handler(event, context):
    if event.get("fail"):
        raise RuntimeError("broken")
    if "requestContext" in event:
        return {"statusCode": 201, "headers": {"content-type": "text/plain", "x-path": event["rawPath"]}, "cookies": ["a=b"],
                "body": event["requestContext"]["accountId"] + " " + event.get("body", "") + " " + shared.TEXT}
    return {"initialization": started, "text": shared.TEXT, "order": open("/opt/order").read()}
'''
NODE = '''
exports.handler = awslambda.streamifyResponse(async (event, stream, context) => {
  if (event.requestContext) stream = awslambda.HttpResponseStream.from(stream, {statusCode: 202, headers: {"x-made": "by node"}});
  stream.write("one ");
  await new Promise(done => setTimeout(done, 300));
  if (event.fail) throw new Error("half way");
  stream.write("two");
  stream.end();
});
'''


def archive(**files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        for name, text in files.items():
            z.writestr(name.replace("__", "/").replace("_DOT_", "."), text)
    return out.getvalue()


trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]

# Layers are merged in order, the later over the earlier, and stay with the functions that have them.
under = functions.publish_layer_version(LayerName="under", Content={"ZipFile": archive(python__shared_DOT_py="TEXT = 'under'", order="under")},
                                        CompatibleRuntimes=["python3.12"])["LayerVersionArn"]
over = functions.publish_layer_version(LayerName="over", Content={"ZipFile": archive(order="over")})["LayerVersionArn"]
functions.create_function(FunctionName="f", Runtime="python3.12", Role=role, Handler="app.handler", Layers=[under, over],
                          Code={"ZipFile": archive(app_DOT_py=PYTHON)}, Publish=True)
functions.get_waiter("function_active_v2").wait(FunctionName="f")
functions.delete_layer_version(LayerName="under", VersionNumber=1)
with fails("ResourceNotFoundException", 404):
    functions.get_layer_version_by_arn(Arn=under)
got = json.load(functions.invoke(FunctionName="f")["Payload"])
assert got == {"initialization": "on-demand", "text": "under", "order": "over"}, got
assert [l["Arn"] for l in functions.get_function_configuration(FunctionName="f")["Layers"]] == [under, over]
with fails("InvalidParameterValueException", 400, "does not exist"):
    functions.update_function_configuration(FunctionName="f", Layers=[over, over.replace("over", "none")])

# Function URLs.
user = iam.create_user(UserName="u")["User"]
iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": ["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"], "Resource": "*"}]}))
key = iam.create_access_key(UserName="u")["AccessKey"]
here = urllib.parse.urlsplit(ENDPOINT)


def request(url, method="GET", path="/", body=None, headers=None, sign=False):
    """Sends a request to the platform in the name of the URL's host."""
    host = urllib.parse.urlsplit(url).netloc
    headers = dict(headers or {}, Host=host)
    if sign:
        r = botocore.awsrequest.AWSRequest(method, "http://" + host + path, data=body, headers=headers)
        who = botocore.credentials.Credentials(key["AccessKeyId"], key["SecretAccessKey"])
        botocore.auth.SigV4Auth(who, "lambda", REGION).add_auth(r)
        headers = dict(r.headers.items())
    c = http.client.HTTPConnection(here.hostname, here.port)
    c.request(method, path, body=body, headers=headers)
    return c.getresponse()


signed = functions.create_function_url_config(FunctionName="f", AuthType="AWS_IAM")["FunctionUrl"]
answer = request(signed)
assert answer.status == 403 and json.load(answer)["Message"].startswith("Forbidden"), answer.status
answer = request(signed, "POST", "/a%20b?c=d", body="hello", headers={"Content-Type": "text/plain"}, sign=True)
text = answer.read().decode()
assert (answer.status, text) == (201, f"{ACCOUNT} hello under"), (answer.status, text)
assert answer.headers["x-path"] == "/a%20b" and answer.headers["set-cookie"] == "a=b" and answer.headers["x-amzn-requestid"], answer.headers
iam.delete_user_policy(UserName="u", PolicyName="p")
assert request(signed, sign=True).status == 403

functions.update_function_url_config(FunctionName="f", AuthType="NONE", Cors={"AllowOrigins": ["https://a.example"], "AllowMethods": ["GET"], "MaxAge": 5})
assert request(signed).status == 403  # nobody has been let in
functions.add_permission(FunctionName="f", StatementId="url", Action="lambda:InvokeFunctionUrl", Principal="*", FunctionUrlAuthType="NONE")
assert request(signed).status == 403  # both permissions are needed
functions.add_permission(FunctionName="f", StatementId="invoke", Action="lambda:InvokeFunction", Principal="*", InvokedViaFunctionUrl=True)
answer = request(signed, headers={"Origin": "https://a.example"})
assert answer.status == 201 and answer.read() == b"anonymous  under" and answer.headers["access-control-allow-origin"] == "https://a.example", answer.headers
answer = request(signed, "OPTIONS", headers={"Origin": "https://a.example", "Access-Control-Request-Method": "GET"})
assert answer.status == 200 and answer.headers["access-control-allow-methods"] == "GET" and answer.headers["access-control-max-age"] == "5", answer.headers
c = http.client.HTTPConnection(here.hostname, here.port)  # the path form
c.request("GET", "/_aws/lambda-url/" + urllib.parse.urlsplit(signed).netloc.split(".")[0] + "/x")
assert c.getresponse().headers["x-path"] == "/x"
functions.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)
answer = request(signed)
assert answer.status == 429 and json.load(answer)["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
functions.delete_function_concurrency(FunctionName="f")
functions.delete_function_url_config(FunctionName="f")
assert request(signed).status == 403

# Provisioned concurrency: the environments are there before anybody comes.
with fails("ProvisionedConcurrencyConfigNotFoundException", 404):
    functions.get_provisioned_concurrency_config(FunctionName="f", Qualifier="1")
functions.put_provisioned_concurrency_config(FunctionName="f", Qualifier="1", ProvisionedConcurrentExecutions=2)
provisioned = lambda: functions.get_provisioned_concurrency_config(FunctionName="f", Qualifier="1")
eventually("what is provisioned", lambda: provisioned()["Status"] == "READY")
assert provisioned()["AllocatedProvisionedConcurrentExecutions"] == 2, provisioned()
got = json.load(functions.invoke(FunctionName="f:1")["Payload"])
assert got["initialization"] == "provisioned-concurrency", got
assert json.load(functions.invoke(FunctionName="f")["Payload"])["initialization"] == "on-demand"
assert functions.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"] == 998
with fails("InvalidParameterValueException", 400, "unpublished"):
    functions.put_provisioned_concurrency_config(FunctionName="f", Qualifier="$LATEST", ProvisionedConcurrentExecutions=1)
functions.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
with fails("InvalidParameterValueException", 400, "already Provisioned"):
    functions.put_provisioned_concurrency_config(FunctionName="f", Qualifier="live", ProvisionedConcurrentExecutions=1)
functions.delete_provisioned_concurrency_config(FunctionName="f", Qualifier="1")
assert functions.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"] == 1000


def stream(name, **options):
    out = {"chunks": []}
    for event in functions.invoke_with_response_stream(FunctionName=name, **options)["EventStream"]:
        if "PayloadChunk" in event:
            out["chunks"].append(event["PayloadChunk"]["Payload"].decode())
        else:
            out["end"] = event["InvokeComplete"]
    return out


# A function that does not stream answers in one piece.
got = stream("f", LogType="Tail")
assert json.loads("".join(got["chunks"]))["text"] == "under" and b"REPORT" in base64.b64decode(got["end"]["LogResult"]), got
got = stream("f", Payload=json.dumps({"fail": True}))
assert got["chunks"] == [] and got["end"]["ErrorCode"] == "RuntimeError" and "broken" in got["end"]["ErrorDetails"], got

functions.create_function(FunctionName="s", Runtime="nodejs22.x", Role=role, Handler="index.handler", Code={"ZipFile": archive(index_DOT_js=NODE)})
functions.get_waiter("function_active_v2").wait(FunctionName="s")
got = stream("s")
assert "".join(got["chunks"]) == "one two" and len(got["chunks"]) == 2 and "ErrorCode" not in got["end"], got
got = stream("s", Payload=json.dumps({"fail": True}))
assert "".join(got["chunks"]) == "one " and "half way" in got["end"]["ErrorDetails"], got
url = functions.create_function_url_config(FunctionName="s", AuthType="NONE", InvokeMode="RESPONSE_STREAM")["FunctionUrl"]
functions.add_permission(FunctionName="s", StatementId="url", Action="lambda:InvokeFunctionUrl", Principal="*", FunctionUrlAuthType="NONE")
functions.add_permission(FunctionName="s", StatementId="invoke", Action="lambda:InvokeFunction", Principal="*", InvokedViaFunctionUrl=True)
answer = request(url)
first = answer.read1(4)
assert answer.status == 202 and answer.headers["x-made"] == "by node" and first == b"one ", (answer.status, answer.headers, first)
assert answer.read() == b"two"
