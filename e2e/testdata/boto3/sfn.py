"""Step Functions: executions with their history, lists and ends; express; tasks, tokens, activities; redrive; logs; events."""
import json
import threading
import uuid

from client import ACCOUNT, REGION, client, eventually, fails, received

states, iam, logs, sqs, dynamodb = client("stepfunctions"), client("iam"), client("logs"), client("sqs"), client("dynamodb")
base = f"arn:aws:states:{REGION}:{ACCOUNT}:"
role = iam.create_role(RoleName="states", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}]}))["Role"]["Arn"]
iam.put_role_policy(RoleName="states", PolicyName="all", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "*", "Resource": "*"}]}))


def machine(name, definition, **more):
    return states.create_state_machine(name=name, definition=json.dumps(definition), roleArn=role, **more)["stateMachineArn"]


def one(state, **top):
    return {"StartAt": "A", "States": {"A": state | {"End": True}}} | top


def ended(execution, status="SUCCEEDED"):
    eventually("the end of " + execution, lambda: states.describe_execution(executionArn=execution)["status"] != "RUNNING")
    found = states.describe_execution(executionArn=execution)
    assert found["status"] == status, found
    return found


def history(execution, **more):
    return [e for page in states.get_paginator("get_execution_history").paginate(executionArn=execution, **more) for e in page["events"]]


# Names are taken once, with one input.
hello = machine("hello", {"StartAt": "P", "States": {"P": {"Type": "Pass", "Result": {"hello": "world"}, "ResultPath": "$.said", "Next": "C"},
                          "C": {"Type": "Choice", "Choices": [{"Variable": "$.n", "NumericGreaterThan": 1, "Next": "S"}], "Default": "F"},
                          "S": {"Type": "Succeed"}, "F": {"Type": "Fail", "Error": "TooFew", "Cause": "n is not above 1"}}})
first = states.start_execution(stateMachineArn=hello, name="x", input='{"n": 2}')
assert first["executionArn"] == f"{base}execution:hello:x", first
assert json.loads(ended(first["executionArn"])["output"]) == {"n": 2, "said": {"hello": "world"}}
with fails("ExecutionAlreadyExists", 400, f"Execution Already Exists: '{first['executionArn']}'"):
    states.start_execution(stateMachineArn=hello, name="x", input='{"n": 3}')
with fails("InvalidExecutionInput", 400, "Invalid State Machine Execution Input: 'Unexpected end-of-input"):
    states.start_execution(stateMachineArn=hello, input="{")
with fails("StateMachineDoesNotExist", 400, "State Machine Does Not Exist: '"):
    states.start_execution(stateMachineArn=hello + "o")
few = states.start_execution(stateMachineArn=hello, input='{"n": 1}')["executionArn"]
found = ended(few, "FAILED")
assert (found["error"], found["cause"]) == ("TooFew", "n is not above 1"), found
kinds = [e["type"] for e in history(first["executionArn"], PaginationConfig={"PageSize": 3})]
assert kinds == ["ExecutionStarted", "PassStateEntered", "PassStateExited", "ChoiceStateEntered", "ChoiceStateExited", "SucceedStateEntered",
                 "SucceedStateExited", "ExecutionSucceeded"], kinds
assert [e["id"] for e in history(first["executionArn"], reverseOrder=True)] == list(range(8, 0, -1))
assert "input" not in history(first["executionArn"], includeExecutionData=False)[0]["executionStartedEventDetails"]
assert [e["executionArn"] for e in states.list_executions(stateMachineArn=hello, statusFilter="FAILED")["executions"]] == [few]
assert states.describe_state_machine_for_execution(executionArn=few)["stateMachineArn"] == hello
with fails("ExecutionDoesNotExist", 400, "Execution Does Not Exist: '"):
    states.describe_execution(executionArn=first["executionArn"] + "x")

# Stopping.
wait = machine("wait", one({"Type": "Wait", "Seconds": 86400}))
execution = states.start_execution(stateMachineArn=wait)["executionArn"]
states.stop_execution(executionArn=execution, error="Enough", cause="of this")
found = ended(execution, "ABORTED")
assert (found["error"], found["cause"]) == ("Enough", "of this"), found
assert history(execution)[-1]["executionAbortedEventDetails"] == {"error": "Enough", "cause": "of this"}

# Tasks: a queue with a token, a table, both in parallel, over items, with a variable and JSONata.
queue = sqs.create_queue(QueueName="states")["QueueUrl"]
dynamodb.create_table(TableName="states", BillingMode="PAY_PER_REQUEST", AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                      KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}])
flow = machine("flow", {"QueryLanguage": "JSONata", "StartAt": "Both", "States": {
    "Both": {"Type": "Parallel", "Next": "Each", "Assign": {"answer": "{% $states.result[0].answer %}"}, "Branches": [
        one({"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "TimeoutSeconds": 300,
             "Arguments": {"QueueUrl": queue, "MessageBody": {"token": "{% $states.context.Task.Token %}", "n": "{% $states.input.n %}"}}}),
        {"StartAt": "B", "States": {"B": {"Type": "Pass", "End": True}}}]},
    "Each": {"Type": "Map", "Items": "{% [1..3] %}", "MaxConcurrency": 2, "Next": "Read", "ItemProcessor": {"StartAt": "Put", "States": {"Put": {
        "Type": "Task", "Resource": "arn:aws:states:::dynamodb:putItem", "End": True,
        "Arguments": {"TableName": "states", "Item": {"id": {"S": "{% $string($states.input) %}"}, "answer": {"S": "{% $answer %}"}}}}}}},
    "Read": {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:dynamodb:getItem", "Arguments": {"TableName": "states", "Key": {"id": {"S": "2"}}},
             "Output": "{% $states.result.Item.answer.S %}", "End": True}}})
