"""IAM and STS: what users and roles may, through the gateway's signatures and the table's decisions."""
import json

import botocore.exceptions
from client import ACCOUNT as account, client

iam, sts = client("iam"), client("sts")


def refused(code, call, **arguments):
    """Makes a call that must fail with the code, and returns the message."""
    try:
        answer = call(**arguments)
    except botocore.exceptions.ClientError as e:
        assert e.response["Error"]["Code"] == code, f"{e}, want {code}"
        return e.response["Error"]["Message"]
    raise AssertionError(f"{answer}, want {code}")


def doc(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action, resource="*", **more):
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


me = sts.get_caller_identity()
assert me["Arn"] == f"arn:aws:iam::{account}:root", me

# A user with a policy of its own, and what it may not.
user = iam.create_user(UserName="bob", Path="/team/", Tags=[{"Key": "team", "Value": "red"}])["User"]
assert user["Arn"] == f"arn:aws:iam::{account}:user/team/bob", user
key = iam.create_access_key(UserName="bob")["AccessKey"]
bob = dict(aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
bobs = client("iam", **bob)
assert client("sts", **bob).get_caller_identity()["UserId"] == user["UserId"]
assert sts.get_access_key_info(AccessKeyId=key["AccessKeyId"])["Account"] == account
e = refused("AccessDenied", bobs.list_users)
assert e == (f"User: {user['Arn']} is not authorized to perform: iam:ListUsers on resource: arn:aws:iam::{account}:user/ "
             "because no identity-based policy allows the iam:ListUsers action"), e
iam.put_user_policy(UserName="bob", PolicyName="p", PolicyDocument=doc(
    allow("iam:GetUser", f"arn:aws:iam::{account}:user/team/${{aws:username}}")))
assert bobs.get_user()["User"]["Tags"] == [{"Key": "team", "Value": "red"}]
refused("AccessDenied", bobs.get_user, UserName="ann")
got = iam.get_user_policy(UserName="bob", PolicyName="p")["PolicyDocument"]
assert got["Statement"][0]["Action"] == "iam:GetUser", got
refused("SignatureDoesNotMatch", client("sts", **{**bob, "aws_secret_access_key": "x" * 40}).get_caller_identity)

# Boundaries and explicit denies.
iam.attach_user_policy(UserName="bob", PolicyArn="arn:aws:iam::aws:policy/IAMFullAccess")
assert bobs.list_users()["Users"][0]["UserName"] == "bob"
iam.put_user_permissions_boundary(UserName="bob", PermissionsBoundary="arn:aws:iam::aws:policy/AmazonSQSFullAccess")
e = refused("AccessDenied", bobs.list_users)
assert "because no permissions boundary allows the iam:ListUsers action" in e, e
iam.delete_user_permissions_boundary(UserName="bob")
iam.put_user_policy(UserName="bob", PolicyName="deny", PolicyDocument=doc(
    {"Effect": "Deny", "Action": "iam:List*", "Resource": "*", "Condition": {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}}))
e = refused("AccessDenied", bobs.list_users)
assert "with an explicit deny in an identity-based policy" in e, e

# Roles.
trust = doc({"Effect": "Allow", "Principal": {"AWS": user["Arn"]}, "Action": ["sts:AssumeRole", "sts:TagSession"],
             "Condition": {"StringEquals": {"sts:ExternalId": "secret"}}})
role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust, MaxSessionDuration=7200, Description="a role")["Role"]
assert role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["AWS"] == user["Arn"]
assert iam.get_role(RoleName="r")["Role"]["AssumeRolePolicyDocument"] == json.loads(trust)
policy = iam.create_policy(PolicyName="list", PolicyDocument=doc(allow(["iam:ListRoles", "iam:ListUsers"])))["Policy"]
iam.attach_role_policy(RoleName="r", PolicyArn=policy["Arn"])
bobsts = client("sts", **bob)
e = refused("AccessDenied", bobsts.assume_role, RoleArn=role["Arn"], RoleSessionName="job")
assert e == f"User: {user['Arn']} is not authorized to perform: sts:AssumeRole on resource: {role['Arn']}", e
session = bobsts.assume_role(RoleArn=role["Arn"], RoleSessionName="job", ExternalId="secret", DurationSeconds=900,
                             Tags=[{"Key": "cost", "Value": "7"}], Policy=doc(allow("iam:ListRoles")))
