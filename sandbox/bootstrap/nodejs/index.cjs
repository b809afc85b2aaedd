// The Lambda runtime for Node.js: takes events from the Runtime API, calls the handler, gives its answer back.
//
// What a function sees follows https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html, nodejs-context.html,
// nodejs-logging.html and nodejs-exceptions.html.
'use strict';

const { Api } = require('./api.cjs');
const { patchConsole } = require('./console.cjs');
const { asError, document, fault } = require('./errors.cjs');
const { load } = require('./load.cjs');
const { ResponseStream, streams } = require('./stream.cjs');

const api = new Api(process.env.AWS_LAMBDA_RUNTIME_API);
const logger = patchConsole();

// What to do when the event loop runs dry, and when an exception reaches the top. Both depend on the state.
let whenIdle = () => {};
let whenLost = (error, status) => api.post('init/error', document(error)).finally(() => process.exit(status));

process.on('beforeExit', () => {
  const f = whenIdle;
  whenIdle = () => {};
  f();
});
process.on('uncaughtException', (error) => {
  logger.error('Uncaught Exception', error);
  whenLost(error, 129);
});
process.on('unhandledRejection', (reason, promise) => {
  const error = fault('UnhandledPromiseRejection', reason);
  error.reason = reason;
  error.promise = promise;
  logger.error('Unhandled Promise Rejection', error);
  whenLost(error, 128);
});

function parseHeader(headers, name, what) {
  if (headers[name] === undefined) return undefined;
  try {
    return JSON.parse(headers[name]);
  } catch (e) {
    throw new Error(`Cannot parse ${what} as json: ${e}`);
  }
}

// invocation answers once: whatever finishes first counts.
class Invocation {
  constructor(headers) {
    this.id = headers['lambda-runtime-aws-request-id'];
    this.headers = headers;
    this.waits = true; // for an empty event loop, after the callback
    this.decided = false;
    this.over = new Promise((resolve) => (this.end = resolve));
  }

  once(f) {
    return (...args) => {
      if (this.decided) return;
      this.decided = true;
      whenIdle = () => {};
      f(...args);
    };
  }

  succeed(value) {
    let body;
    try {
      body = value instanceof Uint8Array ? value : JSON.stringify(value === undefined ? null : value);
    } catch {
      this.fail(new Error('Unable to stringify response body'));
      return;
    }
    api.post(`invocation/${this.id}/response`, body === undefined ? 'null' : body).then(this.end);
  }

  fail(error) {
    logger.error('Invoke Error', asError(error));
    api.post(`invocation/${this.id}/error`, document(error)).then(this.end);
  }

  done(error, value) {
    if (error !== undefined && error !== null) this.fail(error);
    else this.succeed(value);
  }

  // callback is the third argument of old handlers: its answer waits for an empty event loop.
  callback(error, value) {
    if ((error !== undefined && error !== null) || !this.waits) this.done(error, value);
    else whenIdle = () => setImmediate(() => this.succeed(value));
  }

  context() {
    const env = process.env;
    const h = this.headers;
    const deadline = Number(h['lambda-runtime-deadline-ms']);
    const invocation = this;
    return {
      get callbackWaitsForEmptyEventLoop() {
        return invocation.waits;
      },
      set callbackWaitsForEmptyEventLoop(v) {
        invocation.waits = v;
      },
      succeed: this.once((v) => this.succeed(v)),
      fail: this.once((e) => this.done(e ?? 'handled')),
      done: this.once((e, v) => this.done(e, v)),
      functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
      functionName: env.AWS_LAMBDA_FUNCTION_NAME,
      memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
      logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
      logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
      clientContext: parseHeader(h, 'lambda-runtime-client-context', 'ClientContext'),
      identity: parseHeader(h, 'lambda-runtime-cognito-identity', 'CognitoIdentity'),
      invokedFunctionArn: h['lambda-runtime-invoked-function-arn'],
      awsRequestId: this.id,
      tenantId: h['lambda-runtime-aws-tenant-id'],
      getRemainingTimeInMillis: () => deadline - Date.now(),
    };
  }
}

// invoke runs the handler on one event and returns when its answer has been given.
function invoke(handler, { headers, body }) {
  const inv = new Invocation(headers);
  if (headers['lambda-runtime-trace-id']) process.env._X_AMZN_TRACE_ID = headers['lambda-runtime-trace-id'];
  else delete process.env._X_AMZN_TRACE_ID;
  logger.requestId = inv.id;
  whenLost = (error, status) => api.post(`invocation/${inv.id}/error`, document(error)).finally(() => process.exit(status));
  const isAsync = handler.constructor && handler.constructor.name === 'AsyncFunction';
  whenIdle = inv.once(() => {
    // A promise that nothing will settle any more, or a callback that was forgotten.
    if (isAsync) inv.fail(fault('NodeJsExit', EXIT));
    else inv.succeed(null);
  });
  const callback = inv.once((e, v) => inv.callback(e, v));
  try {
    const result = handler(JSON.parse(body.toString('utf8')), inv.context(), callback);
    if (result && typeof result.then === 'function') {
      result.then(inv.once((v) => inv.succeed(v)), inv.once((e) => inv.done(e ?? 'handled')));
    }
  } catch (e) {
    inv.once((err) => inv.done(err ?? 'handled'))(e);
  }
  return inv.over;
}

// stream runs a handler that streams its answer, and returns when the answer has been given.
async function stream(handler, { headers, body }) {
  const inv = new Invocation(headers);
  if (headers['lambda-runtime-trace-id']) process.env._X_AMZN_TRACE_ID = headers['lambda-runtime-trace-id'];
  else delete process.env._X_AMZN_TRACE_ID;
  logger.requestId = inv.id;
  const out = new ResponseStream(api, inv.id, streams(handler));
  const fail = (error) => {
    logger.error('Invoke Error', asError(error));
    out.destroy();
    return out.answer ? out.breakOff(document(error)) : api.post(`invocation/${inv.id}/error`, document(error));
  };
  whenLost = (error, status) =>
    (out.answer ? out.breakOff(document(error)) : api.post(`invocation/${inv.id}/error`, document(error))).finally(() => process.exit(status));
  const finished = new Promise((resolve, reject) => out.once('close', resolve).once('error', reject));
  finished.catch(() => {});
  const idle = new Promise((resolve) => (whenIdle = () => resolve(true)));
  try {
    const done = Promise.resolve(handler(JSON.parse(body.toString('utf8')), out, inv.context())).then(() => finished);
    if (await Promise.race([done, idle])) await fail(fault('NodeJsExit', EXIT));
  } catch (error) {
    await fail(error ?? 'handled');
  }
  whenIdle = () => {};
}

const EXIT =
  'The Lambda runtime client detected an unexpected Node.js exit. This is most commonly caused by a Promise that was ' +
  'never settled. For more information, see https://nodejs.org/docs/latest-v24.x/api/process.html#exit-codes';

async function main() {
  let handler;
  try {
    handler = await load(process.env.LAMBDA_TASK_ROOT || '/var/task', process.env._HANDLER || '');
  } catch (error) {
    logger.error('Uncaught Exception', error);
    await api.post('init/error', document(error)).catch(() => {});
    process.exit(129);
  }
  for (;;) {
    const next = await api.next();
    await (streams(handler) ? stream(handler, next) : invoke(handler, next));
    // What the function left for the next turn of the loop runs before the next event is taken.
    await new Promise(setImmediate);
  }
}

main().catch(() => process.exit(1)); // only the loss of the Runtime API ends up here
