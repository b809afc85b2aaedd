"""Log groups, streams and events over the real client, and what they refuse."""

import time

from client import ACCOUNT, client, fails

logs = client("logs")
GROUP = "/e2e/group"
logs.create_log_group(logGroupName=GROUP)
with fails("ResourceAlreadyExistsException", 400, "The specified log group already exists"):
    logs.create_log_group(logGroupName=GROUP)
(group,) = logs.describe_log_groups(logGroupNamePrefix="/e2e")["logGroups"]
ARN = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{GROUP}"
assert group["arn"] == ARN + ":*" and group["logGroupArn"] == ARN, group
# The region is that of the signature: another one has no such group.
assert client("logs", region_name="eu-west-1").describe_log_groups()["logGroups"] == []

# Listings: pages, patterns with their case, identifiers.
for name in ("/e2e/a", "/e2e/b", "/other/G"):
    logs.create_log_group(logGroupName=name)
pages = logs.get_paginator("describe_log_groups").paginate(PaginationConfig={"PageSize": 2})
assert [g["logGroupName"] for p in pages for g in p["logGroups"]] == ["/e2e/a", "/e2e/b", GROUP, "/other/G"]
assert [g["logGroupName"] for g in logs.describe_log_groups(logGroupNamePattern="her/G")["logGroups"]] == ["/other/G"]
assert logs.describe_log_groups(logGroupNamePattern="her/g")["logGroups"] == []
found = logs.describe_log_groups(logGroupIdentifiers=[ARN, "/e2e/a", "none"])["logGroups"]
assert [g["logGroupName"] for g in found] == [GROUP, "/e2e/a"], found
with fails("InvalidParameterException", 400, "mutually exclusive"):
    logs.describe_log_groups(logGroupNamePrefix="a", logGroupNamePattern="abc")
with fails("InvalidParameterException", 400):
    logs.describe_log_groups(logGroupNamePrefix="a", logGroupIdentifiers=[ARN])
with fails("ResourceNotFoundException", 400):  # a group of another account is not the one of the same name here
    logs.describe_log_streams(logGroupIdentifier=ARN.replace(ACCOUNT, "999999999999"))

# Streams, by name and by time.
now = int(time.time() * 1000)
for stream in ("one", "two", "three"):
    logs.create_log_stream(logGroupName=GROUP, logStreamName=stream)
with fails("ResourceAlreadyExistsException", 400, "The specified log stream already exists"):
    logs.create_log_stream(logGroupName=GROUP, logStreamName="one")
with fails("ResourceNotFoundException", 400, "The specified log group does not exist."):
    logs.create_log_stream(logGroupName="none", logStreamName="one")
for i, stream in enumerate(("two", "one", "three")):
    events = [{"timestamp": now + 10 * i + j, "message": f"{stream} {j} ERROR" if j % 2 else f"{stream} {j}"} for j in range(4)]
    logs.put_log_events(logGroupName=GROUP, logStreamName=stream, logEvents=events)


def streams(**options):
    pages = logs.get_paginator("describe_log_streams").paginate(logGroupName=GROUP, PaginationConfig={"PageSize": 2}, **options)
    return [s["logStreamName"] for p in pages for s in p["logStreams"]]


assert streams() == ["one", "three", "two"]
assert streams(orderBy="LastEventTime", descending=True) == ["three", "one", "two"]
assert streams(logStreamNamePrefix="t", descending=True) == ["two", "three"]
with fails("InvalidParameterException", 400, "Cannot order by LastEventTime with a logStreamNamePrefix."):
    streams(orderBy="LastEventTime", logStreamNamePrefix="t")
with fails("InvalidParameterException", 400):
    logs.describe_log_streams(logGroupName=GROUP, orderBy="LastEventTime", nextToken="nonsense")

