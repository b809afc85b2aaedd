"""SNS: topics, subscriptions, filters, delivery to queues, functions' refusal, HTTP endpoints with their handshake, mails."""
import http.server
import json
import os
import queue
import threading
import urllib.request

from client import client, eventually, fails

sns, sqs = client("sns"), client("sqs")
account = client("sts").get_caller_identity()["Account"]
region = sns.meta.region_name


def refused(code, call, **args):
    with fails(code):
        call(**args)


def arn(name):
    return f"arn:aws:sns:{region}:{account}:{name}"


def new_queue(name, topic, **attributes):
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    at = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allow(url, at, topic)
    return url, at


def allow(url, at, topic):
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": at,
         "Condition": {"ArnEquals": {"aws:SourceArn": topic}}}]})})


def take(url, n=1):
    got = []

    def look():
        for m in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=5, MessageAttributeNames=["All"], AttributeNames=["All"]).get("Messages", []):
            got.append(m)
            sqs.delete_message(QueueUrl=url, ReceiptHandle=m["ReceiptHandle"])
        return len(got) >= n
    eventually(f"{n} messages", look)
    assert len(got) == n, f"{len(got)} messages instead of {n}"
    return got


# Topics.
topic = sns.create_topic(Name="news", Tags=[{"Key": "a", "Value": "b"}])["TopicArn"]
assert topic == arn("news"), topic
assert sns.create_topic(Name="news")["TopicArn"] == topic
refused("InvalidParameter", sns.create_topic, Name="news", Tags=[{"Key": "a", "Value": "c"}])
refused("InvalidParameter", sns.create_topic, Name="ne ws")
sns.set_topic_attributes(TopicArn=topic, AttributeName="DisplayName", AttributeValue="The news")
attributes = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
assert attributes["DisplayName"] == "The news" and attributes["Owner"] == account and attributes["SubscriptionsConfirmed"] == "0", attributes
assert json.loads(attributes["EffectiveDeliveryPolicy"])["http"]["defaultHealthyRetryPolicy"]["numRetries"] == 3
assert json.loads(attributes["Policy"])["Statement"][0]["Condition"] == {"StringEquals": {"AWS:SourceOwner": account}}
refused("NotFound", sns.get_topic_attributes, TopicArn=arn("none"))
sns.tag_resource(ResourceArn=topic, Tags=[{"Key": "c", "Value": "d"}])
sns.untag_resource(ResourceArn=topic, TagKeys=["a"])
assert sns.list_tags_for_resource(ResourceArn=topic)["Tags"] == [{"Key": "c", "Value": "d"}]
sns.add_permission(TopicArn=topic, Label="other", AWSAccountId=["111111111111"], ActionName=["Publish"])
assert len(json.loads(sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"])["Statement"]) == 2
refused("InvalidParameter", sns.add_permission, TopicArn=topic, Label="other", AWSAccountId=["111111111111"], ActionName=["Publish"])
sns.remove_permission(TopicArn=topic, Label="other")

# A queue with the envelope, one that gets messages raw, one with a filter.
plain, plain_arn = new_queue("plain", topic)
raw, raw_arn = new_queue("raw", topic)
some, some_arn = new_queue("some", topic)
first = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=plain_arn)["SubscriptionArn"]
assert sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=plain_arn)["SubscriptionArn"] == first
second = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=raw_arn, Attributes={"RawMessageDelivery": "true"})["SubscriptionArn"]
third = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=some_arn,
                      Attributes={"FilterPolicy": json.dumps({"kind": ["a", {"prefix": "b"}], "price": [{"numeric": [">", 10]}]})})["SubscriptionArn"]
refused("InvalidParameter", sns.subscribe, TopicArn=topic, Protocol="sqs", Endpoint=some_arn, Attributes={"RawMessageDelivery": "true"})
refused("InvalidParameter", sns.subscribe, TopicArn=topic, Protocol="sqs", Endpoint=some_arn + "x", Attributes={"FilterPolicy": '{"a":{"b":["c"]}}'})
refused("InvalidParameter", sns.subscribe, TopicArn=topic, Protocol="smoke", Endpoint="x")
refused("NotImplemented", sns.subscribe, TopicArn=topic, Protocol="sms", Endpoint="+491701234567")
listed = {s["SubscriptionArn"] for s in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]}
assert listed == {first, second, third} and {s["SubscriptionArn"] for s in sns.list_subscriptions()["Subscriptions"]} == listed
published = sns.publish(TopicArn=topic, Message="hello \"world\"\n", Subject="Greetings", MessageAttributes={
    "kind": {"DataType": "String", "StringValue": "bee"}, "price": {"DataType": "Number", "StringValue": "10.5"},
    "bytes": {"DataType": "Binary", "BinaryValue": b"\x00\x01"}})["MessageId"]
