"""Writes botocore.json: requests of many shapes as botocore signs them, the oracle of TestBotocore.

Run by hand when a shape is added: python3 testdata/sign.py > testdata/botocore.json
"""
import datetime, json, sys
from unittest import mock
import botocore.auth, botocore.awsrequest, botocore.credentials, botocore.compat

NOW = datetime.datetime(2026, 11, 21, 12, 36, 0, tzinfo=datetime.timezone.utc)
EPOCH = int(NOW.timestamp())
KEY = botocore.credentials.Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
TEMP = botocore.credentials.Credentials("ASIAEXAMPLE", "secret/with+signs", "token//with+signs==")

# name, signer, service, method, url, headers, body, credentials
CASES = [
    ("json", "v4", "dynamodb", "POST", "http://localhost:4566/", {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "DynamoDB_20120810.GetItem"}, b'{"TableName":"t"}', KEY),
    ("token", "v4", "dynamodb", "POST", "http://localhost:4566/", {"Content-Type": "application/x-amz-json-1.0"}, b"{}", TEMP),
    ("get-vanilla", "v4", "service", "GET", "https://example.amazonaws.com/", {}, b"", KEY),
    ("query-order", "v4", "service", "GET", "https://example.amazonaws.com/?b=2&a=2&a=1&c", {}, b"", KEY),
    ("query-encoded", "v4", "service", "GET", "https://example.amazonaws.com/?k=%20%2F~&z=%E1%88%B4&y=a%2Bb", {}, b"", KEY),
    ("header-spaces", "v4", "service", "GET", "https://example.amazonaws.com/", {"My-Header1": "  a   b   c  ", "My-Header2": '  "a   b   c"  '}, b"", KEY),
    ("utf8-path", "v4", "service", "GET", "https://example.amazonaws.com/%E1%88%B4", {}, b"", KEY),
    ("dots", "v4", "service", "GET", "https://example.amazonaws.com/a/./b/../c//d/", {}, b"", KEY),
    ("dots-to-root", "v4", "service", "GET", "https://example.amazonaws.com/a/..", {}, b"", KEY),
    ("slashes", "v4", "service", "GET", "https://example.amazonaws.com//", {}, b"", KEY),
    ("lambda-arn", "v4", "lambda", "POST", "http://localhost:4566/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Af/invocations", {"X-Amz-Invocation-Type": "Event"}, b"{}", KEY),
    ("space-in-path", "v4", "execute-api", "GET", "http://localhost:4566/dev/a%20b", {}, b"", KEY),
    ("form", "v4", "iam", "POST", "http://localhost:4566/", {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}, b"Action=ListUsers&Version=2010-05-08", KEY),
    ("presigned-sts", "v4query", "sts", "GET", "http://localhost:4566/?Action=GetCallerIdentity&Version=2011-06-15", {}, b"", TEMP),
    ("s3-get", "s3v4", "s3", "GET", "http://localhost:4566/bucket/a//b/../c", {}, b"", KEY),
    ("s3-encoded", "s3v4", "s3", "GET", "http://localhost:4566/bucket/a%20b/%2Bc%25%26%21~", {}, b"", KEY),
    ("s3-put", "s3v4", "s3", "PUT", "http://localhost:4566/bucket/key?partNumber=1&uploadId=x", {"Content-MD5": "1B2M2Y8AsgTpgAmY7PhCfg==", "x-amz-meta-a": "b"}, b"content", KEY),
    ("s3-subresource", "s3v4", "s3", "PUT", "http://localhost:4566/bucket?acl", {}, b"<a/>", KEY),
    ("s3-host", "s3v4", "s3", "GET", "http://bucket.s3.us-east-1.amazonaws.com/key", {}, b"", TEMP),
    ("s3-presigned", "s3v4query", "s3", "GET", "http://localhost:4566/bucket/a%20b?response-content-type=text%2Fplain", {}, b"", KEY),
    ("s3-presigned-token", "s3v4query", "s3", "PUT", "http://localhost:4566/bucket/k", {"Content-Type": "text/plain", "x-amz-meta-a": "b"}, b"", TEMP),
    ("s3-v2", "v2", "s3", "PUT", "http://localhost:4566/bucket/a%20b?acl&uploadId=x%2By&other=1", {"Content-Type": "text/plain", "x-amz-meta-b": "2", "x-amz-meta-a": "1"}, b"", KEY),
    ("s3-v2-token", "v2", "s3", "GET", "http://localhost:4566/bucket/?list-type=2&prefix=a", {}, b"", TEMP),
    ("s3-v2-presigned", "v2query", "s3", "GET", "http://localhost:4566/bucket/a?versionId=3&response-content-type=text%2Fplain", {}, b"", KEY),
    ("s3-v2-presigned-put", "v2query", "s3", "PUT", "http://localhost:4566/bucket/a", {"Content-Type": "image/png", "x-amz-acl": "private"}, b"", TEMP),
]

SIGNERS = {
    "v4": lambda c, s: botocore.auth.SigV4Auth(c, s, "us-east-1"),
    "v4query": lambda c, s: botocore.auth.SigV4QueryAuth(c, s, "us-east-1", expires=60),
    "s3v4": lambda c, s: botocore.auth.S3SigV4Auth(c, s, "us-east-1"),
    "s3v4query": lambda c, s: botocore.auth.S3SigV4QueryAuth(c, s, "us-east-1", expires=60),
    "v2": lambda c, s: botocore.auth.HmacV1Auth(c),
    "v2query": lambda c, s: botocore.auth.HmacV1QueryAuth(c, expires=60),
}


def main():
    out = []
    for name, signer, service, method, url, headers, body, creds in CASES:
        r = botocore.awsrequest.AWSRequest(method=method, url=url, headers=headers, data=body)
        r.context["payload_signing_enabled"] = True
        with mock.patch("botocore.auth.get_current_datetime", return_value=NOW.replace(tzinfo=None)), \
                mock.patch("time.time", return_value=EPOCH), \
                mock.patch("botocore.auth.formatdate", return_value="Sat, 21 Nov 2026 12:36:00 GMT"):
            SIGNERS[signer](creds, service).add_auth(r)
        r = r.prepare()
        out.append({"name": name, "service": service, "method": method, "url": r.url, "secret": creds.secret_key,
                    "token": creds.token or "", "body": body.decode(),
                    "headers": {k: v.decode() if isinstance(v, bytes) else v for k, v in r.headers.items()}})
    json.dump(out, sys.stdout, indent=1)
    print()


main()
