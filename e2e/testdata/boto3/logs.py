"""Log groups over the real client: the JSON protocol with an identity of the script's own account."""

from client import ACCOUNT, client, fails

logs = client("logs")
logs.create_log_group(logGroupName="/e2e/group")
with fails("ResourceAlreadyExistsException", 400, "already exists"):
    logs.create_log_group(logGroupName="/e2e/group")
(group,) = logs.describe_log_groups(logGroupNamePrefix="/e2e")["logGroups"]
assert group["arn"] == f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/e2e/group:*", group
# The region is that of the signature: another one has no such group.
assert client("logs", region_name="eu-west-1").describe_log_groups()["logGroups"] == []
logs.delete_log_group(logGroupName="/e2e/group")
with fails("ResourceNotFoundException", 400):
    logs.delete_log_group(logGroupName="/e2e/group")
