"""What invokes functions without being asked, and what becomes of it: event source mappings of queues, dead-letter queues,
destinations of every kind, targets of rules, loops."""

import io
import json
import time
import zipfile

from client import ACCOUNT, REGION, client, eventually, fails

sqs, iam, functions, events, s3, logs = (client(n) for n in ("sqs", "iam", "lambda", "events", "s3", "logs"))
CODE = '''
import json, boto3, os
sqs = boto3.client("sqs")

def collect(event, context):
    """Passes on what it gets; "fail" fails the batch, "part" itself."""
    failed = []
    for r in event["Records"]:
        assert r["eventSource"] == "aws:sqs" and r["awsRegion"] == os.environ["AWS_REGION"], r
        if r["body"] == "fail":
            raise RuntimeError("broken")
        if r["body"] == "part" and r["attributes"]["ApproximateReceiveCount"] == "1":
            failed.append({"itemIdentifier": r["messageId"]})
            continue
        sqs.send_message(QueueUrl=os.environ["OUT"], MessageBody=json.dumps(r))
    return {"batchItemFailures": failed}

def loop(event, context):
    for r in event["Records"]:
        sqs.send_message(QueueUrl=os.environ["LOOP"], MessageBody="again")
    print("went round")

def work(event, context):
    if event.get("fail"):
        raise RuntimeError("broken")
    return {"did": event}

def keep(event, context):
    sqs.send_message(QueueUrl=os.environ["OUT"], MessageBody=json.dumps({"kept": event}))
'''


def queue(name, **attributes):
    url = sqs.create_queue(QueueName=name, Attributes={k: str(v) for k, v in attributes.items()})["QueueUrl"]
    return url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def take(url, n):
    """Waits for n messages and returns them, without their envelopes."""
    found = []

    def look():
        for m in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1, MessageAttributeNames=["All"]).get("Messages", []):
            sqs.delete_message(QueueUrl=url, ReceiptHandle=m["ReceiptHandle"])
            found.append(m)
        return len(found) >= n
    eventually(f"{n} messages", look)
    return found


def left(url):
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    a = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(a[n]) for n in names)


trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
role = iam.create_role(RoleName="events", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
iam.attach_role_policy(RoleName="events", PolicyArn="arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole")


def allow(name, *actions):
    iam.put_role_policy(RoleName="events", PolicyName=name, PolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]}))


code = io.BytesIO()
with zipfile.ZipFile(code, "w") as z:
    z.writestr("app.py", CODE)
out, _ = queue("out")
loop_url, loop_arn = queue("loop")


def function(name, handler, **options):
    functions.create_function(FunctionName=name, Runtime="python3.13", Handler="app." + handler, Role=role, Timeout=10, Code={"ZipFile": code.getvalue()},
                              Environment={"Variables": {"OUT": out, "LOOP": loop_url}}, **options)
    functions.get_waiter("function_active_v2").wait(FunctionName=name)
    return functions.get_function(FunctionName=name)["Configuration"]["FunctionArn"]


collect = function("collect", "collect")
source, source_arn = queue("source", VisibilityTimeout=10)

# Without permissions, and with a queue that is not there, there is no mapping.
with fails("InvalidParameterValueException", 400, "The function execution role does not have permissions to call ReceiveMessage on SQS"):
    functions.create_event_source_mapping(FunctionName="collect", EventSourceArn=source_arn)
allow("sqs", "sqs:*")
with fails("InvalidParameterValueException", 400, "AWS.SimpleQueueService.NonExistentQueue"):
    functions.create_event_source_mapping(FunctionName="collect", EventSourceArn=source_arn + "none")
_, short = queue("short", VisibilityTimeout=2)
with fails("InvalidParameterValueException", 400, "Queue visibility timeout: 2 seconds is less than Function timeout: 10 seconds"):
    functions.create_event_source_mapping(FunctionName="collect", EventSourceArn=short)

