"""Application Auto Scaling of provisioned concurrency and of a table's capacity."""

import datetime
import io
import json
import zipfile

from client import client, eventually, fails

scaling, functions, iam, tables = (client(n) for n in ("application-autoscaling", "lambda", "iam", "dynamodb"))
trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
code = io.BytesIO()
with zipfile.ZipFile(code, "w") as z:
    z.writestr("app.py", "def handler(event, context): return 1")
functions.create_function(FunctionName="f", Runtime="python3.12", Role=role, Handler="app.handler", Code={"ZipFile": code.getvalue()}, Publish=True)
functions.get_waiter("function_active_v2").wait(FunctionName="f")
functions.create_alias(FunctionName="f", Name="live", FunctionVersion="1")

live = {"ServiceNamespace": "lambda", "ResourceId": "function:f:live", "ScalableDimension": "lambda:function:ProvisionedConcurrency"}
with fails("ValidationException", 400, "Function not found"):
    scaling.register_scalable_target(**dict(live, ResourceId="function:none:live"), MinCapacity=1, MaxCapacity=3)
arn = scaling.register_scalable_target(**live, MinCapacity=0, MaxCapacity=3, Tags={"a": "b"})["ScalableTargetARN"]
assert scaling.list_tags_for_resource(ResourceARN=arn)["Tags"] == {"a": "b"}
target = scaling.describe_scalable_targets(ServiceNamespace="lambda")["ScalableTargets"][0]
assert (target["MinCapacity"], target["MaxCapacity"]) == (0, 3) and iam.get_role(RoleName=target["RoleARN"].split("/")[-1]), target
policy = {"TargetValue": 0.7, "PredefinedMetricSpecification": {"PredefinedMetricType": "LambdaProvisionedConcurrencyUtilization"}}
scaling.put_scaling_policy(**live, PolicyName="track", PolicyType="TargetTrackingScaling", TargetTrackingScalingPolicyConfiguration=policy)
assert scaling.describe_scaling_policies(ServiceNamespace="lambda")["ScalingPolicies"][0]["TargetTrackingScalingPolicyConfiguration"] == policy


def soon():
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=5)).strftime("at(%Y-%m-%dT%H:%M:%S)")


scaling.put_scheduled_action(**live, ScheduledActionName="up", Schedule=soon(), ScalableTargetAction={"MinCapacity": 2})
tables.create_table(TableName="table", KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}], AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
                    ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 5})
tables.get_waiter("table_exists").wait(TableName="table", WaiterConfig={"Delay": 1})
read = {"ServiceNamespace": "dynamodb", "ResourceId": "table/table", "ScalableDimension": "dynamodb:table:ReadCapacityUnits"}
scaling.register_scalable_target(**read, MinCapacity=1, MaxCapacity=20)
scaling.put_scheduled_action(**read, ScheduledActionName="up", Schedule=soon(), ScalableTargetAction={"MinCapacity": 7})


def provisioned():
    try:
        p = functions.get_provisioned_concurrency_config(FunctionName="f", Qualifier="live")
    except functions.exceptions.ProvisionedConcurrencyConfigNotFoundException:
        return 0
    return p["RequestedProvisionedConcurrentExecutions"]


units = lambda: tables.describe_table(TableName="table")["Table"]["ProvisionedThroughput"]
eventually("what is scaled", lambda: provisioned() == 2 and units()["ReadCapacityUnits"] == 7)
assert units()["WriteCapacityUnits"] == 5, units()
activity = scaling.describe_scaling_activities(ServiceNamespace="lambda")["ScalingActivities"][0]
assert activity["StatusCode"] == "Successful" and "up" in activity["Cause"], activity
scaling.delete_scheduled_action(**live, ScheduledActionName="up")
scaling.deregister_scalable_target(**live)
with fails("ObjectNotFoundException", 400):
    scaling.deregister_scalable_target(**live)
