"""EventBridge: buses, rules, targets, events, archives and replays. What reaches functions is tested where functions are."""

import datetime
import json

from client import ACCOUNT, REGION, client, eventually, fails

events = client("events")
ARN = f"arn:aws:events:{REGION}:{ACCOUNT}:"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"


# Buses.
assert [b["Name"] for b in events.list_event_buses()["EventBuses"]] == ["default"]
assert events.describe_event_bus()["Arn"] == ARN + "event-bus/default"
made = events.create_event_bus(Name="jobs", Description="d", Tags=[{"Key": "k", "Value": "v"}])
assert made["EventBusArn"] == ARN + "event-bus/jobs"
with fails("ResourceAlreadyExistsException", 400, "Event bus jobs already exists."):
    events.create_event_bus(Name="jobs")
assert events.list_tags_for_resource(ResourceARN=made["EventBusArn"])["Tags"] == [{"Key": "k", "Value": "v"}]
events.put_permission(EventBusName="jobs", Action="events:PutEvents", Principal="123456789012", StatementId="s")
policy = json.loads(events.describe_event_bus(Name="jobs")["Policy"])
assert policy["Statement"][0]["Principal"] == {"AWS": "arn:aws:iam::123456789012:root"}, policy
events.remove_permission(EventBusName="jobs", StatementId="s")
assert "Policy" not in events.describe_event_bus(Name="jobs")

# Rules and targets.
pattern = {"source": ["lambda"], "replay-name": [{"exists": True}]}
rule = events.put_rule(Name="again", EventBusName="jobs", EventPattern=json.dumps(pattern))["RuleArn"]
assert rule == ARN + "rule/jobs/again"
answer = events.put_targets(Rule="again", EventBusName="jobs", Targets=[
    {"Id": "processing", "Arn": FUNCTION, "InputPath": "$.detail.requestPayload.requestPayload"}])
assert answer["FailedEntryCount"] == 0 and answer["FailedEntries"] == []
assert events.list_rule_names_by_target(TargetArn=FUNCTION, EventBusName="jobs")["RuleNames"] == ["again"]
assert events.list_targets_by_rule(Rule="again", EventBusName="jobs")["Targets"][0]["Id"] == "processing"
with fails("ValidationException", 400, "Rule can't be deleted since it has targets."):
    events.delete_rule(Name="again", EventBusName="jobs")
with fails("InvalidEventPatternException", 400, "Event pattern is not valid."):
    events.put_rule(Name="bad", EventPattern='{"source": "x"}')
with fails("ValidationException", 400, "Parameter ScheduleExpression is not valid."):
    events.put_rule(Name="bad", ScheduleExpression="rate(1 minutes)")
events.put_rule(Name="nightly", ScheduleExpression="cron(0 3 * * ? *)", State="DISABLED")
described = events.describe_rule(Name="nightly")
assert described["State"] == "DISABLED" and described["ScheduleExpression"] == "cron(0 3 * * ? *)", described
events.delete_rule(Name="nightly")
with fails("ResourceNotFoundException", 400, "Rule nightly does not exist on EventBus default."):
    events.describe_rule(Name="nightly")
assert events.test_event_pattern(EventPattern='{"source": ["s"]}', Event=json.dumps({
    "id": "1", "account": ACCOUNT, "source": "s", "time": "2026-01-01T00:00:00Z", "region": REGION, "resources": [],
    "detail-type": "t", "detail": {}}))["Result"] is True

# Events, and an archive of them.
archive = events.create_archive(ArchiveName="failures", EventSourceArn=made["EventBusArn"], RetentionDays=90, EventPattern=json.dumps(
    {"source": ["lambda"], "detail-type": ["Lambda Function Invocation Result - Failure"]}))
assert archive["State"] == "ENABLED"
managed = events.describe_rule(Name="Events-Archive-failures", EventBusName="jobs")
assert managed["ManagedBy"], managed
with fails("ManagedRuleException", 400):
    events.delete_rule(Name="Events-Archive-failures", EventBusName="jobs")
job = {"EventBusName": "jobs", "Source": "lambda", "DetailType": "Lambda Function Invocation Result - Failure",
       "Detail": json.dumps({"requestPayload": {"requestPayload": {"id": "1"}}})}
began = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=1)
answer = events.put_events(Entries=[job, {**job, "Source": "other"}, {**job, "Detail": "{"}, {**job, "Source": "aws.s3"}, {**job, "Detail": ""}])
assert answer["FailedEntryCount"] == 3, answer
assert [e.get("ErrorCode") for e in answer["Entries"]] == [
    None, None, "MalformedDetail", "NotAuthorizedForSourceException", "InvalidArgument"], answer
assert events.describe_archive(ArchiveName="failures")["EventCount"] == 1
with fails("ValidationException", 400, "Total size of the entries in the request is over the limit."):
    events.put_events(Entries=[{**job, "Detail": json.dumps({"x": "y" * (1 << 20)})}])
with fails("ValidationException", 400, "Member must have length less than or equal to 10"):
    events.put_events(Entries=[job] * 11)

# A replay.
replay = {"ReplayName": "r", "EventSourceArn": archive["ArchiveArn"], "EventStartTime": began,
          "EventEndTime": began + datetime.timedelta(hours=1), "Destination": {"Arn": made["EventBusArn"], "FilterArns": [rule]}}
assert events.start_replay(**replay)["State"] == "STARTING"
eventually("the replay is complete", lambda: events.describe_replay(ReplayName="r")["State"] == "COMPLETED")
with fails("ResourceAlreadyExistsException", 400):
    events.start_replay(**replay)
assert events.describe_archive(ArchiveName="failures")["EventCount"] == 1
assert events.list_replays(NamePrefix="r")["Replays"][0]["EventLastReplayedTime"]

# The end.
with fails("ValidationException", 400):
    events.delete_event_bus(Name="jobs")
events.delete_archive(ArchiveName="failures")
events.remove_targets(Rule="again", EventBusName="jobs", Ids=["processing"])
events.delete_rule(Name="again", EventBusName="jobs")
events.delete_event_bus(Name="jobs")
assert [b["Name"] for b in events.list_event_buses()["EventBuses"]] == ["default"]
