"""S3 beyond reading and writing: who may (access control lists, Object Lock, keys denied one by one), digests of documents,
browsers (CORS, forms) and who is told (notifications)."""

import base64
import datetime
import hashlib
import hmac
import io
import json
import urllib.error
import urllib.parse
import urllib.request
import zipfile

import boto3
from botocore.awsrequest import AWSRequest
from botocore.auth import S3SigV4Auth
from client import ACCOUNT, ENDPOINT, REGION, client, eventually, fails, received

path = {"config": {"s3": {"addressing_style": "path"}, "signature_version": "s3v4"}}
s3 = client("s3", **path)
OTHER = "9" + ACCOUNT[1:]
other = client("s3", aws_access_key_id=OTHER, aws_secret_access_key="x", **path)
B = "control-" + ACCOUNT


def http(method, path, body=None, headers=None, status=200):
    """An unsigned request; it returns headers and body."""
    r = urllib.request.Request(ENDPOINT + path, data=body, method=method, headers=headers or {})

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *a, **k):
            return None
    try:
        with urllib.request.build_opener(Stay).open(r) as a:
            got, head, text = a.status, a.headers, a.read()
    except urllib.error.HTTPError as e:
        got, head, text = e.code, e.headers, e.read()
    assert got == status, f"{method} {path}: {got} {text}, want {status}"
    return head, text


def signed(method, url, body, want=200, **headers):
    """A signed request with exactly these headers."""
    r = AWSRequest(method=method, url=ENDPOINT + url, data=body, headers={k.replace("_", "-"): v for k, v in headers.items()})
    S3SigV4Auth(boto3.Session().get_credentials(), "s3", REGION).add_auth(r)
    p = r.prepare()
    return http(method, url, body, dict(p.headers), want)


def access_control_lists():
    s3.create_bucket(Bucket=B, ObjectOwnership="ObjectWriter")
    with fails("InvalidBucketAclWithObjectOwnership"):
        s3.create_bucket(Bucket=B + "-x", ObjectOwnership="BucketOwnerEnforced", ACL="public-read")
    s3.put_object(Bucket=B, Key="k", Body=b"hello")
    with fails("AccessDenied"):  # public access is blocked at first
        s3.put_object_acl(Bucket=B, Key="k", ACL="public-read")
    s3.delete_public_access_block(Bucket=B)
    http("GET", f"/{B}/k", status=403)
    s3.put_object_acl(Bucket=B, Key="k", ACL="public-read")
    assert http("GET", f"/{B}/k")[1] == b"hello"
    http("GET", f"/{B}?list-type=2", status=403)
    s3.put_bucket_acl(Bucket=B, ACL="public-read")
    assert b"<Key>k</Key>" in http("GET", f"/{B}?list-type=2")[1]
    groups = [g["Grantee"].get("URI") for g in s3.get_bucket_acl(Bucket=B)["Grants"]]
    assert groups == [None, "http://acs.amazonaws.com/groups/global/AllUsers"], groups
    s3.put_public_access_block(Bucket=B, PublicAccessBlockConfiguration={"IgnorePublicAcls": True})
    http("GET", f"/{B}/k", status=403)
    s3.delete_public_access_block(Bucket=B)
    # Another account, by its canonical id.
    who = other.list_buckets()["Owner"]["ID"]
    s3.put_object_acl(Bucket=B, Key="k", ACL="private")
    with fails("AccessDenied"):
        other.get_object(Bucket=B, Key="k")
    s3.put_object_acl(Bucket=B, Key="k", GrantRead=f'id="{who}"')
    assert other.get_object(Bucket=B, Key="k")["Body"].read() == b"hello"
    with fails("AccessDenied"):
        other.put_object(Bucket=B, Key="theirs", Body=b"x")
    s3.put_bucket_acl(Bucket=B, GrantWrite=f'id="{who}"')
    other.put_object(Bucket=B, Key="theirs", Body=b"x")
    assert s3.get_object_acl(Bucket=B, Key="theirs")["Owner"]["ID"] == who
    with fails("InvalidRequest"):
        s3.put_object(Bucket=B, Key="k", ACL="private", GrantRead=f'id="{who}"')
    with fails("InvalidArgument", 400, "Invalid id"):
        s3.put_object(Bucket=B, Key="k", GrantRead='id="nobody"')
    s3.put_bucket_acl(Bucket=B, ACL="private")
    s3.put_bucket_ownership_controls(Bucket=B, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]})
    with fails("AccessControlListNotSupported", 400, "The bucket does not allow ACLs"):
        s3.put_object_acl(Bucket=B, Key="k", ACL="private")
    with fails("AccessDenied"):
        other.get_object(Bucket=B, Key="k")


