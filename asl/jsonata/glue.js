// What surrounds jsonata.min.js in a runtime: the functions that Step Functions adds, the bounds of an evaluation, and
// what an expression may see. Runs once for each runtime; host is made by engine.go.
(function (jsonata, host, limits) {
  'use strict';
  // Objects of one evaluation must not reach what others share.
  ['__proto__', '__defineGetter__', '__defineSetter__', '__lookupGetter__', '__lookupSetter__'].forEach(function (name) {
    delete Object.prototype[name];
  });
  var entry = Symbol.for('jsonata.__evaluate_entry');
  var exit = Symbol.for('jsonata.__evaluate_exit');
  var tooDeep = 'Stack overflow error: Check for non-terminating recursive function. Consider rewriting as tail-recursive.';
  var tooLarge = 'Expression evaluation memory limit exceeded: Check for excessive memory usage';

  // What can make a value grow, or an evaluation go on, out of proportion to the expression and its input.
  var growing = { range: true, pad: true, partition: true };

  // study walks the syntax tree: which variables it reads, which members of $states, and whether it has to be watched.
  function study(ast) {
    var names = {}, states = {}, all = false, watch = false, seen = new Set();
    function walk(node, depth) {
      if (node === null || typeof node !== 'object' || seen.has(node)) return;
      seen.add(node);
      if (Array.isArray(node)) {
        node.forEach(function (n) { walk(n, depth); });
        return;
      }
      if (depth > limits.planDepth) watch = true;
      switch (node.type) {
        case 'lambda': case 'transform': case 'partial': watch = true; break;
        case 'binary': if (node.value === '..') watch = true; break;
        case 'function': case 'apply': {
          var p = node.procedure;
          if (p && p.type === 'variable' && growing[p.value]) watch = true;
          break;
        }
        case 'path': {
          var first = node.steps[0], second = node.steps[1];
          if (first.type === 'variable' && first.value === 'states' && !first.predicate && !first.stages &&
              second && second.type === 'name') {
            states[second.value] = true;
            seen.add(first);
          }
          node.steps.forEach(function (s, i) {
            if (i > 0 && s.type !== 'name') watch = true;
          });
          break;
        }
        case 'variable':
          names[node.value] = true;
          if (node.value === 'states') all = true;
          break;
      }
      Object.keys(node).forEach(function (k) { walk(node[k], node.type ? depth + 1 : depth); });
    }
    walk(ast, 0);
    return { names: Object.keys(names), states: all ? null : Object.keys(states), watch: watch };
  }

  function size(v) {
    if (typeof v === 'string') return v.length;
    if (Array.isArray(v)) {
      var n = v.length * 8;
      // Strings in a list that is itself small enough count too.
      for (var i = 0; i < v.length && n <= limits.bytes; i++) if (typeof v[i] === 'string') n += v[i].length;
      return n;
    }
    return 0;
  }

  function compile(text) {
    var expr = jsonata(text);
    var c = study(expr.ast());
    c.expr = expr;
    expr.assign('eval', undefined); // refused by AWS: $parse reads JSON
    expr.registerFunction('parse', function (s) {
      return s === undefined ? undefined : JSON.parse(s);
    }, '<s:x>');
    expr.registerFunction('partition', function (list, n) {
      if (list === undefined || n === undefined) return undefined;
      n = Math.trunc(n);
      if (n < 0) throw { message: 'The chunk size must be a positive integer' };
      if (n === 0) return undefined;
      var out = [];
      for (var i = 0; i < list.length; i += n) out.push(list.slice(i, i + n));
      return out;
    }, '<an:a>');
    expr.registerFunction('range', function (from, to, step) {
      if (from === undefined || to === undefined || step === undefined) return undefined;
      from = Math.trunc(from); to = Math.trunc(to); step = Math.trunc(step);
      if (step === 0) return undefined;
      var n = Math.floor((to - from) / step) + 1;
      if (!(n > 0)) return undefined;
      if (n * 8 > limits.bytes) throw { message: tooLarge };
      var out = new Array(n);
      for (var i = 0; i < n; i++) out[i] = from + i * step;
      return out;
    }, '<nnn:a<n>>');
    expr.registerFunction('hash', function (s, algorithm) {
      if (s === undefined || algorithm === undefined) return undefined;
      var h = host.hash(s, algorithm);
      if (h === '') throw { message: 'The hash algorithm ' + JSON.stringify(algorithm) + ' is not supported' };
      return h;
    }, '<ss:s>');
    expr.registerFunction('random', function (seed) {
      return seed === undefined ? Math.random() : host.javaRandom(seed);
    }, '<n?:n>');
    expr.registerFunction('uuid', function () { return host.uuid(); }, '<:s>');
    if (c.watch) {
      expr.assign(entry, function (node, input, env) {
        if (++c.live > limits.live) throw { message: tooDeep };
        if (env.isParallelCall) return;
        if (++c.depth > limits.depth) throw { message: tooDeep };
        // $pad would fill memory before its result could be weighed.
        if (node.type === 'function' && node.procedure.value === 'pad') env.bind('pad', pad);
      });
      expr.assign(exit, function (node, input, env, result) {
        c.live--;
        if (size(result) > limits.bytes) throw { message: tooLarge };
        if (env.isParallelCall) return;
        c.depth--;
      });
    }
    return c;
  }

  var pad;
  (function () {
    var holder = jsonata('$pad');
    holder.evaluate().then(function (builtin) {
      var implementation = builtin.implementation;
      pad = Object.assign({}, builtin, {
        implementation: function (s, width, char) {
          if (Math.abs(width) > limits.bytes) throw { message: tooLarge };
          return implementation.call(this, s, width, char);
        },
      });
    });
  })();

  // input is undefined but in the tests of the language: in Step Functions there is no document but the variables.
  function run(c, input, bindings, done, failed) {
    c.depth = 0;
    c.live = 0;
    c.expr.evaluate(input, bindings).then(done, function (e) {
      var known = e !== null && typeof e === 'object';
      failed(known && e.code ? String(e.code) : '', known ? String(e.message) : String(e),
        known && typeof e.position === 'number' ? e.position : -1);
    });
  }
  return { compile: compile, run: run };
})
