"""Stacks over the real client: waiters, roll-back, change sets, nested stacks, and a custom resource in a real function."""

import json
import urllib.request

from client import ACCOUNT, ENDPOINT, client, eventually, fails

cfn, s3, logs = client("cloudformation"), client("s3"), client("logs")
FAST = {"Delay": 1, "MaxAttempts": 60}


def outputs(name):
    (stack,) = cfn.describe_stacks(StackName=name)["Stacks"]
    return {o["OutputKey"]: o["OutputValue"] for o in stack.get("Outputs", [])}


def reasons(name):
    return [(e["LogicalResourceId"], e["ResourceStatus"], e.get("ResourceStatusReason")) for e in cfn.describe_stack_events(StackName=name)["StackEvents"]]


def wait(what, name):
    try:
        cfn.get_waiter(what).wait(StackName=name, WaiterConfig=FAST)
    except Exception as e:
        raise AssertionError(f"{what} {name}: {e}\n{reasons(name)}") from e


GROUP = """
Parameters: {Days: {Type: Number, Default: 7}, Secret: {Type: String, NoEcho: true, Default: s}}
Resources:
  Group: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: !Sub '/e2e/${AWS::StackName}', RetentionInDays: !Ref Days}}
Outputs:
  Name: {Value: !Ref Group, Export: {Name: !Sub '${AWS::StackName}-name'}}
"""

# create, describe, update, delete
stack_id = cfn.create_stack(StackName="one", TemplateBody=GROUP, Tags=[{"Key": "a", "Value": "b"}])["StackId"]
with fails("AlreadyExistsException", 400, "already exists"):
    cfn.create_stack(StackName="one", TemplateBody=GROUP)
wait("stack_create_complete", "one")
assert outputs("one") == {"Name": "/e2e/one"}, outputs("one")
(stack,) = cfn.describe_stacks(StackName=stack_id)["Stacks"]
assert {"ParameterKey": "Secret", "ParameterValue": "****"} in stack["Parameters"], stack
(resource,) = cfn.describe_stack_resources(PhysicalResourceId="/e2e/one")["StackResources"]
assert resource["StackName"] == "one" and resource["LogicalResourceId"] == "Group", resource
with fails("ValidationError", 400, "does not exist"):
    cfn.describe_stack_resources(PhysicalResourceId="nothing")
with fails("ValidationError", 400, "No updates are to be performed."):
    cfn.update_stack(StackName="one", UsePreviousTemplate=True)
cfn.update_stack(StackName="one", UsePreviousTemplate=True, Parameters=[{"ParameterKey": "Days", "ParameterValue": "30"}])
wait("stack_update_complete", "one")
(group,) = logs.describe_log_groups(logGroupNamePrefix="/e2e/one")["logGroups"]
assert group["retentionInDays"] == 30, group
with fails("ValidationError", 400, "does not exist"):
    cfn.describe_stacks(StackName="nothing")

# another type under the same logical id replaces the resource
cfn.update_stack(StackName="one", TemplateBody="Resources: {Group: {Type: 'AWS::SSM::Parameter', Properties: {Type: String, Name: /e2e/p, Value: v}}}")
wait("stack_update_complete", "one")
assert logs.describe_log_groups(logGroupNamePrefix="/e2e/one")["logGroups"] == []
assert client("ssm").get_parameter(Name="/e2e/p")["Parameter"]["Value"] == "v"
cfn.delete_stack(StackName="one")
wait("stack_delete_complete", stack_id)
with fails("ParameterNotFound", 400):
    client("ssm").get_parameter(Name="/e2e/p")

# a failure rolls back
cfn.create_stack(StackName="bad", TemplateBody=GROUP.replace("Default: 7", "Default: 8"))
try:
    wait("stack_create_complete", "bad")
except AssertionError as e:
    assert "ROLLBACK_COMPLETE" in str(e), e
else:
    raise AssertionError("bad was made")
assert any(r[0] == "Group" and r[1] == "CREATE_FAILED" for r in reasons("bad")), reasons("bad")
cfn.delete_stack(StackName="bad")

