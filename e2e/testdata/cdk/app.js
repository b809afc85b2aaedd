const { App, CfnOutput, Stack } = require('aws-cdk-lib');
const lambda = require('aws-cdk-lib/aws-lambda');
const path = require('path');

const stack = new Stack(new App(), 'Minimal', { env: { account: '000000000000', region: 'us-east-1' } });
const fn = new lambda.Function(stack, 'Hello', {
  runtime: lambda.Runtime.NODEJS_22_X,
  handler: 'index.handler',
  code: lambda.Code.fromAsset(path.join(__dirname, 'fn')),
});
new CfnOutput(stack, 'Name', { value: fn.functionName });
