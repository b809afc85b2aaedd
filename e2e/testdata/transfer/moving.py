"""An export and an import of DynamoDB that the platform is killed in: "begin" starts them, "end" waits for them and looks at what came of them."""

import gzip
import json
import sys
import time

import boto3

ITEMS, ROWS = 6000, 40000
ddb, s3 = boto3.client("dynamodb"), boto3.client("s3")
keys = lambda *names: {"BillingMode": "PAY_PER_REQUEST", "AttributeDefinitions": [{"AttributeName": n, "AttributeType": "S"} for n in names],
                       "KeySchema": [{"AttributeName": n, "KeyType": t} for n, t in zip(names, ("HASH", "RANGE"))]}


def begin():
    ddb.create_table(TableName="source", **keys("pk"))
    ddb.update_continuous_backups(TableName="source", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True})
    s3.create_bucket(Bucket="moving")
    for first in range(0, ITEMS, 25):  # some 18 MB: two files
        ddb.batch_write_item(RequestItems={"source": [{"PutRequest": {"Item": {"pk": {"S": str(i)}, "data": {"S": "x" * 3000}}}} for i in range(first, first + 25)]})
    for part in range(4):
        rows = range(part * ROWS // 4, (part + 1) * ROWS // 4)
        s3.put_object(Bucket="moving", Key=f"rows/{part}", Body="pk,v\n" + "".join(f"{i},value {i}\n" for i in rows))
    ddb.export_table_to_point_in_time(TableArn=ddb.describe_table(TableName="source")["Table"]["TableArn"], S3Bucket="moving")
    ddb.import_table(S3BucketSource={"S3Bucket": "moving", "S3KeyPrefix": "rows/"}, InputFormat="CSV", TableCreationParameters={"TableName": "back", **keys("pk")})


def ended(describe, status):
    for _ in range(1200):
        d = describe()
        if d[status] != "IN_PROGRESS":
            assert d[status] == "COMPLETED", d
            return d
        time.sleep(0.1)
    raise AssertionError(f"it does not end: {d}")


def end():
    arn = ddb.list_exports()["ExportSummaries"][0]["ExportArn"]
    d = ended(lambda: ddb.describe_export(ExportArn=arn)["ExportDescription"], "ExportStatus")
    read = lambda key: s3.get_object(Bucket="moving", Key=key)["Body"].read()
    found = []
    for line in read(json.loads(read(d["ExportManifest"]))["manifestFilesS3Key"]).splitlines():
        found += [json.loads(text)["Item"]["pk"]["S"] for text in gzip.decompress(read(json.loads(line)["dataFileS3Key"])).splitlines()]
    assert d["ItemCount"] == ITEMS and sorted(found) == sorted(map(str, range(ITEMS))), (d["ItemCount"], len(found))
    files = [o["Key"] for o in s3.list_objects_v2(Bucket="moving", Prefix="AWSDynamoDB/")["Contents"] if o["Key"].endswith(".gz")]
    assert len(files) == 2, files

    arn = ddb.list_imports()["ImportSummaryList"][0]["ImportArn"]
    d = ended(lambda: ddb.describe_import(ImportArn=arn)["ImportTableDescription"], "ImportStatus")
    assert (d["ImportedItemCount"], d["ProcessedItemCount"], d["ErrorCount"]) == (ROWS, ROWS, 0), d
    got = {i["pk"]["S"]: i["v"]["S"] for page in ddb.get_paginator("scan").paginate(TableName="back") for i in page["Items"]}
    assert got == {str(i): f"value {i}" for i in range(ROWS)}, len(got)
    assert ddb.describe_table(TableName="back")["Table"]["ItemCount"] == ROWS


{"begin": begin, "end": end}[sys.argv[1]]()
