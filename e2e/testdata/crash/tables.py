"""What the crash suite does to DynamoDB's tables beside single writes: a concurrent history with a stream and its consumer,
indexes that are filled, backups that are restored, items that expire."""
import collections
import concurrent.futures
import datetime
import io
import json
import random
import threading
import time
import zipfile

from botocore.exceptions import ClientError

from calls import client, eventually, ignore, unsure


def table(c, name, key="id", **more):
    ignore("ResourceInUse", c.create_table, TableName=name, BillingMode="PAY_PER_REQUEST",
           AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}], KeySchema=[{"AttributeName": key, "KeyType": "HASH"}], **more)


def scan(c, name, **args):
    return [item for page in c.get_paginator("scan").paginate(TableName=name, **args) for item in page["Items"]]


def records(c, name):
    """All records of a table's stream."""
    arn = c.describe_table(TableName=name)["Table"]["LatestStreamArn"]
    streams, found = client(c.meta.endpoint_url, "dynamodbstreams"), []
    for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
        it = streams.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
        while it:
            page = streams.get_records(ShardIterator=it)
            found += page["Records"]
            it = page.get("NextShardIterator") if page["Records"] else None
    return found


CONSUMER = """
import boto3, random
table = boto3.resource("dynamodb").Table("seen")
def handler(event, context):
    for r in event["Records"]:
        table.update_item(Key={"id": r["dynamodb"]["Keys"]["id"]["S"]}, UpdateExpression="SET numbers = list_append(if_not_exists(numbers, :none), :one)",
                          ExpressionAttributeValues={":none": [], ":one": [r["dynamodb"]["SequenceNumber"]]})
        if random.random() < 0.02:
            raise RuntimeError("bad luck")
"""
ACCOUNTS, BALANCE, CLIENTS = [f"a{n}" for n in range(5)], 100, 4


class Op:
    """One call of the history: what it was, when, and what became of it."""

    def __init__(self, name, kind):
        self.name, self.kind, self.outcome, self.value, self.key = name, kind, "unknown", None, None
        self.positions = []  # of its records in the stream


