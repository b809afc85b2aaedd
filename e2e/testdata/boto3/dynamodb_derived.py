"""DynamoDB's indexes, transactions, streams and time to live through boto3."""

import decimal
import time

import boto3
from boto3.dynamodb.conditions import Attr, Key
from client import ACCOUNT, client, fails

ddb, streams = client("dynamodb"), client("dynamodbstreams")
D = decimal.Decimal

created = ddb.create_table(
    TableName="scores", BillingMode="PAY_PER_REQUEST",
    AttributeDefinitions=[{"AttributeName": n, "AttributeType": t} for n, t in (("user", "S"), ("game", "S"), ("top", "N"), ("region", "S"), ("round", "S"))],
    KeySchema=[{"AttributeName": "user", "KeyType": "HASH"}, {"AttributeName": "game", "KeyType": "RANGE"}],
    LocalSecondaryIndexes=[{"IndexName": "by-top", "KeySchema": [{"AttributeName": "user", "KeyType": "HASH"}, {"AttributeName": "top", "KeyType": "RANGE"}],
                            "Projection": {"ProjectionType": "KEYS_ONLY"}}],
    GlobalSecondaryIndexes=[
        {"IndexName": "leaders", "KeySchema": [{"AttributeName": "game", "KeyType": "HASH"}, {"AttributeName": "top", "KeyType": "RANGE"}],
         "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["wins"]}},
        {"IndexName": "rounds", "KeySchema": [{"AttributeName": "game", "KeyType": "HASH"}, {"AttributeName": "region", "KeyType": "HASH"},
                                              {"AttributeName": "round", "KeyType": "RANGE"}, {"AttributeName": "top", "KeyType": "RANGE"}],
         "Projection": {"ProjectionType": "ALL"}}],
    StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
)["TableDescription"]
ddb.get_waiter("table_exists").wait(TableName="scores")
stream = created["LatestStreamArn"]
assert stream == f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/scores/stream/{created['LatestStreamLabel']}", stream

table = boto3.resource("dynamodb").Table("scores")
with table.batch_writer() as batch:
    for i in range(40):
        batch.put_item({"user": f"u{i % 4}", "game": f"g{i // 4}", "top": i, "wins": i * 2, "losses": 1, "region": "eu", "round": f"r{i % 2}"})
found = table.query(IndexName="leaders", KeyConditionExpression=Key("game").eq("g3") & Key("top").gte(13), ScanIndexForward=False)
assert [(int(i["top"]), int(i["wins"])) for i in found["Items"]] == [(15, 30), (14, 28), (13, 26)], found
assert "losses" not in found["Items"][0]
found = table.query(IndexName="by-top", KeyConditionExpression=Key("user").eq("u1") & Key("top").between(5, 13), Select="ALL_ATTRIBUTES",
                    ConsistentRead=True, ReturnConsumedCapacity="INDEXES")
assert [int(i["losses"]) for i in found["Items"]] == [1, 1, 1], found
assert found["ConsumedCapacity"]["Table"]["CapacityUnits"] == 3 and found["ConsumedCapacity"]["LocalSecondaryIndexes"]["by-top"]["CapacityUnits"] == 1, found
rounds = Key("game").eq("g3") & Key("region").eq("eu") & Key("round").eq("r1")
assert [int(i["top"]) for i in table.query(IndexName="rounds", KeyConditionExpression=rounds)["Items"]] == [13, 15]
pages = ddb.get_paginator("scan").paginate(TableName="scores", IndexName="leaders", Limit=7)
assert sum(len(p["Items"]) for p in pages) == 40
with fails("ValidationException", 400, "Consistent reads are not supported on global secondary indexes"):
    table.query(IndexName="leaders", KeyConditionExpression=Key("game").eq("g3"), ConsistentRead=True)

# An index that is made later is filled with what was there.
ddb.update_table(TableName="scores", AttributeDefinitions=[{"AttributeName": "region", "AttributeType": "S"}], GlobalSecondaryIndexUpdates=[
    {"Create": {"IndexName": "regions", "KeySchema": [{"AttributeName": "region", "KeyType": "HASH"}], "Projection": {"ProjectionType": "KEYS_ONLY"}}}])


def index(name):
    found = [i for i in ddb.describe_table(TableName="scores")["Table"]["GlobalSecondaryIndexes"] if i["IndexName"] == name]
    return found[0] if found else None


while index("regions")["IndexStatus"] != "ACTIVE":
    time.sleep(0.05)
assert index("regions")["ItemCount"] == 40, index("regions")
assert table.query(IndexName="regions", KeyConditionExpression=Key("region").eq("eu"), Select="COUNT")["Count"] == 40
ddb.update_table(TableName="scores", GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "regions"}}])
while index("regions"):
    time.sleep(0.05)
with fails("ValidationException", 400, "The table does not have the specified index: regions"):
    table.query(IndexName="regions", KeyConditionExpression=Key("region").eq("eu"))

