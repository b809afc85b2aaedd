// The console of a function: each call is one log event with time, request id and level.
'use strict';

const fs = require('node:fs');
const { format } = require('node:util');
const { formatted } = require('./errors.cjs');

// Levels: order, and the bits that tell Lambda's log filter of a frame's level.
const LEVELS = {
  TRACE: [1, 0b00100],
  DEBUG: [2, 0b01000],
  INFO: [3, 0b01100],
  WARN: [4, 0b10000],
  ERROR: [5, 0b10100],
  FATAL: [6, 0b11000],
};

// write sends one message as a frame: type, length, microseconds, text; without a telemetry descriptor as a line.
function writer(asJSON) {
  const fd = process.env._LAMBDA_TELEMETRY_LOG_FD;
  delete process.env._LAMBDA_TELEMETRY_LOG_FD;
  if (fd === undefined) return (level, date, text) => process.stdout.write(text.replace(/\n/g, '\r') + '\n');
  const base = asJSON ? 0xa55a0002 : 0xa55a0003;
  return (level, date, text) => {
    const body = Buffer.from(text);
    const frame = Buffer.allocUnsafe(16 + body.length);
    frame.writeUInt32BE((base | LEVELS[level][1]) >>> 0, 0);
    frame.writeUInt32BE(body.length, 4);
    frame.writeBigInt64BE(BigInt(date.valueOf()) * 1000n, 8);
    body.copy(frame, 16);
    for (let at = 0; at < frame.length; ) {
      try {
        at += fs.writeSync(Number(fd), frame, at);
      } catch (e) {
        if (e.code !== 'EAGAIN') throw e;
      }
    }
  };
}

function errorMembers(e) {
  const stack = typeof e.stack === 'string' ? e.stack.split('\n') : e.stack;
  return { errorType: e?.constructor?.name ?? 'UnknownError', errorMessage: e.message, stackTrace: stack };
}

function jsonLine(requestId, date, level, params) {
  const line = { timestamp: date.toISOString(), level, requestId };
  if (params.length === 1) {
    line.message = params[0];
    try {
      return JSON.stringify(line, (_, v) => (v instanceof Error ? { ...errorMembers(v), ...v } : v));
    } catch {
      line.message = format(params[0]);
      return JSON.stringify(line);
    }
  }
  line.message = format(...params);
  const error = params.find((p) => p instanceof Error);
  if (error) Object.assign(line, errorMembers(error));
  return JSON.stringify(line);
}

// patchConsole replaces the console's methods and returns what the runtime itself logs with.
function patchConsole() {
  const asJSON = (process.env.AWS_LAMBDA_LOG_FORMAT || '').toUpperCase() === 'JSON';
  const threshold = (LEVELS[(process.env.AWS_LAMBDA_LOG_LEVEL || '').toUpperCase()] || LEVELS.TRACE)[0];
  const write = writer(asJSON);
  const logger = { requestId: undefined };
  const log = (level) => {
    if (LEVELS[level][0] < threshold && level !== 'FATAL') return () => {};
    return (...params) => {
      const date = new Date();
      const text = asJSON
        ? jsonLine(logger.requestId, date, level, params)
        : `${date.toISOString()}\t${logger.requestId}\t${level}\t${format(...params)}\n`;
      write(level, date, text);
    };
  };
  console.trace = log('TRACE');
  console.debug = log('DEBUG');
  console.info = console.log = log('INFO');
  console.warn = log('WARN');
  console.error = log('ERROR');
  console.fatal = log('FATAL');
  logger.error = asJSON ? (_, e) => console.error(e) : (what, e) => console.error(what, formatted(e));
  return logger;
}

module.exports = { patchConsole };