class History:
    """Clients that write at the same time: transfers between accounts, a counter, puts on condition of a version, new items, deletions,
    and consistent readings of all accounts. The stream is one order of all writes that explains every answer and contradicts no clock
    (strict serialisability); each change is in it once, and a function has seen the records of each key in that order, at least once."""
    name, service = "dynamodb.history", "dynamodb"

    def __init__(self):
        self.ops, self.made, self.lock = [], [], threading.Lock()
        self.pool = concurrent.futures.ThreadPoolExecutor(CLIENTS)
        self.todo = [lambda c: table(c, "seen"), self.role, self.function, self.active, self.mapping]  # the consumer's

    def setup(self, c):
        table(c, "history", StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})
        for a in ACCOUNTS:
            ignore("ConditionalCheckFailed", c.put_item, TableName="history", Item={"id": {"S": a}, "n": {"N": str(BALANCE)}, "by": {"S": "setup"}},
                   ConditionExpression="attribute_not_exists(id)")

    def prepare(self, c):
        """Does what comes next for the consumer, which begins with the first record whenever it is there."""
        if self.todo and self.todo[0](c) is not False:
            self.todo.pop(0)

    def role(self, c):
        iam = client(c.meta.endpoint_url, "iam")
        trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
        ignore("EntityAlreadyExists", iam.create_role, RoleName="witness", AssumeRolePolicyDocument=json.dumps(trust))
        iam.attach_role_policy(RoleName="witness", PolicyArn="arn:aws:iam::aws:policy/AmazonDynamoDBFullAccess")

    def function(self, c):
        role = client(c.meta.endpoint_url, "iam").get_role(RoleName="witness")["Role"]["Arn"]
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as z:
            z.writestr("app.py", CONSUMER)
        ignore("ResourceConflict", client(c.meta.endpoint_url, "lambda").create_function, FunctionName="witness", Runtime="python3.13",
               Handler="app.handler", Timeout=20, Role=role, Code={"ZipFile": code.getvalue()})

    def active(self, c):
        functions = client(c.meta.endpoint_url, "lambda")
        return functions.get_function_configuration(FunctionName="witness")["State"] == "Active"

    def mapping(self, c):
        arn = c.describe_table(TableName="history")["Table"]["LatestStreamArn"]
        ignore("ResourceConflict", client(c.meta.endpoint_url, "lambda").create_event_source_mapping, FunctionName="witness", EventSourceArn=arn,
               StartingPosition="TRIM_HORIZON", BatchSize=20, ParallelizationFactor=4)

    def step(self, c, i):
        ops = [Op(f"{i}-{n}", random.choice(["transfer", "transfer", "count", "version", "new", "delete", "read"])) for n in range(CLIENTS)]
        errors = [e for e in self.pool.map(lambda op: self.attempt(c, op), ops) if e]
        if errors:
            raise errors[0]
        self.prepare(c)

    def attempt(self, c, op):
        """Does one call and notes what became of it; returns what leaves that open."""
        with self.lock:
            self.ops.append(op)
        op.start, op.end = time.monotonic(), float("inf")
        try:
            op.value = getattr(self, op.kind)(c, op)
            op.outcome = "done"
        except ClientError as e:
            if unsure(e):
                return e
            assert e.response["Error"]["Code"] in ("ConditionalCheckFailedException", "TransactionCanceledException", "TransactionConflictException"), e
            op.outcome, op.value = "refused", e.response.get("Item")
        except Exception as e:
            if not unsure(e):
                raise
            return e
        op.end = time.monotonic()

    def transfer(self, c, op):
        source, to = random.sample(ACCOUNTS, 2)
        amount = str(random.randint(1, 40))
        change = lambda a, sign, **more: {"Update": {"TableName": "history", "Key": {"id": {"S": a}}, "UpdateExpression": f"SET n = n {sign} :d, #by = :by",
                                                     "ExpressionAttributeNames": {"#by": "by"},
                                                     "ExpressionAttributeValues": {":d": {"N": amount}, ":by": {"S": op.name}}, **more}}
        c.transact_write_items(TransactItems=[change(source, "-", ConditionExpression="n >= :d"), change(to, "+")])

    def count(self, c, op):
        out = c.update_item(TableName="history", Key={"id": {"S": "count"}}, UpdateExpression="ADD n :one SET #by = :by", ReturnValues="ALL_NEW",
                            ExpressionAttributeNames={"#by": "by"}, ExpressionAttributeValues={":one": {"N": "1"}, ":by": {"S": op.name}})
        return out["Attributes"]

    def version(self, c, op):
        was = c.get_item(TableName="history", Key={"id": {"S": "version"}}, ConsistentRead=True).get("Item", {}).get("by", {"S": "none"})
        condition = "#by = :was" if was["S"] != "none" else "attribute_not_exists(#by)"
        values = {"ExpressionAttributeValues": {":was": was}} if was["S"] != "none" else {}
        c.put_item(TableName="history", Item={"id": {"S": "version"}, "by": {"S": op.name}}, ConditionExpression=condition,
                   ExpressionAttributeNames={"#by": "by"}, ReturnValuesOnConditionCheckFailure="ALL_OLD", **values)
        return was["S"]

    def new(self, c, op):
        c.put_item(TableName="history", Item={"id": {"S": "i-" + op.name}, "by": {"S": op.name}}, ConditionExpression="attribute_not_exists(id)")
        with self.lock:
            self.made.append("i-" + op.name)

    def delete(self, c, op):
        with self.lock:
            op.key = random.choice(self.made) if self.made else "i-none"
        return c.delete_item(TableName="history", Key={"id": {"S": op.key}}, ReturnValues="ALL_OLD").get("Attributes")

    def read(self, c, op):
        out = c.transact_get_items(TransactItems=[{"Get": {"TableName": "history", "Key": {"id": {"S": a}}}} for a in ACCOUNTS])
        return tuple(r["Item"]["by"]["S"] for r in out["Responses"]), sum(int(r["Item"]["n"]["N"]) for r in out["Responses"])

    def check(self, c, known, unknown):
        log = self.replay(c)
        by = {op.name: op for op in self.ops}
        deleters = collections.defaultdict(list)
        for op in self.ops:
            if op.kind == "delete" and (op.value or op.outcome == "unknown"):
                deleters[op.key].append(op)
        for position, (key, old, new) in enumerate(log):
            if new is None:
                assert deleters[key], f"nobody deleted {key}"
                min(deleters[key], key=lambda op: op.outcome).positions.append(position)  # "done" before "unknown"
            elif new["by"]["S"] != "setup":
                by[new["by"]["S"]].positions.append(position)
        for op in self.ops:
            self.explain(op, log)
        self.order(log)
        self.readings(log)
        self.witnessed(c)

    def replay(self, c):
        """Plays the stream back, and holds it against the table."""
        state, log = {}, []
        for r in records(c, "history"):
            change, key = r["dynamodb"], r["dynamodb"]["Keys"]["id"]["S"]
            assert state.get(key) == change.get("OldImage"), f"record {r['eventID']}: {change.get('OldImage')} is not what was there"
            state[key] = change.get("NewImage")
            log.append((key, change.get("OldImage"), change.get("NewImage")))
        items = {item["id"]["S"]: item for item in scan(c, "history", ConsistentRead=True)}
        assert {k: v for k, v in state.items() if v} == items, "the stream is not the table's history"
        return log

    def explain(self, op, log):
        """What was answered is what the stream says; what was refused has done nothing; what is open was done whole or not at all."""
        whole = {"transfer": 2, "read": 0, "delete": 1 if op.value else 0}.get(op.kind, 1)
        n = len(op.positions)
        if op.outcome == "unknown":
            assert n in (0, 2 if op.kind == "transfer" else 1), f"{op.kind} {op.name} was done by half"
        else:
            assert n == (whole if op.outcome == "done" else 0), f"{op.kind} {op.name} was {op.outcome} and is in the stream {n} times"
        if n == 2:
            assert op.positions[1] == op.positions[0] + 1, f"transfer {op.name} is torn"
        if not n or op.outcome != "done":
            return
        _, old, new = log[op.positions[0]]
        if op.kind == "count":
            assert op.value == new, f"{op.value} was answered, {new} was written"
        if op.kind == "version":
            assert (old or {}).get("by", {"S": "none"})["S"] == op.value, f"{op.name} was written over {old}, not over {op.value}"
        if op.kind == "delete":
            assert op.value == old, f"{op.value} was answered, {old} was deleted"

    def order(self, log):
        """No write comes in the stream after one that began when it had ended."""
        latest = 0
        for op in sorted((op for op in self.ops if op.positions), key=lambda op: op.positions[0]):
            assert op.end >= latest, f"{op.kind} {op.name} comes after a write that began later"
            latest = max(latest, op.start)

    def readings(self, log):
        """Each consistent reading is a state that the accounts had while it was made, and so is what a refused version saw."""
        states, versions, now, version = [], [], {}, "none"
        for position, (key, _, new) in enumerate(log):
            if key in ACCOUNTS:
                now[key] = new["by"]["S"]
            if key == "version":
                version = new["by"]["S"]
            states.append(tuple(now.get(a) for a in ACCOUNTS))
            versions.append(version)
        writes = sorted((op for op in self.ops if op.positions), key=lambda op: op.positions[0])
        for op in self.ops:
            if op.outcome == "done" and op.kind == "read":
                history, saw = states, op.value[0]
                torn = [i for i, s in enumerate(states) if s == saw]
                assert op.value[1] == len(ACCOUNTS) * BALANCE and torn, f"read {op.name} saw {op.value}"
            elif op.outcome == "refused" and op.kind == "version" and op.value:
                history, saw = versions, op.value["by"]["S"]
            else:
                continue
            first = max((w.positions[-1] for w in writes if w.end < op.start), default=0)
            last = min((w.positions[0] for w in writes if w.start > op.end), default=len(log))
            assert saw in history[first:last], f"{op.kind} {op.name} saw {saw}, which was not there at that time"

    def witnessed(self, c):
        eventually("the consumer", lambda: self.prepare(c) or not self.todo)
        want = collections.defaultdict(list)
        for r in records(c, "history"):
            want[r["dynamodb"]["Keys"]["id"]["S"]].append(r["dynamodb"]["SequenceNumber"])

        def seen():
            return {item["id"]["S"]: [n["S"] for n in item["numbers"]["L"]] for item in scan(c, "seen", ConsistentRead=True)}
        eventually("every record", lambda: (got := seen()) and all(set(want[k]) <= set(got.get(k, [])) for k in want))
        for key, numbers in seen().items():
            further = 0  # how many of the key's records have been seen
            for n in numbers:
                at = want[key].index(n)
                assert at <= further, f"{key}: record {at} came before record {further}"
                further = max(further, at + 1)


