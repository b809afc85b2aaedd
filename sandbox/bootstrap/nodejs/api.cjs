// A client of the Runtime API on one kept-open connection: a request at a time, answers with a Content-Length. The
// connection keeps the process alive only while a request is under way, so that an empty event loop can be seen.
'use strict';

const net = require('node:net');

const VERSION = '/2018-06-01/runtime/';

class Api {
  constructor(address) {
    const i = address.lastIndexOf(':');
    this.address = address;
    this.target = { host: address.slice(0, i), port: Number(address.slice(i + 1)), noDelay: true };
    this.socket = null;
    this.waiting = null; // {resolve, reject, request, retried}
    this.received = [];
    this.size = 0;
  }

  next() {
    return this.request(Buffer.from(`GET ${VERSION}invocation/next HTTP/1.1\r\nHost: ${this.address}\r\n\r\n`));
  }

  // post sends an answer. For an error, extra has the type and the cause that go into headers.
  post(path, body) {
    let headers = '';
    if (body.errorType !== undefined) {
      headers = `Lambda-Runtime-Function-Error-Type: ${clean(body.errorType)}\r\n`;
      if (body.cause.length < 1024 * 1024) headers += `Lambda-Runtime-Function-XRay-Error-Cause: ${clean(body.cause)}\r\n`;
      body = body.text;
    }
    const data = typeof body === 'string' ? Buffer.from(body) : Buffer.from(body.buffer, body.byteOffset, body.length);
    const type = typeof body === 'string' ? 'application/json' : 'application/octet-stream';
    const head = `POST ${VERSION}${path} HTTP/1.1\r\nHost: ${this.address}\r\nContent-Type: ${type}\r\n${headers}Content-Length: ${data.length}\r\n\r\n`;
    return this.request(Buffer.concat([Buffer.from(head), data]));
  }

  // beginStream begins an answer that comes in chunks; what it returns is settled when the answer has been taken.
  beginStream(path, type) {
    const head =
      `POST ${VERSION}${path} HTTP/1.1\r\nHost: ${this.address}\r\nContent-Type: ${clean(type)}\r\n` +
      'Lambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\n' +
      'Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n\r\n';
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject, request: Buffer.from(head), retried: false };
      this.send();
      this.waiting.retried = true; // what has begun is not begun again
    });
  }

  chunk(data, done) {
    if (data.length === 0 || !this.socket) return done();
    this.socket.write(Buffer.concat([Buffer.from(data.length.toString(16) + '\r\n'), data, Buffer.from('\r\n')]), () => done());
  }

  // endStream ends the answer; an error goes into trailers.
  endStream(error) {
    let trailers = '';
    if (error) {
      trailers =
        `Lambda-Runtime-Function-Error-Type: ${clean(error.errorType)}\r\n` +
        `Lambda-Runtime-Function-Error-Body: ${Buffer.from(error.text).toString('base64')}\r\n`;
    }
    if (this.socket) this.socket.write(`0\r\n${trailers}\r\n`);
  }

  request(request) {
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject, request, retried: false };
      this.send();
    });
  }

  send() {
    if (!this.socket) this.connect();
    this.socket.ref();
    this.socket.write(this.waiting.request);
  }

  connect() {
    const socket = net.connect(this.target);
    this.socket = socket;
    this.received = [];
    this.size = 0;
    socket.on('data', (chunk) => {
      this.received.push(chunk);
      this.size += chunk.length;
      this.parse();
    });
    const lost = (error) => {
      if (this.socket !== socket) return;
      this.socket = null;
      const w = this.waiting;
      if (!w) return;
      if (w.retried) {
        this.waiting = null;
        w.reject(error || new Error('The Runtime API closed the connection'));
      } else {
        w.retried = true;
        this.send();
      }
    };
    socket.on('error', lost);
    socket.on('close', () => lost());
  }

  parse() {
    if (!this.head) {
      const data = this.received.length === 1 ? this.received[0] : Buffer.concat(this.received);
      this.received = [data];
      const end = data.indexOf('\r\n\r\n');
      if (end < 0) return;
      const lines = data.toString('utf8', 0, end).split('\r\n');
      const headers = {};
      for (const line of lines.slice(1)) {
        const i = line.indexOf(':');
        headers[line.slice(0, i).toLowerCase()] = line.slice(i + 1).trim();
      }
      const length = Number(headers['content-length'] || 0);
      this.head = { status: Number(lines[0].split(' ')[1]), headers, start: end + 4, end: end + 4 + length };
    }
    if (this.size < this.head.end) return;
    const data = Buffer.concat(this.received);
    const { status, headers, start, end } = this.head;
    this.head = null;
    this.received = [];
    this.size = 0;
    this.socket.unref();
    const w = this.waiting;
    this.waiting = null;
    if (w) w.resolve({ status, headers, body: data.subarray(start, end) });
  }
}

function clean(s) {
  return s.replace(/[^\x20-\x7e]/g, '?');
}

module.exports = { Api };