def object_lock():
    b = B + "-lock"
    s3.create_bucket(Bucket=b, ObjectLockEnabledForBucket=True)
    assert s3.get_bucket_versioning(Bucket=b)["Status"] == "Enabled"
    with fails("InvalidBucketState", 409):
        s3.put_bucket_versioning(Bucket=b, VersioningConfiguration={"Status": "Suspended"})
    soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
    v = s3.put_object(Bucket=b, Key="k", Body=b"1", ObjectLockMode="COMPLIANCE", ObjectLockRetainUntilDate=soon)["VersionId"]
    with fails("AccessDenied", 403, "object protected by object lock"):
        s3.delete_object(Bucket=b, Key="k", VersionId=v, BypassGovernanceRetention=True)
    with fails("AccessDenied"):
        s3.put_object_retention(Bucket=b, Key="k", VersionId=v, Retention={"Mode": "GOVERNANCE", "RetainUntilDate": soon})
    later = soon + datetime.timedelta(hours=1)
    s3.put_object_retention(Bucket=b, Key="k", VersionId=v, Retention={"Mode": "COMPLIANCE", "RetainUntilDate": later})
    assert s3.delete_object(Bucket=b, Key="k")["DeleteMarker"]
    s3.put_object_lock_configuration(Bucket=b, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled",
                                     "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}})
    g = s3.put_object(Bucket=b, Key="g", Body=b"1")["VersionId"]
    assert s3.head_object(Bucket=b, Key="g")["ObjectLockMode"] == "GOVERNANCE"
    out = s3.delete_objects(Bucket=b, Delete={"Objects": [{"Key": "g", "VersionId": g}, {"Key": "none"}]})
    assert [e["Code"] for e in out["Errors"]] == ["AccessDenied"] and len(out["Deleted"]) == 1, out
    s3.put_object_legal_hold(Bucket=b, Key="g", LegalHold={"Status": "ON"})
    with fails("AccessDenied"):
        s3.delete_object(Bucket=b, Key="g", VersionId=g, BypassGovernanceRetention=True)
    s3.put_object_legal_hold(Bucket=b, Key="g", LegalHold={"Status": "OFF"})
    s3.delete_object(Bucket=b, Key="g", VersionId=g, BypassGovernanceRetention=True)
    with fails("InvalidRequest", 400, "Bucket is missing Object Lock Configuration"):
        s3.get_object_retention(Bucket=B, Key="k")
    with fails("InvalidArgument", 400, "must both be supplied"):
        s3.put_object(Bucket=b, Key="x", ObjectLockMode="GOVERNANCE")


def denials():
    iam = client("iam")
    iam.create_user(UserName="eraser")
    iam.put_user_policy(UserName="eraser", PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "s3:DeleteObject", "Resource": f"arn:aws:s3:::{B}/a/*"}]}))
    k = iam.create_access_key(UserName="eraser")["AccessKey"]
    eraser = client("s3", aws_access_key_id=k["AccessKeyId"], aws_secret_access_key=k["SecretAccessKey"], **path)
    for key in ("a/1", "b/1"):
        s3.put_object(Bucket=B, Key=key)
    out = eraser.delete_objects(Bucket=B, Delete={"Objects": [{"Key": "a/1"}, {"Key": "b/1"}]})
    assert [d["Key"] for d in out["Deleted"]] == ["a/1"], out
    assert [(e["Key"], e["Code"]) for e in out["Errors"]] == [("b/1", "AccessDenied")], out
    s3.head_object(Bucket=B, Key="b/1")