made = functions.create_event_source_mapping(FunctionName="collect", EventSourceArn=source_arn, FunctionResponseTypes=["ReportBatchItemFailures"],
                                             FilterCriteria={"Filters": [{"Pattern": json.dumps({"body": [{"anything-but": "unwanted"}]})}]},
                                             ScalingConfig={"MaximumConcurrency": 2}, Tags={"k": "v"})
assert made["State"] == "Creating" and made["BatchSize"] == 10 and made["StateTransitionReason"] == "USER_INITIATED", made
uuid = made["UUID"]
eventually("enabled", lambda: functions.get_event_source_mapping(UUID=uuid)["State"] == "Enabled")
assert functions.list_tags(Resource=made["EventSourceMappingArn"])["Tags"] == {"k": "v"}
with fails("ResourceConflictException", 409, f"Please update or delete the existing mapping with UUID {uuid}"):
    functions.create_event_source_mapping(FunctionName="collect", EventSourceArn=source_arn)

# What is wanted comes, with everything that belongs to it; what failed in part comes again; what is not wanted is gone.
sqs.send_message(QueueUrl=source, MessageBody="hello", MessageAttributes={"a": {"DataType": "String", "StringValue": "b"}})
sqs.send_message(QueueUrl=source, MessageBody="unwanted")
sqs.send_message(QueueUrl=source, MessageBody="part")
records = {r["body"]: r for r in (json.loads(m["Body"]) for m in take(out, 2))}
assert set(records) == {"hello", "part"}, records
hello = records["hello"]
assert hello["messageAttributes"] == {"a": {"stringValue": "b", "stringListValues": [], "binaryListValues": [], "dataType": "String"}}, hello
assert hello["eventSourceARN"] == source_arn and hello["md5OfBody"] == "5d41402abc4b2a76b9719d911017c592" and hello["receiptHandle"], hello
assert hello["md5OfMessageAttributes"] and {"ApproximateReceiveCount", "SentTimestamp", "SenderId", "ApproximateFirstReceiveTimestamp"} <= set(hello["attributes"])
assert records["part"]["attributes"]["ApproximateReceiveCount"] == "2", records
eventually("an empty queue", lambda: left(source) == 0)
eventually("its result", lambda: functions.get_event_source_mapping(UUID=uuid)["LastProcessingResult"] == "OK")

# A batch that fails stays, until the queue's redrive policy moves it.
dead, dead_arn = queue("dead")
sqs.set_queue_attributes(QueueUrl=source, Attributes={"RedrivePolicy": json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 1})})
sqs.send_message(QueueUrl=source, MessageBody="fail")
assert take(dead, 1)[0]["Body"] == "fail"

# Changed, disabled, deleted.
functions.update_event_source_mapping(UUID=uuid, BatchSize=1, FilterCriteria={})
eventually("enabled", lambda: functions.get_event_source_mapping(UUID=uuid)["State"] == "Enabled")
sqs.send_message(QueueUrl=source, MessageBody="unwanted")
assert json.loads(take(out, 1)[0]["Body"])["body"] == "unwanted"
functions.update_event_source_mapping(UUID=uuid, Enabled=False)
eventually("disabled", lambda: functions.get_event_source_mapping(UUID=uuid)["State"] == "Disabled")
sqs.send_message(QueueUrl=source, MessageBody="later")
time.sleep(1)
assert left(source) == 1
assert functions.delete_event_source_mapping(UUID=uuid)["State"] == "Deleting"
eventually("gone", lambda: functions.list_event_source_mappings(FunctionName="collect")["EventSourceMappings"] == [])
with fails("ResourceNotFoundException", 404, "The resource you requested does not exist."):
    functions.get_event_source_mapping(UUID=uuid)

