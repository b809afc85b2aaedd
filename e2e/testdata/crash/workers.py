"""What the crash suite does to each service, and what must be true of it afterwards.

A worker's step does one thing and returns what it did; the driver writes that down as acknowledged, or as unknown when the
connection broke. Its check gets both lists, after the last restart, and raises when something acknowledged is missing or
something is there that nobody asked for."""
import hashlib
import io
import json
import time
import zipfile

import boto3
from botocore.exceptions import ClientError

import machines
import tables
from calls import REGION, client, eventually, ignore


class Items:
    """Puts that must not exist yet: every one that was acknowledged is there, as it was written."""
    name, service = "dynamodb.items", "dynamodb"

    def setup(self, c):
        ignore("ResourceInUse", c.create_table, TableName="items", BillingMode="PAY_PER_REQUEST",
               AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}], KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}])

    def step(self, c, i):
        c.put_item(TableName="items", Item={"id": {"S": str(i)}, "n": {"N": str(i * i)}}, ConditionExpression="attribute_not_exists(id)")

    def check(self, c, known, unknown):
        found = {}
        for page in c.get_paginator("scan").paginate(TableName="items", ConsistentRead=True):
            found.update({int(item["id"]["S"]): int(item["n"]["N"]) for item in page["Items"]})
        assert set(known) <= set(found), f"lost: {sorted(set(known) - set(found))}"
        assert set(found) <= set(known) | set(unknown), f"from nowhere: {sorted(set(found) - set(known) - set(unknown))}"
        assert all(n == i * i for i, n in found.items())


class Counter:
    """One counter: it stands at what was acknowledged, and at most what was tried."""
    name, service = "dynamodb.counter", "dynamodb"

    def setup(self, c):
        ignore("ResourceInUse", c.create_table, TableName="counter", BillingMode="PAY_PER_REQUEST",
               AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}], KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}])

    def step(self, c, i):
        c.update_item(TableName="counter", Key={"id": {"S": "c"}}, UpdateExpression="ADD n :one", ExpressionAttributeValues={":one": {"N": "1"}})

    def check(self, c, known, unknown):
        n = int(c.get_item(TableName="counter", Key={"id": {"S": "c"}}, ConsistentRead=True)["Item"]["n"]["N"])
        assert len(known) <= n <= len(known) + len(unknown), f"{n} after {len(known)} additions and {len(unknown)} unknown ones"


class Ledger:
    """Transactions that write a receipt and add to a total, on a table with an index and a stream: both or neither, the index has
    what the table has, and the stream, played back, is the table."""
    name, service = "dynamodb.ledger", "dynamodb"

    def setup(self, c):
        ignore("ResourceInUse", c.create_table, TableName="ledger", BillingMode="PAY_PER_REQUEST",
               AttributeDefinitions=[{"AttributeName": n, "AttributeType": t} for n, t in (("id", "S"), ("kind", "S"), ("n", "N"))],
               KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
               GlobalSecondaryIndexes=[{"IndexName": "kinds", "Projection": {"ProjectionType": "ALL"},
                                        "KeySchema": [{"AttributeName": "kind", "KeyType": "HASH"}, {"AttributeName": "n", "KeyType": "RANGE"}]}],
               StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})

    def step(self, c, i):
        c.transact_write_items(ClientRequestToken=f"ledger-{i}", TransactItems=[
            {"Put": {"TableName": "ledger", "Item": {"id": {"S": str(i)}, "kind": {"S": f"k{i % 2}"}, "n": {"N": str(i)}},
                     "ConditionExpression": "attribute_not_exists(id)"}},
            {"Update": {"TableName": "ledger", "Key": {"id": {"S": "total"}}, "UpdateExpression": "ADD amount :i, things :one",
                        "ExpressionAttributeValues": {":i": {"N": str(i)}, ":one": {"N": "1"}}}}])

    def check(self, c, known, unknown):
        items = {}
        for page in c.get_paginator("scan").paginate(TableName="ledger", ConsistentRead=True):
            items.update({item["id"]["S"]: item for item in page["Items"]})
        receipts = {int(i) for i in items if i != "total"}
        assert set(known) <= receipts, f"lost: {sorted(set(known) - receipts)}"
        assert receipts <= set(known) | set(unknown), f"from nowhere: {sorted(receipts - set(known) - set(unknown))}"
        total = items["total"]
        assert int(total["things"]["N"]) == len(receipts) and int(total["amount"]["N"]) == sum(receipts), f"{total} of {len(receipts)}"
        for kind in (0, 1):
            found = []
            for page in c.get_paginator("query").paginate(TableName="ledger", IndexName="kinds", KeyConditionExpression="kind = :k",
                                                          ExpressionAttributeValues={":k": {"S": f"k{kind}"}}):
                found += [int(item["n"]["N"]) for item in page["Items"]]
            assert found == sorted(i for i in receipts if i % 2 == kind), f"index: {found}"
        self.replay(c, items)

    def replay(self, c, items):
        arn = c.describe_table(TableName="ledger")["Table"]["LatestStreamArn"]
        streams = boto3.client("dynamodbstreams", endpoint_url=c.meta.endpoint_url, region_name=REGION, aws_access_key_id="test",
                               aws_secret_access_key="test")
        state, count = {}, 0
        for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
            it = streams.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
            while it:
                page = streams.get_records(ShardIterator=it)
                it = page.get("NextShardIterator") if page["Records"] else None
                for r in page["Records"]:
                    change = r["dynamodb"]
                    key = change["Keys"]["id"]["S"]
                    assert state.get(key) == change.get("OldImage"), f"record {r['eventID']}: {change.get('OldImage')} is not what was there"
                    state[key] = change["NewImage"]
                    count += 1
        assert state == items, "the stream is not the table's history"
        assert count == 2 * (len(items) - 1), f"{count} records"


