"""Keys that the platform knows are verified, also when it is open: test/test is the user admin of the default account."""

import urllib.error
import urllib.request

from client import client, fails

ADMIN = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
WRONG = {"aws_access_key_id": "test", "aws_secret_access_key": "wrong"}

# Each family of services refuses in its own words.
client("logs", **ADMIN).describe_log_groups()
client("iam", **ADMIN).list_users()
with fails("InvalidSignatureException", 400, "The request signature we calculated does not match"):
    client("logs", **WRONG).describe_log_groups()
with fails("SignatureDoesNotMatch", 403, "The request signature we calculated does not match"):
    client("iam", **WRONG).list_users()
with fails("InvalidSignatureException", 403, "The Canonical String for this request should have been"):
    client("lambda", **WRONG).list_functions()
with fails("SignatureDoesNotMatch", 403, "Check your key and signing method"):
    client("s3", **WRONG).list_buckets()
with fails("UnrecognizedClientException", 400, "security token"):
    client("logs", **ADMIN, aws_session_token="made up").describe_log_groups()
with fails("InvalidToken", 400):
    client("s3", **ADMIN, aws_session_token="made up").list_buckets()

# A key that IAM makes is known from then on, and is a user without permissions.
iam = client("iam")
iam.create_user(UserName="e2e")
key = iam.create_access_key(UserName="e2e")["AccessKey"]
made = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
with fails("AccessDenied", 403, "is not authorized to perform: iam:ListUsers"):
    client("iam", **made).list_users()
with fails("SignatureDoesNotMatch", 403):
    client("iam", **made | {"aws_secret_access_key": "wrong"}).list_users()
iam.put_user_policy(UserName="e2e", PolicyName="p", PolicyDocument=
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:ListUsers","Resource":"*"}]}')
assert [u["UserName"] for u in client("iam", **made).list_users()["Users"]] == ["e2e"]

# Presigned: the signature in the URL, for whoever has it, and only until its end.
url = client("iam", **ADMIN).generate_presigned_url("list_users", ExpiresIn=60, HttpMethod="GET")
with urllib.request.urlopen(url) as answer:
    assert b"<UserName>admin</UserName>" in answer.read()
try:
    urllib.request.urlopen(url.replace("Expires=60", "Expires=61"))
    raise AssertionError("a changed URL is taken")
except urllib.error.HTTPError as error:
    assert error.code == 403 and b"SignatureDoesNotMatch" in error.read(), error
