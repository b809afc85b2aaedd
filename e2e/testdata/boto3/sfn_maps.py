"""Step Functions: distributed maps over lists, CSV, JSON and inventories in buckets; result files, tolerated failures, redrive."""
import gzip
import json

from client import ACCOUNT, REGION, client, eventually, fails

states, iam, s3 = client("stepfunctions"), client("iam"), client("s3")
base = f"arn:aws:states:{REGION}:{ACCOUNT}:"
role = iam.create_role(RoleName="maps", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}]}))["Role"]["Arn"]
iam.put_role_policy(RoleName="maps", PolicyName="all", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "*", "Resource": "*"}]}))
s3.create_bucket(Bucket="maps")
for key, body in {
    "in/a.csv": "id,name\n1,Ann\n2,Bob\n3,Cy\n",
    "in/deep.json": '{"data": {"rows": [{"n": 1}, {"n": 2}]}}',
    "many/1.jsonl": '{"n": 1}\n{"n": 2}\n', "many/2.jsonl": '{"n": 3}\n',
    "inventory/manifest.json": json.dumps({"destinationBucket": "arn:aws:s3:::maps", "fileFormat": "CSV", "fileSchema": "Bucket, Key", "files": [
        {"key": "inventory/1.csv.gz"}]}),
}.items():
    s3.put_object(Bucket="maps", Key=key, Body=body)
s3.put_object(Bucket="maps", Key="inventory/1.csv.gz", Body=gzip.compress(b'"maps","k1"\n"maps","k2"\n'))
made = 0