class Indexes:
    """Indexes that are made on a table of many items, while it is written to: each has in the end what the table has."""
    name, service = "dynamodb.indexes", "dynamodb"
    ITEMS = 1500

    def __init__(self):
        self.filled, self.serial = 0, 0

    def setup(self, c):
        table(c, "indexed")
        while self.filled < self.ITEMS:
            keys = range(self.filled, self.filled + 25)
            out = c.batch_write_item(RequestItems={"indexed": [{"PutRequest": {"Item": self.item(f"s{k}", k)}} for k in keys]})
            assert not out["UnprocessedItems"]
            self.filled += 25

    def item(self, key, n):
        return {"id": {"S": key}, "kind": {"S": f"k{n % 7}"}, "n": {"N": str(n)}, "text": {"S": "x" * 200}}

    def indexes(self, c):
        return {g["IndexName"]: g["IndexStatus"] for g in c.describe_table(TableName="indexed")["Table"].get("GlobalSecondaryIndexes", [])}

    def step(self, c, i):
        for n in range(5):
            c.put_item(TableName="indexed", Item=self.item(f"p{i}-{n}", i + n))
            c.delete_item(TableName="indexed", Key={"id": {"S": f"s{(5 * i + n) % self.ITEMS}"}})
        there = self.indexes(c)
        if any(status != "ACTIVE" for status in there.values()):
            return
        if len(there) > 2:
            ignore("", c.update_table, TableName="indexed", GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": sorted(there)[i % 3]}}])
            return
        self.serial += 1
        ignore("", c.update_table, TableName="indexed",
               AttributeDefinitions=[{"AttributeName": n, "AttributeType": t} for n, t in (("id", "S"), ("kind", "S"), ("n", "N"))],
               GlobalSecondaryIndexUpdates=[{"Create": {"IndexName": f"kinds{self.serial}", "Projection": {"ProjectionType": "KEYS_ONLY"},
                                                        "KeySchema": [{"AttributeName": "kind", "KeyType": "HASH"}, {"AttributeName": "n", "KeyType": "RANGE"}]}}])

    def check(self, c, known, unknown):
        eventually("the indexes", lambda: all(s == "ACTIVE" for s in self.indexes(c).values()))
        keys = lambda items: sorted((i["id"]["S"], i["kind"]["S"], i["n"]["N"]) for i in items)
        want = keys(scan(c, "indexed", ConsistentRead=True))
        assert len(want) > 100, len(want)
        for name in self.indexes(c):
            got = keys(scan(c, "indexed", IndexName=name))
            assert got == want, f"{name} has {len(got)} items, the table {len(want)}"


class Restores:
    """Tables that are restored, from backups and to a second: each has what had been written by then, and nothing else."""
    name, service = "dynamodb.restores", "dynamodb"

    def __init__(self):
        self.wrote, self.restored, self.filled = {}, [], 0

    def setup(self, c):
        table(c, "saved")
        c.update_continuous_backups(TableName="saved", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True})
        while self.filled < 300:
            items = [{"id": {"S": f"s{n}"}, "text": {"S": "x" * 500}} for n in range(self.filled, self.filled + 25)]
            assert not c.batch_write_item(RequestItems={"saved": [{"PutRequest": {"Item": item}} for item in items]})["UnprocessedItems"]
            self.filled += 25

    def put(self, c, name):
        began = time.time()
        self.wrote[name] = (began, float("inf"))
        c.put_item(TableName="saved", Item={"id": {"S": name}})
        self.wrote[name] = (began, time.time())

    def step(self, c, i):
        for n in range(5):
            self.put(c, f"p{i}-{n}")
        if len(self.restored) >= 12:
            return
        target = f"restored-{i}"
        if i % 2:
            began = time.time()
            arn = c.create_backup(TableName="saved", BackupName=f"b{i}")["BackupDetails"]["BackupArn"]
            taken = (began, time.time())
            eventually("the backup", lambda: c.describe_backup(BackupArn=arn)["BackupDescription"]["BackupDetails"]["BackupStatus"] == "AVAILABLE")
            self.restored.append((target, *taken))
            c.restore_table_from_backup(TargetTableName=target, BackupArn=arn)
            return
        second = int(time.time())
        time.sleep(1.1)
        self.restored.append((target, second, second + 1))
        when = datetime.datetime.fromtimestamp(second, datetime.timezone.utc)
        ignore("InvalidRestoreTime", c.restore_table_to_point_in_time, SourceTableName="saved", TargetTableName=target, RestoreDateTime=when)

    def check(self, c, known, unknown):
        status = lambda name: (ignore("ResourceNotFound", c.describe_table, TableName=name) or {"Table": {"TableStatus": ""}})["Table"]["TableStatus"]
        done = 0
        for target, first, last in self.restored:
            if not status(target):
                continue
            eventually(target, lambda: status(target) == "ACTIVE")
            got = {item["id"]["S"] for item in scan(c, target, ConsistentRead=True)}
            must = {name for name, (_, end) in self.wrote.items() if end < first} | {f"s{n}" for n in range(300)}
            may = {name for name, (began, _) in self.wrote.items() if began <= last} | must
            assert must <= got, f"{target} lacks {sorted(must - got)[:10]}"
            assert got <= may, f"{target} has {sorted(got - may)[:10]}, which came later"
            done += 1
        assert done, "nothing was ever restored"


