package filter_test

import (
	"strings"
	"testing"

	"github.com/brume-dev/brume/service/sns/filter"
)

func TestAttributes(t *testing.T) {
	message := filter.NewMessage("body", map[string]filter.Attribute{
		"store":     {Type: "String", Value: "example_corp"},
		"price":     {Type: "Number", Value: "100.50"},
		"interests": {Type: "String.Array", Value: `["rugby", "football", true, null, 5]`},
		"source":    {Type: "String", Value: "10.0.0.7"},
		"secret":    {Type: "Binary", Value: "AQI="},
		"a.b":       {Type: "String", Value: "dotted"},
		"padded":    {Type: "Number.int", Value: "+007"},
	})
	for _, c := range []struct {
		policy string
		want   bool
	}{
		{`{}`, true},
		{`{"store":["example_corp"]}`, true},
		{`{"store":["Example_corp"]}`, false},
		{`{"store":[{"equals-ignore-case":"EXAMPLE_CORP"}]}`, true},
		{`{"store":[{"prefix":"exa"}]}`, true},
		{`{"store":[{"suffix":"corp"}]}`, true},
		{`{"store":[{"wildcard":"ex*_c*p"}]}`, true},
		{`{"store":[{"anything-but":["example_corp"]}]}`, false},
		{`{"store":[{"anything-but":{"prefix":"ex"}}]}`, false},
		{`{"store":[{"anything-but":{"suffix":"x"}}]}`, true},
		{`{"store":[{"anything-but":{"wildcard":"*corp"}}]}`, false},
		{`{"price":[100.5]}`, true},
		{`{"price":[{"numeric":["=",100.5]}]}`, true},
		{`{"price":[{"numeric":[">",100,"<=",100.5]}]}`, true},
		{`{"price":[{"numeric":["<",100]}]}`, false},
		{`{"price":["100.50"]}`, false},
		{`{"price":[{"anything-but":[100.5]}]}`, false},
		{`{"interests":["football"]}`, true},
		{`{"interests":[true]}`, true},
		{`{"interests":[null]}`, true},
		{`{"interests":[5]}`, true},
		{`{"interests":["golf"]}`, false},
		{`{"interests":[{"anything-but":["rugby"]}]}`, true},
		{`{"source":[{"cidr":"10.0.0.0/24"}]}`, true},
		{`{"source":[{"cidr":"10.1.0.0/24"}]}`, false},
		{`{"absent":[{"exists":false}]}`, true},
		{`{"store":[{"exists":true}],"absent":[{"exists":true}]}`, false},
		{`{"secret":[{"exists":true}]}`, false},
		{`{"a.b":["dotted"]}`, true},
		{`{"padded":[7]}`, true},
		{`{"$or":[{"store":["x"]},{"price":[{"numeric":[">",1]}]}]}`, true},
		{`{"$or":[{"store":["x"]},{"price":[1]}]}`, false},
		{`{"store":["x","example_corp"],"price":[{"numeric":[">=",1000]}]}`, false},
	} {
		p, err := filter.Compile(c.policy, filter.Attributes)
		if err != nil {
			t.Errorf("%s: %v", c.policy, err)
			continue
		}
		if got := p.Accepts(message); got != c.want {
			t.Errorf("%s: %v", c.policy, got)
		}
	}
}

func TestBody(t *testing.T) {
	p, err := filter.Compile(`{"order":{"items":{"kind":["book",{"prefix":"c"}]}},"paid":[true]}`, filter.Body)
	if err != nil {
		t.Fatal(err)
	}
	for body, want := range map[string]bool{
		`{"order":{"items":[{"kind":"pen"},{"kind":"cup"}]},"paid":true}`: true,
		`{"order":{"items":[{"kind":"pen"}]},"paid":true}`:                false,
		`{"order":{"items":{"kind":"book"}}}`:                             false,
		`not JSON`:                                                        false,
		`"text"`:                                                          false,
	} {
		if got := p.Accepts(filter.NewMessage(body, nil)); got != want {
			t.Errorf("%s: %v", body, got)
		}
	}
}

func TestCompileRefuses(t *testing.T) {
	many := `"a","b","c","d","e","f","g","h","i","j","k","l","m"` // 13
	for _, c := range []struct{ policy, scope, want string }{
		{`{"a":`, filter.Attributes, "failed to parse JSON."},
		{`[]`, filter.Attributes, "must be a JSON object"},
		{`{"a":{"b":["c"]}}`, filter.Attributes, "does not support nested"},
		{`{"a":"b"}`, filter.Attributes, `"a" must be an object or an array`},
		{`{"a":[{"sufix":"b"}]}`, filter.Attributes, "Unrecognized match type sufix"},
		{`{"a":[]}`, filter.Attributes, "Empty arrays are not allowed"},
		{`{"a":[1],"b":[1],"c":[1],"d":[1],"e":[1],"f":[1]}`, filter.Body, "more than 5 keys"},
		{`{"$or":[{"a":[1],"b":[1],"c":[1]},{"d":[1],"e":[1],"f":[1]}]}`, filter.Attributes, "more than 5 keys"},
		{`{"a":[` + many + `],"b":[` + many + `]}`, filter.Attributes, "too complex"},
		{`{"a":{"b":{"c":{"d":["1","2","3","4"]}}},"e":{"f":["1","2","3","4","5"]}}`, filter.Body, "too complex"}, // 4·4 · 5·2
		{`{"a":[{"numeric":["<",1000000001]}]}`, filter.Attributes, "must be between"},
	} {
		if _, err := filter.Compile(c.policy, c.scope); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.policy, err, c.want)
		}
	}
	if _, err := filter.Compile(`{"a":{"b":{"c":["1","2","3"]}},"e":{"f":["1","2","3","4"]}}`, filter.Body); err != nil { // 3·3 · 4·2 = 72
		t.Error(err)
	}
}

func FuzzCompile(f *testing.F) {
	f.Add(`{"a":["b",{"numeric":[">",1]}]}`, `{"a":1}`)
	f.Add(`{"$or":[{"a":[1]},{"b":{"c":[{"exists":false}]}}]}`, `{"b":{}}`)
	f.Fuzz(func(t *testing.T, policy, body string) {
		for _, scope := range []string{filter.Attributes, filter.Body} {
			if p, err := filter.Compile(policy, scope); err == nil {
				p.Accepts(filter.NewMessage(body, map[string]filter.Attribute{"a": {Type: "String.Array", Value: body}}))
			} else if err.Error() == "" {
				t.Error("refused without a reason")
			}
		}
	})
}

func BenchmarkAccepts(b *testing.B) {
	p, err := filter.Compile(`{"store":["example_corp"],"price":[{"numeric":[">",100]}]}`, filter.Attributes)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		m := filter.NewMessage("x", map[string]filter.Attribute{"store": {Type: "String", Value: "example_corp"}, "price": {Type: "Number", Value: "120"}})
		if !p.Accepts(m) {
			b.Fatal("not accepted")
		}
	}
}