assert session["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{account}:assumed-role/r/job", session
creds = dict(aws_access_key_id=session["Credentials"]["AccessKeyId"],
             aws_secret_access_key=session["Credentials"]["SecretAccessKey"],
             aws_session_token=session["Credentials"]["SessionToken"])
asrole = client("iam", **creds)
assert client("sts", **creds).get_caller_identity()["Arn"] == session["AssumedRoleUser"]["Arn"]
assert [r["RoleName"] for r in asrole.list_roles()["Roles"]] == ["r"]
e = refused("AccessDenied", asrole.list_users)
assert "because no session policy allows the iam:ListUsers action" in e, e
refused("InvalidClientTokenId", client("sts", **{**creds, "aws_session_token": creds["aws_session_token"][:-4] + "AAAA"}).get_caller_identity)
refused("InvalidClientTokenId", client("sts", **{k: v for k, v in creds.items() if k != "aws_session_token"}).get_caller_identity)
refused("AccessDenied", client("sts", **creds).get_session_token)

# Versions, waiters, paginators.
iam.create_policy_version(PolicyArn=policy["Arn"], PolicyDocument=doc(allow("sqs:*")), SetAsDefault=True)
refused("AccessDenied", asrole.list_roles)
assert [v["VersionId"] for v in iam.list_policy_versions(PolicyArn=policy["Arn"])["Versions"]] == ["v2", "v1"]
assert iam.get_policy_version(PolicyArn=policy["Arn"], VersionId="v1")["PolicyVersion"]["Document"]["Statement"][0]["Action"]
for n in range(7):
    iam.create_role(RoleName=f"page-{n}", Path="/page/", AssumeRolePolicyDocument=trust)
names = [r["RoleName"] for p in iam.get_paginator("list_roles").paginate(PathPrefix="/page/", PaginationConfig={"PageSize": 3}) for r in p["Roles"]]
assert names == [f"page-{n}" for n in range(7)], names
iam.get_waiter("role_exists").wait(RoleName="page-0")
aws = [p for page in iam.get_paginator("list_policies").paginate(Scope="AWS") for p in page["Policies"]]
assert len(aws) > 20 and all(p["Arn"].startswith("arn:aws:iam::aws:policy/") for p in aws)
r = iam.simulate_principal_policy(PolicySourceArn=user["Arn"], ActionNames=["iam:ListUsers", "iam:CreateUser", "s3:GetObject"])
assert [x["EvalDecision"] for x in r["EvaluationResults"]] == ["allowed", "allowed", "implicitDeny"], r
details = iam.get_account_authorization_details(Filter=["User", "Role"])
assert details["UserDetailList"][0]["AttachedManagedPolicies"][0]["PolicyName"] == "IAMFullAccess", details

# Errors.
refused("EntityAlreadyExists", iam.create_role, RoleName="R", AssumeRolePolicyDocument=trust)
refused("MalformedPolicyDocument", iam.create_role, RoleName="s", AssumeRolePolicyDocument="{")
refused("NoSuchEntity", iam.get_role, RoleName="none")
refused("DeleteConflict", iam.delete_role, RoleName="r")
refused("DeleteConflict", iam.delete_user, UserName="bob")

# A user who is gone.
for name in ("p", "deny"):
    iam.delete_user_policy(UserName="bob", PolicyName=name)
iam.detach_user_policy(UserName="bob", PolicyArn="arn:aws:iam::aws:policy/IAMFullAccess")
iam.update_access_key(UserName="bob", AccessKeyId=key["AccessKeyId"], Status="Inactive")
refused("InvalidClientTokenId", bobsts.get_caller_identity)
iam.update_access_key(UserName="bob", AccessKeyId=key["AccessKeyId"], Status="Active")
temporary = bobsts.get_session_token()["Credentials"]
later = client("sts", aws_access_key_id=temporary["AccessKeyId"], aws_secret_access_key=temporary["SecretAccessKey"],
               aws_session_token=temporary["SessionToken"])
assert later.get_caller_identity()["Arn"] == user["Arn"]
assert iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])["UserName"] == "bob"
iam.delete_access_key(UserName="bob", AccessKeyId=key["AccessKeyId"])
iam.delete_user(UserName="bob")
refused("InvalidClientTokenId", later.get_caller_identity)
