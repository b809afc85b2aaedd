// Finding a handler: "dir/module.path.to.function", as CommonJS or as an ES module.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const { fault } = require('./errors.cjs');

const NO_CALLBACKS =
  'ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. You need to ' +
  'modify this function to use a supported handler signature to use Node.js 24 or later. For more information see ' +
  'https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html.';

// load returns the function that the handler string names.
async function load(root, handler) {
  if (handler.includes('..')) {
    throw fault('MalformedHandlerName', `'${handler}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`);
  }
  const base = path.basename(handler);
  const dir = handler.slice(0, handler.indexOf(base));
  const m = /^([^.]*)\.(.*)$/.exec(base);
  if (!m) throw fault('MalformedHandlerName', 'Bad handler');
  const app = await loadModule(path.resolve(root, dir), root, m[1]);
  const f = m[2].split('.').reduce((o, key) => o && o[key], app);
  if (!f) throw fault('HandlerNotFound', `${handler} is undefined or not exported`);
  if (typeof f !== 'function') throw fault('HandlerNotFound', `${handler} is not a function`);
  const major = /^AWS_Lambda_nodejs(\d+)/.exec(process.env.AWS_EXECUTION_ENV || '');
  if (major && Number(major[1]) >= 24 && f.length >= 3 && !f[Symbol.for('aws.lambda.runtime.handler.streaming')]) throw fault('CallbackHandlerDeprecated', NO_CALLBACKS);
  return f;
}

async function loadModule(dir, root, name) {
  try {
    return await find(dir, root, name);
  } catch (e) {
    if (e instanceof SyntaxError) {
      const error = fault('UserCodeSyntaxError', String(e));
      error.stack = e.stack;
      throw error;
    }
    if (e && e.code === 'MODULE_NOT_FOUND') throw fault('ImportModuleError', String(e));
    throw e;
  }
}

async function find(dir, root, name) {
  const file = path.join(dir, name);
  const isFile = (p) => fs.statSync(p, { throwIfNoEntry: false })?.isFile();
  const module = insideModulePackage(path.dirname(file));
  if (isFile(file)) return require(file);
  if (isFile(file + '.js')) return module ? import(pathToFileURL(file + '.js')) : require(file + '.js');
  if (isFile(file + '.mjs')) return import(pathToFileURL(file + '.mjs'));
  if (isFile(file + '.cjs')) return require(file + '.cjs');
  return require(require.resolve(name, { paths: [root, dir] }));
}

// insideModulePackage reports whether the nearest package.json says "type": "module".
function insideModulePackage(dir) {
  for (; !dir.endsWith('/node_modules'); dir = path.dirname(dir)) {
    const file = path.join(dir, 'package.json');
    if (fs.existsSync(file)) {
      try {
        return JSON.parse(fs.readFileSync(file, 'utf8')).type === 'module';
      } catch (e) {
        console.warn(`${file} cannot be read, it will be ignored for ES module detection purposes.`, e);
        return false;
      }
    }
    if (dir === path.dirname(dir)) return false;
  }
  return false;
}

module.exports = { load };