# Reading forwards, backwards, and past the ends: a token that leads nowhere is given again.
page = logs.get_log_events(logGroupName=GROUP, logStreamName="one", startFromHead=True, limit=3)
assert [e["message"] for e in page["events"]] == ["one 0", "one 1 ERROR", "one 2"], page
page = logs.get_log_events(logGroupName=GROUP, logStreamName="one", nextToken=page["nextForwardToken"])
assert [e["message"] for e in page["events"]] == ["one 3 ERROR"], page
end = logs.get_log_events(logGroupName=GROUP, logStreamName="one", nextToken=page["nextForwardToken"])
assert end["events"] == [] and end["nextForwardToken"] == page["nextForwardToken"], end
back = logs.get_log_events(logGroupName=GROUP, logStreamName="one", nextToken=end["nextBackwardToken"], limit=2)
assert [e["message"] for e in back["events"]] == ["one 2", "one 3 ERROR"], back
with fails("InvalidParameterException", 400, "The specified nextToken is invalid."):
    logs.get_log_events(logGroupName=GROUP, logStreamName="one", nextToken="nonsense")
with fails("ResourceNotFoundException", 400, "The specified log stream does not exist."):
    logs.get_log_events(logGroupName=GROUP, logStreamName="none")


def search(**options):
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=GROUP, PaginationConfig={"PageSize": 2}, **options)
    return [e["message"] for p in pages for e in p["events"]]


assert search(filterPattern="ERROR -two") == ["one 1 ERROR", "one 3 ERROR", "three 1 ERROR", "three 3 ERROR"]
assert search(logStreamNames=["two"], filterPattern="?0 ?2") == ["two 0", "two 2"]
assert search(logStreamNamePrefix="thr", startTime=now + 22, endTime=2**63 - 1) == ["three 2", "three 3 ERROR"]
assert search(endTime=now + 1) == ["two 0", "two 1 ERROR"]
with fails("InvalidParameterException", 400):
    search(filterPattern="{ $.a = ")

# What PutLogEvents refuses, and what it leaves out.
put = lambda *events: logs.put_log_events(  # noqa: E731
    logGroupName=GROUP, logStreamName="one", logEvents=[{"timestamp": t, "message": m} for t, m in events])
with fails("InvalidParameterException", 400, "Log events in a single PutLogEvents request must be in chronological order."):
    put((now, "b"), (now - 1, "a"))
with fails("InvalidParameterException", 400, "cannot span more than 24 hours"):
    put((now - 25 * 3600 * 1000, "a"), (now, "b"))
with fails("InvalidParameterException", 400, "Log event too large: 1048577 bytes exceeds limit of 1048576"):
    put((now, "x" * (1048577 - 26)))
put((now, "x" * (1048576 - 26)))
day = 24 * 3600 * 1000
out = put((now - 15 * day, "too old"), (now - 15 * day + 1, "too old"))
assert out["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 2}, out
out = put((now, "taken"), (now + 3 * 3600 * 1000, "too new"))
assert out["rejectedLogEventsInfo"] == {"tooNewLogEventStartIndex": 1}, out

# Retention and tags.
with fails("InvalidParameterException", 400):
    logs.put_retention_policy(logGroupName=GROUP, retentionInDays=2)
logs.put_retention_policy(logGroupName=GROUP, retentionInDays=7)
assert logs.describe_log_groups(logGroupNamePrefix=GROUP)["logGroups"][0]["retentionInDays"] == 7
logs.tag_resource(resourceArn=ARN, tags={"k": "v"})
assert logs.list_tags_for_resource(resourceArn=ARN)["tags"] == {"k": "v"}
assert logs.list_tags_log_group(logGroupName=GROUP)["tags"] == {"k": "v"}

# A stream that is made again is empty; so is a group.
logs.delete_log_stream(logGroupName=GROUP, logStreamName="two")
logs.create_log_stream(logGroupName=GROUP, logStreamName="two")
assert logs.get_log_events(logGroupName=GROUP, logStreamName="two")["events"] == []
assert search(logStreamNames=["two"]) == []
logs.delete_log_group(logGroupName=GROUP)
with fails("ResourceNotFoundException", 400):
    logs.delete_log_group(logGroupName=GROUP)
logs.create_log_group(logGroupName=GROUP)
assert streams() == [] and search() == []
