"""Queues, standard and FIFO, over the real client: what it sends, and that it believes what it gets (it checks the MD5s)."""

import concurrent.futures
import json
import time
import urllib.parse

from client import ACCOUNT, ENDPOINT, client, eventually, fails

sqs = client("sqs")
ARN = f"arn:aws:sqs:us-east-1:{ACCOUNT}:"
PATIENT = {"WaitTimeSeconds": 20, "MaxNumberOfMessages": 10}


def drain(url, **args):
    """What is in a queue, deleted."""
    bodies = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, **args).get("Messages"):
        for m in messages:
            bodies.append(m["Body"])
            sqs.delete_message(QueueUrl=url, ReceiptHandle=m["ReceiptHandle"])
    return bodies


# A queue has the URL by which the client can reach it.
url = sqs.create_queue(QueueName="e2e", Attributes={"VisibilityTimeout": "1"}, tags={"a": "1"})["QueueUrl"]
assert url == f"{ENDPOINT}/{ACCOUNT}/e2e", url
assert sqs.get_queue_url(QueueName="e2e")["QueueUrl"] == url
assert sqs.create_queue(QueueName="e2e", Attributes={"VisibilityTimeout": "1"})["QueueUrl"] == url
assert sqs.list_queues(QueueNamePrefix="e2")["QueueUrls"] == [url]
assert "QueueUrls" not in sqs.list_queues(QueueNamePrefix="none")
with fails("QueueAlreadyExists", 400, "a different value for attribute VisibilityTimeout"):
    sqs.create_queue(QueueName="e2e", Attributes={"VisibilityTimeout": "2"})
with fails("AWS.SimpleQueueService.NonExistentQueue", 400, "The specified queue does not exist"):
    sqs.get_queue_url(QueueName="none")
try:
    sqs.get_queue_url(QueueName="none")
except sqs.exceptions.QueueDoesNotExist as e:
    assert e.response["Error"]["QueryErrorCode"] == "QueueDoesNotExist", e.response
with fails("InvalidParameterValue", 400, "1 to 80 in length"):
    sqs.create_queue(QueueName="bad.name")
with fails("InvalidAttributeName", 400, "Unknown Attribute Nonsense."):
    sqs.create_queue(QueueName="bad", Attributes={"Nonsense": "1"})
with fails("InvalidAttributeValue", 400, "Invalid value for the parameter VisibilityTimeout."):
    sqs.create_queue(QueueName="bad", Attributes={"VisibilityTimeout": "43201"})
with fails("InvalidAddress", 404):
    sqs.send_message(QueueUrl="nonsense", MessageBody="x")

# Any host in front of the account and the name will do.
for form in (f"https://sqs.us-east-1.amazonaws.com/{ACCOUNT}/e2e", f"https://queue.amazonaws.com/{ACCOUNT}/e2e",
             f"http://us-east-1.queue.localhost:4566/{ACCOUNT}/e2e", f"http://localhost:4566/queue/us-east-1/{ACCOUNT}/e2e"):
    assert sqs.get_queue_attributes(QueueUrl=form, AttributeNames=["QueueArn"])["Attributes"] == {"QueueArn": ARN + "e2e"}, form
with fails("InvalidAddress", 404):
    sqs.send_message(QueueUrl=f"https://sqs.eu-west-1.amazonaws.com/{ACCOUNT}/e2e", MessageBody="x")

# Messages with attributes; boto3 checks the digests of body and attributes.
sent = sqs.send_message(QueueUrl=url, MessageBody="hé\n", MessageAttributes={
    "text": {"DataType": "String", "StringValue": "v"}, "n": {"DataType": "Number.int", "StringValue": "12"}, "b": {"DataType": "Binary.png", "BinaryValue": b"\0\1"}},
    MessageSystemAttributes={"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-5759e988-bd862e3fe1be46a994272793"}})
