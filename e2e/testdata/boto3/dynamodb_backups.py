"""PartiQL, backups and point-in-time recovery of DynamoDB through boto3."""

import datetime
import time

from client import client, fails

ddb = client("dynamodb")
ddb.create_table(TableName="music", BillingMode="PAY_PER_REQUEST",
                 AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("artist", "song")],
                 KeySchema=[{"AttributeName": "artist", "KeyType": "HASH"}, {"AttributeName": "song", "KeyType": "RANGE"}])
run = lambda text, *params, **more: ddb.execute_statement(Statement=text, **({"Parameters": list(params)} if params else {}), **more)

run("INSERT INTO music VALUE {'artist':'a','song':'1','plays':1,'tags':<<'x','y'>>}")
with fails("DuplicateItemException", 400, "Duplicate primary key exists in table"):
    run("INSERT INTO music VALUE {'artist':'a','song':'1'}")
for i in range(2, 6):
    run("INSERT INTO music VALUE {'artist':?,'song':?,'plays':?}", {"S": "a"}, {"S": str(i)}, {"N": str(i)})
assert [i["song"]["S"] for i in run("SELECT song FROM music WHERE artist = 'a' AND plays > 2 ORDER BY song DESC")["Items"]] == ["5", "4", "3"]
token, found = None, []
while True:
    page = run("SELECT song FROM music WHERE artist = 'a'", Limit=2, **({"NextToken": token} if token else {}))
    found += [i["song"]["S"] for i in page["Items"]]
    token = page.get("NextToken")
    if not token:
        break
assert found == ["1", "2", "3", "4", "5"], found
got = run("UPDATE music SET plays = plays + 10 REMOVE tags WHERE artist = 'a' AND song = '1' RETURNING ALL NEW *")["Items"]
assert got == [{"artist": {"S": "a"}, "song": {"S": "1"}, "plays": {"N": "11"}}], got
with fails("ConditionalCheckFailedException", 400):
    run("UPDATE music SET plays = 0 WHERE artist = 'nobody' AND song = '1'")
with fails("ValidationException", 400, "Where clause does not contain a mandatory equality on all key attributes"):
    run("DELETE FROM music WHERE artist = 'a'")
batch = ddb.batch_execute_statement(Statements=[{"Statement": f"SELECT plays FROM music WHERE artist='a' AND song='{n}'"} for n in (1, 9)])
assert batch["Responses"] == [{"TableName": "music", "Item": {"plays": {"N": "11"}}}, {"TableName": "music"}], batch["Responses"]
try:
    ddb.execute_transaction(TransactStatements=[{"Statement": "EXISTS(SELECT * FROM music WHERE artist='a' AND song='1' AND plays = 0)"},
                                                {"Statement": "DELETE FROM music WHERE artist='a' AND song='2'"}])
    raise AssertionError("not cancelled")
except ddb.exceptions.TransactionCanceledException as e:
    assert [r["Code"] for r in e.response["CancellationReasons"]] == ["ConditionalCheckFailed", "None"], e.response


def ready(name):
    ddb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    return sorted(i["song"]["S"] for i in ddb.scan(TableName=name)["Items"])


ddb.update_continuous_backups(TableName="music", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True})
backup = ddb.create_backup(TableName="music", BackupName="first")["BackupDetails"]
run("DELETE FROM music WHERE artist = 'a' AND song = '5'")
while ddb.describe_backup(BackupArn=backup["BackupArn"])["BackupDescription"]["BackupDetails"]["BackupStatus"] != "AVAILABLE":
    time.sleep(0.05)
assert [b["BackupName"] for b in ddb.list_backups(TableName="music")["BackupSummaries"]] == ["first"]
restored = ddb.restore_table_from_backup(TargetTableName="again", BackupArn=backup["BackupArn"])["TableDescription"]
assert restored["TableStatus"] == "CREATING" and restored["RestoreSummary"]["SourceBackupArn"] == backup["BackupArn"], restored
assert ready("again") == ["1", "2", "3", "4", "5"]

then = datetime.datetime.now(datetime.timezone.utc)
time.sleep(1.1)  # recovery is by the second
run("DELETE FROM music WHERE artist = 'a' AND song = '4'")
ddb.restore_table_to_point_in_time(SourceTableName="music", TargetTableName="before", RestoreDateTime=then)
ddb.restore_table_to_point_in_time(SourceTableName="music", TargetTableName="latest", UseLatestRestorableTime=True)
assert ready("before") == ["1", "2", "3", "4"]
assert ready("latest") == ["1", "2", "3"]
recovery = ddb.describe_continuous_backups(TableName="music")["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
assert recovery["PointInTimeRecoveryStatus"] == "ENABLED" and recovery["EarliestRestorableDateTime"] <= then, recovery
with fails("InvalidRestoreTimeException", 400):
    ddb.restore_table_to_point_in_time(SourceTableName="music", TargetTableName="never", RestoreDateTime=then - datetime.timedelta(days=1))
assert ddb.delete_backup(BackupArn=backup["BackupArn"])["BackupDescription"]["BackupDetails"]["BackupStatus"] == "DELETED"
with fails("BackupNotFoundException", 400, "Backup not found"):
    ddb.describe_backup(BackupArn=backup["BackupArn"])

# A table that is deleted while recovery is on leaves a backup.
ddb.delete_table(TableName="music")
assert ddb.list_backups(TableName="music")["BackupSummaries"] == []
(left,) = ddb.list_backups(TableName="music", BackupType="SYSTEM")["BackupSummaries"]
assert left["BackupName"] == "music$DeletedTableBackup" and left["BackupType"] == "SYSTEM", left
assert left["BackupExpiryDateTime"] - left["BackupCreationDateTime"] == datetime.timedelta(days=35), left
ddb.restore_table_from_backup(TargetTableName="music", BackupArn=left["BackupArn"])
assert ready("music") == ["1", "2", "3"]