class Parameters:
    """Versions of one parameter count every acknowledged write."""
    name, service = "ssm", "ssm"

    def setup(self, c):
        pass

    def step(self, c, i):
        c.put_parameter(Name=f"/crash/{i % 7}", Value=str(i), Type="String", Overwrite=True)

    def check(self, c, known, unknown):
        for k in range(7):
            writes = [i for i in known if i % 7 == k]
            maybe = [i for i in unknown if i % 7 == k]
            if not writes:
                continue
            p = c.get_parameter(Name=f"/crash/{k}")["Parameter"]
            assert len(writes) <= p["Version"] <= len(writes) + len(maybe), f"version {p['Version']} after {len(writes)} writes"
            assert int(p["Value"]) == max(writes) or int(p["Value"]) in [m for m in maybe if m > max(writes)], p["Value"]


class Secrets:
    """What was encrypted can be decrypted."""
    name, service = "kms", "kms"

    def setup(self, c):
        aliases = [a["AliasName"] for a in c.list_aliases()["Aliases"]]
        if "alias/crash" not in aliases:
            c.create_alias(AliasName="alias/crash", TargetKeyId=c.create_key()["KeyMetadata"]["KeyId"])

    def step(self, c, i):
        return c.encrypt(KeyId="alias/crash", Plaintext=str(i).encode())["CiphertextBlob"].hex()

    def check(self, c, known, unknown):
        for i, sealed in known.items():
            assert c.decrypt(CiphertextBlob=bytes.fromhex(sealed))["Plaintext"] == str(i).encode()


class Logs:
    """Events are there, in order, each once unless its answer was lost."""
    name, service = "logs", "logs"

    def setup(self, c):
        ignore("AlreadyExists", c.create_log_group, logGroupName="crash")
        ignore("AlreadyExists", c.create_log_stream, logGroupName="crash", logStreamName="s")

    def step(self, c, i):
        c.put_log_events(logGroupName="crash", logStreamName="s", logEvents=[{"timestamp": int(time.time() * 1000), "message": str(i)}])

    def check(self, c, known, unknown):
        found, token = [], None
        while True:
            extra = {"nextToken": token} if token else {}
            page = c.filter_log_events(logGroupName="crash", **extra)
            found += [int(e["message"]) for e in page["events"]]
            token = page.get("nextToken")
            if not token:
                break
        assert sorted(i for i in found if i in known) == sorted(known), "events lost or doubled"
        assert set(found) <= set(known) | set(unknown)