execution = states.start_execution(stateMachineArn=flow, input='{"n": 7}')["executionArn"]
message = json.loads(received(sqs, queue)["Body"])
assert message["n"] == 7, message
with fails("InvalidToken", 400):
    states.send_task_success(taskToken="made up", output="{}")
with fails("InvalidOutput", 400):
    states.send_task_success(taskToken=message["token"], output="{")
states.send_task_heartbeat(taskToken=message["token"])
states.send_task_success(taskToken=message["token"], output='{"answer": "yes"}')
assert ended(execution)["output"] == '"yes"'
with fails("TaskTimedOut", 400):
    states.send_task_success(taskToken=message["token"], output="{}")
kinds = [e["type"] for e in history(execution)]
assert kinds.count("MapIterationSucceeded") == 3 and kinds.count("TaskSubmitted") == 1, kinds
assert len(kinds) == len(history(execution)) == history(execution)[-1]["id"]

# Errors of tasks have the names of the SDK, are retried, and caught.
catch = machine("catch", {"StartAt": "T", "States": {"T": {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:dynamodb:getItem",
                "Parameters": {"TableName": "none", "Key": {"id": {"S": "1"}}}, "Retry": [{"ErrorEquals": ["DynamoDb.ResourceNotFoundException"], "IntervalSeconds": 1, "MaxAttempts": 1}],
                "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "S"}], "End": True}, "S": {"Type": "Succeed", "OutputPath": "$.error.Error"}}})
execution = states.start_execution(stateMachineArn=catch)["executionArn"]
assert ended(execution)["output"] == '"DynamoDb.ResourceNotFoundException"'
assert [e["type"] for e in history(execution)].count("TaskFailed") == 2

# Activities.
activity = states.create_activity(name="states-work")["activityArn"]
worked = machine("worked", one({"Type": "Task", "Resource": activity, "TimeoutSeconds": 300, "HeartbeatSeconds": 60}))
got = {}
worker = threading.Thread(target=lambda: got.update(client("stepfunctions", config={"read_timeout": 70}).get_activity_task(activityArn=activity, workerName="me")))
worker.start()
execution = states.start_execution(stateMachineArn=worked, input='{"a": 1}')["executionArn"]
worker.join()
assert json.loads(got["input"]) == {"a": 1}, got
states.send_task_failure(taskToken=got["taskToken"], error="Broken", cause="it fell")
found = ended(execution, "FAILED")
assert (found["error"], found["cause"]) == ("Broken", "it fell"), found

# Redrive goes on from what failed.
assert found["redriveStatus"] == "REDRIVABLE", found
states.redrive_execution(executionArn=execution)
task = client("stepfunctions", config={"read_timeout": 70}).get_activity_task(activityArn=activity)
states.send_task_success(taskToken=task["taskToken"], output='"mended"')
found = ended(execution)
assert found["output"] == '"mended"' and found["redriveCount"] == 1, found
with fails("ExecutionNotRedrivable", 400):
    states.redrive_execution(executionArn=execution)

# Express: at once, and logged.
logs.create_log_group(logGroupName="/aws/vendedlogs/states/express")
fast = machine("fast", one({"Type": "Pass", "Parameters": {"twice.$": "States.MathAdd($.n, $.n)"}}), type="EXPRESS", loggingConfiguration={
    "level": "ALL", "includeExecutionData": True, "destinations": [{"cloudWatchLogsLogGroup": {
        "logGroupArn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/vendedlogs/states/express:*"}}]})
out = client("stepfunctions", config={"inject_host_prefix": False}).start_sync_execution(stateMachineArn=fast, input='{"n": 21}')
assert out["status"] == "SUCCEEDED" and json.loads(out["output"]) == {"twice": 42} and out["billingDetails"]["billedMemoryUsedInMB"] == 64, out
with fails("StateMachineTypeNotSupported", 400):
    client("stepfunctions", config={"inject_host_prefix": False}).start_sync_execution(stateMachineArn=hello)
states.start_execution(stateMachineArn=fast, input='{"n": 1}')


def logged():
    lines = [json.loads(e["message"]) for e in logs.filter_log_events(logGroupName="/aws/vendedlogs/states/express")["events"]]
    return sum(line["type"] == "ExecutionSucceeded" for line in lines) == 2 and all("execution_arn" in line for line in lines)


eventually("the log", logged)

# Executions in executions.
parent = machine("parent", one({"Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync:2",
                                "Parameters": {"StateMachineArn": hello, "Input": {"n": 5}}, "OutputPath": "$.Output.said.hello"}))
assert ended(states.start_execution(stateMachineArn=parent, name=str(uuid.uuid4()))["executionArn"])["output"] == '"world"'
