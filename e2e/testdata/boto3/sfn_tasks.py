"""Step Functions: every integration of Task states with the real services behind it, and TestState."""

import http.server
import io
import json
import threading
import zipfile

from client import ACCOUNT, REGION, client, eventually, fails, received

states, iam, sqs, sns, dynamodb = client("stepfunctions", config={"inject_host_prefix": False}), client("iam"), client("sqs"), client("sns"), client("dynamodb")
events, s3, functions, gateway, logs = client("events"), client("s3"), client("lambda"), client("apigateway"), client("logs")
base = f"arn:aws:states:{REGION}:{ACCOUNT}:"


def role_for(name, *principals, actions="*"):
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": p, "Action": "sts:AssumeRole"} for p in principals]}))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": actions, "Resource": "*"}]}))
    return arn


role = role_for("tasks", {"Service": ["states.amazonaws.com", "events.amazonaws.com"]})
made = 0


def run(state, value=None, status="SUCCEEDED", **more):
    """Runs a machine of one state and returns its output; of one that failed, error and cause."""
    global made
    made += 1
    definition = {"StartAt": "A", "States": {"A": {"Type": "Task", "End": True} | state}}
    machine = states.create_state_machine(name=f"m{made}", definition=json.dumps(definition), roleArn=role)["stateMachineArn"]
    execution = states.start_execution(stateMachineArn=machine, input=json.dumps(value or {}), **more)["executionArn"]
    eventually("the end of " + execution, lambda: states.describe_execution(executionArn=execution)["status"] != "RUNNING")
    found = states.describe_execution(executionArn=execution)
    assert found["status"] == status, (state, found)
    return json.loads(found["output"]) if status == "SUCCEEDED" else (found["error"], found.get("cause", ""))


def described(out):
    """Takes away what the SDK's version 1 knows of an answer."""
    assert out["SdkHttpMetadata"]["HttpStatusCode"] == 200, out
    assert out["SdkHttpMetadata"]["HttpHeaders"]["x-amzn-RequestId"] == out["SdkResponseMetadata"]["RequestId"], out
    return {k: v for k, v in out.items() if not k.startswith("Sdk")}


# SQS and SNS: objects are sent as text.
queue = sqs.create_queue(QueueName="q")["QueueUrl"]
queue_arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:q"
sent = described(run({"Resource": "arn:aws:states:::sqs:sendMessage", "Parameters": {"QueueUrl": queue, "MessageBody.$": "$"}}, {"n": 1}))
assert sorted(sent) == ["MD5OfMessageBody", "MessageId"], sent
got = received(sqs, queue)
assert got["Body"] == '{"n":1}' and got["MessageId"] == sent["MessageId"], got
sqs.delete_message(QueueUrl=queue, ReceiptHandle=got["ReceiptHandle"])
error, cause = run({"Resource": "arn:aws:states:::sqs:sendMessage", "Parameters": {"QueueUrl": queue + "x", "MessageBody": "m"}}, status="FAILED")
assert error == "SQS.QueueDoesNotExistException" and "(Service: AmazonSQS; Status Code: 400; Error Code:" in cause, (error, cause)
topic = sns.create_topic(Name="t")["TopicArn"]
assert sorted(described(run({"Resource": "arn:aws:states:::sns:publish", "Parameters": {"TopicArn": topic, "Message": {"n": 1}}}))) == ["MessageId"]
error, cause = run({"Resource": "arn:aws:states:::sns:publish", "Parameters": {"TopicArn": topic + "x", "Message": "m"}}, status="FAILED")
assert error == "SNS.NotFoundException" and "Topic does not exist (Service: AmazonSNS; Status Code: 404;" in cause, (error, cause)

# DynamoDB: optimized, and by the SDK with its names.
dynamodb.create_table(TableName="items", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}], BillingMode="PAY_PER_REQUEST",
                      AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}])
