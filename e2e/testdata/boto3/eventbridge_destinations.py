"""EventBridge: connections, and API destinations as targets of rules, with an HTTP endpoint behind them."""

import http.server
import json
import threading
import urllib.parse

from client import ACCOUNT, REGION, client, eventually, fails

events, iam, cloudformation = client("events"), client("iam"), client("cloudformation")
ARN = f"arn:aws:events:{REGION}:{ACCOUNT}:"
role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sts:AssumeRole"}]}))["Role"]["Arn"]
iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "events:InvokeApiDestination", "Resource": ARN + "api-destination/*"}]}))
seen = []


class Endpoint(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        seen.append((self.path, self.headers.get("Authorization"), body))
        self.send_response(200)
        self.end_headers()
        if self.path == "/token":
            form = urllib.parse.parse_qs(body)
            self.wfile.write(json.dumps({"access_token": "for-" + form["client_id"][0], "expires_in": 60}).encode())

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}"

# Connections never answer their secrets.
basic = events.create_connection(Name="basic", AuthorizationType="BASIC", AuthParameters={"BasicAuthParameters": {"Username": "u", "Password": "hush"}})
assert basic["ConnectionArn"].startswith(ARN + "connection/basic/") and basic["ConnectionState"] == "AUTHORIZED", basic
described = events.describe_connection(Name="basic")
assert described["AuthParameters"] == {"BasicAuthParameters": {"Username": "u"}} and "hush" not in json.dumps(described, default=str), described
assert described["SecretArn"].startswith(f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:events!connection/basic/"), described
with fails("ResourceAlreadyExistsException", 400):
    events.create_connection(Name="basic", AuthorizationType="BASIC", AuthParameters={"BasicAuthParameters": {"Username": "u", "Password": "p"}})
with fails("ResourceNotFoundException", 400, "Connection 'none' does not exist."):
    events.describe_connection(Name="none")
oauth = events.create_connection(Name="oauth", AuthorizationType="OAUTH_CLIENT_CREDENTIALS", AuthParameters={"OAuthParameters": {
    "ClientParameters": {"ClientID": "me", "ClientSecret": "hush"}, "AuthorizationEndpoint": url + "/token", "HttpMethod": "POST"}})
eventually("the token", lambda: events.describe_connection(Name="oauth")["ConnectionState"] == "AUTHORIZED")
assert seen.pop(0) == ("/token", None, "client_id=me&client_secret=hush&grant_type=client_credentials")
assert [c["Name"] for c in events.list_connections()["Connections"]] == ["basic", "oauth"]

# API destinations get the events of rules.
events.put_rule(Name="rule", EventPattern=json.dumps({"source": ["app"]}))
for name, connection in [("one", basic), ("two", oauth)]:
    made = events.create_api_destination(Name=name, ConnectionArn=connection["ConnectionArn"], InvocationEndpoint=url + "/*/in", HttpMethod="POST")
    assert made["ApiDestinationArn"].startswith(ARN + f"api-destination/{name}/") and made["ApiDestinationState"] == "ACTIVE", made
    events.put_targets(Rule="rule", Targets=[{"Id": name, "Arn": made["ApiDestinationArn"], "RoleArn": role, "InputPath": "$.detail",
                                              "HttpParameters": {"PathParameterValues": [name], "QueryStringParameters": {"q": "1"}}}])
assert events.list_targets_by_rule(Rule="rule")["Targets"][0]["HttpParameters"] == {"PathParameterValues": ["one"], "QueryStringParameters": {"q": "1"}}
assert events.describe_api_destination(Name="one")["InvocationRateLimitPerSecond"] == 300
with fails("ValidationException", 400, "RoleArn is required for target"):
    events.put_targets(Rule="rule", Targets=[{"Id": "x", "Arn": made["ApiDestinationArn"]}])
assert events.put_events(Entries=[{"Source": "app", "DetailType": "d", "Detail": '{"n": 1}'}])["FailedEntryCount"] == 0
eventually("both calls", lambda: len(seen) == 2)
assert sorted(seen) == [("/one/in?q=1", "Basic dTpodXNo", '{"n":1}'), ("/two/in?q=1", "Bearer for-me", '{"n":1}')], seen

events.deauthorize_connection(Name="basic")
assert events.describe_connection(Name="basic")["ConnectionState"] == "DEAUTHORIZED"
assert [d["ApiDestinationState"] for d in events.list_api_destinations()["ApiDestinations"]] == ["INACTIVE", "ACTIVE"]
events.update_connection(Name="basic", AuthParameters={"BasicAuthParameters": {"Username": "u2", "Password": "p2"}})
assert events.describe_connection(Name="basic")["ConnectionState"] == "AUTHORIZED"
events.remove_targets(Rule="rule", Ids=["one", "two"])
for name in ["one", "two"]:
    events.delete_api_destination(Name=name)
events.delete_connection(Name="oauth")
with fails("ResourceNotFoundException", 400, "An api-destination 'one' does not exist."):
    events.describe_api_destination(Name="one")

# By template.
cloudformation.create_stack(StackName="stack", TemplateBody=json.dumps({"Resources": {
    "Connection": {"Type": "AWS::Events::Connection", "Properties": {"AuthorizationType": "API_KEY", "AuthParameters": {"ApiKeyAuthParameters": {"ApiKeyName": "K", "ApiKeyValue": "v"}}}},
    "Destination": {"Type": "AWS::Events::ApiDestination", "Properties": {"ConnectionArn": {"Fn::GetAtt": ["Connection", "Arn"]}, "InvocationEndpoint": url, "HttpMethod": "POST"}}},
    "Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["Destination", "Arn"]}}}}))
cloudformation.get_waiter("stack_create_complete").wait(StackName="stack", WaiterConfig={"Delay": 1})
assert cloudformation.describe_stacks(StackName="stack")["Stacks"][0]["Outputs"][0]["OutputValue"].startswith(ARN + "api-destination/stack-Destination-")
cloudformation.delete_stack(StackName="stack")
cloudformation.get_waiter("stack_delete_complete").wait(StackName="stack", WaiterConfig={"Delay": 1})
assert [c["Name"] for c in events.list_connections()["Connections"]] == ["basic"]