# change sets
cfn.create_change_set(StackName="set", ChangeSetName="first", ChangeSetType="CREATE", TemplateBody=GROUP)
cfn.get_waiter("change_set_create_complete").wait(StackName="set", ChangeSetName="first", WaiterConfig=FAST)
cfn.execute_change_set(StackName="set", ChangeSetName="first")
wait("stack_create_complete", "set")
cfn.create_change_set(StackName="set", ChangeSetName="second", UsePreviousTemplate=True, Parameters=[{"ParameterKey": "Days", "ParameterValue": "14"}])
(change,) = cfn.describe_change_set(StackName="set", ChangeSetName="second")["Changes"]
assert change["ResourceChange"]["Action"] == "Modify" and change["ResourceChange"]["Replacement"] == "False", change
cfn.execute_change_set(StackName="set", ChangeSetName="second")
wait("stack_update_complete", "set")

# a nested stack, its template in a bucket
bucket = f"templates-{ACCOUNT}"
s3.create_bucket(Bucket=bucket)
s3.put_object(Bucket=bucket, Key="child.yaml", Body=GROUP.encode())
cfn.create_stack(StackName="parent", TemplateBody=json.dumps({
    "Resources": {"Child": {"Type": "AWS::CloudFormation::Stack", "Properties": {
        "TemplateURL": f"https://{bucket}.s3.amazonaws.com/child.yaml", "Parameters": {"Days": 3}, "Tags": [{"Key": "own", "Value": "1"}]}}},
    "Outputs": {"Inner": {"Value": {"Fn::GetAtt": ["Child", "Outputs.Name"]}}}}))
wait("stack_create_complete", "parent")
assert outputs("parent")["Inner"].startswith("/e2e/parent-Child-"), outputs("parent")
(child,) = [s for s in cfn.describe_stacks()["Stacks"] if s["StackName"].startswith("parent-Child-")]
assert child["Tags"] == [{"Key": "own", "Value": "1"}] and child["RootId"] == child["ParentId"], child
cfn.delete_stack(StackName="parent")
wait("stack_delete_complete", "parent")

# a custom resource: a function with inline code that answers with cfnresponse
CUSTOM = """
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {Version: '2012-10-17', Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: 'sts:AssumeRole'}]}
  Function:
    Type: AWS::Lambda::Function
    Properties:
      Runtime: python3.13
      Handler: index.handler
      Timeout: 20
      Role: !GetAtt Role.Arn
      Code:
        ZipFile: |
          import cfnresponse
          def handler(event, context):
              n = int(event["ResourceProperties"]["N"])
              cfnresponse.send(event, context, cfnresponse.SUCCESS, {"Square": n * n}, "the-thing")
  Thing: {Type: 'Custom::Square', Properties: {ServiceToken: !GetAtt Function.Arn, N: 7}}
Outputs: {Square: {Value: !GetAtt Thing.Square}, Ref: {Value: !Ref Thing}}
"""
with fails("InsufficientCapabilitiesException", 400, "Requires capabilities : [CAPABILITY_IAM]"):
    cfn.create_stack(StackName="custom", TemplateBody=CUSTOM)
cfn.create_stack(StackName="custom", TemplateBody=CUSTOM, Capabilities=["CAPABILITY_IAM"])
wait("stack_create_complete", "custom")
assert outputs("custom") == {"Square": "49", "Ref": "the-thing"}, outputs("custom")
cfn.delete_stack(StackName="custom")
wait("stack_delete_complete", "custom")

# AWS::Include and a loop, in a template of almost 1 MB that lies in S3.
s3.put_object(Bucket=bucket, Key="snippet.yaml", Body=b"Type: AWS::SSM::Parameter\nProperties: {Type: String, Name: /e2e/included, Value: in}\n")
LARGE = f"""
Transform: AWS::LanguageExtensions
Parameters: {{Where: {{Type: String, Default: 's3://{bucket}/snippet.yaml'}}}}
Resources:
  Included: {{'Fn::Transform': {{Name: AWS::Include, Parameters: {{Location: !Ref Where}}}}}}
  Fn::ForEach::Each:
    - N
    - [one, two]
    - P${{N}}: {{Type: AWS::SSM::Parameter, Properties: {{Type: String, Name: !Sub '/e2e/${{N}}', Value: !Ref N}}}}
Metadata: {{Large: '{"x" * 990_000}'}}
"""
s3.put_object(Bucket=bucket, Key="large.yaml", Body=LARGE.encode())
with fails("InsufficientCapabilitiesException", 400, "Requires capabilities : [CAPABILITY_AUTO_EXPAND]"):
    cfn.create_stack(StackName="large", TemplateURL=f"https://{bucket}.s3.amazonaws.com/large.yaml")
