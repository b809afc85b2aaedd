package sandboxtest

import "testing"

// one is a program of one file, app.py, with the handler app.handler.
func one(name, text string) program {
	return program{name: name, handler: "app.handler", files: map[string]string{"app.py": text}}
}

func (p program) gives(answer string) program                { p.answer = answer; return p }
func (p program) on(event string) program                    { p.event = event; return p }
func (p program) prints(want ...string) program              { p.output = want; return p }
func (p program) fails(kind string, want ...string) program  { p.failed, p.want = kind, want; return p }
func (p program) breaks(kind string, want ...string) program { p.init, p.want = kind, want; return p }
func (p program) handled(by string) program                  { p.handler = by; return p }
func (p program) with(name, text string) program             { p.files[name] = text; return p }

func (p program) set(name, value string) program {
	p.env = map[string]string{name: value}
	return p
}

func (b *bench) python(t *testing.T) {
	b.run(t, "python3.12", pythonPrograms())
}

func pythonPrograms() []program {
	return []program{
		one("Echo", "def handler(event, context):\n    return event\n").on(`{"a":[1,2.5,"é",null,true]}`).gives(`{"a":[1,2.5,"é",null,true]}`),
		one("Nothing", "def handler(event, context):\n    pass\n").gives("null"),
		one("Nested", "x = 1\n").with("pkg/mod.py", "import app\ndef go(e, c):\n    return app.x\n").handled("pkg/mod.go").gives("1"),
		one("Dotted", "x = 1\n").with("pkg/__init__.py", "").with("pkg/mod.py", "def go(e, c):\n    return 2\n").handled("pkg.mod.go").gives("2"),
		one("Context", `
def handler(event, c):
    assert 0 < c.get_remaining_time_in_millis() <= 300000, c.get_remaining_time_in_millis()
    return [c.function_name, c.function_version, c.memory_limit_in_mb, c.aws_request_id[:8], c.invoked_function_arn,
            c.log_group_name, c.log_stream_name, c.identity.cognito_identity_id, c.identity.cognito_identity_pool_id,
            c.client_context.custom, c.client_context.client]
`).gives(`["f","$LATEST","256","request-","arn:aws:lambda:us-east-1:000000000000:function:f","/aws/lambda/f",
"2026/01/01/[$LATEST]0","i","p",{"k":"v"},null]`),
		one("Trace", "import os\ndef handler(e, c):\n    return os.environ['_X_AMZN_TRACE_ID']\n").
			gives(`"Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0"`),
		one("State", "import os\nopen('/tmp/n', 'a').close()\nn = os.environ['LAMBDA_TASK_ROOT']\ndef handler(e, c):\n    return [__file__.startswith(n), os.getcwd() == n]\n").
			gives("[true,true]"),
		one("Decimal", "from decimal import Decimal\ndef handler(e, c):\n    return {'n': Decimal('1.10'), 'big': Decimal(12345678901234567890123)}\n").
			gives(`{"n":1.10,"big":12345678901234567890123}`),
		one("Bytes", "def handler(e, c):\n    return b'{\"raw\":1}'\n").gives(`{"raw":1}`),
		one("Raises", "def inner():\n    raise ValueError('bad é')\ndef handler(e, c):\n    inner()\n").
			fails("ValueError", `"errorMessage": "bad é"`, `"errorType": "ValueError"`, `"requestId": "request-`, `app.py\", line 2, in inner\n`).
			prints("[ERROR] ValueError: bad é\nTraceback (most recent call last):\n\u00a0\u00a0File \""),
		one("Unserialisable", "def handler(e, c):\n    return {1, 2}\n").
			fails("Runtime.MarshalError", "Unable to marshal response: Object of type set is not JSON serializable"),
		one("Print", "import sys\ndef handler(e, c):\n    print('one')\n    print('two', file=sys.stderr)\n    sys.stdout.write('three')\n").
			gives("null").prints("one\ntwo\nthree"),
		one("Logging", "import logging\nlog = logging.getLogger()\nlog.setLevel('INFO')\ndef handler(e, c):\n    log.info('hello\\nworld')\n    logging.getLogger('x').debug('hidden')\n").
			gives("null").prints("[INFO]\t20", "Z\trequest-1\thello\nworld"),
		one("LoggingJSON", "import logging\ndef handler(e, c):\n    logging.warning('w', extra={'more': 1})\n").
			set("AWS_LAMBDA_LOG_FORMAT", "JSON").gives("null").prints(`"level": "WARNING", "message": "w", "logger": "root", "requestId": "request-1", "more": 1}`),
		one("NoModule", "").handled("nosuch.handler").breaks("Runtime.ImportModuleError",
			`"errorMessage": "Unable to import module 'nosuch': No module named 'nosuch'"`, `"requestId": ""`, `"stackTrace": []`).
			prints("LAMBDA_WARNING: Unhandled exception.", "[ERROR] Runtime.ImportModuleError: Unable to import module 'nosuch'"),
		one("NoHandler", "x = 1\n").breaks("Runtime.HandlerNotFound", "Handler 'handler' missing on module 'app'"),
		one("NoDot", "x = 1\n").handled("app").breaks("Runtime.MalformedHandlerName", "Bad handler 'app': not enough values to unpack (expected 2, got 1)"),
		one("BuiltIn", "x = 1\n").handled("sys.exit").breaks("Runtime.BuiltInModuleConflict", "Cannot use built-in module sys as a handler module"),
		one("Syntax", "def handler(e, c:\n    return 1\n").breaks("Runtime.UserCodeSyntaxError", "Syntax error in module 'app': ", `Line 1\n`),
		one("InitRaises", "raise RuntimeError('at import')\n").breaks("RuntimeError", `"errorMessage": "at import"`, "line 1, in <module>"),
		one("Wrapper", "import os\ndef handler(e, c):\n    return os.environ['WRAPPED']\n").with("wrap", "#!/bin/sh\nWRAPPED=yes exec \"$@\"\n").
			set("AWS_LAMBDA_EXEC_WRAPPER", "/bin/env").gives(`"yes"`).wrapped(),
	}
}

// wrapped takes the wrapper away: what is tested needs an executable file, which write does not make.
func (p program) wrapped() program {
	p.env = map[string]string{"WRAPPED": "yes", "AWS_LAMBDA_EXEC_WRAPPER": "/usr/bin/env"}
	return p
}
