// DynamoDB through the SDK for JavaScript and its document client, which turns items into objects and back.
import assert from "node:assert/strict";
import {
  DynamoDBClient, CreateTableCommand, DeleteTableCommand, DescribeTableCommand, waitUntilTableExists, waitUntilTableNotExists,
  ConditionalCheckFailedException, ResourceNotFoundException, TransactionCanceledException,
} from "@aws-sdk/client-dynamodb";
import {
  DynamoDBDocumentClient, PutCommand, GetCommand, UpdateCommand, DeleteCommand, BatchWriteCommand, BatchGetCommand, TransactWriteCommand, TransactGetCommand,
  ExecuteStatementCommand, paginateQuery, paginateScan, NumberValue,
} from "@aws-sdk/lib-dynamodb";

const raw = new DynamoDBClient({ maxAttempts: 1 });
const db = DynamoDBDocumentClient.from(raw, { marshallOptions: { removeUndefinedValues: true }, unmarshallOptions: { wrapNumbers: false } });
const TableName = "js-orders";
await raw.send(new CreateTableCommand({
  TableName, BillingMode: "PAY_PER_REQUEST",
  AttributeDefinitions: [{ AttributeName: "pk", AttributeType: "S" }, { AttributeName: "sk", AttributeType: "N" }, { AttributeName: "state", AttributeType: "S" }],
  KeySchema: [{ AttributeName: "pk", KeyType: "HASH" }, { AttributeName: "sk", KeyType: "RANGE" }],
  GlobalSecondaryIndexes: [{ IndexName: "states", KeySchema: [{ AttributeName: "state", KeyType: "HASH" }, { AttributeName: "sk", KeyType: "RANGE" }], Projection: { ProjectionType: "ALL" } }],
}));
await waitUntilTableExists({ client: raw, maxWaitTime: 30, minDelay: 1 }, { TableName });

// What goes in comes out.
const order = {
  pk: "customer#1", sk: 1, state: "new", total: 129.95, paid: false, nothing: null, note: "", tags: new Set(["a", "b"]), sizes: new Set([1, 2.5]),
  lines: [{ sku: "x", qty: 2 }, ["nested", { deep: true }]], address: { street: "Main", zip: "01234" }, raw: new Uint8Array([0, 1, 255]), missing: undefined,
};
const put = await db.send(new PutCommand({ TableName, Item: order, ReturnConsumedCapacity: "INDEXES" }));
assert.deepEqual([put.ConsumedCapacity.CapacityUnits, put.ConsumedCapacity.GlobalSecondaryIndexes.states.CapacityUnits], [2, 1]);
const { missing, ...kept } = order;
assert.deepEqual((await db.send(new GetCommand({ TableName, Key: { pk: "customer#1", sk: 1 } }))).Item, kept);
assert.equal((await db.send(new GetCommand({ TableName, Key: { pk: "nobody", sk: 1 } }))).Item, undefined);

// Numbers that are none of JavaScript's keep their digits.
const exact = DynamoDBDocumentClient.from(new DynamoDBClient({ maxAttempts: 1 }), { unmarshallOptions: { wrapNumbers: true } });
await db.send(new PutCommand({ TableName, Item: { pk: "exact", sk: 1, n: NumberValue.from("12345678901234567890.123456789") } }));
assert.equal((await exact.send(new GetCommand({ TableName, Key: { pk: "exact", sk: 1 } }))).Item.n.value, "12345678901234567890.123456789");

