"""Step Functions: tasks that the mock configuration answers (testdata/sfn_mocks.json), in place of what is not there."""

import json

from client import ACCOUNT, REGION, client, eventually, fails

states, iam = client("stepfunctions", config={"inject_host_prefix": False}), client("iam")
role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}]}))["Role"]["Arn"]
charge = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": "none"}, "ResultPath": "$.charge",
          "Retry": [{"ErrorEquals": ["Lambda.TooManyRequestsException"], "IntervalSeconds": 1, "BackoffRate": 1}]}
machine = states.create_state_machine(name="Rehearsed", roleArn=role, definition=json.dumps({"StartAt": "Charge", "States": {
    "Charge": charge | {"Next": "Approve"},
    "Approve": {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "ResultPath": "$.approval", "Next": "Ship",
                "Parameters": {"QueueUrl": "none", "MessageBody": {"token.$": "$$.Task.Token"}}},
    "Ship": {"Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync:2", "ResultSelector": {"parcel.$": "$.Output.parcel"}, "End": True,
             "Parameters": {"StateMachineArn": f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:none"}}}}))["stateMachineArn"]


def run(arn):
    execution = states.start_execution(stateMachineArn=arn)["executionArn"]
    eventually("the end of " + execution, lambda: states.describe_execution(executionArn=execution)["status"] != "RUNNING")
    types = [e["type"] for e in states.get_execution_history(executionArn=execution)["events"]]
    return states.describe_execution(executionArn=execution), types


found, types = run(machine + "#Happy")
assert found["status"] == "SUCCEEDED" and json.loads(found["output"]) == {"parcel": 7} and found["stateMachineArn"] == machine, found
assert types.count("TaskSucceeded") == 3, types
found, types = run(machine + "#Retried")
assert found["status"] == "SUCCEEDED" and types.count("TaskFailed") == 2, (found, types)
found, _ = run(machine + "#Refused")
assert (found["status"], found["error"], found["cause"]) == ("FAILED", "Refused", "too expensive"), found
found, _ = run(machine)  # without a case the tasks are made
assert found["status"] == "FAILED" and found["error"] in ("Lambda.ResourceNotFoundException", "Lambda.AWSLambdaException"), found
with fails("InvalidArn", 400, "no test case 'None' of 'Rehearsed'"):
    states.start_execution(stateMachineArn=machine + "#None")

# An express machine of the same name, in the same way.
states.delete_state_machine(stateMachineArn=machine)


def gone():
    try:
        states.create_state_machine(name="Rehearsed", roleArn=role, type="EXPRESS", definition=json.dumps({"StartAt": "Charge", "States": {"Charge": charge | {"End": True}}}))
        return True
    except states.exceptions.StateMachineDeleting:
        return False


eventually("the deletion", gone)
found = states.start_sync_execution(stateMachineArn=machine + "#Happy")
assert found["status"] == "SUCCEEDED" and json.loads(found["output"])["charge"]["Payload"] == {"charged": True}, found