class Users:
    """Users, with the policy that was written in a second call."""
    name, service = "iam", "iam"

    def setup(self, c):
        pass

    def step(self, c, i):
        ignore("EntityAlreadyExists", c.create_user, UserName=f"u{i}")
        c.put_user_policy(UserName=f"u{i}", PolicyName="p", PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}))

    def check(self, c, known, unknown):
        found = {u["UserName"] for page in c.get_paginator("list_users").paginate() for u in page["Users"]}
        assert {f"u{i}" for i in known} <= found, "users lost"
        for i in list(known)[-20:]:
            assert c.list_user_policies(UserName=f"u{i}")["PolicyNames"] == ["p"]


class Objects:
    """Objects, whole."""
    name, service = "s3", "s3"

    def body(self, i):
        return hashlib.sha256(str(i).encode()).digest() * (1 + i % 3000)

    def setup(self, c):
        ignore("BucketAlreadyOwnedByYou", c.create_bucket, Bucket="crash-objects")

    def step(self, c, i):
        c.put_object(Bucket="crash-objects", Key=f"o/{i}", Body=self.body(i))

    def check(self, c, known, unknown):
        keys = {o["Key"] for page in c.get_paginator("list_objects_v2").paginate(Bucket="crash-objects") for o in page.get("Contents", [])}
        assert {f"o/{i}" for i in known} <= keys, "objects lost"
        for key in keys:
            i = int(key[2:])
            assert c.get_object(Bucket="crash-objects", Key=key)["Body"].read() == self.body(i), f"{key} is not what was put"