// Conditions, and what their errors show.
const changed = await db.send(new UpdateCommand({
  TableName, Key: { pk: "customer#1", sk: 1 }, UpdateExpression: "SET #s = :paid, #l[0].qty = #l[0].qty + :one REMOVE nothing ADD tags :more",
  ConditionExpression: "#s = :new", ExpressionAttributeNames: { "#s": "state", "#l": "lines" },
  ExpressionAttributeValues: { ":paid": "paid", ":new": "new", ":one": 1, ":more": new Set(["c"]) }, ReturnValues: "ALL_NEW",
}));
assert.deepEqual([changed.Attributes.state, changed.Attributes.lines[0].qty, changed.Attributes.tags, "nothing" in changed.Attributes], ["paid", 3, new Set(["a", "b", "c"]), false]);
const refused = await db.send(new DeleteCommand({
  TableName, Key: { pk: "customer#1", sk: 1 }, ConditionExpression: "#t < :n", ExpressionAttributeNames: { "#t": "total" }, ExpressionAttributeValues: { ":n": 5 }, ReturnValuesOnConditionCheckFailure: "ALL_OLD",
})).catch((e) => e);
assert.ok(refused instanceof ConditionalCheckFailedException);
assert.equal(refused.Item.state.S ?? refused.Item.state, "paid");

// Batches and pages.
for (let from = 0; from < 50; from += 25) {
  const PutRequest = Array.from({ length: 25 }, (_, i) => ({ PutRequest: { Item: { pk: "many", sk: from + i, state: "many", text: "x".repeat(100) } } }));
  assert.deepEqual((await db.send(new BatchWriteCommand({ RequestItems: { [TableName]: PutRequest } }))).UnprocessedItems, {});
}
const found = [];
for await (const page of paginateQuery({ client: db, pageSize: 7 }, {
  TableName, IndexName: "states", KeyConditionExpression: "#s = :s AND sk BETWEEN :a AND :b", ExpressionAttributeNames: { "#s": "state" },
  ExpressionAttributeValues: { ":s": "many", ":a": 10, ":b": 39 }, ScanIndexForward: false,
})) found.push(...page.Items.map((i) => i.sk));
assert.deepEqual(found, Array.from({ length: 30 }, (_, i) => 39 - i));
let count = 0;
for await (const page of paginateScan({ client: db, pageSize: 13 }, { TableName, FilterExpression: "begins_with(pk, :m)", ExpressionAttributeValues: { ":m": "many" } })) count += page.Count;
assert.equal(count, 50);
const batch = await db.send(new BatchGetCommand({ RequestItems: { [TableName]: { Keys: [{ pk: "many", sk: 1 }, { pk: "many", sk: 99 }, { pk: "many", sk: 2 }], ProjectionExpression: "sk" } } }));
assert.deepEqual(batch.Responses[TableName].map((i) => i.sk).sort(), [1, 2]);

// Transactions.
const cancelled = await db.send(new TransactWriteCommand({
  TransactItems: [
    { Put: { TableName, Item: { pk: "t", sk: 1 } } },
    { ConditionCheck: { TableName, Key: { pk: "many", sk: 1 }, ConditionExpression: "attribute_not_exists(pk)" } },
  ],
})).catch((e) => e);
assert.ok(cancelled instanceof TransactionCanceledException);
assert.deepEqual(cancelled.CancellationReasons.map((r) => r.Code), ["None", "ConditionalCheckFailed"]);
await db.send(new TransactWriteCommand({ TransactItems: [{ Put: { TableName, Item: { pk: "t", sk: 1 } } }, { Delete: { TableName, Key: { pk: "many", sk: 1 } } }] }));
const both = await db.send(new TransactGetCommand({ TransactItems: [{ Get: { TableName, Key: { pk: "t", sk: 1 } } }, { Get: { TableName, Key: { pk: "many", sk: 1 } } }] }));
assert.deepEqual(both.Responses.map((r) => r.Item), [{ pk: "t", sk: 1 }, undefined]);

// PartiQL.
const selected = await db.send(new ExecuteStatementCommand({ Statement: `SELECT sk FROM "${TableName}" WHERE pk = ? AND sk > ?`, Parameters: ["many", 47] }));
assert.deepEqual(selected.Items, [{ sk: 48 }, { sk: 49 }]);

await raw.send(new DeleteTableCommand({ TableName }));
await waitUntilTableNotExists({ client: raw, maxWaitTime: 30, minDelay: 1 }, { TableName });
await assert.rejects(raw.send(new DescribeTableCommand({ TableName })), ResourceNotFoundException);