class Expiry:
    """Items whose time is over go, once, and the stream says by whom; the others stay."""
    name, service = "dynamodb.expiry", "dynamodb"

    def setup(self, c):
        table(c, "mortal", StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"})
        if c.describe_time_to_live(TableName="mortal")["TimeToLiveDescription"]["TimeToLiveStatus"] == "DISABLED":
            c.update_time_to_live(TableName="mortal", TimeToLiveSpecification={"Enabled": True, "AttributeName": "until"})

    def step(self, c, i):
        for n in range(5):
            until = int(time.time()) + (3600 if n == 0 else n - 2)
            c.put_item(TableName="mortal", Item={"id": {"S": f"{'m' if n else 'k'}{i}-{n}"}, "until": {"N": str(until)}})

    def check(self, c, known, unknown):
        names = lambda: {item["id"]["S"] for item in scan(c, "mortal", ConsistentRead=True)}
        eventually("the end of all that is mortal", lambda: not any(name.startswith("m") for name in names()))
        left = names()
        assert {f"k{i}-0" for i in known} <= left, "items are gone whose time is not over"
        ends, begins = collections.Counter(), collections.Counter()
        for r in records(c, "mortal"):
            key = r["dynamodb"]["Keys"]["id"]["S"]
            if r["eventName"] == "REMOVE":
                assert r["userIdentity"] == {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"}, r
                ends[key] += 1
            else:
                begins[key] += 1
        assert set(ends) == {k for k in begins if k.startswith("m")} and set(ends.values()) <= {1}, "an item ended twice, or without a record"


WORKERS = [History(), Indexes(), Restores(), Expiry()]