# Transactions.
ddb.transact_write_items(TransactItems=[
    {"Put": {"TableName": "scores", "Item": {"user": {"S": "t"}, "game": {"S": "one"}, "n": {"N": "1"}}}},
    {"Update": {"TableName": "scores", "Key": {"user": {"S": "u0"}, "game": {"S": "g0"}}, "UpdateExpression": "ADD wins :n",
                "ExpressionAttributeValues": {":n": {"N": "1"}}}},
    {"ConditionCheck": {"TableName": "scores", "Key": {"user": {"S": "t"}, "game": {"S": "two"}}, "ConditionExpression": "attribute_not_exists(#u)",
                        "ExpressionAttributeNames": {"#u": "user"}}}])
got = ddb.transact_get_items(TransactItems=[{"Get": {"TableName": "scores", "Key": {"user": {"S": u}, "game": {"S": g}}}} for u, g in (("t", "one"), ("u0", "g0"), ("t", "two"))])
assert [r.get("Item", {}).get("n", r.get("Item", {}).get("wins")) for r in got["Responses"]] == [{"N": "1"}, {"N": "1"}, None], got
try:
    ddb.transact_write_items(TransactItems=[
        {"Delete": {"TableName": "scores", "Key": {"user": {"S": "u1"}, "game": {"S": "g1"}}}},
        {"Put": {"TableName": "scores", "Item": {"user": {"S": "t"}, "game": {"S": "one"}}, "ConditionExpression": "attribute_not_exists(game)",
                 "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}}])
    raise AssertionError("not cancelled")
except ddb.exceptions.TransactionCanceledException as e:
    assert [r["Code"] for r in e.response["CancellationReasons"]] == ["None", "ConditionalCheckFailed"], e.response
    assert e.response["CancellationReasons"][1]["Item"]["n"] == {"N": "1"}, e.response
    assert "[None, ConditionalCheckFailed]" in str(e), e
assert "Item" in table.get_item(Key={"user": "u1", "game": "g1"})
with fails("ValidationException", 400, "Transaction request cannot include multiple operations on one item"):
    ddb.transact_write_items(TransactItems=[{"Delete": {"TableName": "scores", "Key": {"user": {"S": "a"}, "game": {"S": "b"}}}}] * 2)
token = "a-token"
for n, fine in (("1", True), ("1", True), ("2", False)):
    ask = dict(ClientRequestToken=token, TransactItems=[{"Update": {"TableName": "scores", "Key": {"user": {"S": "once"}, "game": {"S": "only"}},
               "UpdateExpression": "ADD n :n", "ExpressionAttributeValues": {":n": {"N": n}}}}])
    if fine:
        ddb.transact_write_items(**ask)
    else:
        with fails("IdempotentParameterMismatchException", 400):
            ddb.transact_write_items(**ask)
assert table.get_item(Key={"user": "once", "game": "only"})["Item"]["n"] == 1

# The stream has all of it, in order.
assert [s["StreamArn"] for s in streams.list_streams(TableName="scores")["Streams"]] == [stream]
described = streams.describe_stream(StreamArn=stream)["StreamDescription"]
assert described["StreamStatus"] == "ENABLED" and described["StreamViewType"] == "NEW_AND_OLD_IMAGES", described
assert described["KeySchema"] == created["KeySchema"], described
records = []
for shard in described["Shards"]:
    it = streams.get_shard_iterator(StreamArn=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    page = streams.get_records(ShardIterator=it)
    records += page["Records"]
assert len(records) == 43, len(records)
assert [r["eventName"] for r in records[-3:]] == ["INSERT", "MODIFY", "INSERT"], records[-3:]
assert records[-2]["dynamodb"]["OldImage"]["wins"] == {"N": "0"} and records[-2]["dynamodb"]["NewImage"]["wins"] == {"N": "1"}, records[-2]
assert records[0]["eventSource"] == "aws:dynamodb" and records[0]["awsRegion"] == "us-east-1", records[0]
numbers = [int(r["dynamodb"]["SequenceNumber"]) for r in records]
assert numbers == sorted(set(numbers)), numbers
ddb.update_table(TableName="scores", StreamSpecification={"StreamEnabled": False})
assert streams.describe_stream(StreamArn=stream)["StreamDescription"]["StreamStatus"] == "DISABLED"
with fails("ResourceNotFoundException", 400):
    streams.describe_stream(StreamArn=stream[:-3] + "000")

# Time to live.
ddb.update_time_to_live(TableName="scores", TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"})
with fails("ValidationException", 400, "TimeToLive is already enabled"):
    ddb.update_time_to_live(TableName="scores", TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"})
while ddb.describe_time_to_live(TableName="scores")["TimeToLiveDescription"]["TimeToLiveStatus"] != "ENABLED":
    time.sleep(0.05)

# Provisioned throughput that is used up.
ddb.create_table(TableName="slow", ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
                 AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}], KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}])
big = {"pk": {"S": "x"}, "v": {"B": b"x" * 300_000}}
ddb.put_item(TableName="slow", Item=big)
ddb.put_item(TableName="slow", Item=big)
with fails("ProvisionedThroughputExceededException", 400, "Consider increasing your provisioning level with the UpdateTable API"):
    ddb.put_item(TableName="slow", Item=big)
ddb.delete_table(TableName="slow")
ddb.delete_table(TableName="scores")