body = json.loads(take(plain)[0]["Body"])
assert list(body) == ["Type", "MessageId", "TopicArn", "Subject", "Message", "Timestamp", "SignatureVersion", "Signature", "SigningCertURL", "UnsubscribeURL",
                      "MessageAttributes"], list(body)
assert body["Message"] == "hello \"world\"\n" and body["MessageId"] == published and body["TopicArn"] == topic
assert body["MessageAttributes"]["bytes"] == {"Type": "Binary", "Value": "AAE="}
got = take(raw)[0]
assert got["Body"] == "hello \"world\"\n" and got["MessageAttributes"]["price"] == {"DataType": "Number", "StringValue": "10.5"}
assert got["MessageAttributes"]["bytes"]["BinaryValue"] == b"\x00\x01"
assert json.loads(take(some)[0]["Body"])["MessageId"] == published
sns.publish(TopicArn=topic, Message="not for some", MessageAttributes={"kind": {"DataType": "String", "StringValue": "bee"}})
sns.set_subscription_attributes(SubscriptionArn=third, AttributeName="FilterPolicyScope", AttributeValue="MessageBody")
sns.set_subscription_attributes(SubscriptionArn=third, AttributeName="FilterPolicy", AttributeValue='{"order":{"paid":[true]}}')
assert sns.get_subscription_attributes(SubscriptionArn=third)["Attributes"]["FilterPolicyScope"] == "MessageBody"
sns.publish(TopicArn=topic, Message='{"order":{"paid":true}}')
assert json.loads(take(some)[0]["Body"])["Message"] == '{"order":{"paid":true}}'
sns.publish(TopicArn=topic, Message=json.dumps({"default": "for all", "sqs": "for queues"}), MessageStructure="json")
assert sorted(m["Body"] for m in take(raw, 3)) == ["for queues", "not for some", '{"order":{"paid":true}}']
take(plain, 3)
for bad in [dict(Message=""), dict(Message="x", Subject="a\nb"), dict(Message="x" * (256 * 1024 + 1)), dict(Message="x", MessageStructure="json"),
            dict(Message='{"sqs":"x"}', MessageStructure="json"), dict(Message="x", MessageDeduplicationId="d")]:
    refused("InvalidParameter", sns.publish, TopicArn=topic, **bad)
refused("ParameterValueInvalid", sns.publish, TopicArn=topic, Message="x", MessageAttributes={"n": {"DataType": "Number", "StringValue": "many"}})
refused("NotImplemented", sns.publish, PhoneNumber="+491701234567", Message="x")
refused("NotFound", sns.publish, TopicArn=arn("none"), Message="x")

# A batch, of which one message is refused.
out = sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=[{"Id": "1", "Message": "one"}, {"Id": "2", "Message": "x", "Subject": ""}, {"Id": "3", "Message": "three"}])
assert [s["Id"] for s in out["Successful"]] == ["1", "3"] and out["Failed"][0]["Id"] == "2" and out["Failed"][0]["Code"] == "InvalidParameter", out
assert sorted(m["Body"] for m in take(raw, 2)) == ["one", "three"]
refused("BatchEntryIdsNotDistinct", sns.publish_batch, TopicArn=topic, PublishBatchRequestEntries=[{"Id": "1", "Message": "a"}, {"Id": "1", "Message": "b"}])
refused("TooManyEntriesInBatchRequest", sns.publish_batch, TopicArn=topic, PublishBatchRequestEntries=[{"Id": str(i), "Message": "a"} for i in range(11)])

# A queue that does not let SNS in: the dead-letter queue gets the message.
dead, dead_arn = new_queue("dead", topic)
closed = sqs.create_queue(QueueName="closed")["QueueUrl"]
sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=plain_arn.replace(":plain", ":closed"),
              Attributes={"RedrivePolicy": json.dumps({"deadLetterTargetArn": dead_arn})})
sns.publish(TopicArn=topic, Message="lost")
letter = take(dead)[0]
assert json.loads(letter["Body"])["Message"] == "lost" and letter["MessageAttributes"]["ErrorCode"]["StringValue"], letter

# An HTTP endpoint: it is asked, confirms, gets messages, and is told when it is unsubscribed.
requests = queue.Queue()


