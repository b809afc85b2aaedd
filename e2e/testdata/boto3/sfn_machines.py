"""Step Functions: state machines with versions, aliases and tags, activities, validation, who may do what."""
import json

from client import ACCOUNT, REGION, client, eventually, fails

states, iam, logs, sts = client("stepfunctions"), client("iam"), client("logs"), client("sts")
base = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:"
PASS = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": 1, "End": True}}})
OTHER = PASS.replace("1", "2")


def new_role(name, *statements):
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}]}))["Role"]["Arn"]
    if statements:
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": list(statements)}))
    return role


role = new_role("states-machines", {"Effect": "Allow", "Action": "logs:*", "Resource": "*"})
nobody = iam.create_role(RoleName="states-nobody", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}))["Role"]["Arn"]

# Creation, and the same again.
made = states.create_state_machine(name="one", definition=PASS, roleArn=role, tags=[{"key": "team", "value": "a"}])
assert made["stateMachineArn"] == base + "one" and "stateMachineVersionArn" not in made, made
assert states.create_state_machine(name="one", definition=PASS, roleArn=role)["creationDate"] == made["creationDate"]
with fails("StateMachineAlreadyExists", 400, f"State Machine Already Exists: '{base}one'"):
    states.create_state_machine(name="one", definition=OTHER, roleArn=role)
with fails("InvalidName", 400, "Invalid Name: 'a b'"):
    states.create_state_machine(name="a b", definition=PASS, roleArn=role)
with fails("InvalidArn", 400, "Invalid Role Arn: 'role'"):
    states.create_state_machine(name="x", definition=PASS, roleArn="role")
with fails("AccessDeniedException", 400, "Neither the global service principal states.amazonaws.com, nor the regional one is authorized to assume the provided role."):
    states.create_state_machine(name="x", definition=PASS, roleArn=nobody)
for definition in ("{", json.dumps({"States": {}}), PASS.replace('"End": true', '"Next": "B"'), PASS.replace("Pass", "Task")):
    with fails("InvalidDefinition", 400, "Invalid State Machine Definition: '"):
        states.create_state_machine(name="x", definition=definition, roleArn=role)
