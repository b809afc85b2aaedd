// Step Functions through the SDK for JavaScript.
import assert from "node:assert/strict";
import {
  SFNClient, CreateStateMachineCommand, StartExecutionCommand, StartSyncExecutionCommand, DescribeExecutionCommand, GetExecutionHistoryCommand,
  paginateListExecutions, StateMachineDoesNotExist, InvalidDefinition,
} from "@aws-sdk/client-sfn";
import { IAMClient, CreateRoleCommand } from "@aws-sdk/client-iam";

const sfn = new SFNClient({ maxAttempts: 1, disableHostPrefix: true });
const iam = new IAMClient({ maxAttempts: 1 });
const trust = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Principal: { Service: "states.amazonaws.com" }, Action: "sts:AssumeRole" }] };
const { Role } = await iam.send(new CreateRoleCommand({ RoleName: "js-states", AssumeRolePolicyDocument: JSON.stringify(trust) }));
const create = (name, definition, type) =>
  sfn.send(new CreateStateMachineCommand({ name, definition: JSON.stringify(definition), roleArn: Role.Arn, type }));

const definition = { QueryLanguage: "JSONata", StartAt: "A", States: { A: { Type: "Pass", Output: "{% 'Hällo, ' & $states.input.who %}", End: true } } };
await assert.rejects(create("js", { StartAt: "A" }), InvalidDefinition);
const { stateMachineArn } = await create("js", definition);
for (const who of ["a", "b", "c"]) {
  const { executionArn, startDate } = await sfn.send(new StartExecutionCommand({ stateMachineArn, name: who, input: JSON.stringify({ who }) }));
  assert.ok(startDate instanceof Date);
  const done = await sfn.send(new DescribeExecutionCommand({ executionArn }));
  assert.deepEqual([done.status, JSON.parse(done.output)], ["SUCCEEDED", "Hällo, " + who]);
  const { events } = await sfn.send(new GetExecutionHistoryCommand({ executionArn, reverseOrder: true }));
  assert.deepEqual(events.map((e) => e.type), ["ExecutionSucceeded", "PassStateExited", "PassStateEntered", "ExecutionStarted"]);
}
const names = [];
for await (const page of paginateListExecutions({ client: sfn, pageSize: 2 }, { stateMachineArn, statusFilter: "SUCCEEDED" })) {
  names.push(...page.executions.map((e) => e.name));
}
assert.deepEqual(names.sort(), ["a", "b", "c"]);
await assert.rejects(sfn.send(new StartExecutionCommand({ stateMachineArn: stateMachineArn + "x" })), StateMachineDoesNotExist);

const express = await create("js-express", definition, "EXPRESS");
const sync = await sfn.send(new StartSyncExecutionCommand({ stateMachineArn: express.stateMachineArn, input: '{"who": "x"}' }));
assert.deepEqual([sync.status, JSON.parse(sync.output), sync.billingDetails.billedDurationInMilliseconds], ["SUCCEEDED", "Hällo, x", 100]);
