"""A table whose stream invokes a function, as SAM writes it: order, filters, what is given up, tumbling windows."""

import json

from client import REGION, client, eventually, fails

stacks, sqs, functions, db, streams = (client(n) for n in ("cloudformation", "sqs", "lambda", "dynamodb", "dynamodbstreams"))
CODE = '''
import boto3, json, os
sqs = boto3.client("sqs")
def handler(event, context):
    for r in event["Records"]:
        if r["dynamodb"]["Keys"]["id"]["S"] == "bad":
            raise RuntimeError("bad")
    sqs.send_message(QueueUrl=os.environ["OUT"], MessageBody=json.dumps(event))
    return {"state": {"n": event.get("state", {}).get("n", 0) + len(event["Records"])}}
'''


def template(more):
    changes = {"Stream": {"Fn::GetAtt": ["Table", "StreamArn"]}, "StartingPosition": "TRIM_HORIZON", "BisectBatchOnFunctionError": True, "MaximumRetryAttempts": 1,
               "ParallelizationFactor": 3, "FilterCriteria": {"Filters": [{"Pattern": json.dumps({"eventName": ["INSERT", "MODIFY"]})}]},
               "DestinationConfig": {"OnFailure": {"Type": "SQS", "Destination": {"Fn::GetAtt": ["Dead", "Arn"]}}}} | more
    return json.dumps({"Transform": "AWS::Serverless-2016-10-31", "Resources": {
        "Out": {"Type": "AWS::SQS::Queue"}, "Dead": {"Type": "AWS::SQS::Queue"},
        "Table": {"Type": "AWS::DynamoDB::Table", "Properties": {
            "BillingMode": "PAY_PER_REQUEST", "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}], "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"}}},
        "Worker": {"Type": "AWS::Serverless::Function", "Properties": {
            "Runtime": "python3.13", "Handler": "index.handler", "InlineCode": CODE, "Environment": {"Variables": {"OUT": {"Ref": "Out"}}},
            "Policies": [{"SQSSendMessagePolicy": {"QueueName": {"Fn::GetAtt": ["Out", "QueueName"]}}}],
            "Events": {"Changes": {"Type": "DynamoDB", "Properties": changes}}}}},
        "Outputs": {k: {"Value": {"Ref": k}} for k in ("Out", "Dead", "Table", "Worker", "WorkerChanges")}})


def change(call, want, **args):
    call(StackName="changes", Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"], **args)
    stack = lambda: stacks.describe_stacks(StackName="changes")["Stacks"][0]
    eventually("the stack's end", lambda: not stack()["StackStatus"].endswith("IN_PROGRESS"))
    events = [e for e in stacks.describe_stack_events(StackName="changes")["StackEvents"] if "FAILED" in e["ResourceStatus"]]
    assert stack()["StackStatus"] == want, events


def take(url, enough):
    """Takes messages until there are enough of them."""
    got = []

    def look():
        for m in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1, MaxNumberOfMessages=10).get("Messages", []):
            sqs.delete_message(QueueUrl=url, ReceiptHandle=m["ReceiptHandle"])
            got.append(json.loads(m["Body"]))
        return enough(got)
    eventually("what the function sends", look)
    return got


def put(key, n):
    db.put_item(TableName=out["Table"], Item={"id": {"S": key}, "n": {"N": str(n)}, "b": {"B": b"\x01"}})


change(stacks.create_stack, "CREATE_COMPLETE", TemplateBody=template({}))
out = {o["OutputKey"]: o["OutputValue"] for o in stacks.describe_stacks(StackName="changes")["Stacks"][0]["Outputs"]}
mapping = functions.get_event_source_mapping(UUID=out["WorkerChanges"])
stream = db.describe_table(TableName=out["Table"])["Table"]["LatestStreamArn"]
want = {"State": "Enabled", "BatchSize": 100, "StartingPosition": "TRIM_HORIZON", "ParallelizationFactor": 3, "MaximumRetryAttempts": 1, "EventSourceArn": stream,
        "MaximumRecordAgeInSeconds": -1, "BisectBatchOnFunctionError": True, "TumblingWindowInSeconds": 0, "MaximumBatchingWindowInSeconds": 0,
        "StateTransitionReason": "User action", "LastProcessingResult": "No records processed"}
assert {k: mapping[k] for k in want} == want, mapping

# Each change once, in the order of its key.
for n in range(8):
    for key in "abc":
        put(key, n)
db.delete_item(TableName=out["Table"], Key={"id": {"S": "a"}})  # the filter does not want it
records = [r for e in take(out["Out"], lambda got: sum(len(e["Records"]) for e in got) >= 24) for r in e["Records"]]
for key in "abc":
    of = sorted((r for r in records if r["dynamodb"]["Keys"]["id"]["S"] == key), key=lambda r: int(r["dynamodb"]["SequenceNumber"]))
    assert [int(r["dynamodb"]["NewImage"]["n"]["N"]) for r in of] == list(range(8)), of
    assert [r["eventName"] for r in of] == ["INSERT"] + ["MODIFY"] * 7
first = of[0]
assert set(first) == {"eventID", "eventName", "eventVersion", "eventSource", "awsRegion", "dynamodb", "eventSourceARN"}, first
assert first["eventSource"] == "aws:dynamodb" and first["eventVersion"] == "1.1" and first["awsRegion"] == REGION and first["eventSourceARN"] == stream
assert set(first["dynamodb"]) == {"ApproximateCreationDateTime", "Keys", "NewImage", "SequenceNumber", "SizeBytes", "StreamViewType"}
assert first["dynamodb"]["NewImage"]["b"] == {"B": "AQ=="} and first["dynamodb"]["SizeBytes"] == 3 + 3 + 2 + 2, first

# What fails for good is told to the queue, and does not hold up the rest.
put("bad", 1)
put("good", 1)
[lost] = take(out["Dead"], lambda got: got)
info = lost["DDBStreamBatchInfo"]
assert lost["requestContext"]["condition"] == "RetryAttemptsExhausted" and lost["requestContext"]["approximateInvokeCount"] >= 2, lost
assert lost["requestContext"]["functionArn"].endswith("function:" + out["Worker"]) and lost["version"] == "1.0", lost
assert lost["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"}, lost
assert info["batchSize"] == 1 and info["streamArn"] == stream and info["startSequenceNumber"] == info["endSequenceNumber"], lost
it = streams.get_shard_iterator(StreamArn=stream, ShardId=info["shardId"], ShardIteratorType="AT_SEQUENCE_NUMBER", SequenceNumber=info["startSequenceNumber"])
assert streams.get_records(ShardIterator=it["ShardIterator"])["Records"][0]["dynamodb"]["Keys"] == {"id": {"S": "bad"}}
take(out["Out"], lambda got: any(r["dynamodb"]["Keys"]["id"]["S"] == "good" for e in got for r in e["Records"]))

# Windows of two seconds count their records.
change(stacks.update_stack, "UPDATE_COMPLETE", TemplateBody=template({"TumblingWindowInSeconds": 2, "ParallelizationFactor": 1}))
for n in range(6):
    put("w", n)
got = take(out["Out"], lambda got: sum(e["state"].get("n", 0) for e in got if e["isFinalInvokeForWindow"]) >= 6)
final = [e for e in got if e["isFinalInvokeForWindow"]]
assert sum(e["state"]["n"] for e in final) == 6 and all(not e["Records"] and not e["isWindowTerminatedEarly"] for e in final), final
assert all(e["shardId"].startswith("shardId-") and e["eventSourceARN"] == stream and set(e["window"]) == {"start", "end"} for e in got), got

mappings = functions.list_event_source_mappings(EventSourceArn=stream)["EventSourceMappings"]
assert [m["UUID"] for m in mappings] == [out["WorkerChanges"]], mappings
with fails("ResourceConflictException"):
    functions.create_event_source_mapping(FunctionName=out["Worker"], EventSourceArn=stream, StartingPosition="LATEST")
stack = stacks.describe_stacks(StackName="changes")["Stacks"][0]["StackId"]
stacks.delete_stack(StackName="changes")
eventually("the stack's end", lambda: stacks.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"] == "DELETE_COMPLETE")
assert functions.list_event_source_mappings()["EventSourceMappings"] == []
