"""Traces over the real client, and from the X-Ray SDK through the daemon's port, whose account is the platform's own."""

import json
import os
import time

import boto3
import botocore

from client import client, eventually, fails

xray = client("xray")
now = time.time()
trace = f"1-{int(now):08x}-{os.urandom(12).hex()}"
root = os.urandom(8).hex()
call = {"id": os.urandom(8).hex(), "name": "DynamoDB", "namespace": "aws", "start_time": now + 0.1, "end_time": now + 0.2}
segment = {
    "trace_id": trace, "id": root, "name": "front", "start_time": now, "end_time": now + 1.5, "user": "ann",
    "annotations": {"order": 7}, "subsegments": [call],
    "http": {"request": {"url": "http://x/y", "method": "GET"}, "response": {"status": 500}},
}
answer = xray.put_trace_segments(TraceSegmentDocuments=[json.dumps(segment), "[]"])
(bad,) = answer["UnprocessedTraceSegments"]
assert bad["ErrorCode"] == "MissingId", bad

(got,) = xray.batch_get_traces(TraceIds=[trace])["Traces"]
assert got["Id"] == trace and abs(got["Duration"] - 1.5) < 0.001, got
documents = [json.loads(s["Document"]) for s in got["Segments"]]
assert documents[0] == segment, documents
assert documents[1]["inferred"] is True and documents[1]["parent_id"] == call["id"], documents


def find(expression, client=xray):
    pages = client.get_paginator("get_trace_summaries").paginate(
        StartTime=now - 60, EndTime=now + 60, FilterExpression=expression)
    return [s for page in pages for s in page["TraceSummaries"]]


(summary,) = find('fault AND annotation.order = 7 AND service("DynamoDB") AND responsetime > 1')
assert summary["HasFault"] and summary["Http"]["HttpStatus"] == 500 and summary["EntryPoint"]["Name"] == "front", summary
assert summary["Annotations"]["order"][0]["AnnotationValue"]["NumberValue"] == 7, summary
assert find("!fault") == []
with fails("InvalidRequestException", 400, "unknown keyword"):
    find('colour = "red"')
with fails("InvalidRequestException", 400):
    xray.batch_get_traces(TraceIds=[trace] * 6)
(rule,) = xray.get_sampling_rules()["SamplingRuleRecords"]
assert rule["SamplingRule"]["RuleName"] == "Default" and rule["SamplingRule"]["FixedRate"] == 0.05, rule
assert [g["GroupName"] for g in xray.get_groups()["Groups"]] == ["Default"]
assert xray.get_encryption_config()["EncryptionConfig"] == {"Status": "ACTIVE", "Type": "NONE"}

# What SDKs ask of the daemon, they ask without credentials.
daemon = boto3.client("xray", endpoint_url="http://" + os.environ["AWS_XRAY_DAEMON_ADDRESS"],
                      config=botocore.config.Config(signature_version=botocore.UNSIGNED))
(rule,) = daemon.get_sampling_rules()["SamplingRuleRecords"]
(target,) = daemon.get_sampling_targets(SamplingStatisticsDocuments=[{
    "RuleName": "Default", "ClientID": "0" * 24, "Timestamp": now, "RequestCount": 1, "SampledCount": 1}])["SamplingTargetDocuments"]
assert target["ReservoirQuota"] == 1 and target["Interval"] == 10, target

try:
    from aws_xray_sdk.core import xray_recorder
except ImportError:
    raise SystemExit  # the rest is the SDK's
xray_recorder.configure(service="sdk", sampling=False)
with xray_recorder.in_segment("sdk") as outer:
    outer.put_annotation("marker", trace)
    with xray_recorder.in_subsegment("step"):
        pass
platform = client("xray", aws_access_key_id="000000000000", aws_secret_access_key="test")
found = eventually("what the daemon puts", lambda: find(f'annotation.marker = "{trace}"', platform))
assert found[0]["Id"] == outer.trace_id, found
(got,) = platform.batch_get_traces(TraceIds=[outer.trace_id])["Traces"]
(document,) = [json.loads(s["Document"]) for s in got["Segments"]]
assert document["subsegments"][0]["name"] == "step", document