def digests():
    body = b"<Delete><Object><Key>b/1</Key></Object></Delete>"
    none = signed("POST", f"/{B}?delete", body, want=400)[1]
    assert b"Missing required header for this request: Content-MD5 OR x-amz-checksum-*" in none, none
    wrong = signed("POST", f"/{B}?delete", body, Content_MD5=base64.b64encode(b"0" * 16).decode(), want=400)[1]
    assert b"<Code>BadDigest</Code>" in wrong, wrong
    bad = signed("POST", f"/{B}?delete", body, Content_MD5="x", want=400)[1]
    assert b"<Code>InvalidDigest</Code>" in bad, bad
    crc = signed("POST", f"/{B}?delete", body, x_amz_checksum_sha256=base64.b64encode(b"0" * 32).decode(), want=400)[1]
    assert b"The SHA256 you specified did not match the calculated checksum." in crc, crc
    s3.head_object(Bucket=B, Key="b/1")
    signed("POST", f"/{B}?delete", body, x_amz_checksum_sha256=base64.b64encode(hashlib.sha256(body).digest()).decode())
    with fails("404"):
        s3.head_object(Bucket=B, Key="b/1")


def browsers():
    ask = {"Origin": "https://app.example", "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "content-type"}
    body = http("OPTIONS", f"/{B}/k", headers=ask, status=403)[1]
    assert b"CORSResponse: CORS is not enabled for this bucket." in body, body
    s3.put_bucket_cors(Bucket=B, CORSConfiguration={"CORSRules": [{"AllowedMethods": ["PUT", "GET"], "AllowedOrigins": ["https://*.example"],
                       "AllowedHeaders": ["*"], "ExposeHeaders": ["ETag"], "MaxAgeSeconds": 60}]})
    h, _ = http("OPTIONS", f"/{B}/k", headers=ask)
    want = {"Access-Control-Allow-Origin": "https://app.example", "Access-Control-Allow-Methods": "PUT, GET", "Access-Control-Allow-Headers": "content-type",
            "Access-Control-Expose-Headers": "ETag", "Access-Control-Max-Age": "60", "Access-Control-Allow-Credentials": "true"}
    assert {k: h[k] for k in want} == want, h.items()
    http("OPTIONS", f"/{B}/k", headers=ask | {"Access-Control-Request-Method": "DELETE"}, status=403)
    http("OPTIONS", f"/{B}/k", headers={"Access-Control-Request-Method": "PUT"}, status=400)
    url = s3.generate_presigned_url("get_object", Params={"Bucket": B, "Key": "k"})[len(ENDPOINT):]
    assert "Access-Control-Allow-Origin" not in http("GET", url)[0]
    assert "Access-Control-Allow-Origin" not in http("GET", url, headers={"Origin": "https://else.where"}, status=403)[0]


def upload(fields, file=b"file", to=None, status=204):
    lines = b""
    for k, v in fields.items():
        lines += f'--bnd\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n'.encode()
    lines += b'--bnd\r\nContent-Disposition: form-data; name="file"; filename="my.txt"\r\nContent-Type: text/plain\r\n\r\n' + file + b"\r\n--bnd--\r\n"
    return http("POST", "/" + (to or B), lines, {"Content-Type": "multipart/form-data; boundary=bnd"}, status)


def forms():
    """The key of an IAM user, so that signatures are verified."""
    iam = client("iam")
    iam.create_user(UserName="author")
    iam.put_user_policy(UserName="author", PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}))
    k = iam.create_access_key(UserName="author")["AccessKey"]
    for version in ("s3v4", "s3"):
        author = client("s3", aws_access_key_id=k["AccessKeyId"], aws_secret_access_key=k["SecretAccessKey"],
                        config={"s3": {"addressing_style": "path"}, "signature_version": version})
        p = author.generate_presigned_post(B, "up/${filename}", Fields={"x-amz-meta-a": "1", "Content-Type": "text/plain"},
                                           Conditions=[{"x-amz-meta-a": "1"}, ["starts-with", "$Content-Type", "text/"], ["content-length-range", 2, 8]])
        h, _ = upload(p["fields"])
        o = s3.get_object(Bucket=B, Key="up/my.txt")
        assert (o["Body"].read(), o["Metadata"], o["ContentType"]) == (b"file", {"a": "1"}, "text/plain"), o
        assert h["ETag"] == o["ETag"] and h["Location"].endswith(f"/{B}/up/my.txt"), h.items()
        assert b"EntityTooLarge" in upload(p["fields"], b"123456789", status=400)[1]
        assert b"EntityTooSmall" in upload(p["fields"], b"1", status=400)[1]
        assert b"Policy Condition failed" in upload(p["fields"] | {"x-amz-meta-a": "2"}, status=403)[1]
        assert b"Extra input fields: x-amz-meta-b" in upload(p["fields"] | {"x-amz-meta-b": "2"}, status=403)[1]
        signature = next(f for f in p["fields"] if f.lower().endswith("signature"))
        assert b"SignatureDoesNotMatch" in upload(p["fields"] | {signature: "0" * 64}, status=403)[1]
        assert s3.get_object(Bucket=B, Key="up/my.txt")["Body"].read() == b"file"
    p = author.generate_presigned_post(B, "done", Fields={"success_action_status": "201"}, Conditions=[{"success_action_status": "201"}])
    assert b"<PostResponse>" in upload(p["fields"], status=201)[1]
    to = "http://localhost/done?x=1"
    p = author.generate_presigned_post(B, "done", Fields={"success_action_redirect": to}, Conditions=[{"success_action_redirect": to}])
    assert f"bucket={B}" in upload(p["fields"], status=303)[0]["Location"]
    p = author.generate_presigned_post(B, "done", ExpiresIn=-10)
    assert b"Policy expired" in upload(p["fields"], status=403)[1]
    upload({"key": "anonymous"}, status=403)
    assert b"PreconditionFailed" in http("POST", "/" + B, b"x=1", {"Content-Type": "text/plain"}, 412)[1]