assert "SequenceNumber" not in sent and sent["MD5OfMessageSystemAttributes"], sent
(m,) = sqs.receive_message(QueueUrl=url, MessageAttributeNames=["te.*", "b"], AttributeNames=["All"])["Messages"]
assert m["MessageId"] == sent["MessageId"] and m["Body"] == "hé\n", m
assert m["MessageAttributes"] == {"text": {"DataType": "String", "StringValue": "v"}, "b": {"DataType": "Binary.png", "BinaryValue": b"\0\1"}}, m
assert m["Attributes"]["AWSTraceHeader"].startswith("Root=1-") and m["Attributes"]["ApproximateReceiveCount"] == "1", m
# Once it is visible it comes again, and is then hidden for longer than anything here takes.
(again,) = sqs.receive_message(QueueUrl=url, MessageSystemAttributeNames=["ApproximateReceiveCount"], VisibilityTimeout=600, **PATIENT)["Messages"]
assert "Messages" not in sqs.receive_message(QueueUrl=url)
assert again["Attributes"] == {"ApproximateReceiveCount": "2"} and "MessageAttributes" not in again, again
sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=again["ReceiptHandle"], VisibilityTimeout=600)
counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"])["Attributes"]
assert counts == {"ApproximateNumberOfMessages": "0", "ApproximateNumberOfMessagesNotVisible": "1"}, counts
with fails("ReceiptHandleIsInvalid", 404, "is not a valid receipt handle"):
    sqs.delete_message(QueueUrl=url, ReceiptHandle="nonsense")
sqs.delete_message(QueueUrl=url, ReceiptHandle=again["ReceiptHandle"])
sqs.delete_message(QueueUrl=url, ReceiptHandle=again["ReceiptHandle"])

# What is refused.
for args, code, text in (
        ({"MessageBody": "\x00"}, "InvalidMessageContents", "set of allowed characters"),
        ({"MessageBody": ""}, "MissingParameter", "The request must contain the parameter MessageBody."),
        ({"MessageBody": "x" * (1 << 20) + "x"}, "InvalidParameterValue", "Message must be shorter than 1048576 bytes."),
        ({"MessageBody": "x", "DelaySeconds": 901}, "InvalidParameterValue", "DelaySeconds must be >= 0 and <= 900"),
        ({"MessageBody": "x", "MessageDeduplicationId": "d"}, "InvalidParameterValue", "not valid for this queue type"),
        ({"MessageBody": "x", "MessageAttributes": {"a": {"DataType": "Number", "StringValue": "x"}}}, "InvalidParameterValue", "to a number"),
        ({"MessageBody": "x", "MessageAttributes": {"a": {"DataType": "Date", "StringValue": "x"}}}, "InvalidParameterValue", "Binary, Number, and String")):
    with fails(code, 400, text):
        sqs.send_message(QueueUrl=url, **args)
for args in ({"MaxNumberOfMessages": 11}, {"WaitTimeSeconds": 21}, {"VisibilityTimeout": 43201}, {"ReceiveRequestAttemptId": "x"}):
    with fails("InvalidParameterValue", 400):
        sqs.receive_message(QueueUrl=url, **args)
with fails("InvalidAttributeName", 400, "Unknown Attribute Nonsense."):
    sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Nonsense"])

# Batches, each entry by itself.
for entries, code in (([], "AWS.SimpleQueueService.EmptyBatchRequest"), ([{"Id": "a"}] * 2, "AWS.SimpleQueueService.BatchEntryIdsNotDistinct"),
                      ([{"Id": str(i)} for i in range(11)], "AWS.SimpleQueueService.TooManyEntriesInBatchRequest"), ([{"Id": "a b"}], "AWS.SimpleQueueService.InvalidBatchEntryId")):
    with fails(code, 400):
        sqs.send_message_batch(QueueUrl=url, Entries=[{"MessageBody": "x", **e} for e in entries])
with fails("AWS.SimpleQueueService.BatchRequestTooLong", 400, "You have sent 1048578 bytes"):
    sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": i, "MessageBody": "x" * (1 << 19) + "x"} for i in "ab"])
out = sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": str(i), "MessageBody": f"b{i}", "DelaySeconds": 901 if i == 3 else 0} for i in range(10)])
assert len(out["Successful"]) == 9 and [(f["Id"], f["Code"], f["SenderFault"]) for f in out["Failed"]] == [("3", "InvalidParameterValue", True)], out
got = []
while len(got) < 9:
    got += sqs.receive_message(QueueUrl=url, VisibilityTimeout=600, **PATIENT)["Messages"]
