// SQS and SNS through the SDK for JavaScript, which sends to the host that the queue's URL names and checks the MD5s of what it
// sends and receives.
import assert from "node:assert/strict";
import {
  SQSClient, CreateQueueCommand, GetQueueUrlCommand, SendMessageCommand, SendMessageBatchCommand, ReceiveMessageCommand, DeleteMessageCommand,
  DeleteMessageBatchCommand, ChangeMessageVisibilityCommand, GetQueueAttributesCommand, SetQueueAttributesCommand, paginateListQueues, DeleteQueueCommand,
  QueueDoesNotExist, ReceiptHandleIsInvalid,
} from "@aws-sdk/client-sqs";
import { SNSClient, CreateTopicCommand, SubscribeCommand, PublishCommand, PublishBatchCommand, NotFoundException } from "@aws-sdk/client-sns";

const sqs = new SQSClient({ maxAttempts: 1 });
const sns = new SNSClient({ maxAttempts: 1 });

// A standard queue.
const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: "js", Attributes: { VisibilityTimeout: "30" } }));
assert.equal((await sqs.send(new GetQueueUrlCommand({ QueueName: "js" }))).QueueUrl, QueueUrl);
const MessageAttributes = { kind: { DataType: "String", StringValue: "ä" }, n: { DataType: "Number", StringValue: "1.50" }, raw: { DataType: "Binary", BinaryValue: new Uint8Array([0, 255]) } };
const sent = await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "héllo", MessageAttributes }));
const receive = (more = {}) => sqs.send(new ReceiveMessageCommand({ QueueUrl, MessageAttributeNames: ["All"], MessageSystemAttributeNames: ["All"], ...more }));
const [one] = (await receive()).Messages;
assert.deepEqual([one.MessageId, one.Body, one.Attributes.ApproximateReceiveCount], [sent.MessageId, "héllo", "1"]);
assert.deepEqual(one.MessageAttributes.raw.BinaryValue, new Uint8Array([0, 255]));
assert.equal((await receive()).Messages, undefined);
await sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle: one.ReceiptHandle, VisibilityTimeout: 0 }));
const [again] = (await receive({ WaitTimeSeconds: 5 })).Messages;
assert.equal(again.Attributes.ApproximateReceiveCount, "2");
await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: again.ReceiptHandle }));
await assert.rejects(sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: "none" })), ReceiptHandleIsInvalid);
await assert.rejects(sqs.send(new GetQueueUrlCommand({ QueueName: "none" })), QueueDoesNotExist);

// A receive that waits is woken by a batch; of a batch only what is wrong fails.
const waiting = receive({ WaitTimeSeconds: 20, MaxNumberOfMessages: 10 });
const batch = await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries: [{ Id: "a", MessageBody: "1" }, { Id: "b", MessageBody: "2", DelaySeconds: 901 }] }));
assert.deepEqual([batch.Successful.map((s) => s.Id), batch.Failed.map((f) => [f.Id, f.SenderFault])], [["a"], [["b", true]]]);
const { Messages } = await waiting;
const deleted = await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries: [{ Id: "a", ReceiptHandle: Messages[0].ReceiptHandle }, { Id: "b", ReceiptHandle: "none" }] }));
assert.deepEqual([deleted.Successful.map((s) => s.Id), deleted.Failed.map((f) => f.Code)], [["a"], ["ReceiptHandleIsInvalid"]]);

// A FIFO queue behind a FIFO topic: order and deduplication.
const fifo = (await sqs.send(new CreateQueueCommand({ QueueName: "js.fifo", Attributes: { FifoQueue: "true" } }))).QueueUrl;
const { QueueArn } = (await sqs.send(new GetQueueAttributesCommand({ QueueUrl: fifo, AttributeNames: ["QueueArn"] }))).Attributes;
const { TopicArn } = await sns.send(new CreateTopicCommand({ Name: "js.fifo", Attributes: { FifoTopic: "true", ContentBasedDeduplication: "true" } }));
const Policy = JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Principal: { Service: "sns.amazonaws.com" }, Action: "sqs:SendMessage", Resource: QueueArn, Condition: { ArnEquals: { "aws:SourceArn": TopicArn } } }] });
await sqs.send(new SetQueueAttributesCommand({ QueueUrl: fifo, Attributes: { Policy } }));
await sns.send(new SubscribeCommand({ TopicArn, Protocol: "sqs", Endpoint: QueueArn, Attributes: { RawMessageDelivery: "true" } }));
for (const Message of ["1", "2", "2"]) await sns.send(new PublishCommand({ TopicArn, Message, MessageGroupId: "g" }));
const published = await sns.send(new PublishBatchCommand({ TopicArn, PublishBatchRequestEntries: [{ Id: "x", Message: "3", MessageGroupId: "g" }, { Id: "y", Message: "4" }] }));
assert.deepEqual([published.Successful.map((s) => s.Id), published.Failed.map((f) => f.Id)], [["x"], ["y"]]);
const bodies = [];
while (bodies.length < 3) {
  for (const m of (await sqs.send(new ReceiveMessageCommand({ QueueUrl: fifo, MaxNumberOfMessages: 10, WaitTimeSeconds: 10 }))).Messages) {
    bodies.push(m.Body);
    await sqs.send(new DeleteMessageCommand({ QueueUrl: fifo, ReceiptHandle: m.ReceiptHandle }));
  }
}
assert.deepEqual(bodies, ["1", "2", "3"]);
await assert.rejects(sns.send(new PublishCommand({ TopicArn: TopicArn.replace("js", "none"), Message: "m", MessageGroupId: "g" })), NotFoundException);

const urls = [];
for await (const page of paginateListQueues({ client: sqs, pageSize: 1 }, { QueueNamePrefix: "js" })) urls.push(...(page.QueueUrls ?? []));
assert.deepEqual(urls.sort(), [QueueUrl, fifo].sort());
await sqs.send(new DeleteQueueCommand({ QueueUrl }));
await assert.rejects(receive(), QueueDoesNotExist);