def website():
    b = B + "-site"
    s3.create_bucket(Bucket=b)
    host = {"Host": b + ".s3-website-us-east-1.localhost"}
    http("GET", "/", headers=host, status=404)
    s3.put_bucket_website(Bucket=b, WebsiteConfiguration={"IndexDocument": {"Suffix": "index.html"}, "ErrorDocument": {"Key": "error.html"},
                          "RoutingRules": [{"Condition": {"KeyPrefixEquals": "old/"}, "Redirect": {"ReplaceKeyPrefixWith": "new/"}}]})
    for key in ("index.html", "docs/index.html", "error.html"):
        s3.put_object(Bucket=b, Key=key, Body=key.encode(), ContentType="text/html")
    http("GET", "/", headers=host, status=403)
    s3.delete_public_access_block(Bucket=b)
    s3.put_bucket_policy(Bucket=b, Policy=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": [f"arn:aws:s3:::{b}/*", f"arn:aws:s3:::{b}"]}]}))
    assert http("GET", "/", headers=host)[1] == b"index.html"
    assert http("GET", "/docs/", headers=host)[1] == b"docs/index.html"
    assert http("GET", "/docs", headers=host, status=302)[0]["Location"] == "/docs/"
    assert http("GET", "/nothing", headers=host, status=404)[1] == b"error.html"
    assert http("GET", "/old/x", headers=host, status=301)[0]["Location"].endswith("/new/x")


def notifications():
    b = B + "-told"
    s3.create_bucket(Bucket=b)
    sqs, events, lam, iam = client("sqs"), client("events"), client("lambda"), client("iam")
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:told"

    def configure(**k):
        s3.put_bucket_notification_configuration(Bucket=b, NotificationConfiguration=k)
    queue = [{"Id": "q", "QueueArn": arn, "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"], "Filter": {"Key": {"FilterRules": [
        {"Name": "prefix", "Value": "in/"}, {"Name": "suffix", "Value": ".txt"}]}}}]
    with fails("InvalidArgument", 400, "Unable to validate the following destination configurations"):
        configure(QueueConfigurations=queue)
    url = sqs.create_queue(QueueName="told")["QueueUrl"]
    with fails("InvalidArgument", 400, "Unable to validate the following destination configurations"):
        configure(QueueConfigurations=queue)  # the queue does not let S3 in
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn,
        "Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::" + b}, "StringEquals": {"aws:SourceAccount": ACCOUNT}}}]})})
    catch = sqs.create_queue(QueueName="caught")["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=catch, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": "*"}]})})
    events.put_rule(Name="told", EventPattern=json.dumps({"source": ["aws.s3"], "detail": {"bucket": {"name": [b]}}}))
    events.put_targets(Rule="told", Targets=[{"Id": "1", "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:caught"}])
    with fails("InvalidArgument", 400, "Configurations overlap"):
        configure(QueueConfigurations=queue + [queue[0] | {"Id": "q2"}])
    configure(QueueConfigurations=queue, EventBridgeConfiguration={})
    got = s3.get_bucket_notification_configuration(Bucket=b)
    assert got["QueueConfigurations"][0]["Id"] == "q" and "EventBridgeConfiguration" in got, got

    def receive(url):
        m = received(sqs, url)
        sqs.delete_message(QueueUrl=url, ReceiptHandle=m["ReceiptHandle"])
        return json.loads(m["Body"])
    test = receive(url)
    assert (test["Service"], test["Event"], test["Bucket"]) == ("Amazon S3", "s3:TestEvent", b), test
    s3.put_object(Bucket=b, Key="out/no.txt", Body=b"x")
    e = s3.put_object(Bucket=b, Key="in/red flower+é.txt", Body=b"12345")["ETag"].strip('"')
    r, = receive(url)["Records"]
    assert (r["eventVersion"], r["eventSource"], r["eventName"], r["awsRegion"]) == ("2.1", "aws:s3", "ObjectCreated:Put", REGION), r
    assert r["s3"]["configurationId"] == "q" and r["s3"]["bucket"]["arn"] == "arn:aws:s3:::" + b, r
    o = r["s3"]["object"]
    assert (o["key"], o["size"], o["eTag"]) == ("in/red+flower%2B%C3%A9.txt", 5, e), o
    first = o["sequencer"]
    s3.copy_object(Bucket=b, Key="in/copy.txt", CopySource={"Bucket": b, "Key": "out/no.txt"})
    assert receive(url)["Records"][0]["eventName"] == "ObjectCreated:Copy"
    s3.delete_object(Bucket=b, Key="in/copy.txt")
    r, = receive(url)["Records"]
    assert r["eventName"] == "ObjectRemoved:Delete" and "size" not in r["s3"]["object"], r
    assert r["s3"]["object"]["sequencer"] > first
    s3.delete_object(Bucket=b, Key="in/never.txt")  # nothing was there, nobody is told
    seen = [receive(catch) for _ in range(4)]
    kinds = sorted((m["detail-type"], m["detail"]["reason"], m["detail"]["object"]["key"]) for m in seen)
    assert kinds == [("Object Created", "CopyObject", "in/copy.txt"), ("Object Created", "PutObject", "in/red flower+é.txt"),
                     ("Object Created", "PutObject", "out/no.txt"), ("Object Deleted", "DeleteObject", "in/copy.txt")], kinds
    assert seen[0]["resources"] == ["arn:aws:s3:::" + b], seen[0]
    # A function.
    role = iam.create_role(RoleName="told", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}))["Role"]["Arn"]
    iam.put_role_policy(RoleName="told", PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}))
    buf = io.BytesIO()
    with zipfile.ZipFile(buf, "w") as z:
        z.writestr("f.py", "import boto3\ndef h(e, c):\n    r = e['Records'][0]['s3']\n"
                   "    boto3.client('s3').put_object(Bucket=r['bucket']['name'], Key='seen', Body=r['object']['key'].encode())\n")
    fn = lam.create_function(FunctionName="told", Runtime="python3.12", Handler="f.h", Role=role, Timeout=30, Code={"ZipFile": buf.getvalue()})["FunctionArn"]
    lam.get_waiter("function_active_v2").wait(FunctionName="told")
    mine = [{"LambdaFunctionArn": fn, "Events": ["s3:ObjectTagging:Put"]}]
    with fails("InvalidArgument", 400, "Unable to validate the following destination configurations"):
        configure(LambdaFunctionConfigurations=mine)
    lam.add_permission(FunctionName="told", StatementId="s3", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com", SourceArn="arn:aws:s3:::" + b)
    configure(LambdaFunctionConfigurations=mine)
    s3.put_object_tagging(Bucket=b, Key="out/no.txt", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    eventually("the function's object", lambda: "Contents" in s3.list_objects_v2(Bucket=b, Prefix="seen"))
    assert s3.get_object(Bucket=b, Key="seen")["Body"].read() == b"out/no.txt"
    configure()
    assert "QueueConfigurations" not in s3.get_bucket_notification_configuration(Bucket=b)


def stack():
    """The same from a template."""
    cfn, name = client("cloudformation"), B + "-stack"
    cfn.create_stack(StackName="told", TemplateBody=json.dumps({"Resources": {
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "stacked"}},
        "Policy": {"Type": "AWS::SQS::QueuePolicy", "Properties": {"Queues": [{"Ref": "Queue"}], "PolicyDocument": {"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": {"Fn::GetAtt": ["Queue", "Arn"]}}]}}},
        "Bucket": {"Type": "AWS::S3::Bucket", "DependsOn": "Policy", "Properties": {
            "BucketName": name, "ObjectLockEnabled": True, "VersioningConfiguration": {"Status": "Enabled"},
            "ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}},
            "WebsiteConfiguration": {"IndexDocument": "i.html", "RoutingRules": [{"RedirectRule": {"HostName": "x"}, "RoutingRuleCondition": {"KeyPrefixEquals": "a"}}]},
            "NotificationConfiguration": {"EventBridgeConfiguration": {"EventBridgeEnabled": True}, "QueueConfigurations": [{
                "Event": "s3:ObjectCreated:*", "Queue": {"Fn::GetAtt": ["Queue", "Arn"]},
                "Filter": {"S3Key": {"Rules": [{"Name": "suffix", "Value": ".x"}]}}}]}}}}}))
    cfn.get_waiter("stack_create_complete").wait(StackName="told", WaiterConfig={"Delay": 1})
    c = s3.get_bucket_notification_configuration(Bucket=name)
    assert c["QueueConfigurations"][0]["Filter"]["Key"]["FilterRules"][0]["Value"] == ".x" and "EventBridgeConfiguration" in c, c
    assert s3.get_bucket_website(Bucket=name)["RoutingRules"][0]["Redirect"]["HostName"] == "x"
    assert s3.get_object_lock_configuration(Bucket=name)["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]["Days"] == 1
    cfn.delete_stack(StackName="told")
    cfn.get_waiter("stack_delete_complete").wait(StackName="told", WaiterConfig={"Delay": 1})


for part in (access_control_lists, object_lock, denials, digests, browsers, forms, website, notifications, stack):
    part()
