"""State machines under the crash suite: one of every state type and kind of task, whose executions are started while the
platform is killed. Each has to end as one does that nobody disturbs."""
import collections
import io
import json
import threading
import time
import zipfile

from botocore.exceptions import ClientError

from calls import client, eventually, ignore

FUNCTION = """
import boto3
table = boto3.resource("dynamodb").Table("machines")
def handler(event, context):
    if event["retries"] == 0:
        raise RuntimeError("the first attempt fails")
    table.put_item(Item={"id": event["id"]})
    return {"id": event["id"]}
"""
WAITS = {"Wait": 2, "Short": 1, "Long": 12}  # seconds
APART = 4  # seconds by which waits may end in another order than they are due, on a busy machine


def put(id, **more):
    return {"Type": "Task", "Resource": "arn:aws:states:::dynamodb:putItem", "Parameters": {"TableName": "machines", "Item": {"id": {"S.$": id}}},
            "ResultPath": None} | more


def definition(function, activity, callback, fifo, child):
    """Every state type, and tasks of every pattern. The table's items are named after what wrote them."""
    def items(where):
        return {"StartAt": "One " + where, "States": {"One " + where: {"Type": "Pass", "Parameters": {"id.$": "$.value"}, "Next": "Put " + where},
                                                      "Put " + where: put("$.id", End=True)}}
    each = {"value.$": "States.Format('{}-{}', $.id, $$.Map.Item.Value)"}
    return {"StartAt": "Pass", "TimeoutSeconds": 3600, "States": {
        "Pass": {"Type": "Pass", "Parameters": {"id.$": "$.id", "numbers.$": "States.ArrayRange(1, 4, 1)"}, "Next": "Choice"},
        "Choice": {"Type": "Choice", "Choices": [{"Variable": "$.id", "StringMatches": "*", "Next": "Wait"}], "Default": "Fail"},
        "Fail": {"Type": "Fail"},
        "Wait": {"Type": "Wait", "Seconds": WAITS["Wait"], "Next": "Lambda"},
        "Lambda": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "ResultPath": None, "Next": "Parallel",
                   "Parameters": {"FunctionName": function, "Payload": {"id.$": "States.Format('lambda-{}', $.id)", "retries.$": "$$.State.RetryCount"}},
                   "Retry": [{"ErrorEquals": ["RuntimeError"], "IntervalSeconds": 1, "MaxAttempts": 1}]},
        "Parallel": {"Type": "Parallel", "ResultPath": None, "Next": "Map", "Branches": [
            {"StartAt": "Send", "States": {"Send": {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "End": True, "Parameters": {
                "QueueUrl": fifo, "MessageBody.$": "$.id", "MessageGroupId": "g", "MessageDeduplicationId.$": "$.id"}}}},
            {"StartAt": "Short", "States": {"Short": {"Type": "Wait", "Seconds": WAITS["Short"], "Next": "Branch"},
                                            "Branch": put("States.Format('branch-{}', $.id)", End=True)}},
            {"StartAt": "Long", "States": {"Long": {"Type": "Wait", "Seconds": WAITS["Long"], "End": True}}}]},
        "Map": {"Type": "Map", "ItemsPath": "$.numbers", "MaxConcurrency": 2, "ItemSelector": each, "ItemProcessor": items("here"), "ResultPath": None,
                "Next": "Distributed"},
        "Distributed": {"Type": "Map", "ItemsPath": "$.numbers", "MaxConcurrency": 2, "Label": "d", "ResultPath": None, "Next": "Child",
                        "ItemSelector": {"value.$": "States.Format('far-{}-{}', $.id, $$.Map.Item.Value)"},
                        "ItemProcessor": items("far") | {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}},
        "Child": {"Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync:2", "ResultPath": None, "Next": "Token",
                  "Parameters": {"StateMachineArn": child, "Input": {"id.$": "$.id"}}},
        "Token": {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "ResultPath": None, "Next": "Activity",
                  "Parameters": {"QueueUrl": callback, "MessageBody": {"token.$": "$$.Task.Token"}}},
        # A task that was handed out to a worker who never got the answer comes back by its heartbeat.
        "Activity": {"Type": "Task", "Resource": activity, "HeartbeatSeconds": 10, "ResultPath": None, "Next": "Succeed",
                     "Retry": [{"ErrorEquals": ["States.HeartbeatTimeout"], "IntervalSeconds": 1, "MaxAttempts": 30, "BackoffRate": 1}]},
        "Succeed": {"Type": "Succeed"}}}