class Versions:
    """Every kind of write that S3 has, each on a key of its own in a bucket that keeps versions and tells a queue: what was
    acknowledged is whole, nothing is half there, and the queue hears of all of it."""
    name, service = "s3.versions", "s3"
    big = 5 << 20  # the least size of a part that is not the last

    def setup(self, c):
        ignore("BucketAlreadyOwnedByYou", c.create_bucket, Bucket="versions")
        c.put_bucket_versioning(Bucket="versions", VersioningConfiguration={"Status": "Enabled"})
        sqs = client(c.meta.endpoint_url, "sqs")
        queue = sqs.create_queue(QueueName="versions")["QueueUrl"]
        path = c.meta.endpoint_url + "/" + queue.split("/", 3)[3]
        arn = sqs.get_queue_attributes(QueueUrl=path, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sqs.set_queue_attributes(QueueUrl=path, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn}]})})
        self.path = queue.split("/", 3)[3]
        c.put_bucket_notification_configuration(Bucket="versions", NotificationConfiguration={
            "QueueConfigurations": [{"Id": "all", "QueueArn": arn, "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]}]})

    def body(self, i):
        return hashlib.sha256(str(i).encode()).digest() * (40 if i % 2 else 4000)

    def step(self, c, i):
        key, b = f"k{i}", "versions"
        if i % 4 == 0:  # two versions
            c.put_object(Bucket=b, Key=key, Body=self.body(i))
            c.put_object(Bucket=b, Key=key, Body=self.body(i + 1))
        elif i % 4 == 1:  # a copy, whose blob both objects name; then the source goes for good
            v = c.put_object(Bucket=b, Key=key + "/source", Body=self.body(i - 1))["VersionId"]
            c.copy_object(Bucket=b, Key=key, CopySource={"Bucket": b, "Key": key + "/source"})
            c.delete_object(Bucket=b, Key=key + "/source", VersionId=v)
        elif i % 4 == 2:  # a delete marker over a version
            c.put_object(Bucket=b, Key=key, Body=self.body(i))
            c.delete_object(Bucket=b, Key=key)
        elif i % 20 == 3:  # parts, which are large: not every time
            u = c.create_multipart_upload(Bucket=b, Key=key)["UploadId"]
            parts = [c.upload_part(Bucket=b, Key=key, UploadId=u, PartNumber=n, Body=body)["ETag"]
                     for n, body in ((1, bytes([i % 256]) * self.big), (2, self.body(i)))]
            c.complete_multipart_upload(Bucket=b, Key=key, UploadId=u, MultipartUpload={
                "Parts": [{"PartNumber": n + 1, "ETag": e} for n, e in enumerate(parts)]})
        else:
            c.put_object(Bucket=b, Key=key, Body=self.body(i))

    def check(self, c, known, unknown):
        b = "versions"

        def read(key, **args):
            return c.get_object(Bucket=b, Key=key, **args)["Body"].read()
        for i in known:
            key = f"k{i}"
            listed = c.list_object_versions(Bucket=b, Prefix=key)
            versions = [v for v in listed.get("Versions", []) if v["Key"] == key]
            if i % 4 == 0:
                assert [read(key, VersionId=v["VersionId"]) for v in versions] == [self.body(i + 1), self.body(i)], key
            elif i % 4 == 1:
                assert read(key) == self.body(i - 1), key
                assert not [v for v in listed.get("Versions", []) if v["Key"] == key + "/source"], key
            elif i % 4 == 2:
                marker, = [m for m in listed["DeleteMarkers"] if m["Key"] == key]
                assert marker["IsLatest"] and read(key, VersionId=versions[0]["VersionId"]) == self.body(i), key
            else:
                assert read(key) == (bytes([i % 256]) * self.big if i % 20 == 3 else b"") + self.body(i), key
        for page in c.get_paginator("list_object_versions").paginate(Bucket=b):
            for v in page.get("Versions", []):
                i = int(v["Key"].split("/")[0][1:])
                assert i in known or i in unknown, f"{v['Key']} from nowhere"
                assert len(read(v["Key"], VersionId=v["VersionId"])) == v["Size"], v["Key"]
        sqs, told = client(c.meta.endpoint_url, "sqs"), set()
        wanted = {f"k{i}" for i in known}

        def heard():
            for m in sqs.receive_message(QueueUrl=c.meta.endpoint_url + "/" + self.path, MaxNumberOfMessages=10, VisibilityTimeout=600).get("Messages", []):
                told.update(r["s3"]["object"]["key"] for r in json.loads(m["Body"]).get("Records", []))
            return wanted <= told
        eventually("every notification", heard)


class Events:
    """Events that were taken are in the archive, each once unless its answer was lost."""
    name, service = "eventbridge", "events"

    def setup(self, c):
        ignore("AlreadyExists", c.create_event_bus, Name="crash")
        bus = c.describe_event_bus(Name="crash")["Arn"]
        ignore("AlreadyExists", c.create_archive, ArchiveName="crash", EventSourceArn=bus)

    def step(self, c, i):
        out = c.put_events(Entries=[{"EventBusName": "crash", "Source": "crash", "DetailType": "n", "Detail": json.dumps({"i": i})}])
        assert out["FailedEntryCount"] == 0, out

    def check(self, c, known, unknown):
        count = lambda: c.describe_archive(ArchiveName="crash")["EventCount"]
        eventually("the archive", lambda: count() >= len(known))
        assert count() <= len(known) + len(unknown), f"{count()} events archived of {len(known)} sent"


FUNCTION = """
import boto3, os
table = boto3.resource("dynamodb").Table("done")
def handler(event, context):
    table.put_item(Item={"id": str(event["i"])})
"""


class Functions:
    """Every asynchronous invocation that was taken is run, by restarts too."""
    name, service = "lambda", "lambda"

    def setup(self, c):
        url = c.meta.endpoint_url
        ignore("ResourceInUse", client(url, "dynamodb").create_table, TableName="done", BillingMode="PAY_PER_REQUEST",
               AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}], KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}])
        iam = client(url, "iam")
        trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
        ignore("EntityAlreadyExists", iam.create_role, RoleName="crash", AssumeRolePolicyDocument=json.dumps(trust))
        iam.attach_role_policy(RoleName="crash", PolicyArn="arn:aws:iam::aws:policy/AmazonDynamoDBFullAccess")
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as z:
            z.writestr("app.py", FUNCTION)
        ignore("ResourceConflict", c.create_function, FunctionName="crash", Runtime="python3.13", Handler="app.handler", Timeout=120,
               Role=iam.get_role(RoleName="crash")["Role"]["Arn"], Code={"ZipFile": code.getvalue()})
        c.get_waiter("function_active_v2").wait(FunctionName="crash")

    def step(self, c, i):
        out = c.invoke(FunctionName="crash", InvocationType="Event", Payload=json.dumps({"i": i}))
        assert out["StatusCode"] == 202, out
        time.sleep(0.5)  # a queue that grows faster than it is worked off tells nothing more

    def check(self, c, known, unknown):
        table = client(c.meta.endpoint_url, "dynamodb")

        def done():
            found = set()
            for page in table.get_paginator("scan").paginate(TableName="done", ConsistentRead=True):
                found |= {int(item["id"]["S"]) for item in page["Items"]}
            return found
        eventually("every job", lambda: set(known) <= done())
        assert done() <= set(known) | set(unknown)