# A FIFO queue: groups in order.
fifo, fifo_arn = queue("source.fifo", FifoQueue="true", ContentBasedDeduplication="true", VisibilityTimeout=30)
with fails("InvalidParameterValueException", 400, "Batching window is not supported for FIFO queues"):
    functions.create_event_source_mapping(FunctionName="collect", EventSourceArn=fifo_arn, MaximumBatchingWindowInSeconds=1)
functions.create_event_source_mapping(FunctionName="collect", EventSourceArn=fifo_arn)
for n in range(20):
    for g in "abc":
        sqs.send_message(QueueUrl=fifo, MessageBody=f"{g}-{n}", MessageGroupId=g)
seen = {}
got = sorted((json.loads(m["Body"]) for m in take(out, 60)), key=lambda r: r["attributes"]["SequenceNumber"])
for r in got:
    seen.setdefault(r["attributes"]["MessageGroupId"], []).append(int(r["body"].split("-")[1]))
assert seen == {g: list(range(20)) for g in "abc"}, seen
eventually("an empty queue", lambda: left(fifo) == 0)

# A batch that waits for its window.
wide, wide_arn = queue("wide", VisibilityTimeout=60)
with fails("InvalidParameterValueException", 400, "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"):
    functions.create_event_source_mapping(FunctionName="collect", EventSourceArn=wide_arn, BatchSize=100)
functions.create_event_source_mapping(FunctionName="collect", EventSourceArn=wide_arn, BatchSize=100, MaximumBatchingWindowInSeconds=1)
for n in range(3):
    sqs.send_message_batch(QueueUrl=wide, Entries=[{"Id": str(i), "MessageBody": f"{n}-{i}"} for i in range(10)])
assert len(take(out, 30)) == 30

# A function that feeds its own queue is stopped after sixteen rounds.
function("loop", "loop")
functions.create_event_source_mapping(FunctionName="loop", EventSourceArn=loop_arn)
assert functions.get_function_recursion_config(FunctionName="loop")["RecursiveLoop"] == "Terminate"
sqs.send_message(QueueUrl=loop_url, MessageBody="first")


def rounds():
    try:
        return len(logs.filter_log_events(logGroupName="/aws/lambda/loop", filterPattern="went round")["events"])
    except logs.exceptions.ResourceNotFoundException:
        return 0


eventually("sixteen rounds", lambda: rounds() >= 16)
time.sleep(1)
assert rounds() == 16, rounds()
eventually("what is left of the loop", lambda: left(loop_url) == 1)

# Dead letters and destinations of every kind of a function that is invoked asynchronously.
letters, letters_arn = queue("letters")
with fails("InvalidParameterValueException", 400, "does not have permissions to call Publish on SNS"):
    functions.update_function_configuration(FunctionName="collect", DeadLetterConfig={"TargetArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:t"})
