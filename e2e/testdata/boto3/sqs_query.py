"""SQS as SDKs spoke it until 2023: the Query protocol, signed by botocore, sent to the queue's own URL."""

import hashlib
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree

import botocore.auth
import botocore.awsrequest
import botocore.credentials

from client import ACCOUNT, ENDPOINT, REGION

NS = "{http://queue.amazonaws.com/doc/2012-11-05/}"


def call(url, method="POST", **parameters):
    """One signed request; the answer's elements, or the code of its error."""
    form = urllib.parse.urlencode({"Version": "2012-11-05", **{k.replace("__", "."): v for k, v in parameters.items()}})
    target, body = (url, form.encode()) if method == "POST" else (url + "?" + form, b"")
    r = botocore.awsrequest.AWSRequest(method, target, data=body, headers={"Content-Type": "application/x-www-form-urlencoded"} if body else {})
    botocore.auth.SigV4Auth(botocore.credentials.Credentials(ACCOUNT, "test"), "sqs", REGION).add_auth(r)
    try:
        with urllib.request.urlopen(urllib.request.Request(target, data=body or None, headers=dict(r.headers), method=method)) as f:
            return xml.etree.ElementTree.fromstring(f.read())
    except urllib.error.HTTPError as e:
        error = xml.etree.ElementTree.fromstring(e.read())
        assert error.tag.endswith("}ErrorResponse") and error.find("{*}RequestId").text, error.tag
        return e.code, error.findtext("{*}Error/{*}Type"), error.findtext("{*}Error/{*}Code")


def texts(answer, name):
    return [e.text for e in answer.iter(NS + name)]


made = call(ENDPOINT, Action="CreateQueue", QueueName="old", Attribute__1__Name="VisibilityTimeout", Attribute__1__Value="5", Tag__1__Key="k", Tag__1__Value="v")
assert made.tag == NS + "CreateQueueResponse" and texts(made, "RequestId"), made.tag
(url,) = texts(made, "QueueUrl")
assert url == f"{ENDPOINT}/{ACCOUNT}/old", url
assert texts(call(ENDPOINT, "GET", Action="ListQueues", QueueNamePrefix="ol"), "QueueUrl") == [url]

sent = call(url, Action="SendMessage", MessageBody="a & b", MessageAttribute__1__Name="n", MessageAttribute__1__Value__DataType="String", MessageAttribute__1__Value__StringValue="<v>",
            MessageSystemAttribute__1__Name="AWSTraceHeader", MessageSystemAttribute__1__Value__DataType="String", MessageSystemAttribute__1__Value__StringValue="Root=1")
assert texts(sent, "MD5OfMessageBody") == [hashlib.md5(b"a & b").hexdigest()] and texts(sent, "MD5OfMessageAttributes"), sent
got = call(url, "GET", Action="ReceiveMessage", AttributeName__1="All", MessageAttributeName__1="n", MaxNumberOfMessages="10")
assert texts(got, "Body") == ["a & b"] and texts(got, "StringValue") == ["<v>"] and "AWSTraceHeader" in texts(got, "Name"), xml.etree.ElementTree.tostring(got)
(handle,) = texts(got, "ReceiptHandle")
call(url, Action="ChangeMessageVisibility", ReceiptHandle=handle, VisibilityTimeout="60")
deleted = call(url, Action="DeleteMessage", ReceiptHandle=handle)
assert deleted.tag == NS + "DeleteMessageResponse", deleted.tag

batch = {}
for i in range(1, 4):
    p = f"SendMessageBatchRequestEntry__{i}__"
    batch |= {p + "Id": f"i{i}", p + "MessageBody": f"m{i}"}
out = call(url, Action="SendMessageBatch", **batch, SendMessageBatchRequestEntry__3__DelaySeconds="1000")
assert texts(out, "Id") == ["i1", "i2", "i3"] and texts(out, "Code") == ["InvalidParameterValue"] and texts(out, "SenderFault") == ["true"], texts(out, "Id")
attributes = call(url, Action="GetQueueAttributes", AttributeName__1="ApproximateNumberOfMessages", AttributeName__2="VisibilityTimeout")
assert sorted(zip(texts(attributes, "Name"), texts(attributes, "Value"))) == [("ApproximateNumberOfMessages", "2"), ("VisibilityTimeout", "5")]
call(url, Action="TagQueue", Tag__1__Key="x", Tag__1__Value="y")
assert sorted(texts(call(url, Action="ListQueueTags"), "Key")) == ["k", "x"]
call(url, Action="AddPermission", Label="l", AWSAccountId__1="111122223333", ActionName__1="SendMessage")

# Errors have the codes that these SDKs know.
none = f"{ENDPOINT}/{ACCOUNT}/none"
for got, want in ((call(none, Action="SendMessage", MessageBody="x"), (400, "Sender", "AWS.SimpleQueueService.NonExistentQueue")),
                  (call(url, Action="SendMessage"), (400, "Sender", "MissingParameter")),
                  (call(url, Action="DeleteMessage", ReceiptHandle="x"), (404, "Sender", "ReceiptHandleIsInvalid")),
                  (call(url, Action="SendMessageBatch"), (400, "Sender", "AWS.SimpleQueueService.EmptyBatchRequest")),
                  (call(url, Action="Nonsense"), (400, "Sender", "InvalidAction"))):
    assert got == want, (got, want)
call(url, Action="DeleteQueue")