class Stacks:
    """Stacks end as their templates say, whatever happened on the way."""
    name, service = "cloudformation", "cloudformation"

    template = json.dumps({"Parameters": {"N": {"Type": "String"}}, "Resources": {
        "G": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": {"Fn::Sub": "/crash/${N}"}}},
        "P": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Name": {"Fn::Sub": "/stack/${N}"}, "Value": {"Ref": "G"}}}}})

    def setup(self, c):
        pass

    def step(self, c, i):
        c.create_stack(StackName=f"s{i}", TemplateBody=self.template, Parameters=[{"ParameterKey": "N", "ParameterValue": str(i)}])
        time.sleep(0.1)

    def check(self, c, known, unknown):
        ssm = client(c.meta.endpoint_url, "ssm")
        for i in known:
            status = lambda: c.describe_stacks(StackName=f"s{i}")["Stacks"][0]["StackStatus"]
            eventually(f"stack s{i}", lambda: not status().endswith("IN_PROGRESS"))
            assert status() == "CREATE_COMPLETE", f"s{i} is {status()}"
            assert ssm.get_parameter(Name=f"/stack/{i}")["Parameter"]["Value"] == f"/crash/{i}"


class Traces:
    """Traces, complete, each once in the order of time."""
    name, service = "xray", "xray"

    def setup(self, c):
        pass

    def step(self, c, i):
        trace = {"trace_id": f"1-{int(time.time()):08x}-{i:024x}", "id": f"{i:016x}", "name": "crash", "start_time": time.time()}
        c.put_trace_segments(TraceSegmentDocuments=[json.dumps(trace | {"in_progress": True})])
        c.put_trace_segments(TraceSegmentDocuments=[json.dumps(trace | {"end_time": trace["start_time"] + 1})])
        return trace["trace_id"]

    def check(self, c, known, unknown):
        now, found = time.time(), {}
        for page in c.get_paginator("get_trace_summaries").paginate(StartTime=now - 3600, EndTime=now + 60):
            for summary in page["TraceSummaries"]:
                i = int(summary["Id"][11:], 16)
                assert i not in found, f"trace {i} twice"
                found[i] = summary
        assert set(known) <= set(found), f"lost: {sorted(set(known) - set(found))}"
        assert set(found) <= set(known) | set(unknown), "from nowhere"
        for i, trace in known.items():
            assert found[i]["Id"] == trace and not found[i]["IsPartial"] and found[i]["Revision"] == 2, found[i]


class Queue:
    """A sender and a receiver: no acknowledged message is lost, and none comes after its acknowledged delete."""
    name, service = "sqs", "sqs"

    def __init__(self):
        self.sent, self.tried, self.deleted = set(), set(), set()
        self.maybe = set()  # a delete was begun

    def setup(self, c):
        self.url = c.create_queue(QueueName="crash", Attributes={"VisibilityTimeout": "5"})["QueueUrl"]

    def at(self, c):
        return c.meta.endpoint_url + "/" + self.url.split("/", 3)[3]  # the platform may have another port since

    def take(self, c, **args):
        messages = c.receive_message(QueueUrl=self.at(c), MaxNumberOfMessages=10, **args).get("Messages", [])
        for m in messages:
            i = int(m["Body"])
            assert i not in self.deleted, f"message {i} after its delete"
            assert i in self.tried, f"message {i} from nowhere"
        for m in messages[:7]:  # the others are for later
            self.maybe.add(int(m["Body"]))
            c.delete_message(QueueUrl=self.at(c), ReceiptHandle=m["ReceiptHandle"])
            self.deleted.add(int(m["Body"]))
        return messages

    def step(self, c, i):
        self.tried.add(i)
        c.send_message(QueueUrl=self.at(c), MessageBody=str(i))
        self.sent.add(i)
        if i % 5 == 0:
            self.take(c)

    def check(self, c, known, unknown):
        eventually("every message", lambda: not self.take(c, WaitTimeSeconds=1) and self.left(c) == 0)
        assert self.sent <= self.maybe, f"lost: {sorted(self.sent - self.maybe)}"

    def left(self, c):
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"]
        return sum(int(n) for n in c.get_queue_attributes(QueueUrl=self.at(c), AttributeNames=names)["Attributes"].values())


class FIFO(Queue):
    """Groups in their order, and each message once, although a send whose answer was lost is sent again."""
    name, service = "sqs.fifo", "sqs"

    def __init__(self):
        super().__init__()
        self.again = []  # sends without an answer

    def setup(self, c):
        self.url = c.create_queue(QueueName="crash.fifo", Attributes={"FifoQueue": "true", "VisibilityTimeout": "5"})["QueueUrl"]

    def send(self, c, i):
        c.send_message(QueueUrl=self.at(c), MessageBody=str(i), MessageGroupId=f"g{i % 3}", MessageDeduplicationId=str(i))
        self.sent.add(i)

    def take(self, c, **args):
        messages = c.receive_message(QueueUrl=self.at(c), MaxNumberOfMessages=4, **args).get("Messages", [])
        before = set()
        for m in messages:
            i = int(m["Body"])
            assert i not in self.deleted, f"message {i} after its delete"
            skipped = [j for j in self.sent if j < i and j % 3 == i % 3 and j not in self.maybe | before]
            assert not skipped, f"message {i} before {skipped}"
            before.add(i)
        for m in messages:
            i = int(m["Body"])
            self.maybe.add(i)
            try:
                c.delete_message(QueueUrl=self.at(c), ReceiptHandle=m["ReceiptHandle"])
            except ClientError as e:
                if "has expired" not in str(e):
                    raise
                break  # it took too long to come here: the group is another's
            self.deleted.add(i)
        return messages

    def step(self, c, i):
        while self.again:  # before anything later of its group is sent
            self.send(c, self.again[0])
            self.again.pop(0)
        self.again.append(i)
        self.send(c, i)
        self.again.pop()
        if i % 4 == 0:
            self.take(c)

    def check(self, c, known, unknown):
        for i in self.again:
            self.send(c, i)
        eventually("every message", lambda: not self.take(c, WaitTimeSeconds=1) and self.left(c) == 0)
        assert self.sent <= self.maybe, f"lost: {sorted(self.sent - self.maybe)}"


class Topic:
    """Every message that a topic took comes to each of its queues; the groups of a FIFO topic in their order."""
    name, service = "sns", "sns"

    def __init__(self):
        self.urls = {}

    def setup(self, c):
        sqs = client(c.meta.endpoint_url, "sqs")
        self.topics = {"": c.create_topic(Name="crash")["TopicArn"],
                       ".fifo": c.create_topic(Name="crash.fifo", Attributes={"FifoTopic": "true"})["TopicArn"]}
        for kind, topic in self.topics.items():
            for n in range(2):
                fifo = {"FifoQueue": "true"} if kind else {}
                url = sqs.create_queue(QueueName=f"topic-{n}{kind}", Attributes=fifo)["QueueUrl"]
                arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
                allow = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage",
                                                                 "Resource": arn, "Condition": {"ArnEquals": {"aws:SourceArn": topic}}}]}
                sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(allow)})
                c.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
                self.urls[kind, n] = url.split("/", 3)[3]

    def step(self, c, i):
        c.publish(TopicArn=self.topics[""], Message=str(i))
        c.publish(TopicArn=self.topics[".fifo"], Message=str(i), MessageGroupId=f"g{i % 2}", MessageDeduplicationId=str(i))
        time.sleep(0.01)  # a thousand messages tell as much as ten thousand

    def check(self, c, known, unknown):
        sqs = client(c.meta.endpoint_url, "sqs")
        for (kind, n), path in self.urls.items():
            got, url = [], c.meta.endpoint_url + "/" + path

            def whole():
                messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", [])
                got.extend(int(m["Body"]) for m in messages)
                if messages:
                    sqs.delete_message_batch(QueueUrl=url, Entries=[{"Id": str(k), "ReceiptHandle": m["ReceiptHandle"]} for k, m in enumerate(messages)])
                return set(known) <= set(got)
            deadline = time.monotonic() + 600
            while not whole():
                assert time.monotonic() < deadline, f"{len(set(known) - set(got))} messages do not come to {path}"
            assert set(got) <= set(known) | set(unknown), f"from nowhere: {sorted(set(got) - set(known) - set(unknown))}"
            if kind:
                for g in range(2):
                    group = [i for i in got if i % 2 == g]
                    assert group == sorted(set(group)), f"group {g} of {path} is out of order or doubled: {group}"


