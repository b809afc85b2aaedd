// Streamed answers: awslambda.streamifyResponse and awslambda.HttpResponseStream.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html
'use strict';

const { Writable } = require('node:stream');

const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');
const HIGH_WATER_MARK = Symbol.for('aws.lambda.runtime.handler.streaming.highWaterMark');
const DEFAULT_HIGH_WATER_MARK = 64 * 1024;
const HTTP_TYPE = 'application/vnd.awslambda.http-integration-response';

// ResponseStream is what a streaming handler writes to. The answer begins with the first write.
class ResponseStream extends Writable {
  constructor(api, id, highWaterMark) {
    super({ highWaterMark });
    this.api = api;
    this.id = id;
    this.type = undefined;
    this.answer = null; // of the Runtime API, once the answer has begun
    this.beforeFirstWrite = null;
  }

  setContentType(type) {
    if (this.answer) throw new Error('Cannot set content-type, too late.');
    this.type = type;
  }

  begin() {
    if (this.answer) return;
    this.answer = this.api.beginStream(`invocation/${this.id}/response`, this.type || 'application/octet-stream');
    if (this.beforeFirstWrite) this.beforeFirstWrite((chunk) => this.api.chunk(chunk, () => {}));
  }

  _write(chunk, encoding, done) {
    this.begin();
    this.api.chunk(Buffer.from(chunk, encoding), done);
  }

  _final(done) {
    this.begin();
    this.api.endStream();
    this.answer.then(() => done(), done);
  }

  // breakOff ends an answer that has begun with an error.
  breakOff(error) {
    this.api.endStream(error);
    return this.answer;
  }
}

function streamifyResponse(handler, options) {
  handler[STREAMING] = 'response';
  if (options?.highWaterMark !== undefined) handler[HIGH_WATER_MARK] = Number(options.highWaterMark);
  return handler;
}

class HttpResponseStream {
  // from makes the answer that of an HTTP request: status and headers come first, then eight zero bytes, then the body.
  static from(stream, prelude) {
    stream.setContentType(HTTP_TYPE);
    const head = JSON.stringify(prelude);
    stream.beforeFirstWrite = (write) => write(Buffer.concat([Buffer.from(head), Buffer.alloc(8)]));
    return stream;
  }
}

// streams gives a handler's high water mark if the handler streams, else 0.
function streams(handler) {
  return handler[STREAMING] ? handler[HIGH_WATER_MARK] || DEFAULT_HIGH_WATER_MARK : 0;
}

globalThis.awslambda = Object.assign(globalThis.awslambda || {}, { streamifyResponse, HttpResponseStream });

module.exports = { ResponseStream, streams };