class Machines:
    """An execution goes on from the exact state: it ends as it would have, no state is entered twice, no task is forgotten or, where
    the callee can tell, done twice."""
    name, service = "sfn", "stepfunctions"

    def __init__(self):
        self.c = None
        self.todo = [self.table, self.queues, self.role, self.function, self.active, self.machines, self.helpers]

    def setup(self, c):
        self.c = c
        while self.todo:  # what is done stays done: the platform is killed more often than all of this takes
            self.todo[0](c)
            self.todo.pop(0)

    def other(self, service):
        return client(self.c.meta.endpoint_url, service)

    def at(self, url):
        return self.c.meta.endpoint_url + "/" + url.split("/", 3)[3]  # the platform may have another port since

    def table(self, c):
        ignore("ResourceInUse", self.other("dynamodb").create_table, TableName="machines", BillingMode="PAY_PER_REQUEST",
               AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}], KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}])

    def queues(self, c):
        sqs = self.other("sqs")
        self.fifo = sqs.create_queue(QueueName="machines.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
        self.callback = sqs.create_queue(QueueName="machines", Attributes={"VisibilityTimeout": "5"})["QueueUrl"]

    def role(self, c):
        iam = self.other("iam")
        trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": ["states.amazonaws.com", "lambda.amazonaws.com"]},
                                                         "Action": "sts:AssumeRole"}]}
        ignore("EntityAlreadyExists", iam.create_role, RoleName="machines", AssumeRolePolicyDocument=json.dumps(trust))
        iam.attach_role_policy(RoleName="machines", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
        self.arn = iam.get_role(RoleName="machines")["Role"]["Arn"]

    def function(self, c):
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as z:
            z.writestr("app.py", FUNCTION)
        ignore("ResourceConflict", self.other("lambda").create_function, FunctionName="machines", Runtime="python3.13", Handler="app.handler",
               Timeout=120, Role=self.arn, Code={"ZipFile": code.getvalue()})

    def active(self, c):
        eventually("the function", lambda: self.other("lambda").get_function_configuration(FunctionName="machines")["State"] == "Active")

    def machines(self, c):
        self.activity = c.create_activity(name="machines")["activityArn"]
        child = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 1, "Next": "Done"}, "Done": {"Type": "Succeed"}}}
        make = lambda name, d: c.create_state_machine(name=name, roleArn=self.arn, definition=json.dumps(d))["stateMachineArn"]
        self.child = make("child", child)
        # A queue is named by its path: the platform has another port after each restart.
        path = lambda url: "http://localhost/" + url.split("/", 3)[3]
        self.machine = make("flow", definition("machines", self.activity, path(self.callback), path(self.fifo), self.child))

    def helpers(self, c):
        """Those who bring tokens back, and who work on the activity's tasks, go on through every kill."""
        for work in (self.answer, self.answer, self.work, self.work):
            threading.Thread(target=self.forever, args=(work,), daemon=True).start()

    def forever(self, work):
        while True:
            try:
                work()
            except Exception:
                time.sleep(0.1)

    def answer(self):
        sqs, states = self.other("sqs"), self.other("stepfunctions")
        for m in sqs.receive_message(QueueUrl=self.at(self.callback), MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", []):
            self.bring(states, json.loads(m["Body"])["token"])
            sqs.delete_message(QueueUrl=self.at(self.callback), ReceiptHandle=m["ReceiptHandle"])

    def bring(self, states, token):
        try:
            states.send_task_success(taskToken=token, output="{}")
        except ClientError as e:
            if e.response["Error"]["Code"] != "TaskTimedOut":  # it was brought back before, and the answer got lost
                raise

    def work(self):
        states = self.other("stepfunctions")
        states.meta.config.read_timeout = 65
        task = states.get_activity_task(activityArn=self.activity, workerName="w")
        if task.get("taskToken"):
            self.bring(states, task["taskToken"])

    def step(self, c, i):
        self.c = c
        c.start_execution(stateMachineArn=self.machine, name=f"e-{i}", input=json.dumps({"id": f"e{i}"}))
        time.sleep(0.3)

    def history(self, c, name):
        arn = self.machine.replace(":stateMachine:", ":execution:") + ":" + name
        return [e for page in c.get_paginator("get_execution_history").paginate(executionArn=arn) for e in page["events"]]

    def check(self, c, known, unknown):
        self.c = c
        c.start_execution(stateMachineArn=self.machine, name="undisturbed", input=json.dumps({"id": "undisturbed"}))

        def running():
            return c.list_executions(stateMachineArn=self.machine, statusFilter="RUNNING")["executions"]
        eventually("the end of all executions", lambda: not running())
        ran = {}
        for page in c.get_paginator("list_executions").paginate(stateMachineArn=self.machine):
            ran.update({e["name"]: e["status"] for e in page["executions"]})
        ids = {int(name[2:]) for name in ran if name != "undisturbed"}
        assert set(known) <= ids <= set(known) | set(unknown), f"lost {set(known) - ids}, from nowhere {ids - set(known) - set(unknown)}"
        wanted, waits = self.shape(self.history(c, "undisturbed")), []
        for name, status in ran.items():
            events = self.history(c, name)
            waits += self.waits(name, events)
            assert status == "SUCCEEDED", f"{name} is {status}: {events[-1]}"
            found = self.shape(events)
            assert found == wanted, f"{name} went otherwise: more {found - wanted}, less {wanted - found}"
            self.mapped(c, name)
        self.punctual(waits)
        self.effects(c, ["e" + name[2:] for name in ran if name != "undisturbed"] + ["undisturbed"])

    def shape(self, events):
        """What happened, without its order, which branches may share out otherwise. A task of the activity may time out, and is then
        scheduled again."""
        assert [e["id"] for e in events] == list(range(1, len(events) + 1)), "ids have gaps"
        assert all(e.get("previousEventId", 0) < e["id"] for e in events), "an event before its cause"
        seen = collections.Counter()
        for e in events:
            name = e.get("stateEnteredEventDetails", e.get("stateExitedEventDetails", {})).get("name", "")
            if not e["type"].startswith("Activity") or e["type"] == "ActivitySucceeded":
                seen[e["type"], name] += 1
        types = collections.Counter(e["type"] for e in events)
        assert types["ActivityScheduled"] == types["ActivityTimedOut"] + 1, types
        return seen

    def waits(self, name, events):
        """When each wait was due, when it ended, and which it was."""
        entered = {}
        for e in events:
            state = e.get("stateEnteredEventDetails", e.get("stateExitedEventDetails", {})).get("name")
            if e["type"] == "WaitStateEntered":
                entered[state] = e["timestamp"].timestamp()
            if e["type"] == "WaitStateExited":
                yield entered[state] + WAITS[state], e["timestamp"].timestamp(), f"{state} of {name}"

    def punctual(self, waits):
        """No wait ends early, and none that was due first ends last: one that a start of the platform begins anew is overtaken by a
        shorter one that began after it."""
        for due, ended, which in waits:
            assert ended > due - 0.01, f"{which} ends {due - ended} s early"
        waits = sorted(waits)
        for i, (due, ended, which) in enumerate(waits):
            for later, before, other in waits[i + 1:]:
                assert later < due + APART or before > ended - APART, f"{which}, due {later - due} s before {other}, ends {ended - before} s after it"

    def mapped(self, c, name):
        """Each item has had one child, which went its way once."""
        run, = c.list_map_runs(executionArn=self.machine.replace(":stateMachine:", ":execution:") + ":" + name)["mapRuns"]
        found = c.describe_map_run(mapRunArn=run["mapRunArn"])
        assert found["itemCounts"]["succeeded"] == found["itemCounts"]["total"] == found["executionCounts"]["total"] == 4, f"{name}: {found}"
        children = c.list_executions(mapRunArn=run["mapRunArn"])["executions"]
        assert len(children) == 4, f"{name}: {children}"
        for child in children:
            entered = [e["stateEnteredEventDetails"]["name"] for e in c.get_execution_history(executionArn=child["executionArn"])["events"]
                       if "stateEnteredEventDetails" in e]
            assert entered == ["One far", "Put far"], f"{child['executionArn']}: {entered}"

    def effects(self, c, ids):
        dynamodb, sqs = self.other("dynamodb"), self.other("sqs")
        items = set()
        for page in dynamodb.get_paginator("scan").paginate(TableName="machines", ConsistentRead=True):
            items |= {item["id"]["S"] for item in page["Items"]}
        wanted = {f"{what}-{i}" for i in ids for what in ("lambda", "branch")} | {f"{i}-{n}" for i in ids for n in range(1, 5)} | \
                 {f"far-{i}-{n}" for i in ids for n in range(1, 5)}
        assert items == wanted, f"missing {wanted - items}, from nowhere {items - wanted}"
        children = [e for page in c.get_paginator("list_executions").paginate(stateMachineArn=self.child) for e in page["executions"]]
        assert len(children) == len(ids) and all(e["status"] == "SUCCEEDED" for e in children), f"{len(children)} children of {len(ids)}"
        sent = collections.Counter()
        while True:
            messages = sqs.receive_message(QueueUrl=self.at(self.fifo), MaxNumberOfMessages=10).get("Messages", [])
            if not messages:
                break
            sent.update(m["Body"] for m in messages)
            sqs.delete_message_batch(QueueUrl=self.at(self.fifo), Entries=[{"Id": str(k), "ReceiptHandle": m["ReceiptHandle"]} for k, m in enumerate(messages)])
        assert sent == collections.Counter(ids), f"messages {sent - collections.Counter(ids)} too many, {collections.Counter(ids) - sent} too few"


WORKERS = [Machines()]
