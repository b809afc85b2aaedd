"""State machines from templates: the SAM resource with its events, versions and alias that follow a change, an activity; updates
and the end of the stack."""
import json
import urllib.request

from client import ACCOUNT, ENDPOINT, client, eventually

cloudformation, states, events = client("cloudformation"), client("stepfunctions"), client("events")
TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Parameters: {Word: {Type: String}}
Resources:
  Api: {Type: AWS::Serverless::Api, Properties: {StageName: v1}}
  Bus: {Type: AWS::Events::EventBus, Properties: {Name: sfn-stack}}
  Machine:
    Type: AWS::Serverless::StateMachine
    Properties:
      Definition:
        StartAt: Say
        States: {Say: {Type: Pass, Result: {said: !Ref Word, activity: !Ref Activity}, ResultPath: $.result, End: true}}
      AutoPublishAlias: live
      UseAliasAsEventTarget: true
      Events:
        Start: {Type: Api, Properties: {RestApiId: !Ref Api, Path: /start, Method: POST}}
        Told: {Type: EventBridgeRule, Properties: {EventBusName: !Ref Bus, Pattern: {source: [sfn-stack]}, InputPath: $.detail}}
        Daily: {Type: Schedule, Properties: {Schedule: rate(1 day), Enabled: false}}
  Activity: {Type: AWS::StepFunctions::Activity, Properties: {Name: sfn-stack}}
Outputs:
  Machine: {Value: !Ref Machine}
  Name: {Value: !GetAtt Machine.Name}
  Revision: {Value: !GetAtt Machine.StateMachineRevisionId}
  Alias: {Value: !Ref MachineAliaslive}
  Version: {Value: !Ref MachineVersion}
  Api: {Value: !Ref Api}
"""


def deploy(call, word):
    call(StackName="sfn-stack", TemplateBody=TEMPLATE, Parameters=[{"ParameterKey": "Word", "ParameterValue": word}],
         Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"])
    stack = lambda: cloudformation.describe_stacks(StackName="sfn-stack")["Stacks"][0]
    eventually("the stack", lambda: not stack()["StackStatus"].endswith("IN_PROGRESS"))
    found = stack()
    assert found["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), cloudformation.describe_stack_events(StackName="sfn-stack")["StackEvents"][:8]
    return {o["OutputKey"]: o["OutputValue"] for o in found["Outputs"]}


def output(execution):
    eventually("its end", lambda: states.describe_execution(executionArn=execution)["status"] != "RUNNING")
    found = states.describe_execution(executionArn=execution)
    return json.loads(found["output"]), found.get("stateMachineVersionArn")


first = deploy(cloudformation.create_stack, "one")
assert first["Revision"] == "INITIAL" and first["Version"] == first["Machine"] + ":1" and first["Alias"] == first["Machine"] + ":live", first
assert first["Name"].startswith("Machine-"), first

# The API starts the alias with the body of the request.
request = urllib.request.Request(f"{ENDPOINT}/_aws/execute-api/{first['Api']}/v1/start", data=b'{"n": 1}', headers={"Content-Type": "application/json"})
with urllib.request.urlopen(request) as answer:
    execution = json.load(answer)["executionArn"]
said, version = output(execution)
assert said["n"] == 1 and said["result"]["said"] == "one" and said["result"]["activity"].endswith(":activity:sfn-stack"), said
assert version == first["Version"], version

# So does the rule, with what the event says.
events.put_events(Entries=[{"EventBusName": "sfn-stack", "Source": "sfn-stack", "DetailType": "t", "Detail": '{"told": true}'}])
alias = lambda: states.list_executions(stateMachineArn=first["Alias"])["executions"]
eventually("the execution that the rule starts", lambda: len(alias()) == 2)
assert {"told", "result"} in [set(output(e["executionArn"])[0]) for e in alias()]

# Another definition makes another version, to which the alias moves.
second = deploy(cloudformation.update_stack, "two")
assert second["Version"] == first["Machine"] + ":2" and second["Revision"] != "INITIAL" and second["Machine"] == first["Machine"], second
assert output(states.start_execution(stateMachineArn=second["Alias"], input="{}")["executionArn"])[0]["result"]["said"] == "two"
routes = states.describe_state_machine_alias(stateMachineAliasArn=second["Alias"])["routingConfiguration"]
assert routes == [{"stateMachineVersionArn": second["Version"], "weight": 100}], routes

cloudformation.delete_stack(StackName="sfn-stack")
eventually("the end of the machine", lambda: not states.list_state_machines()["stateMachines"])
eventually("the end of the activity", lambda: not states.list_activities()["activities"])