assert [m["Body"] for m in got] == [f"b{i}" for i in range(10) if i != 3], got
out = sqs.change_message_visibility_batch(QueueUrl=url, Entries=[{"Id": "a", "ReceiptHandle": got[0]["ReceiptHandle"], "VisibilityTimeout": 0},
                                                                 {"Id": "b", "ReceiptHandle": "bad", "VisibilityTimeout": 0}])
assert [s["Id"] for s in out["Successful"]] == ["a"] and out["Failed"][0]["Code"] == "ReceiptHandleIsInvalid", out
out = sqs.delete_message_batch(QueueUrl=url, Entries=[{"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]} for i, m in enumerate(got[1:])])
assert len(out["Successful"]) == 8 and not out.get("Failed"), out
assert drain(url) == ["b0"]

# A long poll ends when a message comes.
with concurrent.futures.ThreadPoolExecutor() as pool:
    polls = [pool.submit(client("sqs").receive_message, QueueUrl=url, WaitTimeSeconds=20) for _ in range(4)]
    time.sleep(0.5)
    sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": i, "MessageBody": i} for i in "abcd"])
    begin = time.monotonic()
    got = [m for p in polls for m in p.result()["Messages"]]
    assert sorted(m["Body"] for m in got) == list("abcd") and time.monotonic() - begin < 19, got  # none waited for its end
for m in got:
    sqs.delete_message(QueueUrl=url, ReceiptHandle=m["ReceiptHandle"])

# FIFO.
with fails("InvalidParameterValue", 400, "must end with .fifo suffix"):
    sqs.create_queue(QueueName="fifo", Attributes={"FifoQueue": "true"})
fifo = sqs.create_queue(QueueName="e2e.fifo", Attributes={"FifoQueue": "true", "ContentBasedDeduplication": "true"})["QueueUrl"]
with fails("MissingParameter", 400, "MessageGroupId"):
    sqs.send_message(QueueUrl=fifo, MessageBody="x")
out = sqs.send_message_batch(QueueUrl=fifo, Entries=[{"Id": str(i), "MessageBody": f"{g}{i}", "MessageGroupId": g} for i, g in enumerate("aabab")])
numbers = [s["SequenceNumber"] for s in out["Successful"]]
assert numbers == sorted(numbers) and all(len(n) == 20 for n in numbers), numbers
twice = sqs.send_message(QueueUrl=fifo, MessageBody="a0", MessageGroupId="a")
assert twice["MessageId"] == out["Successful"][0]["MessageId"] and twice["SequenceNumber"] == numbers[0], twice
first = sqs.receive_message(QueueUrl=fifo, MaxNumberOfMessages=2, ReceiveRequestAttemptId="try")["Messages"]
assert [m["Body"] for m in first] == ["a0", "a1"], first
assert first == sqs.receive_message(QueueUrl=fifo, MaxNumberOfMessages=2, ReceiveRequestAttemptId="try")["Messages"]
assert drain(fifo) == ["b2", "b4"]
for m in first:
    sqs.delete_message(QueueUrl=fifo, ReceiptHandle=m["ReceiptHandle"])
assert drain(fifo) == ["a3"]
attributes = sqs.get_queue_attributes(QueueUrl=fifo, AttributeNames=["All"])["Attributes"]
assert attributes["FifoQueue"] == "true" and attributes["DeduplicationScope"] == "queue" and attributes["FifoThroughputLimit"] == "perQueue", attributes

# Dead letters, and the way back.
dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
with fails("InvalidParameterValue", 400, "Dead letter target does not exist"):
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": json.dumps({"deadLetterTargetArn": ARN + "none", "maxReceiveCount": 1})})
sqs.set_queue_attributes(QueueUrl=dead, Attributes={"RedriveAllowPolicy": json.dumps({"redrivePermission": "byQueue", "sourceQueueArns": [ARN + "other"]})})
redrive = {"RedrivePolicy": json.dumps({"deadLetterTargetArn": ARN + "dead", "maxReceiveCount": "1"}), "VisibilityTimeout": "0"}
with fails("InvalidParameterValue", 400):
    sqs.set_queue_attributes(QueueUrl=url, Attributes=redrive)
sqs.set_queue_attributes(QueueUrl=dead, Attributes={"RedriveAllowPolicy": ""})
sqs.set_queue_attributes(QueueUrl=url, Attributes=redrive)
assert sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == [url]
sqs.send_message(QueueUrl=url, MessageBody="poison")
sqs.receive_message(QueueUrl=url)
assert "Messages" not in sqs.receive_message(QueueUrl=url)
(m,) = sqs.receive_message(QueueUrl=dead, VisibilityTimeout=0, AttributeNames=["All"], **PATIENT)["Messages"]
assert m["Body"] == "poison" and m["Attributes"]["DeadLetterQueueSourceArn"] == ARN + "e2e", m
task = sqs.start_message_move_task(SourceArn=ARN + "dead")["TaskHandle"]
(m,) = sqs.receive_message(QueueUrl=url, VisibilityTimeout=10, AttributeNames=["All"], **PATIENT)["Messages"]
assert m["Body"] == "poison" and m["Attributes"]["ApproximateReceiveCount"] == "1" and "DeadLetterQueueSourceArn" not in m["Attributes"], m
eventually("the end of the move", lambda: sqs.list_message_move_tasks(SourceArn=ARN + "dead")["Results"][0]["Status"] != "RUNNING")
(state,) = sqs.list_message_move_tasks(SourceArn=ARN + "dead")["Results"]
assert state["Status"] == "COMPLETED" and state["ApproximateNumberOfMessagesMoved"] == 1 and "TaskHandle" not in state, state
with fails("InvalidParameterValue", 400):
    sqs.cancel_message_move_task(TaskHandle=task)
with fails("ResourceNotFoundException", 404):
    sqs.list_message_move_tasks(SourceArn=ARN + "none")

# Policies, tags.
sqs.add_permission(QueueUrl=url, Label="p", AWSAccountIds=["111122223333"], Actions=["SendMessage"])
policy = json.loads(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]["Policy"])
assert policy["Statement"] == [{"Sid": "p", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "SQS:SendMessage", "Resource": ARN + "e2e"}], policy
neighbour = client("sqs", aws_access_key_id="111122223333", aws_secret_access_key="test")
neighbour.send_message(QueueUrl=url, MessageBody="from next door")
for denied in (lambda: neighbour.receive_message(QueueUrl=url), lambda: neighbour.delete_queue(QueueUrl=url)):
    with fails("AccessDenied", 403):
        denied()
sqs.remove_permission(QueueUrl=url, Label="p")
assert "Attributes" not in sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])
with fails("AccessDenied", 403):
    neighbour.send_message(QueueUrl=url, MessageBody="x")
sqs.tag_queue(QueueUrl=url, Tags={"b": "2"})
sqs.untag_queue(QueueUrl=url, TagKeys=["a"])
assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"b": "2"}

# Purge and delete, with their rules of a minute.
sqs.purge_queue(QueueUrl=url)
with fails("AWS.SimpleQueueService.PurgeQueueInProgress", 403):
    sqs.purge_queue(QueueUrl=url)
assert drain(url) == []
sqs.delete_queue(QueueUrl=url)
with fails("AWS.SimpleQueueService.NonExistentQueue", 400):
    sqs.send_message(QueueUrl=url, MessageBody="x")
with fails("AWS.SimpleQueueService.QueueDeletedRecently", 400, "You must wait 60 seconds"):
    sqs.create_queue(QueueName="e2e")

# The pages of a list.
for i in range(3):
    sqs.create_queue(QueueName=f"page-{i}")
names, token = [], {}
while token is not None:
    page = sqs.list_queues(QueueNamePrefix="page-", MaxResults=2, **token)
    names += [u.rsplit("/", 1)[1] for u in page["QueueUrls"]]
    token = {"NextToken": page["NextToken"]} if "NextToken" in page else None
assert names == ["page-0", "page-1", "page-2"], names