cfn.create_stack(StackName="large", TemplateURL=f"https://{bucket}.s3.amazonaws.com/large.yaml", Capabilities=["CAPABILITY_AUTO_EXPAND"])
wait("stack_create_complete", "large")
ssm = client("ssm")
assert [ssm.get_parameter(Name=f"/e2e/{n}")["Parameter"]["Value"] for n in ("included", "one", "two")] == ["in", "one", "two"]

# A stack policy keeps what it protects.
deny = {"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "Update:*", "Resource": "LogicalResourceId/P"}]}
one = json.dumps({"Resources": {"P": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "1", "Name": "/e2e/kept"}}}})
cfn.create_stack(StackName="kept", TemplateBody=one, StackPolicyBody=json.dumps(deny))
wait("stack_create_complete", "kept")
assert json.loads(cfn.get_stack_policy(StackName="kept")["StackPolicyBody"]) == deny
cfn.update_stack(StackName="kept", TemplateBody=one.replace('"1"', '"2"'))
wait("stack_rollback_complete", "kept")
assert ssm.get_parameter(Name="/e2e/kept")["Parameter"]["Value"] == "1"
assert "Action denied by stack policy" in str(reasons("kept")), reasons("kept")

# What somebody else has made under the name of a resource stays when the stack goes back.
ssm.put_parameter(Name="/e2e/theirs", Type="String", Value="kept")
cfn.create_stack(StackName="foreign", TemplateBody=one.replace("/e2e/kept", "/e2e/theirs"))
eventually("the roll-back", lambda: cfn.describe_stacks(StackName="foreign")["Stacks"][0]["StackStatus"] == "ROLLBACK_COMPLETE")
assert ssm.get_parameter(Name="/e2e/theirs")["Parameter"]["Value"] == "kept"
assert any("HandlerErrorCode: AlreadyExists" in (r[2] or "") for r in reasons("foreign")), reasons("foreign")
with fails("ValidationError", 400, "Template error: instance of Fn::GetAtt references undefined resource Nope"):
    cfn.validate_template(TemplateBody=one.replace('"1"', '{"Fn::GetAtt": ["Nope", "Arn"]}'))

# A serverless application: its API answers preflights, its function hears of uploads.
SERVERLESS = """
Transform: AWS::Serverless-2016-10-31
Globals: {Api: {Cors: "'*'"}}
Resources:
  Uploads: {Type: AWS::S3::Bucket}
  Function:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.13
      Handler: index.handler
      InlineCode: "def handler(event, context): return {'statusCode': 200}"
      Events:
        Get: {Type: Api, Properties: {Path: /items, Method: get}}
        Upload: {Type: S3, Properties: {Bucket: !Ref Uploads, Events: 's3:ObjectCreated:*'}}
Outputs: {Api: {Value: !Ref ServerlessRestApi}, Bucket: {Value: !Ref Uploads}, Function: {Value: !GetAtt Function.Arn}}
"""
cfn.create_stack(StackName="serverless", TemplateBody=SERVERLESS, Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"])
wait("stack_create_complete", "serverless")
made = outputs("serverless")
ask = urllib.request.Request(f"{ENDPOINT}/restapis/{made['Api']}/Prod/_user_request_/items", method="OPTIONS")
with urllib.request.urlopen(ask) as answer:
    assert answer.headers["Access-Control-Allow-Origin"] == "*", answer.headers
    assert answer.headers["Access-Control-Allow-Methods"] == "GET,OPTIONS", answer.headers
(told,) = s3.get_bucket_notification_configuration(Bucket=made["Bucket"])["LambdaFunctionConfigurations"]
assert told["LambdaFunctionArn"] == made["Function"] and told["Events"] == ["s3:ObjectCreated:*"], told
