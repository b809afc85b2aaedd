package input

import (
	"encoding/json"
	"strings"
	"testing"
)

const event = `{"version":"0","id":"7bf73129-1428-4cd3-a780-95db273d1602","detail-type":"EC2 Instance State-change Notification",` +
	`"source":"aws.ec2","account":"123456789012","time":"2015-11-11T21:29:54Z","region":"us-east-1",` +
	`"resources":["arn:aws:ec2:us-east-1:123456789012:instance/i-abcd1111"],"detail":{"instance-id":"i-0123456789","state":"RUNNING",` +
	`"n":1.50,"o":{"b":1,"a":"x\"y"},"l":[{"k":1},{"k":2}],"t":true,"z":null}}`

func facts() Facts {
	return Facts{RuleARN: "arn:aws:events:us-east-1:123456789012:rule/r", RuleName: "r", Ingested: "2015-11-11T21:29:55Z",
		Event: &Event{Text: []byte(event)}}
}

// The first cases are those of the user guide.
func TestTransformer(t *testing.T) {
	paths := map[string]string{"instance": "$.detail.instance-id", "state": "$.detail.state", "n": "$.detail.n", "o": "$.detail.o",
		"none": "$.detail.none", "ks": "$.detail.l[*].k", "first": "$.resources[0]", "t": "$.detail.t", "z": "$.detail.z", "detail": "$.detail"}
	for _, c := range []struct{ template, want string }{
		{`"instance <instance> is in <state>"`, `"instance i-0123456789 is in RUNNING"`},
		{`{"instance" : <instance>, "state": <state>}`, `{"instance" : "i-0123456789", "state": "RUNNING"}`},
		{`{"instance" : <instance>, "state": "<state>", "instanceStatus": "instance \"<instance>\" is in <state>"}`,
			`{"instance" : "i-0123456789", "state": "RUNNING", "instanceStatus": "instance \"i-0123456789\" is in RUNNING"}`},
		{`{"instance" : <instance>, "state": [ 9, <state>, true ], "Transformed" : "Yes"}`,
			`{"instance" : "i-0123456789", "state": [ 9, "RUNNING", true ], "Transformed" : "Yes"}`},
		{"\"a <state>\"\n\"b <instance>\"", "\"a RUNNING\"\n\"b i-0123456789\""},
		{`<instance> is in state <state>`, `"i-0123456789" is in state "RUNNING"`},
		{`{"n":<n>,"o":<o>,"t":<t>,"z":<z>,"ks":<ks>,"first":<first>}`,
			`{"n":1.50,"o":{"b":1,"a":"x\"y"},"t":true,"z":null,"ks":[1,2],"first":"arn:aws:ec2:us-east-1:123456789012:instance/i-abcd1111"}`},
		{`{"s":"<n> <t> <o>"}`, `{"s":"1.50 true {\"b\":1,\"a\":\"x\\\"y\"}"}`},
		{`{"a":<none>,"b":"-<none>-"}`, `{"a":"","b":"--"}`},
		{`{"r":<aws.events.rule-arn>,"n":"<aws.events.rule-name>","t":<aws.events.event.ingestion-time>}`,
			`{"r":"arn:aws:events:us-east-1:123456789012:rule/r","n":"r","t":"2015-11-11T21:29:55Z"}`},
		{`{"e":<aws.events.event.json>}`, `{"e":` + event + `}`},
		{`{"e":<aws.events.event>}`, `{"e":` + event[:strings.Index(event, `,"detail":`)] + `}}`},
		{`"1 < 2 and 3 > 2 <>"`, `"1 < 2 and 3 > 2 <>"`},
	} {
		tr, err := CompileTransformer(paths, c.template)
		if err != nil {
			t.Errorf("%s: %v", c.template, err)
			continue
		}
		got, err := tr.Apply(facts())
		if err != nil || string(got) != c.want {
			t.Errorf("%s:\n%s\nwant\n%s (%v)", c.template, got, c.want, err)
		}
	}
}

func TestTransformerRefuses(t *testing.T) {
	for _, c := range []struct {
		paths    map[string]string
		template string
	}{
		{nil, `"<nobody>"`},
		{nil, `"<aws.events.other>"`},
		{map[string]string{"AWS.x": "$"}, `"<AWS.x>"`},
		{map[string]string{"x": "$.["}, `"<x>"`},
		{map[string]string{"x": "$.a"}, `{"a": <x>`},
		{map[string]string{"x": "$.a"}, `{<x>: 1}`},
	} {
		if _, err := CompileTransformer(c.paths, c.template); err == nil {
			t.Errorf("%s was taken", c.template)
		}
	}
}

func TestPath(t *testing.T) {
	for path, want := range map[string]string{
		"$":                      event,
		"$.detail.o":             `{"b":1,"a":"x\"y"}`,
		"$.detail.n":             "1.50",
		"$.detail.state":         `"RUNNING"`,
		"$.detail.l[*].k":        "[1,2]",
		"$.detail.l[1]":          `{"k":2}`,
		"$.detail.nothing.there": "null",
	} {
		p, err := CompilePath(path)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if got, err := p.Apply(facts().Event); err != nil || string(got) != want {
			t.Errorf("%s: %s, want %s (%v)", path, got, want, err)
		}
	}
}

func FuzzTransformer(f *testing.F) {
	f.Add(`{"a":<x>,"b":"<x> \"<aws.events.rule-arn>\""}`, "$.detail.state")
	f.Add(`"<<x>>" <x>`, "$.detail.o")
	f.Fuzz(func(t *testing.T, template, path string) {
		tr, err := CompileTransformer(map[string]string{"x": path}, template)
		if err != nil {
			return
		}
		out, err := tr.Apply(facts())
		if err != nil {
			t.Fatal(err)
		}
		if s := strings.TrimSpace(template); s != "" && s[0] == '{' && !json.Valid(out) {
			t.Errorf("%s became %s", template, out)
		}
	})
}