class Endpoint(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        text = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.send_response(200)
        self.end_headers()
        requests.put((self.headers, text))

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
threading.Thread(target=server.serve_forever, daemon=True).start()
endpoint = f"http://127.0.0.1:{server.server_port}/hook"
assert sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint)["SubscriptionArn"] == "pending confirmation"
headers, text = requests.get(timeout=300)
asked = json.loads(text)
assert headers["x-amz-sns-message-type"] == "SubscriptionConfirmation" and headers["Content-Type"] == "text/plain; charset=UTF-8" and asked["Token"]
assert any(s["SubscriptionArn"] == "PendingConfirmation" for s in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"])
answer = urllib.request.urlopen(asked["SubscribeURL"]).read().decode()
assert "<ConfirmSubscriptionResponse" in answer, answer
web = [s["SubscriptionArn"] for s in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] if s["Protocol"] == "http"][0]
assert sns.get_subscription_attributes(SubscriptionArn=web)["Attributes"]["PendingConfirmation"] == "false"
sns.set_subscription_attributes(SubscriptionArn=web, AttributeName="DeliveryPolicy", AttributeValue='{"requestPolicy":{"headerContentType":"application/json"}}')
sns.publish(TopicArn=topic, Message="over HTTP")
headers, text = requests.get(timeout=300)
assert headers["x-amz-sns-subscription-arn"] == web and headers["Content-Type"] == "application/json" and json.loads(text)["Message"] == "over HTTP"
urllib.request.urlopen(json.loads(text)["UnsubscribeURL"]).read()
headers, text = requests.get(timeout=300)
assert headers["x-amz-sns-message-type"] == "UnsubscribeConfirmation"
urllib.request.urlopen(json.loads(text)["SubscribeURL"]).read()
assert any(s["SubscriptionArn"] == web for s in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"])
sns.unsubscribe(SubscriptionArn=web)
refused("InvalidParameter", sns.confirm_subscription, TopicArn=topic, Token="abc")

# Mails are kept where there is no relay.
sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="me@example.com")
own = os.environ["AWS_ENDPOINT_URL"] + f"/_brume/mail?account={account}&region={region}"
mails = eventually("the mail", lambda: json.load(urllib.request.urlopen(own))["mails"])
assert mails[0]["to"] == "me@example.com" and "ConfirmSubscription" in mails[0]["text"], mails

# FIFO: order, deduplication, sequence numbers, archive and replay.
ordered = sns.create_topic(Name="ordered.fifo", Attributes={"FifoTopic": "true", "ContentBasedDeduplication": "true", "ArchivePolicy": '{"MessageRetentionPeriod":"30"}'})["TopicArn"]
lane, lane_arn = new_queue("lane.fifo", ordered, FifoQueue="true")
sub = sns.subscribe(TopicArn=ordered, Protocol="sqs", Endpoint=lane_arn, Attributes={"RawMessageDelivery": "true"})["SubscriptionArn"]
refused("InvalidParameter", sns.subscribe, TopicArn=topic, Protocol="sqs", Endpoint=lane_arn)
refused("InvalidParameter", sns.publish, TopicArn=ordered, Message="x")
numbers = [int(sns.publish(TopicArn=ordered, Message=f"m{i}", MessageGroupId="g")["SequenceNumber"]) for i in range(20)]
assert numbers == sorted(numbers)
again = sns.publish(TopicArn=ordered, Message="m3", MessageGroupId="g")
assert int(again["SequenceNumber"]) == numbers[3]
assert [m["Body"] for m in take(lane, 20)] == [f"m{i}" for i in range(20)]
begin = sns.get_topic_attributes(TopicArn=ordered)["Attributes"]["BeginningArchiveTime"]
sns.set_subscription_attributes(SubscriptionArn=sub, AttributeName="ReplayPolicy", AttributeValue=json.dumps({"PointType": "Timestamp", "StartingPoint": begin}))
sns.publish(TopicArn=ordered, Message="m20", MessageGroupId="g")
replayed = take(lane, 21)
assert [m["Body"] for m in replayed] == [f"m{i}" for i in range(21)], [m["Body"] for m in replayed]
assert replayed[0]["MessageAttributes"]["Replayed"]["StringValue"] == "true"
assert sns.get_subscription_attributes(SubscriptionArn=sub)["Attributes"]["ReplayStatus"] == "Completed"
sns.publish(TopicArn=ordered, Message="m21", MessageGroupId="g")
assert take(lane)[0]["Body"] == "m21"
refused("InvalidState", sns.delete_topic, TopicArn=ordered)
sns.set_topic_attributes(TopicArn=ordered, AttributeName="ArchivePolicy", AttributeValue="{}")
sns.delete_topic(TopicArn=ordered)

sns.delete_topic(TopicArn=topic)
sns.delete_topic(TopicArn=topic)
assert not [t for t in sns.list_topics()["Topics"] if t["TopicArn"] == topic]
