package sandboxtest

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"

	"github.com/brume-dev/brume/sandbox"
)

// js is a program of one file, app.js, with the handler app.handler.
func js(name, text string) program {
	return program{name: name, handler: "app.handler", files: map[string]string{"app.js": text}}
}

func (b *bench) node(t *testing.T) {
	b.run(t, "nodejs20.x", nodePrograms())
	t.Run("Streams", b.nodeStreams)
}

// nodeStreams are handlers that stream their answers.
func (b *bench) nodeStreams(t *testing.T) {
	const zero = "\x00\x00\x00\x00\x00\x00\x00\x00"
	for _, c := range []struct{ name, body, kind, want, failed, message string }{
		{"Plain", "s.setContentType('text/plain'); s.write('a'); await new Promise((r) => setTimeout(r, 5)); s.write('b'); s.end();", "text/plain", "ab", "", ""},
		{"Empty", "s.end();", "application/octet-stream", "", "", ""},
		{"Pipeline", "await require('node:stream/promises').pipeline(require('node:stream').Readable.from(['x', 'y'.repeat(300000)]), s);",
			"application/octet-stream", "x" + strings.Repeat("y", 300_000), "", ""},
		{"HTTP", "s = awslambda.HttpResponseStream.from(s, {statusCode: 201}); s.write('body'); s.end();",
			"application/vnd.awslambda.http-integration-response", `{"statusCode":201}` + zero + "body", "", ""},
		{"Early", "throw new RangeError('early');", "", "", "RangeError", "early"},
		{"Late", "s.write('part'); await new Promise((r) => setTimeout(r, 5)); throw new TypeError('late');", "application/octet-stream", "part", "TypeError", "late"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := b.start(t, func(s *sandbox.Spec) {
				s.Runtime, s.Env["_HANDLER"] = "nodejs20.x", "app.handler"
				s.Code = write(t, map[string]string{"app.js": "exports.handler = awslambda.streamifyResponse(async (e, s, c) => {" + c.body + "});"})
			})
			ctx, cancel := context.WithTimeout(context.Background(), timeout)
			defer cancel()
			for range 2 { // the second one is warm
				var got bytes.Buffer
				var kind string
				res, err := e.Invoke(ctx, &sandbox.Invocation{ID: "r", Payload: []byte("{}"), Stream: func(k string) io.Writer { kind = k; return &got }})
				if err != nil {
					t.Fatalf("%v\n%s", err, strings.Join(e.printed(), "\n"))
				}
				if kind != c.kind || got.String() != c.want || res.Streamed != (c.kind != "") || res.ErrorType != c.failed || !strings.Contains(string(res.Payload), c.message) {
					t.Errorf("streamed %.100q as %q: %+v %s\n%s", got.String(), kind, res, res.Payload, strings.Join(e.printed(), "\n"))
				}
			}
			if r := e.invoke(map[string]any{}); !r.Failed && string(r.Payload) != c.want { // for a client that wants it whole
				t.Errorf("gathered %.100q", r.Payload)
			}
		})
	}
}

