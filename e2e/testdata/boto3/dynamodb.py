"""DynamoDB through boto3's client and resource: types, conditions, pages, batches, waiters and errors as Python sees them."""

import decimal

import boto3
from boto3.dynamodb.conditions import Attr, Key
from client import ACCOUNT, client, fails

ddb = client("dynamodb")
D = decimal.Decimal

created = ddb.create_table(
    TableName="things",
    BillingMode="PAY_PER_REQUEST",
    AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "N"}],
    KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    Tags=[{"Key": "stage", "Value": "test"}],
)["TableDescription"]
assert created["TableStatus"] == "CREATING", created
arn = created["TableArn"]
assert arn == f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/things", arn
ddb.get_waiter("table_exists").wait(TableName="things")
assert ddb.list_tables()["TableNames"] == ["things"]
assert ddb.list_tags_of_resource(ResourceArn=arn)["Tags"] == [{"Key": "stage", "Value": "test"}]
with fails("ResourceInUseException", 400, "Table already exists: things"):
    ddb.create_table(TableName="things", BillingMode="PAY_PER_REQUEST",
                     AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
                     KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}])

# Every datatype goes in and comes out as it was.
table = boto3.resource("dynamodb").Table("things")
everything = {
    "pk": "types", "sk": D(1), "string": "é😀\n", "number": D("-1.5E-20"), "precise": D("1" * 38), "binary": b"\x00\xff",
    "yes": True, "null": None, "list": [D(1), "two", [D(3)]], "map": {"a": {"b": D("0.1")}}, "strings": {"x", "y"},
    "numbers": {D(1), D("2.5")}, "binaries": {b"\x01", b"\x02"}, "empty": "",
}
table.put_item(Item=everything)
got = table.get_item(Key={"pk": "types", "sk": 1}, ConsistentRead=True)["Item"]
assert got == everything, got
with fails("ValidationException", 400, "Attempting to store more than 38 significant digits in a Number"):
    ddb.put_item(TableName="things", Item={"pk": {"S": "x"}, "sk": {"N": "1"}, "n": {"N": "1" * 39}})

# Conditions.
with fails("ConditionalCheckFailedException", 400, "The conditional request failed"):
    table.put_item(Item={"pk": "types", "sk": 1}, ConditionExpression=Attr("pk").not_exists())
try:
    table.put_item(Item={"pk": "types", "sk": 1}, ConditionExpression="attribute_not_exists(pk)", ReturnValuesOnConditionCheckFailure="ALL_OLD")
except ddb.exceptions.ClientError as e:
    assert e.response["Item"]["string"] == {"S": "é😀\n"}, e.response
updated = table.update_item(
    Key={"pk": "types", "sk": 1},
    UpdateExpression="SET #m.a.b = #m.a.b + :d, #l[1] = :v REMOVE #e ADD strings :s",
    ConditionExpression=Attr("map.a.b").eq(D("0.10")) & Attr("strings").contains("x") & Attr("string").begins_with("é"),
    ExpressionAttributeNames={"#m": "map", "#l": "list", "#e": "empty"},
    ExpressionAttributeValues={":d": D("0.2"), ":v": "TWO", ":s": {"z"}},
    ReturnValues="UPDATED_NEW", ReturnConsumedCapacity="TOTAL",
)
assert updated["Attributes"] == {"map": {"a": {"b": D("0.3")}}, "list": ["TWO"], "strings": {"x", "y", "z"}}, updated
assert updated["ConsumedCapacity"] == {"TableName": "things", "CapacityUnits": 1.0}, updated

# A batch writer, pages of a query and of a parallel scan.
with table.batch_writer() as batch:
    for i in range(60):
        batch.put_item(Item={"pk": "page", "sk": i, "even": i % 2 == 0, "text": "x" * 30000})
pages = list(ddb.get_paginator("query").paginate(
    TableName="things", KeyConditionExpression="pk = :p AND sk >= :n", FilterExpression="even = :t", ProjectionExpression="sk",
    ExpressionAttributeValues={":p": {"S": "page"}, ":n": {"N": "10"}, ":t": {"BOOL": True}}))
assert len(pages) == 2, len(pages)  # 50 items of 30 KB are more than one page
assert [int(i["sk"]["N"]) for p in pages for i in p["Items"]] == list(range(10, 60, 2))
assert sum(p["ScannedCount"] for p in pages) == 50
last = table.query(KeyConditionExpression=Key("pk").eq("page"), ScanIndexForward=False, Limit=1)["Items"][0]
assert last["sk"] == 59, last
found = [i for s in range(4) for p in ddb.get_paginator("scan").paginate(TableName="things", Segment=s, TotalSegments=4) for i in p["Items"]]
assert len(found) == 61, len(found)
many = ddb.batch_get_item(RequestItems={"things": {"Keys": [{"pk": {"S": "page"}, "sk": {"N": str(i)}} for i in range(55, 65)]}})
assert len(many["Responses"]["things"]) == 5 and many["UnprocessedKeys"] == {}, many

# Errors, in AWS's words.
with fails("ResourceNotFoundException", 400, "Requested resource not found"):
    ddb.get_item(TableName="nothing", Key={"pk": {"S": "x"}})
with fails("ResourceNotFoundException", 400, "Requested resource not found: Table: nothing not found"):
    ddb.describe_table(TableName="nothing")
with fails("ValidationException", 400, "The provided key element does not match the schema"):
    ddb.get_item(TableName="things", Key={"pk": {"S": "x"}})
with fails("ValidationException", 400, 'Invalid UpdateExpression: Syntax error; token: "<EOF>", near: "="'):
    ddb.update_item(TableName="things", Key={"pk": {"S": "x"}, "sk": {"N": "1"}}, UpdateExpression="SET a =")
with fails("ValidationException", 400, "Attribute name is a reserved keyword; reserved keyword: name"):
    table.get_item(Key={"pk": "types", "sk": 1}, ProjectionExpression="name")

# Another region has tables of its own.
assert client("dynamodb", region_name="eu-west-1").list_tables()["TableNames"] == []

described = ddb.describe_table(TableName="things")["Table"]
assert described["ItemCount"] == 61 and described["TableStatus"] == "ACTIVE", described
ddb.update_table(TableName="things", DeletionProtectionEnabled=True)
with fails("ValidationException", 400, "protected against deletion"):
    ddb.delete_table(TableName="things")
ddb.update_table(TableName="things", DeletionProtectionEnabled=False)
assert ddb.delete_table(TableName="things")["TableDescription"]["TableStatus"] == "DELETING"
ddb.get_waiter("table_not_exists").wait(TableName="things")