function("work", "work", DeadLetterConfig={"TargetArn": letters_arn})
keep = function("keep", "keep")
records, records_arn = queue("records")
sns = client("sns")
topic = sns.create_topic(Name="records")["TopicArn"]
sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=records_arn, Attributes={"RawMessageDelivery": "true"})
s3.create_bucket(Bucket=f"records-{ACCOUNT}")
events.create_event_bus(Name="records")
events.put_rule(Name="all", EventBusName="records", EventPattern=json.dumps({"source": ["lambda"]}))
events.put_targets(Rule="all", EventBusName="records", Targets=[{"Id": "q", "Arn": records_arn, "InputPath": "$.detail"}])
sqs.set_queue_attributes(QueueUrl=records, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": ["events.amazonaws.com", "sns.amazonaws.com"]}, "Action": "sqs:SendMessage", "Resource": records_arn}]})})


def destination(**where):
    functions.put_function_event_invoke_config(FunctionName="work", MaximumRetryAttempts=0,
                                               DestinationConfig={k: {"Destination": v} for k, v in where.items()})


for arn, what in ((topic, "Publish on SNS"), (keep, "Invoke on Lambda"), (f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/records", "PutEvents on EventBridge"),
                  (f"arn:aws:s3:::records-{ACCOUNT}", "PutObject on S3")):
    with fails("InvalidParameterValueException", 400, f"The function execution role does not have permissions to call {what}"):
        destination(OnFailure=arn)
allow("rest", "sns:*", "lambda:*", "events:*", "s3:*")


def invoke(**event):
    assert functions.invoke(FunctionName="work", InvocationType="Event", Payload=json.dumps(event))["StatusCode"] == 202


for n, arn in enumerate((records_arn, topic, f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/records")):
    destination(OnSuccess=arn)
    invoke(n=n)
    rec = json.loads(take(records, 1)[0]["Body"])
    assert rec["requestPayload"] == {"n": n} and rec["responsePayload"] == {"did": {"n": n}} and rec["requestContext"]["condition"] == "Success", rec
destination(OnSuccess=keep)
invoke(n=3)
assert json.loads(take(out, 1)[0]["Body"])["kept"]["requestPayload"] == {"n": 3}
destination(OnSuccess=records_arn, OnFailure=f"arn:aws:s3:::records-{ACCOUNT}")
invoke(fail=True)
key = eventually("a record in the bucket", lambda: s3.list_objects_v2(Bucket=f"records-{ACCOUNT}").get("Contents"))[0]["Key"]
assert key.startswith("aws/lambda/async/work/" + time.strftime("%Y/", time.gmtime())), key
rec = json.loads(s3.get_object(Bucket=f"records-{ACCOUNT}", Key=key)["Body"].read())
assert rec["requestContext"]["condition"] == "RetriesExhausted" and rec["responseContext"]["functionError"] == "Unhandled", rec
letter = take(letters, 1)[0]
assert json.loads(letter["Body"]) == {"fail": True}, letter
attributes = {k: v["StringValue"] for k, v in letter["MessageAttributes"].items()}
assert attributes["ErrorCode"] == "200" and attributes["ErrorMessage"] == "broken" and len(attributes["RequestID"]) == 36, attributes

# Rules to queues and topics: transformed, in groups, and a dead-letter queue for what cannot be delivered.
groups, groups_arn = queue("groups.fifo", FifoQueue="true", ContentBasedDeduplication="true")
undelivered, undelivered_arn = queue("undelivered")
for url, arn in ((groups, groups_arn), (undelivered, undelivered_arn)):
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn}]})})
sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sns:Publish", "Resource": topic}]}))
rule = events.put_rule(Name="orders", EventPattern=json.dumps({"source": ["shop"]}))["RuleArn"]
_, closed = queue("closed")  # that EventBridge may not send to
answer = events.put_targets(Rule="orders", Targets=[
    {"Id": "fifo", "Arn": groups_arn, "SqsParameters": {"MessageGroupId": "g"},
     "InputTransformer": {"InputPathsMap": {"n": "$.detail.n"}, "InputTemplate": '{"number": <n>}'}},
    {"Id": "topic", "Arn": topic, "InputPath": "$.detail"},
    {"Id": "closed", "Arn": closed, "DeadLetterConfig": {"Arn": undelivered_arn}, "RetryPolicy": {"MaximumRetryAttempts": 0}}])
assert answer["FailedEntryCount"] == 0, answer
events.put_events(Entries=[{"Source": "shop", "DetailType": "order", "Detail": json.dumps({"n": 7})}])
assert json.loads(take(groups, 1)[0]["Body"]) == {"number": 7}
assert json.loads(take(records, 1)[0]["Body"]) == {"n": 7}
letter = take(undelivered, 1)[0]
attributes = {k: v["StringValue"] for k, v in letter["MessageAttributes"].items()}
assert json.loads(letter["Body"])["detail"] == {"n": 7} and attributes["RULE_ARN"] == rule and attributes["TARGET_ARN"] == closed, letter
assert attributes["ERROR_CODE"] == "NO_PERMISSIONS" and attributes["ERROR_MESSAGE"], attributes