dynamodb.get_waiter("table_exists").wait(TableName="items")
key = {"id": {"S.$": "$.id"}}
described(run({"Resource": "arn:aws:states:::dynamodb:putItem", "Parameters": {"TableName": "items", "Item": key | {"ok": {"BOOL": True}}}}, {"id": "a"}))
found = described(run({"Resource": "arn:aws:states:::dynamodb:getItem", "Parameters": {"TableName": "items", "Key": key}}, {"id": "a"}))
assert found == {"Item": {"id": {"S": "a"}, "ok": {"BOOL": True}}}, found
changed = described(run({"Resource": "arn:aws:states:::dynamodb:updateItem", "Parameters": {
    "TableName": "items", "Key": key, "UpdateExpression": "SET n = :n", "ExpressionAttributeValues": {":n": {"N": "5"}}, "ReturnValues": "UPDATED_NEW"}}, {"id": "a"}))
assert changed == {"Attributes": {"n": {"N": "5"}}}, changed
put_new = {"TableName": "items", "Item": key, "ConditionExpression": "attribute_not_exists(id)"}
error, cause = run({"Resource": "arn:aws:states:::dynamodb:putItem", "Parameters": put_new}, {"id": "a"}, "FAILED")
assert error == "DynamoDB.ConditionalCheckFailedException" and cause.startswith(
    "The conditional request failed (Service: AmazonDynamoDBv2; Status Code: 400; Error Code: ConditionalCheckFailedException; Request ID: "), cause
error, cause = run({"Resource": "arn:aws:states:::aws-sdk:dynamodb:putItem", "Parameters": put_new}, {"id": "a"}, "FAILED")
assert error == "DynamoDb.ConditionalCheckFailedException" and cause.startswith(
    "The conditional request failed (Service: DynamoDb, Status Code: 400, Request ID: "), cause
assert run({"Resource": "arn:aws:states:::aws-sdk:dynamodb:getItem", "Parameters": {"TableName": "items", "Key": key}}, {"id": "a"}) == {
    "Item": {"id": {"S": "a"}, "ok": {"Bool": True}, "n": {"N": "5"}}}
described(run({"Resource": "arn:aws:states:::dynamodb:deleteItem", "Parameters": {"TableName": "items", "Key": key}}, {"id": "a"}))
assert run({"Resource": "arn:aws:states:::aws-sdk:dynamodb:scan", "Parameters": {"TableName": "items"}, "OutputPath": "$.Count"}) == 0

# EventBridge: the execution is among an event's resources, and entries that fail fail the task.
events.put_rule(Name="r", EventPattern=json.dumps({"source": ["my.app"]}))
sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": queue_arn}]})})
events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": queue_arn}])
put = described(run({"Resource": "arn:aws:states:::events:putEvents", "Parameters": {"Entries": [
    {"Source": "my.app", "DetailType": "d", "Detail": {"from.$": "$.who"}}]}}, {"who": "me"}))
assert put["FailedEntryCount"] == 0 and put["Entries"][0]["EventId"], put
event = json.loads(received(sqs, queue)["Body"])
assert event["detail"] == {"from": "me"} and event["resources"][0].startswith(base + "stateMachine:m") and event["resources"][1].startswith(base + "execution:m"), event
error, cause = run({"Resource": "arn:aws:states:::events:putEvents", "Parameters": {"Entries": [{"Source": "s", "DetailType": "d", "Detail": "no object"}]}}, status="FAILED")
assert error == "EventBridge.FailedEntry" and json.loads(cause)["FailedEntryCount"] == 1, (error, cause)

