"""S3's own ways on the wire: raw paths, presigned URLs of both versions, streamed and signed bodies."""

import io
import urllib.error
import urllib.request

import botocore

from client import ACCOUNT, ENDPOINT, client, fails

ADMIN = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
BUCKET, KEY = f"wire-{ACCOUNT}", "a b/+c//d/../e!*'()~é%2F"


def send(method, url, body=None, headers=None):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=body, method=method, headers=headers or {})) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


s3 = client("s3", **ADMIN)
s3.create_bucket(Bucket=BUCKET)
s3.put_object(Bucket=BUCKET, Key=KEY, Body=b"hello", Metadata={"small": "1"})
got = s3.get_object(Bucket=BUCKET, Key=KEY)
assert got["Body"].read() == b"hello" and got["Metadata"] == {"small": "1"}, got
assert [o["Key"] for o in s3.list_objects_v2(Bucket=BUCKET, Prefix="a b/+")["Contents"]] == [KEY]

# A body of unknown content travels in chunks with its checksum behind it; one that is signed by its hash.
s3.upload_fileobj(io.BytesIO(b"x" * 300_000), BUCKET, "stream")
assert s3.head_object(Bucket=BUCKET, Key="stream")["ContentLength"] == 300_000
client("s3", **ADMIN, config={"s3": {"payload_signing_enabled": True}}).put_object(Bucket=BUCKET, Key="hash", Body=b"signed")
client("s3", **ADMIN, config={"request_checksum_calculation": "when_required"}).put_object(Bucket=BUCKET, Key="none", Body=b"")

# Presigned, Version 2 and 4: what the URL says is signed, and what is added to it is not taken.
for version in ("s3", "s3v4"):
    signer = client("s3", **ADMIN, config={"signature_version": version})
    url = signer.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": KEY}, ExpiresIn=60)
    assert send("GET", url) == (200, b"hello"), version
    status, body = send("GET", url.replace(BUCKET, BUCKET + "x"))
    assert status == 403 and b"<Code>SignatureDoesNotMatch</Code>" in body and b"<StringToSign>" in body, body
    url = signer.generate_presigned_url("put_object", Params={"Bucket": BUCKET, "Key": version, "ContentType": "text/x", "Metadata": {"a": "b"}}, ExpiresIn=60)
    assert send("PUT", url, b"up", {"Content-Type": "text/x", "x-amz-meta-a": "b"})[0] == 200, version
    head = s3.head_object(Bucket=BUCKET, Key=version)
    assert head["ContentType"] == "text/x" and head["Metadata"] == {"a": "b"}, head
    url = signer.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": KEY}, ExpiresIn=-10)
    status, body = send("GET", url)
    assert status in (400, 403) and (b"Request has expired" in body or b"X-Amz-Expires must be non-negative" in body), body

# The host names the bucket as well as the path does. (The name need not resolve: it is only a header here.)
url = client("s3", **ADMIN, endpoint_url=ENDPOINT.replace("127.0.0.1", "localhost"), config={"s3": {"addressing_style": "virtual"}, "signature_version": "s3v4"}
             ).generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": "hash"}, ExpiresIn=60)
host = url.split("/")[2]
assert host.startswith(BUCKET + ".localhost"), url
assert send("GET", url.replace("http://" + host, ENDPOINT), headers={"Host": host}) == (200, b"signed")

# Errors have both of S3's ids, and name what they are about.
with fails("NoSuchKey", 404, "The specified key does not exist."):
    s3.get_object(Bucket=BUCKET, Key="nothing")
with fails("AccessDenied", 403):
    client("s3", config={"signature_version": botocore.UNSIGNED}).get_object(Bucket=BUCKET, Key=KEY)
status, body = send("GET", f"{ENDPOINT}/{BUCKET}/x?X-Amz-Algorithm=AWS4-HMAC-SHA256")
assert status == 400 and b"AuthorizationQueryParametersError" in body, body
