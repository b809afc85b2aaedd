"""A stack of a queue, a topic and a function that both invoke, as SAM writes it: made, changed, deleted."""

import json

from client import client, eventually, received

stacks, sqs, sns, functions, s3 = (client(n) for n in ("cloudformation", "sqs", "sns", "lambda", "s3"))
CODE = '''
import boto3, os
sqs = boto3.client("sqs")
def handler(event, context):
    for r in event["Records"]:
        body = r["body"] if "body" in r else "from the topic: " + r["Sns"]["Message"]
        sqs.send_message(QueueUrl=os.environ["OUT"], MessageBody=body)
'''


def template(batch):
    return json.dumps({"Transform": "AWS::Serverless-2016-10-31", "Resources": {
        "In": {"Type": "AWS::SQS::Queue"}, "Out": {"Type": "AWS::SQS::Queue"}, "News": {"Type": "AWS::SNS::Topic"},
        "Worker": {"Type": "AWS::Serverless::Function", "Properties": {
            "Runtime": "python3.13", "Handler": "index.handler", "InlineCode": CODE, "Environment": {"Variables": {"OUT": {"Ref": "Out"}}},
            "Policies": [{"SQSSendMessagePolicy": {"QueueName": {"Fn::GetAtt": ["Out", "QueueName"]}}}],
            "EventInvokeConfig": {"DestinationConfig": {"OnFailure": {"Type": "SQS"}}},
            "Events": {"Job": {"Type": "SQS", "Properties": {"Queue": {"Fn::GetAtt": ["In", "Arn"]}, "BatchSize": batch,
                                                             "FunctionResponseTypes": ["ReportBatchItemFailures"]}},
                       "Headline": {"Type": "SNS", "Properties": {"Topic": {"Ref": "News"}}}}}}},
        "Outputs": {k: {"Value": {"Ref": k}} for k in ("In", "Out", "News", "Worker", "WorkerJob")}})


def settled(name):
    status = lambda: stacks.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
    eventually("the stack's end", lambda: not status().endswith("IN_PROGRESS"))
    events = [e for e in stacks.describe_stack_events(StackName=name)["StackEvents"] if "FAILED" in e["ResourceStatus"]]
    assert not events, events
    return status()


def change(call, **args):
    call(StackName="mapped", Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"], **args)
    return settled("mapped")


assert change(stacks.create_stack, TemplateBody=template(5)) == "CREATE_COMPLETE"
out = {o["OutputKey"]: o["OutputValue"] for o in stacks.describe_stacks(StackName="mapped")["Stacks"][0]["Outputs"]}
mapping = functions.get_event_source_mapping(UUID=out["WorkerJob"])
assert mapping["State"] == "Enabled" and mapping["BatchSize"] == 5, mapping


def comes(text):
    m = received(sqs, out["Out"])
    sqs.delete_message(QueueUrl=out["Out"], ReceiptHandle=m["ReceiptHandle"])
    assert m["Body"] == text, m


sqs.send_message(QueueUrl=out["In"], MessageBody="a job")
comes("a job")
sns.publish(TopicArn=out["News"], Message="a headline")
comes("from the topic: a headline")
assert change(stacks.update_stack, TemplateBody=template(7)) == "UPDATE_COMPLETE"
assert functions.get_event_source_mapping(UUID=out["WorkerJob"])["BatchSize"] == 7
sqs.send_message(QueueUrl=out["In"], MessageBody="another job")
comes("another job")
stack = stacks.describe_stacks(StackName="mapped")["Stacks"][0]["StackId"]
stacks.delete_stack(StackName="mapped")
assert settled(stack) == "DELETE_COMPLETE"
assert functions.list_event_source_mappings()["EventSourceMappings"] == []