# Objects, logs and the rest by the SDK.
s3.create_bucket(Bucket=f"b-{ACCOUNT}")
run({"Resource": "arn:aws:states:::aws-sdk:s3:putObject", "Parameters": {"Bucket": f"b-{ACCOUNT}", "Key": "k", "Body.$": "$"}}, {"n": 1})
read = run({"Resource": "arn:aws:states:::aws-sdk:s3:getObject", "Parameters": {"Bucket": f"b-{ACCOUNT}", "Key": "k"}})
assert read["Body"] == '{"n":1}' and read["LastModified"].endswith("Z") and read["ContentLength"] == 7, read
error, cause = run({"Resource": "arn:aws:states:::aws-sdk:s3:getObject", "Parameters": {"Bucket": f"b-{ACCOUNT}", "Key": "none"}}, status="FAILED")
assert error == "S3.NoSuchKeyException" and cause.startswith("The specified key does not exist. (Service: S3, Status Code: 404, Request ID: "), (error, cause)
run({"Resource": "arn:aws:states:::aws-sdk:cloudwatchlogs:createLogGroup", "Parameters": {"LogGroupName": "made"}})
assert logs.describe_log_groups(logGroupNamePrefix="made")["logGroups"][0]["logGroupName"] == "made"
assert run({"Resource": "arn:aws:states:::aws-sdk:iam:getRole", "Parameters": {"RoleName": "tasks"}, "OutputPath": "$.Role.Arn"}) == role

# What Brume does not have is refused when the machine is created, as AWS refuses what it does not know.
for resource in ["arn:aws:states:::batch:submitJob.sync", "arn:aws:states:::ecs:runTask", "arn:aws:states:::aws-sdk:ec2:runInstances",
                 "arn:aws:states:::sqs:sendMessage.sync", "arn:aws:states:::aws-sdk:dynamodb:PutItem"]:
    with fails("InvalidDefinition", 400, f"The resource provided {resource} is not recognized. The value is not a valid resource ARN, or the resource is not available in this region."):
        states.create_state_machine(name="bad", roleArn=role, definition=json.dumps(
            {"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": resource, "End": True}}}))
