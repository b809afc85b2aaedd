// Errors as the Runtime API and the log show them.
'use strict';

const { types } = require('node:util');

// fault makes an error of the runtime's own: its name begins "Runtime.".
function fault(kind, message) {
  const error = new Error(message);
  error.name = `Runtime.${kind}`;
  return error;
}

function asError(e) {
  return e instanceof Error ? e : new Error(e);
}

function looksLikeError(e) {
  return e && ['name', 'message', 'stack'].every((k) => typeof e[k] === 'string' && e[k]);
}

// document gives what is sent to the Runtime API of anything that was thrown.
function document(e) {
  let out;
  try {
    if (types.isNativeError(e) || looksLikeError(e)) {
      out = { errorType: e.name, errorMessage: e.message, trace: (e.stack || '').split('\n') };
    } else {
      out = { errorType: typeof e, errorMessage: String(e), trace: [] };
    }
  } catch {
    out = {
      errorType: 'handled',
      errorMessage:
        'callback called with Error argument, but there was a problem while retrieving one or more of its message, name, and stack',
    };
  }
  return { errorType: String(out.errorType), text: JSON.stringify(out), cause: cause(e) };
}

// cause gives what X-Ray is told of an error.
function cause(e) {
  if (!types.isNativeError(e)) return '{}';
  const stack = [];
  for (const line of (e.stack || '').split('\n').slice(1)) {
    const m = /^\s+at (?:(.*) \()?(.*?):(\d+):\d+\)?$/.exec(line);
    if (m) stack.push({ path: m[2], line: Number(m[3]), label: m[1] || 'anonymous' });
  }
  return JSON.stringify({
    working_directory: process.cwd(),
    exceptions: [{ type: e.name, message: e.message, stack }],
    paths: [...new Set(stack.map((f) => f.path))],
  });
}

// formatted is an error in a text log: its members, those that JSON leaves out too.
function formatted(e) {
  const visible = (_, v) => {
    if (!(v instanceof Error)) return v;
    const out = { errorType: v.name, errorMessage: v.message, code: v.code, ...v };
    if (typeof v.stack === 'string') out.stack = v.stack.split('\n');
    return out;
  };
  try {
    return '\t' + JSON.stringify(e, visible);
  } catch {
    return '\t' + document(e).text;
  }
}

module.exports = { asError, document, fault, formatted };
