"""What every client meets before it meets a service."""

import json
import urllib.error
import urllib.request

import botocore.auth
import botocore.awsrequest
import botocore.credentials

from client import ACCOUNT, ENDPOINT, REGION, client, fails


def signed(method, path, service, headers=None, body=b""):
    """The answer to a request that no SDK would send: status, headers, body."""
    request = botocore.awsrequest.AWSRequest(method=method, url=ENDPOINT + path, headers=headers or {}, data=body)
    credentials = botocore.credentials.Credentials(ACCOUNT, "test")
    botocore.auth.SigV4Auth(credentials, service, REGION).add_auth(request)
    prepared = request.prepare()
    raw = urllib.request.Request(prepared.url, data=body or None, headers=dict(prepared.headers), method=method)
    try:
        with urllib.request.urlopen(raw) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


# Unknown operations, in each protocol.
json11 = {"Content-Type": "application/x-amz-json-1.1"}
status, headers, body = signed("POST", "/", "logs", json11 | {"X-Amz-Target": "Logs_20140328.Nothing"}, b"{}")
assert status == 400 and json.loads(body)["__type"].endswith("UnknownOperationException"), body
assert len(headers["x-amzn-RequestId"]) == 36, headers

form = {"Content-Type": "application/x-www-form-urlencoded"}
status, headers, body = signed("POST", "/", "iam", form, b"Action=Nothing&Version=2010-05-08")
assert status == 400 and b"<Code>InvalidAction</Code>" in body and b"Could not find operation Nothing for version 2010-05-08" in body, body

status, headers, body = signed("GET", "/2015-03-31/nothing", "lambda")
assert status == 404 and headers["x-amzn-ErrorType"] == "UnknownOperationException", (status, body)

status, headers, body = signed("PATCH", "/bucket", "s3", {"x-amz-content-sha256": "UNSIGNED-PAYLOAD"})
assert status in (403, 405) and headers["x-amz-request-id"] and headers["x-amz-id-2"], (status, body)

# A body that is no JSON, and one of another content type.
status, _, body = signed("POST", "/", "logs", json11 | {"X-Amz-Target": "Logs_20140328.DescribeLogGroups"}, b"{")
assert status == 400 and json.loads(body)["__type"].endswith("SerializationException"), body
status, _, body = signed("POST", "/", "logs", {"Content-Type": "text/plain", "X-Amz-Target": "Logs_20140328.DescribeLogGroups"}, b"{}")
assert status == 404, body

# Services and operations that are not there say so.
with fails("NotImplemented", 501):
    client("logs").start_query(logGroupName="g", startTime=0, endTime=1, queryString="fields @message")