task = {"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "arn:aws:states:::nowhere:call", "End": True}}}
with fails("InvalidDefinition", 400, "arn:aws:states:::nowhere:call"):
    states.create_state_machine(name="x", definition=json.dumps(task), roleArn=role)
with fails("ValidationException", 400):
    states.create_state_machine(name="x" * 81, definition=PASS, roleArn=role)
described = states.describe_state_machine(stateMachineArn=base + "one")
assert described["definition"] == PASS and described["status"] == "ACTIVE" and described["type"] == "STANDARD", described
assert "revisionId" not in described and described["loggingConfiguration"]["level"] == "OFF", described
for arn, code in ((base + "none", "StateMachineDoesNotExist"), ("none", "InvalidArn"), (base.replace("stateMachine", "activity") + "a", "InvalidArn")):
    with fails(code, 400):
        states.describe_state_machine(stateMachineArn=arn)

# Changes, versions, aliases.
with fails("MissingRequiredParameter", 400):
    states.update_state_machine(stateMachineArn=base + "one")
first = states.publish_state_machine_version(stateMachineArn=base + "one", revisionId="INITIAL", description="first")["stateMachineVersionArn"]
changed = states.update_state_machine(stateMachineArn=base + "one", definition=OTHER, publish=True, versionDescription="second")
assert (first, changed["stateMachineVersionArn"]) == (base + "one:1", base + "one:2"), changed
assert states.describe_state_machine(stateMachineArn=base + "one")["revisionId"] == changed["revisionId"]
assert states.describe_state_machine(stateMachineArn=base + "one:1")["definition"] == PASS
with fails("ConflictException", None, "The current State Machine revision is " + changed["revisionId"]):
    states.publish_state_machine_version(stateMachineArn=base + "one", revisionId="INITIAL")
alias = states.create_state_machine_alias(name="live", routingConfiguration=[{"stateMachineVersionArn": first, "weight": 100}])["stateMachineAliasArn"]
with fails("ValidationException", 400, "must equal 100"):
    states.create_state_machine_alias(name="x", routingConfiguration=[{"stateMachineVersionArn": first, "weight": 99}])
with fails("ValidationException", 400):
    states.create_state_machine_alias(name="12", routingConfiguration=[{"stateMachineVersionArn": first, "weight": 100}])
with fails("ConflictException", None, "[live]"):
    states.delete_state_machine_version(stateMachineVersionArn=first)
states.update_state_machine_alias(stateMachineAliasArn=alias, routingConfiguration=[{"stateMachineVersionArn": base + "one:2", "weight": 100}])
states.delete_state_machine_version(stateMachineVersionArn=first)
versions = states.list_state_machine_versions(stateMachineArn=base + "one")["stateMachineVersions"]
assert [v["stateMachineVersionArn"] for v in versions] == [base + "one:2"], versions
assert [a["stateMachineAliasArn"] for a in states.list_state_machine_aliases(stateMachineArn=base + "one:2")["stateMachineAliases"]] == [alias]
with fails("ResourceNotFound", 400):
    states.describe_state_machine_alias(stateMachineAliasArn=base + "one:none")

# Tags and lists.
states.tag_resource(resourceArn=base + "one", tags=[{"key": "a", "value": "b"}])
states.untag_resource(resourceArn=base + "one", tagKeys=["team"])
assert states.list_tags_for_resource(resourceArn=base + "one")["tags"] == [{"key": "a", "value": "b"}]
with fails("ResourceNotFound", 400):
    states.tag_resource(resourceArn=base + "none", tags=[])
for i in range(5):
    states.create_state_machine(name=f"more-{i}", definition=PASS, roleArn=role, type="EXPRESS")
names = [m["name"] for page in states.get_paginator("list_state_machines").paginate(PaginationConfig={"PageSize": 2}) for m in page["stateMachines"]]
assert names == [f"more-{i}" for i in range(5)] + ["one"], names
with fails("InvalidToken", 400, "Invalid Token: 'x'"):
    states.list_state_machines(nextToken="x")

# Activities.
activity = states.create_activity(name="work", tags=[{"key": "k", "value": "v"}])["activityArn"]
assert states.create_activity(name="work")["activityArn"] == activity
assert states.describe_activity(activityArn=activity)["name"] == "work"
assert [a["name"] for a in states.list_activities()["activities"]] == ["work"]
assert states.list_tags_for_resource(resourceArn=activity)["tags"] == [{"key": "k", "value": "v"}]
states.delete_activity(activityArn=activity)
with fails("ActivityDoesNotExist", 400, f"Activity Does Not Exist: '{activity}'"):
    states.describe_activity(activityArn=activity)

# Validation tells everything, creation refuses.
result = states.validate_state_machine_definition(definition=PASS)
assert result["result"] == "OK" and result["diagnostics"] == [], result
result = states.validate_state_machine_definition(definition=PASS.replace('"End": true', '"Next": "B"'))
assert result["result"] == "FAIL" and {d["code"] for d in result["diagnostics"]} >= {"MISSING_TRANSITION_TARGET"}, result

# Logging wants a log group that the role reaches.
logs.create_log_group(logGroupName="/aws/vendedlogs/states/one")
group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/vendedlogs/states/one:*"


def logging(arn):
    return {"level": "ALL", "includeExecutionData": True, "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": arn}}]}


with fails("InvalidLoggingConfiguration", 400, "'*' qualifier"):
    states.update_state_machine(stateMachineArn=base + "one", loggingConfiguration=logging(group[:-2]))
with fails("InvalidLoggingConfiguration", 400):
    states.update_state_machine(stateMachineArn=base + "one", loggingConfiguration=logging(group.replace("one", "none")))
states.update_state_machine(stateMachineArn=base + "one", loggingConfiguration=logging(group))
assert states.describe_state_machine(stateMachineArn=base + "one")["loggingConfiguration"] == logging(group)
assert any(p["policyName"] == "AWSLogDeliveryWrite20150319" for p in logs.describe_resource_policies()["resourcePolicies"])

