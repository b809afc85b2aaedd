"""Exports of DynamoDB tables to S3 and imports from it, and what a table has beside its items, through boto3."""

import base64
import gzip
import hashlib
import json

from client import client, eventually, fails

ddb, s3 = client("dynamodb"), client("s3")
ddb.create_table(TableName="songs", BillingMode="PAY_PER_REQUEST",
                 AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("artist", "song")],
                 KeySchema=[{"AttributeName": "artist", "KeyType": "HASH"}, {"AttributeName": "song", "KeyType": "RANGE"}])
arn = ddb.describe_table(TableName="songs")["Table"]["TableArn"]
s3.create_bucket(Bucket="moved-tables")
with fails("PointInTimeRecoveryUnavailableException", 400, "Point in time recovery is not enabled for table 'songs'"):
    ddb.export_table_to_point_in_time(TableArn=arn, S3Bucket="moved-tables")
ddb.update_continuous_backups(TableName="songs", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True})
items = [{"artist": {"S": f"a{i % 7}"}, "song": {"S": str(i)}, "plays": {"N": str(i)}, "cover": {"B": bytes([i])}} for i in range(100)]
for i in items:
    ddb.put_item(TableName="songs", Item=i)


def ended(describe, key, status, **which):
    eventually("its end", lambda: describe(**which)[key][status] != "IN_PROGRESS")
    return describe(**which)[key]


def export(**more):
    made = ddb.export_table_to_point_in_time(TableArn=arn, S3Prefix="some/where", **more)["ExportDescription"]
    return ended(ddb.describe_export, "ExportDescription", "ExportStatus", ExportArn=made["ExportArn"])


read = lambda key: s3.get_object(Bucket="moved-tables", Key=key)["Body"].read()
d = export(S3Bucket="moved-tables", ClientToken="once")
assert d["ExportStatus"] == "COMPLETED" and d["ItemCount"] == 100 and d["ExportFormat"] == "DYNAMODB_JSON", d
assert export(S3Bucket="moved-tables", ClientToken="once")["ExportArn"] == d["ExportArn"]
with fails("ExportConflictException", 400):
    ddb.export_table_to_point_in_time(TableArn=arn, S3Bucket="moved-tables", ClientToken="once")
folder = d["ExportManifest"].rsplit("/", 1)[0]
summary = json.loads(read(d["ExportManifest"]))
assert summary["itemCount"] == 100 and summary["exportArn"] == d["ExportArn"] and summary["manifestFilesS3Key"] == folder + "/manifest-files.json", summary
assert read(folder + "/manifest-summary.md5").decode() == base64.b64encode(hashlib.md5(read(d["ExportManifest"])).digest()).decode()
found = []
for line in read(folder + "/manifest-files.json").splitlines():
    f = json.loads(line)
    body = read(f["dataFileS3Key"])
    assert f["md5Checksum"] == base64.b64encode(hashlib.md5(body).digest()).decode() and f["dataFileS3Key"].startswith(folder + "/data/"), f
    found += [json.loads(text)["Item"] for text in gzip.decompress(body).splitlines()]
plain = lambda i: json.dumps(i, sort_keys=True, default=lambda b: base64.b64encode(b).decode())
assert sorted(map(plain, found)) == sorted(map(plain, items))
assert [e["ExportStatus"] for e in ddb.list_exports(TableArn=arn)["ExportSummaries"]] == ["COMPLETED"]
d = export(S3Bucket="no-such-bucket-at-all")
assert d["ExportStatus"] == "FAILED" and d["FailureCode"] == "S3NoSuchBucket", d


def imported(name, **how):
    made = ddb.import_table(S3BucketSource={"S3Bucket": "moved-tables", "S3KeyPrefix": how.pop("prefix")}, **how, TableCreationParameters={
        "TableName": name, "BillingMode": "PAY_PER_REQUEST", "AttributeDefinitions": [{"AttributeName": "artist", "AttributeType": "S"}, {"AttributeName": "song", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "artist", "KeyType": "HASH"}, {"AttributeName": "song", "KeyType": "RANGE"}]})["ImportTableDescription"]
    assert made["ImportStatus"] == "IN_PROGRESS", made
    return ended(ddb.describe_import, "ImportTableDescription", "ImportStatus", ImportArn=made["ImportArn"])


d = imported("again", prefix=folder + "/data/", InputFormat="DYNAMODB_JSON", InputCompressionType="GZIP")
assert d["ImportStatus"] == "COMPLETED" and d["ImportedItemCount"] == 100 and d["ErrorCount"] == 0, d
ddb.get_waiter("table_exists").wait(TableName="again")
assert sorted(map(plain, ddb.scan(TableName="again")["Items"])) == sorted(map(plain, items))
s3.put_object(Bucket="moved-tables", Key="csv/1", Body=b"artist;song;plays\na;1;7\nb\nc;2;9\n")
d = imported("rows", prefix="csv/", InputFormat="CSV", InputFormatOptions={"Csv": {"Delimiter": ";"}})
assert d["ImportStatus"] == "FAILED" and d["FailureCode"] == "ItemValidationError" and (d["ImportedItemCount"], d["ErrorCount"]) == (2, 1), d
assert ddb.get_item(TableName="rows", Key={"artist": {"S": "c"}, "song": {"S": "2"}})["Item"]["plays"] == {"S": "9"}
logged = client("logs").filter_log_events(logGroupName="/aws-dynamodb/imports")["events"]
assert len(logged) == 1 and "columns" in logged[0]["message"], logged
page = ddb.list_imports(PageSize=1)
page["ImportSummaryList"] += ddb.list_imports(PageSize=1, NextToken=page["NextToken"])["ImportSummaryList"]
assert [i["ImportStatus"] for i in page["ImportSummaryList"]] == ["COMPLETED", "FAILED"], page
with fails("ResourceInUseException", 400, "Table already exists: rows"):
    imported("rows", prefix="csv/", InputFormat="CSV")

assert ddb.describe_kinesis_streaming_destination(TableName="songs")["KinesisDataStreamDestinations"] == []
with fails("ResourceNotFoundException", 400):
    ddb.enable_kinesis_streaming_destination(TableName="songs", StreamArn=arn.replace("dynamodb", "kinesis").replace("table", "stream"))
assert ddb.update_contributor_insights(TableName="songs", ContributorInsightsAction="ENABLE")["ContributorInsightsStatus"] == "ENABLING"
assert len(ddb.describe_contributor_insights(TableName="songs")["ContributorInsightsRuleList"]) == 4
assert ddb.list_global_tables()["GlobalTables"] == []
with fails("GlobalTableNotFoundException", 400):
    ddb.describe_global_table(GlobalTableName="songs")