def run(state, input="{}", status="SUCCEEDED", inner=None, kind="STANDARD", **top):
    global made
    made += 1
    inner = inner or {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
    state = {"Type": "Map", "Label": "M", "ItemProcessor": inner | {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": kind}}, "End": True} | state
    machine = states.create_state_machine(name=f"map{made}", definition=json.dumps({"StartAt": "M", "States": {"M": state}} | top), roleArn=role)["stateMachineArn"]
    execution = states.start_execution(stateMachineArn=machine, name="x", input=input)["executionArn"]
    eventually("the end of " + execution, lambda: states.describe_execution(executionArn=execution)["status"] != "RUNNING")
    found = states.describe_execution(executionArn=execution)
    assert found["status"] == status, found
    return found


def reader(key, **config):
    return {"Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": config, "Parameters": {"Bucket": "maps", "Key": key}}


def output(state, **more):
    return json.loads(run(state, **more)["output"])


# What items are, and what becomes of them.
rows = [{"id": "1", "name": "Ann"}, {"id": "2", "name": "Bob"}, {"id": "3", "name": "Cy"}]
csv = {"ItemReader": reader("in/a.csv", InputType="CSV", CSVHeaderLocation="FIRST_ROW")}
for kind in "STANDARD", "EXPRESS":
    assert output(csv, kind=kind) == rows
    assert output(csv | {"ItemBatcher": {"MaxItemsPerBatch": 2, "BatchInput": {"f.$": "$.f"}}}, kind=kind, input='{"f": 7}') == [
        {"BatchInput": {"f": 7}, "Items": rows[:2]}, {"BatchInput": {"f": 7}, "Items": rows[2:]}]
assert output({"ItemReader": reader("in/deep.json", InputType="JSON", ItemsPointer="/data/rows", MaxItems=1)}) == [{"n": 1}]
assert output({"ItemReader": reader("inventory/manifest.json", InputType="MANIFEST")}) == [{"Bucket": "maps", "Key": "k1"}, {"Bucket": "maps", "Key": "k2"}]
many = {"Resource": "arn:aws:states:::s3:listObjectsV2", "Parameters": {"Bucket": "maps", "Prefix": "many/"}}
found = output({"ItemReader": many})
assert [sorted(o) for o in found] == [["Etag", "Key", "LastModified", "Size", "StorageClass"]] * 2 and found[0]["Key"] == "many/1.jsonl" and found[0]["Size"] == 18, found
flat = many | {"ReaderConfig": {"InputType": "JSONL", "Transformation": "LOAD_AND_FLATTEN"}}
assert output({"ItemReader": flat}) == [{"n": 1}, {"n": 2}, {"n": 3}]
assert output({"ItemReader": flat, "ItemSelector": {"n.$": "$$.Map.Item.Value.n", "i.$": "$$.Map.Item.Index", "s.$": "$$.Map.Item.Source"}})[2] == {
    "n": 3, "i": 2, "s": "S3://maps/many/2.jsonl"}
jsonata = {"Items": "{% $states.input.list %}", "ItemSelector": {"twice": "{% $states.context.Map.Item.Value * 2 %}"}}
assert output(jsonata, input='{"list": [1, 2]}', QueryLanguage="JSONata") == [{"twice": 2}, {"twice": 4}]
found = run({"ItemReader": reader("none", InputType="JSON")}, status="FAILED")
assert found["error"] == "States.ItemReaderFailed" and "The specified key does not exist." in found["cause"], found

# A map run, its children, and its result files.
choosy = {"StartAt": "C", "States": {"C": {"Type": "Choice", "Choices": [{"Variable": "$.id", "StringEquals": "2", "Next": "F"}], "Default": "S"},
                                     "F": {"Type": "Fail", "Error": "Bad", "Cause": "item 2"}, "S": {"Type": "Succeed"}}}
writer = {"ResultWriter": {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "maps", "Prefix": "out"}}}
found = run(csv | writer | {"ToleratedFailurePercentage": 34}, inner=choosy)
result = json.loads(found["output"])
manifest = json.loads(s3.get_object(Bucket="maps", Key=result["ResultWriterDetails"]["Key"])["Body"].read())
assert manifest["MapRunArn"] == result["MapRunArn"] and manifest["DestinationBucket"] == "maps" and manifest["ResultFiles"]["PENDING"] == [], manifest
good = json.loads(s3.get_object(Bucket="maps", Key=manifest["ResultFiles"]["SUCCEEDED"][0]["Key"])["Body"].read())
bad = json.loads(s3.get_object(Bucket="maps", Key=manifest["ResultFiles"]["FAILED"][0]["Key"])["Body"].read())
assert [json.loads(r["Output"])["id"] for r in good] == ["1", "3"] and [(r["Error"], r["Cause"]) for r in bad] == [("Bad", "item 2")], (good, bad)
runs = states.list_map_runs(executionArn=found["executionArn"])["mapRuns"]
assert [r["mapRunArn"] for r in runs] == [result["MapRunArn"]] and runs[0]["stateMachineArn"] == found["stateMachineArn"] + "/M", runs
one = states.describe_map_run(mapRunArn=result["MapRunArn"])
for counts in one["itemCounts"], one["executionCounts"]:
    assert (counts["total"], counts["succeeded"], counts["failed"], counts["resultsWritten"], counts["running"]) == (3, 2, 1, 3, 0), one
assert (one["status"], one["toleratedFailurePercentage"], one["redriveCount"]) == ("SUCCEEDED", 34.0, 0), one
children = states.list_executions(mapRunArn=result["MapRunArn"])["executions"]
assert sorted(c["status"] for c in children) == ["FAILED", "SUCCEEDED", "SUCCEEDED"] and all(c["itemCount"] == 1 for c in children), children
assert {c["executionArn"] for c in children} == {r["ExecutionArn"] for r in good + bad}
child = states.describe_execution(executionArn=bad[0]["ExecutionArn"])
assert (child["status"], child["mapRunArn"], child["redriveStatus"]) == ("FAILED", result["MapRunArn"], "REDRIVABLE_BY_MAP_RUN"), child
with fails("ExecutionNotRedrivable", 400, "redriven by the execution that has the map run"):
    states.redrive_execution(executionArn=bad[0]["ExecutionArn"])
assert states.get_execution_history(executionArn=bad[0]["ExecutionArn"])["events"][-1]["type"] == "ExecutionFailed"
with fails("ResourceNotFound", 400):
    states.describe_map_run(mapRunArn=result["MapRunArn"][:-1] + "x")
with fails("ValidationException", 400):
    states.update_map_run(mapRunArn=result["MapRunArn"], maxConcurrency=1)

# More failures than are tolerated, and a redrive.
found = run(csv, inner=choosy, status="FAILED")
assert found["error"] == "States.ExceedToleratedFailureThreshold" and found["cause"] == "The specified tolerated failure threshold was exceeded", found
states.redrive_execution(executionArn=found["executionArn"])
eventually("the end of the redrive", lambda: states.describe_execution(executionArn=found["executionArn"])["status"] != "RUNNING")
run = states.describe_map_run(mapRunArn=states.list_map_runs(executionArn=found["executionArn"])["mapRuns"][0]["mapRunArn"])
assert (run["status"], run["redriveCount"], run["itemCounts"]["succeeded"], run["itemCounts"]["failed"]) == ("FAILED", 1, 2, 1), run
kinds = [e["type"] for e in states.get_execution_history(executionArn=found["executionArn"])["events"]]
assert kinds[-6:] == ["ExecutionFailed", "ExecutionRedriven", "MapRunRedriven", "MapRunFailed", "MapStateFailed", "ExecutionFailed"], kinds