# Which states refer to which variables.
refers = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "Assign": {"x": 1, "y": 2}, "Next": "B"},
                                                "B": {"Type": "Pass", "Parameters": {"p.$": "States.Array($y, $x)"}, "End": True}}})
states.create_state_machine(name="refers", definition=refers, roleArn=role)
assert states.describe_state_machine(stateMachineArn=base + "refers")["variableReferences"] == {"B": ["x", "y"]}
assert "variableReferences" not in states.describe_state_machine(stateMachineArn=base + "one")
states.delete_state_machine(stateMachineArn=base + "refers")

# A key of one's own: who sees the definition must be able to use it.
kms = client("kms")
key = kms.create_key()["KeyMetadata"]["KeyId"]
encryption = {"type": "CUSTOMER_MANAGED_KMS_KEY", "kmsKeyId": key, "kmsDataKeyReusePeriodSeconds": 60}
states.create_state_machine(name="sealed", definition=PASS, roleArn=role, encryptionConfiguration=encryption)
described = states.describe_state_machine(stateMachineArn=base + "sealed")
assert described["encryptionConfiguration"] == encryption and described["definition"] == PASS, described
with fails("InvalidEncryptionConfiguration", 400):
    states.create_state_machine(name="x", definition=PASS, roleArn=role, encryptionConfiguration=encryption | {"kmsKeyId": "none"})
sealed = states.start_execution(stateMachineArn=base + "sealed")["executionArn"]
eventually("its end", lambda: states.describe_execution(executionArn=sealed)["status"] == "SUCCEEDED")
kms.disable_key(KeyId=key)
for look in (lambda: states.describe_state_machine(stateMachineArn=base + "sealed"), lambda: states.describe_execution(executionArn=sealed),
             lambda: states.describe_state_machine_for_execution(executionArn=sealed), lambda: states.get_execution_history(executionArn=sealed)):
    with fails("KmsInvalidStateException", 400):
        look()
assert states.describe_state_machine(stateMachineArn=base + "sealed", includedData="METADATA_ONLY")["definition"] == "{}"
assert states.describe_state_machine(stateMachineArn=base + "more-1", includedData="METADATA_ONLY")["definition"] == "{}"
assert states.describe_state_machine_for_execution(executionArn=sealed, includedData="METADATA_ONLY")["name"] == "sealed"
described = states.describe_execution(executionArn=sealed, includedData="METADATA_ONLY")
assert described["status"] == "SUCCEEDED" and "input" not in described and "output" not in described, described

# Policies name the machine, and its versions and aliases by a condition.
iam.create_user(UserName="starter")
iam.put_user_policy(UserName="starter", PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "states:StartExecution", "Resource": base + "one", "Condition": {"StringEquals": {"states:StateMachineQualifier": "live"}}},
    {"Effect": "Allow", "Action": "states:DescribeStateMachine", "Resource": "*", "Condition": {"StringEquals": {"aws:ResourceTag/a": "b"}}},
    {"Effect": "Allow", "Action": "states:CreateStateMachine", "Resource": "*"}]}))
pair = iam.create_access_key(UserName="starter")["AccessKey"]
starter = client("stepfunctions", aws_access_key_id=pair["AccessKeyId"], aws_secret_access_key=pair["SecretAccessKey"])
starter.start_execution(stateMachineArn=alias)
starter.describe_state_machine(stateMachineArn=base + "one")
for call, args in ((starter.start_execution, {"stateMachineArn": base + "one"}), (starter.start_execution, {"stateMachineArn": base + "one:2"}),
                   (starter.describe_state_machine, {"stateMachineArn": base + "more-1"}), (starter.list_state_machines, {}),
                   (starter.create_state_machine, {"name": "y", "definition": PASS, "roleArn": role})):
    with fails("AccessDeniedException", 400, "is not authorized to perform: "):
        call(**args)

# Deletion takes versions and aliases along.
states.delete_state_machine(stateMachineArn=base + "one")
states.delete_state_machine(stateMachineArn=base + "one")


def gone():
    return all(m["name"] != "one" for m in states.list_state_machines()["stateMachines"])


eventually("the end of the machine", gone)
with fails("ResourceNotFound", 400):
    states.describe_state_machine_alias(stateMachineAliasArn=alias)
