package filter

import "testing"

func TestMatches(t *testing.T) {
	const (
		line   = `127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534`
		object = `{"eventType":"UpdateTrail","sourceIPAddress":"111.111.111.111","arrayKey":["value","another"],"n":4.5,"SomeObject":null,
			"ThisFlag":true,"objectList":[{"name":"a","id":1},{"name":"b","id":2}],"user":{"identity":{"id":1}}}`
	)
	for _, c := range []struct {
		pattern, message string
		want             bool
	}{
		{"", "anything", true},
		{"ERROR", "[ERROR 400] BAD REQUEST", true},
		{"error", "[ERROR 400] BAD REQUEST", false},
		{"ERROR ARGUMENTS", "[ERROR 419] MISSING ARGUMENTS", true},
		{"ERROR ARGUMENTS", "[ERROR 400] BAD REQUEST", false},
		{`"INTERNAL SERVER ERROR"`, "[ERROR 500] INTERNAL SERVER ERROR", true},
		{`"INTERNAL ERROR"`, "[ERROR 500] INTERNAL SERVER ERROR", false},
		{"?ERROR ?ARGUMENTS", "[WARN 400] MISSING ARGUMENTS", true},
		{"?ERROR ?WARN", "INFO", false},
		{`{ $.v = nan }`, `{"v":"nan"}`, true},
		{`{ $.v = inf }`, `{"v":"Infinity"}`, false},
		{`{ $.v = 1e3 }`, `{"v":1000}`, true},
		{"ERROR -EXITING", "ERROR 5", true},
		{"ERROR -EXITING", "ERROR 5 EXITING", false},
		{`"\"quoted\""`, `a "quoted" word`, true},
		{"%AUTHORIZED|ok%", "UNAUTHORIZED", true},
		{"%^ok%", "not ok", false},
		{`{ $.eventType = "UpdateTrail" }`, object, true},
		{`{ $.eventType != "UpdateTrail" }`, object, false},
		{`{ $.sourceIPAddress = 111.111.* }`, object, true},
		{`{ $.sourceIPAddress != 123.123.* }`, object, true},
		{`{ $.arrayKey[0] = "value" }`, object, true},
		{`{ $.objectList[1].id = 2 }`, object, true},
		{`{ $.n >= 4.5 && $.n < 5 }`, object, true},
		{`{ $.n > 4.5 }`, object, false},
		{`{ $.SomeObject IS NULL }`, object, true},
		{`{ $.ThisFlag IS TRUE }`, object, true},
		{`{ $.ThisFlag IS FALSE }`, object, false},
		{`{ $.SomeOther NOT EXISTS }`, object, true},
		{`{ $.n NOT EXISTS }`, object, false},
		{`{ ($.user.identity.id = 2 && $.n = 1) || $.eventType = Update* }`, object, true},
		{`{ $.eventType = %Upd.*il% }`, object, true},
		{`{ $.eventType = "x" }`, "no JSON", false},
		{"[ip, id, user, timestamp, request, status_code, size]", line, true},
		{"[ip, id, user, timestamp, request, status_code = 4*, size]", line, true},
		{"[ip, id, user, timestamp, request, status_code = 5*, size]", line, false},
		{"[ip, ..., size > 1000]", line, true},
		{"[ip, ..., size > 2000]", line, false},
		{"[ip, id, user, timestamp, request =*html*, status_code = 404 || status_code = 410, size]", line, true},
		{"[ip, user]", line, false},
		{"[..., status_code, bytes]", line, true},
		{"[w1 = ERROR && w1 != %WARN%, w2]", "ERROR x", true},
	} {
		p, err := Parse(c.pattern)
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
		} else if p.Matches(c.message) != c.want {
			t.Errorf("%s on %s: not %t", c.pattern, c.message, c.want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, p := range []string{`"open`, "%open", "%(%", "{", "{ $.a }", "{ $.a = }", "{ a = 1 }", "{ $.a > x }", "{ $.a = 1 } x", "{ $.a IS MAYBE }",
		"{ ($.a = 1 }", "[", "[a", "[a b]", "[a, ..., b, ...]", "[a] x", "[a = 1 && b = 2]"} {
		if _, err := Parse(p); err == nil {
			t.Errorf("%s parses", p)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"a -b ?c", `{ $.a = "b" && ($.c IS NULL || $.d NOT EXISTS) }`, "[a, b = 1*, ..., c > 5]", "%a.b%"} {
		f.Add(s, `{"a":"b"}`)
	}
	f.Fuzz(func(t *testing.T, pattern, message string) {
		if p, err := Parse(pattern); err == nil {
			p.Matches(message)
		}
	})
}
