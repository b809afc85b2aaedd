"""Who may call a REST API: whom a Lambda function lets in, and who has a key."""

import datetime
import json
import urllib.error
import urllib.request

from client import ENDPOINT, client

TEMPLATE = """
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {Version: '2012-10-17', Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: 'sts:AssumeRole'}]}
  Guard:
    Type: AWS::Lambda::Function
    Properties:
      Runtime: python3.13
      Handler: index.handler
      Role: !GetAtt Role.Arn
      Code:
        ZipFile: |
          def handler(event, context):
              token = event["authorizationToken"]
              if token == "nobody":
                  raise Exception("Unauthorized")
              effect = "Allow" if token == "friend" else "Deny"
              return {"principalId": token, "context": {"level": 7}, "policyDocument": {"Version": "2012-10-17", "Statement": [
                  {"Effect": effect, "Action": "execute-api:Invoke", "Resource": event["methodArn"]}]}}
  Permission:
    Type: AWS::Lambda::Permission
    Properties:
      FunctionName: !Ref Guard
      Action: lambda:InvokeFunction
      Principal: apigateway.amazonaws.com
      SourceArn: !Sub 'arn:aws:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/authorizers/*'
  Api: {Type: AWS::ApiGateway::RestApi, Properties: {Name: guarded}}
  Authorizer:
    Type: AWS::ApiGateway::Authorizer
    Properties:
      RestApiId: !Ref Api
      Name: guard
      Type: TOKEN
      IdentitySource: method.request.header.Token
      AuthorizerUri: !Sub 'arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Guard.Arn}/invocations'
  Method:
    Type: AWS::ApiGateway::Method
    Properties:
      RestApiId: !Ref Api
      ResourceId: !GetAtt Api.RootResourceId
      HttpMethod: GET
      AuthorizationType: CUSTOM
      AuthorizerId: !Ref Authorizer
      MethodResponses: [{StatusCode: 200}]
      Integration:
        Type: MOCK
        RequestTemplates: {application/json: '{"statusCode": 200}'}
        IntegrationResponses: [{StatusCode: 200, ResponseTemplates: {application/json: '"$context.authorizer.principalId $context.authorizer.level"'}}]
  Deployment: {Type: AWS::ApiGateway::Deployment, DependsOn: Method, Properties: {RestApiId: !Ref Api}}
  Stage: {Type: AWS::ApiGateway::Stage, Properties: {RestApiId: !Ref Api, DeploymentId: !Ref Deployment, StageName: dev}}
Outputs: {Api: {Value: !Ref Api}}
"""

cfn = client("cloudformation")
cfn.create_stack(StackName="guarded", TemplateBody=TEMPLATE, Capabilities=["CAPABILITY_IAM"])
cfn.get_waiter("stack_create_complete").wait(StackName="guarded", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
(stack,) = cfn.describe_stacks(StackName="guarded")["Stacks"]
api = stack["Outputs"][0]["OutputValue"]


def ask(token):
    request = urllib.request.Request(f"{ENDPOINT}/restapis/{api}/dev/_user_request_/", headers={"Token": token} if token else {})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


assert ask("friend") == (200, "friend 7"), ask("friend")
assert ask("enemy") == (403, {"Message": "User is not authorized to access this resource with an explicit deny"}), ask("enemy")
assert ask("nobody") == (401, {"message": "Unauthorized"}), ask("nobody")
assert ask(None) == (401, {"message": "Unauthorized"}), ask(None)

# API keys: a plan opens the stage to a key, so many times.
gateway = client("apigateway")
mine = gateway.create_rest_api(name="keyed")
root = mine["rootResourceId"]
gateway.put_method(restApiId=mine["id"], resourceId=root, httpMethod="GET", authorizationType="NONE", apiKeyRequired=True)
gateway.put_method_response(restApiId=mine["id"], resourceId=root, httpMethod="GET", statusCode="200")
gateway.put_integration(restApiId=mine["id"], resourceId=root, httpMethod="GET", type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'})
gateway.put_integration_response(restApiId=mine["id"], resourceId=root, httpMethod="GET", statusCode="200",
                                 responseTemplates={"application/json": '"$context.identity.apiKeyId"'})
gateway.create_deployment(restApiId=mine["id"], stageName="dev")
key = gateway.create_api_key(name="k", enabled=True)
plan = gateway.create_usage_plan(name="p", apiStages=[{"apiId": mine["id"], "stage": "dev"}], quota={"limit": 2, "period": "MONTH"})
gateway.create_usage_plan_key(usagePlanId=plan["id"], keyId=key["id"], keyType="API_KEY")


def with_key(value):
    request = urllib.request.Request(f"{ENDPOINT}/restapis/{mine['id']}/dev/_user_request_/", headers={"X-Api-Key": value})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


assert with_key("nobody") == (403, {"message": "Forbidden"}), with_key("nobody")
today = lambda: datetime.datetime.now(datetime.timezone.utc).date().isoformat()
begun = today()
assert [with_key(key["value"]) for _ in range(3)] == [(200, key["id"])] * 2 + [(429, {"message": "Limit Exceeded"})]
usage = gateway.get_usage(usagePlanId=plan["id"], startDate=begun, endDate=today())["items"]
assert usage.keys() == {key["id"]} and sum(used for used, _ in usage[key["id"]]) == 2, usage  # of two days about midnight
assert usage[key["id"]][-1][1] == 0, usage

# What is exported can be imported.
body = gateway.get_export(restApiId=mine["id"], stageName="dev", exportType="oas30", parameters={"extensions": "apigateway"})["body"].read()
assert json.loads(body)["paths"]["/"]["get"]["security"] == [{"api_key": []}], body
assert gateway.import_rest_api(body=body)["name"] == "keyed"