with fails("InvalidDefinition", 400, "is not supported by Step Functions"):
    states.create_state_machine(name="bad", roleArn=role, definition=json.dumps(
        {"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "Parameters": {"QueueUrl": "q", "Body": "b"}, "End": True}}}))

# Lambda: by the function's ARN, and by lambda:invoke.
code = io.BytesIO()
with zipfile.ZipFile(code, "w") as z:
    z.writestr("f.py", '''
class Refused(Exception):
    pass
def handler(event, context):
    if event.get("fail"):
        raise Refused("no")
    return {"got": event, "name": context.function_name}
''')
functions.create_function(FunctionName="f", Runtime="python3.12", Role=role_for("function", {"Service": "lambda.amazonaws.com"}), Handler="f.handler", Code={"ZipFile": code.getvalue()})
functions.get_waiter("function_active_v2").wait(FunctionName="f")
function = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"
assert run({"Resource": function}, {"n": 1}) == {"got": {"n": 1}, "name": "f"}
error, cause = run({"Resource": function}, {"fail": True}, "FAILED")
assert error == "Refused" and json.loads(cause)["errorMessage"] == "no", (error, cause)
invoked = described(run({"Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": function, "Payload.$": "$"}}, {"n": 2}))
assert invoked == {"ExecutedVersion": "$LATEST", "Payload": {"got": {"n": 2}, "name": "f"}, "StatusCode": 200}, invoked
error, cause = run({"Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": function + "x"}}, status="FAILED")
assert error == "Lambda.ResourceNotFoundException" and "(Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException; Request ID: " in cause, (error, cause)
assert json.loads(run({"Resource": "arn:aws:states:::aws-sdk:lambda:invoke", "Parameters": {"FunctionName": "f", "Payload": {"n": 3}}})["Payload"])["got"] == {"n": 3}

# Executions of other machines.
inner = states.create_state_machine(name="inner", roleArn=role, definition=json.dumps({"StartAt": "C", "States": {
    "C": {"Type": "Choice", "Choices": [{"Variable": "$.ok", "BooleanEquals": True, "Next": "S"}], "Default": "F"},
    "S": {"Type": "Pass", "Result": {"done": True}, "End": True}, "F": {"Type": "Fail", "Error": "Inner", "Cause": "not ok"}}}))["stateMachineArn"]
start = {"StateMachineArn": inner, "Input": {"ok.$": "$.ok", "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID.$": "$$.Execution.Id"}}
begun = described(run({"Resource": "arn:aws:states:::states:startExecution", "Parameters": start}, {"ok": True}))
assert begun["ExecutionArn"].startswith(base + "execution:inner:") and sorted(begun) == ["ExecutionArn", "StartDate"], begun
whole = run({"Resource": "arn:aws:states:::states:startExecution.sync:2", "Parameters": start}, {"ok": True})
assert whole["Status"] == "SUCCEEDED" and whole["Output"] == {"done": True} and whole["Input"]["ok"] is True and whole["StateMachineArn"] == inner, whole
assert run({"Resource": "arn:aws:states:::states:startExecution.sync", "Parameters": start, "OutputPath": "$.Output"}, {"ok": True}) == '{"done":true}'
error, cause = run({"Resource": "arn:aws:states:::states:startExecution.sync:2", "Parameters": start}, {"ok": False}, "FAILED")
assert error == "States.TaskFailed" and json.loads(cause)["Error"] == "Inner" and json.loads(cause)["Status"] == "FAILED", (error, cause)

# API Gateway.
api = gateway.create_rest_api(name="a")["id"]
root = gateway.get_resources(restApiId=api)["items"][0]["id"]
for verb, status in [("GET", "200"), ("POST", "418")]:
    gateway.put_method(restApiId=api, resourceId=root, httpMethod=verb, authorizationType="AWS_IAM" if verb == "GET" else "NONE")
    gateway.put_integration(restApiId=api, resourceId=root, httpMethod=verb, type="MOCK", requestTemplates={"application/json": '{"statusCode": %s}' % status})
    gateway.put_method_response(restApiId=api, resourceId=root, httpMethod=verb, statusCode=status)
    gateway.put_integration_response(restApiId=api, resourceId=root, httpMethod=verb, statusCode=status,
                                     responseTemplates={"application/json": '{"who": "$context.identity.userArn", "q": "$input.params(\'q\')"}'})
gateway.create_deployment(restApiId=api, stageName="prod")
where = {"ApiEndpoint": f"{api}.execute-api.{REGION}.amazonaws.com", "Stage": "prod", "QueryParameters": {"q": ["5"]}}
answer = run({"Resource": "arn:aws:states:::apigateway:invoke", "Parameters": where | {"Method": "GET", "AuthType": "IAM_ROLE"}})
assert answer["StatusCode"] == 200 and answer["StatusText"] == "OK" and answer["ResponseBody"]["q"] == "5" and ":assumed-role/tasks/" in answer["ResponseBody"]["who"], answer
error, cause = run({"Resource": "arn:aws:states:::apigateway:invoke", "Parameters": where | {"Method": "GET"}}, status="FAILED")
assert (error, json.loads(cause)) == ("ApiGateway.403", {"message": "Missing Authentication Token"}), (error, cause)
error, _ = run({"Resource": "arn:aws:states:::apigateway:invoke", "Parameters": where | {"Method": "POST", "RequestBody": {}}}, status="FAILED")
assert error == "ApiGateway.418", error


# HTTP tasks, with a connection.
class Endpoint(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(404 if self.path.startswith("/none") else 200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps({"path": self.path, "body": body, "key": self.headers["X-Key"], "agent": self.headers["User-Agent"]}).encode())

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}"
connection = events.create_connection(Name="c", AuthorizationType="API_KEY", AuthParameters={
    "ApiKeyAuthParameters": {"ApiKeyName": "X-Key", "ApiKeyValue": "hush"},
    "InvocationHttpParameters": {"QueryStringParameters": [{"Key": "v", "Value": "2", "IsValueSecret": False}]}})["ConnectionArn"]
call = {"ApiEndpoint": url + "/x", "Method": "POST", "Authentication": {"ConnectionArn": connection}, "RequestBody": {"n.$": "$.n"}}
answer = run({"Resource": "arn:aws:states:::http:invoke", "Parameters": call}, {"n": 1})
assert answer["StatusCode"] == 200 and answer["ResponseBody"] == {"path": "/x?v=2", "body": {"n": 1}, "key": "hush", "agent": f"Amazon|StepFunctions|HttpInvoke|{REGION}"}, answer
error, cause = run({"Resource": "arn:aws:states:::http:invoke", "Parameters": call | {"ApiEndpoint": url + "/none"}}, {"n": 1}, "FAILED")
assert error == "States.Http.StatusCode.404" and json.loads(cause)["path"] == "/none?v=2", (error, cause)
error, cause = run({"Resource": "arn:aws:states:::http:invoke", "Parameters": call | {"ApiEndpoint": "http://127.0.0.1:9"}}, {"n": 1}, "FAILED")
assert error == "States.Http.Socket", (error, cause)

# The role that a state names is assumed by the machine's.
other = role_for("other", {"AWS": role}, actions="sqs:ListQueues")
listed = run({"Resource": "arn:aws:states:::aws-sdk:sqs:listQueues", "Credentials": {"RoleArn": other}})
assert listed["QueueUrls"], listed
error, cause = run({"Resource": "arn:aws:states:::aws-sdk:sqs:createQueue", "Parameters": {"QueueName": "no"}, "Credentials": {"RoleArn": other}}, status="FAILED")
assert error == "Sqs.SqsException" and "is not authorized to perform: sqs:CreateQueue on resource: " in cause and "Status Code: 403" in cause, (error, cause)
closed = role_for("closed", {"Service": "lambda.amazonaws.com"})
error, cause = run({"Resource": "arn:aws:states:::aws-sdk:sqs:listQueues", "Credentials": {"RoleArn": closed}}, status="FAILED")
assert error == "States.Permissions" and closed in cause, (error, cause)

# TestState.
call["RequestBody"] = {"n": 1}
tested = states.test_state(definition=json.dumps({"Type": "Task", "Resource": "arn:aws:states:::http:invoke", "Parameters": call, "OutputPath": "$.ResponseBody.body", "Next": "B"}),
                           roleArn=role, inspectionLevel="TRACE")
assert tested["status"] == "SUCCEEDED" and tested["nextState"] == "B" and json.loads(tested["output"]) == {"n": 1}, tested
data = tested["inspectionData"]
assert data["request"]["url"] == url + "/x" and "hush" not in data["request"]["headers"] and data["response"]["statusCode"] == "200", data
shown = states.test_state(definition=json.dumps({"Type": "Task", "Resource": "arn:aws:states:::http:invoke", "Parameters": call, "End": True}), roleArn=role, inspectionLevel="TRACE", revealSecrets=True)
assert "X-Key: hush" in shown["inspectionData"]["request"]["headers"] and shown["inspectionData"]["request"]["url"] == url + "/x?v=2", shown
caught = states.test_state(roleArn=role, inspectionLevel="DEBUG", definition=json.dumps({
    "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": "f", "Payload": {"fail": True}},
    "Catch": [{"ErrorEquals": ["Refused"], "ResultPath": "$.error", "Next": "Sorry"}], "End": True}))
assert (caught["status"], caught["nextState"], caught["error"]) == ("CAUGHT_ERROR", "Sorry", "Refused") and caught["inspectionData"]["errorDetails"] == {"catchIndex": 0}, caught
assert states.test_state(definition='{"Type": "Parallel", "Branches": [{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}], "End": true}',
                         mock={"result": "[1]"})["output"] == "[1]"