func nodePrograms() []program {
	return []program{
		js("Async", "exports.handler = async (event) => event;").on(`{"a":[1,"é",null]}`).gives(`{"a":[1,"é",null]}`),
		js("Nothing", "exports.handler = async () => {};").gives("null"),
		js("Callback", "exports.handler = (event, context, callback) => { setTimeout(() => callback(null, 1), 5); };").gives("1"),
		js("CallbackError", "exports.handler = (event, context, callback) => callback(new TypeError('no'));").
			fails("TypeError", `"errorType":"TypeError"`, `"errorMessage":"no"`, `"trace":["TypeError: no","    at `).
			prints("ERROR\tInvoke Error \t{\"errorType\":\"TypeError\",\"errorMessage\":\"no\",\"stack\":["),
		// The answer waits for the timer, unless the function says that it need not.
		js("WaitsForLoop", "let done = false; exports.handler = (e, c, cb) => { setTimeout(() => { done = true; }, 20); cb(null, {toJSON: () => done}); };").
			gives("true"),
		js("WaitsNot", "let n = 0; exports.handler = (e, c, cb) => { c.callbackWaitsForEmptyEventLoop = false; n++; setTimeout(() => {}, 30000); cb(null, 'at once'); };").
			gives(`"at once"`),
		js("Forgotten", "exports.handler = (e, c, cb) => {};").gives("null"),
		js("NeverSettled", "exports.handler = async () => { await new Promise(() => {}); };").fails("Runtime.NodeJsExit", "never settled"),
		js("Done", "exports.handler = (e, c) => { c.succeed({ok: true}); };").gives(`{"ok":true}`),
		js("Fail", "exports.handler = (e, c) => { c.fail('plain'); };").fails("string", `"errorMessage":"plain"`),
		js("Throws", "exports.handler = async () => { class Mine extends Error {}; const e = new Mine('m'); e.name = 'Mine'; throw e; };").
			fails("Mine", `"errorType":"Mine"`, `"errorMessage":"m"`),
		js("ThrowsAtOnce", "exports.handler = () => { throw new RangeError('r'); };").fails("RangeError", `"errorMessage":"r"`),
		js("Circular", "exports.handler = async () => { const o = {}; o.o = o; return o; };").fails("Error", "Unable to stringify response body"),
		js("Context", `exports.handler = async (event, c) => {
  const left = c.getRemainingTimeInMillis();
  return [left > 0 && left <= 300000, c.functionName, c.functionVersion, c.memoryLimitInMB, c.awsRequestId.slice(0, 8), c.invokedFunctionArn,
    c.logGroupName, c.logStreamName, c.identity, c.clientContext, c.callbackWaitsForEmptyEventLoop, process.env._X_AMZN_TRACE_ID]; };`).
			gives(`[true,"f","$LATEST","256","request-","arn:aws:lambda:us-east-1:000000000000:function:f","/aws/lambda/f","2026/01/01/[$LATEST]0",
{"cognitoIdentityId":"i","cognitoIdentityPoolId":"p"},{"custom":{"k":"v"}},true,"Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0"]`),
		js("Console", "exports.handler = async () => { console.log('a %s\\nb', 1, {x: 1}); console.error('c'); process.stdout.write('raw\\n'); };").
			gives("null").prints("Z\trequest-1\tINFO\ta 1\nb { x: 1 }", "Z\trequest-1\tERROR\tc\nraw"),
		js("ConsoleJSON", "exports.handler = async () => { console.warn({k: 1}); };").set("AWS_LAMBDA_LOG_FORMAT", "JSON").
			gives("null").prints(`"level":"WARN","requestId":"request-1","message":{"k":1}}`),
		js("Level", "exports.handler = async () => { console.info('quiet'); console.error('loud'); };").set("AWS_LAMBDA_LOG_LEVEL", "ERROR").
			gives("null").prints("ERROR\tloud"),
		js("Module", "").with("esm.mjs", "import fs from 'node:fs'; const x = await Promise.resolve(3); export const handler = async () => [x, typeof fs.readFileSync];").
			handled("esm.handler").gives(`[3,"function"]`),
		js("TypeModule", "export const handler = async () => 4;").with("package.json", `{"type":"module"}`).gives("4"),
		js("Nested", "").with("dir/deep.cjs", "exports.a = {b: async () => 5};").handled("dir/deep.a.b").gives("5"),
		js("Requires", "const m = require('m'); exports.handler = async () => m;").with("node_modules/m/index.js", "module.exports = 6;").gives("6"),
		js("NoModule", "").handled("nosuch.handler").breaks("Runtime.ImportModuleError", "Cannot find module 'nosuch'").
			prints("ERROR\tUncaught Exception \t{\"errorType\":\"Runtime.ImportModuleError\""),
		js("NoHandler", "exports.other = 1;").breaks("Runtime.HandlerNotFound", "app.handler is undefined or not exported"),
		js("NotAFunction", "exports.handler = 1;").breaks("Runtime.HandlerNotFound", "app.handler is not a function"),
		js("Malformed", "").handled("../app.handler").breaks("Runtime.MalformedHandlerName", "is not a valid handler name"),
		js("Syntax", "exports.handler = (;").breaks("Runtime.UserCodeSyntaxError", "SyntaxError: "),
		js("InitThrows", "throw new Error('at load');").breaks("Error", `"errorMessage":"at load"`),
	}
}