CONSUMER = """
import boto3
table = boto3.resource("dynamodb").Table("consumed")
def handler(event, context):
    failed = []
    for r in event["Records"]:
        if int(r["body"].split("-")[-1]) % 10 == 3 and r["attributes"]["ApproximateReceiveCount"] == "1":
            failed.append({"itemIdentifier": r["messageId"]})
            continue
        table.put_item(Item={"id": r["body"]})
    return {"batchItemFailures": failed}
"""


class Mapping:
    """A mapping deletes no message that its function has not processed: each that was acknowledged is, in the end."""
    name, service = "lambda.mapping", "sqs"

    def __init__(self):
        self.queues = []
        self.todo = [self.table, self.role, self.function, self.active,
                     lambda c: self.queue(c, "consumed", {}),
                     lambda c: self.queue(c, "consumed.fifo", {"FifoQueue": "true", "ContentBasedDeduplication": "true"})]

    def setup(self, c):
        while self.todo:  # what is done stays done: the platform is killed more often than all of this takes
            self.todo[0](c)
            self.todo.pop(0)

    def table(self, c):
        ignore("ResourceInUse", client(c.meta.endpoint_url, "dynamodb").create_table, TableName="consumed", BillingMode="PAY_PER_REQUEST",
               AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}], KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}])

    def role(self, c):
        iam = client(c.meta.endpoint_url, "iam")
        trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
        ignore("EntityAlreadyExists", iam.create_role, RoleName="consumer", AssumeRolePolicyDocument=json.dumps(trust))
        for policy in ("AmazonDynamoDBFullAccess", "service-role/AWSLambdaSQSQueueExecutionRole"):
            iam.attach_role_policy(RoleName="consumer", PolicyArn="arn:aws:iam::aws:policy/" + policy)

    def function(self, c):
        role = client(c.meta.endpoint_url, "iam").get_role(RoleName="consumer")["Role"]["Arn"]
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as z:
            z.writestr("app.py", CONSUMER)
        ignore("ResourceConflict", client(c.meta.endpoint_url, "lambda").create_function, FunctionName="consumer", Runtime="python3.13",
               Handler="app.handler", Timeout=5, Role=role, Code={"ZipFile": code.getvalue()})

    def active(self, c):
        functions = client(c.meta.endpoint_url, "lambda")
        eventually("the function", lambda: functions.get_function_configuration(FunctionName="consumer")["State"] == "Active")

    def queue(self, c, name, attributes):
        queue = c.create_queue(QueueName=name, Attributes=attributes | {"VisibilityTimeout": "6"})["QueueUrl"]
        arn = c.get_queue_attributes(QueueUrl=self.at(c, queue), AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        ignore("ResourceConflict", client(c.meta.endpoint_url, "lambda").create_event_source_mapping, FunctionName="consumer", EventSourceArn=arn,
               FunctionResponseTypes=["ReportBatchItemFailures"])
        self.queues.append(queue)

    def at(self, c, url):
        return c.meta.endpoint_url + "/" + url.split("/", 3)[3]  # the platform may have another port since

    def step(self, c, i):
        args = {"MessageGroupId": str(i % 3)} if i % 2 else {}
        c.send_message(QueueUrl=self.at(c, self.queues[i % 2]), MessageBody=f"m-{i}", **args)
        time.sleep(0.1)

    def check(self, c, known, unknown):
        table = client(c.meta.endpoint_url, "dynamodb")

        def done():
            found = set()
            for page in table.get_paginator("scan").paginate(TableName="consumed", ConsistentRead=True):
                found |= {int(item["id"]["S"][2:]) for item in page["Items"]}
            return found
        eventually("every message", lambda: set(known) <= done())
        assert done() <= set(known) | set(unknown), "from nowhere"
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        left = lambda q: sum(int(n) for n in c.get_queue_attributes(QueueUrl=self.at(c, q), AttributeNames=names)["Attributes"].values())
        eventually("an empty queue", lambda: all(left(q) == 0 for q in self.queues))


WORKERS = [Items(), Counter(), Ledger(), Parameters(), Secrets(), Logs(), Users(), Objects(), Versions(), Events(), Functions(), Stacks(), Traces(), Queue(), FIFO(), Topic(), Mapping(),
           *tables.WORKERS, *machines.WORKERS]
