package expression

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/brume-dev/brume/item"
)

// The cases of testdata are expressions, one a line, with what comes of them:
//
//	condition  <expression>  =>  true | false | error
//
// Placeholders and the item are those of the archive's files names, values and item.
func TestCases(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) { runCases(t, name) })
	}
}

func runCases(t *testing.T, name string) {
	archive, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var cache Cache
	r := Request{Names: map[string]string{}, Cache: &cache}
	var it item.Map
	for _, f := range archive.Files {
		switch f.Name {
		case "names":
			for line := range strings.Lines(string(f.Data)) {
				k, v, _ := strings.Cut(strings.TrimSpace(line), " ")
				r.Names[k] = v
			}
		case "values":
			if _, err := r.Values.DecodeJSON(f.Data); err != nil {
				t.Fatal(err)
			}
		case "item":
			if _, err := it.DecodeJSON(f.Data); err != nil {
				t.Fatal(err)
			}
		case "cases":
			for n, line := range strings.Split(string(f.Data), "\n") {
				src, want, ok := strings.Cut(line, " => ")
				if !ok {
					continue
				}
				src, want = strings.TrimSpace(src), strings.TrimSpace(want)
				kind, src, _ := strings.Cut(src, " ")
				if got := outcome(&r, kind, strings.TrimSpace(src), it); got != want {
					t.Errorf("case %d: %s %s\n got %s\nwant %s", n+1, kind, src, got, want)
				}
			}
		}
	}
	if problem := r.Values.Problem(item.Current); len(r.Values) > 0 && problem != "" {
		t.Fatal(problem)
	}
}

// outcome evaluates an expression on it and renders what comes out.
func outcome(r *Request, kind, src string, it item.Map) string {
	switch kind {
	case "condition", "filter":
		k := ConditionKind
		if kind == "filter" {
			k = FilterKind
		}
		c, err := r.Condition(k, src)
		if err != nil {
			return err.Error()
		}
		return fmt.Sprint(c.Holds(it))
	case "key":
		c, err := r.KeyCondition(src)
		if err != nil {
			return err.Error()
		}
		var parts []string
		for _, p := range c {
			parts = append(parts, fmt.Sprintf("%s %s %s", p.Attribute, p.Op, item.List(p.Values...).AppendJSON(nil)))
		}
		return strings.Join(parts, "; ")
	case "projection":
		p, err := r.Projection(src)
		if err != nil {
			return err.Error()
		}
		return string(p.Of(it).AppendJSON(nil))
	case "update", "changed":
		u, err := r.Update(src)
		if err != nil {
			return err.Error()
		}
		before := string(it.AppendJSON(nil))
		out, _, err := u.Apply(it)
		if string(it.AppendJSON(nil)) != before {
			return "the item itself changed"
		}
		if err != nil {
			return err.Error()
		}
		if kind == "changed" {
			return string(u.Changed(it).AppendJSON(nil)) + " -> " + string(u.Changed(out).AppendJSON(nil))
		}
		for _, f := range it { // show what is new only
			if item.Equal(out.Get(f.Name), f.Value) {
				out.Remove(f.Name)
			} else if !out.Has(f.Name) {
				out.Put(f.Name, item.String("gone"))
			}
		}
		return string(out.AppendJSON(nil))
	}
	return "no such kind: " + kind
}

func TestRequestChecks(t *testing.T) {
	values := func(names ...string) item.Map {
		m := item.Map{}
		for _, n := range names {
			m.Put(n, item.String("x"))
		}
		return m
	}
	for _, c := range []struct {
		r    Request
		want string
	}{
		{Request{Names: map[string]string{"#a": "a"}, Values: values(":v")}, ""},
		{Request{Names: map[string]string{}}, "ExpressionAttributeNames must not be empty"},
		{Request{Values: item.Map{}}, "ExpressionAttributeValues must not be empty"},
		{Request{Names: map[string]string{"s": "a"}}, `ExpressionAttributeNames contains invalid key: Syntax error; key: "s"`},
		{Request{Names: map[string]string{"#a-b": "a"}}, `ExpressionAttributeNames contains invalid key: Syntax error; key: "#a-b"`},
		{Request{Values: values("v")}, `ExpressionAttributeValues contains invalid key: Syntax error; key: "v"`},
	} {
		got := ""
		if err := c.r.Check(); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%v %v: %q, want %q", c.r.Names, c.r.Values, got, c.want)
		}
	}
}

func TestUnused(t *testing.T) {
	r := Request{Names: map[string]string{"#a": "a", "#b": "b", "#c": "c"}, Values: item.NewMap(item.F(":x", item.Int(1)))}
	if _, err := r.Condition(ConditionKind, "#b = :x"); err != nil {
		t.Fatal(err)
	}
	if err := r.Unused(); err == nil || err.Error() != "Value provided in ExpressionAttributeNames unused in expressions: keys: {#a, #c}" {
		t.Error(err)
	}
	if _, err := r.Projection("#a, #c"); err != nil {
		t.Fatal(err)
	}
	if err := r.Unused(); err != nil {
		t.Error(err)
	}
	r.Values.Put(":y", item.Int(2))
	if err := r.Unused(); err == nil || err.Error() != "Value provided in ExpressionAttributeValues unused in expressions: keys: {:y}" {
		t.Error(err)
	}
}

func TestLimits(t *testing.T) {
	values := item.Map{}
	for i := range 101 {
		values.Put(fmt.Sprintf(":v%d", i), item.Int(int64(i)))
	}
	list := func(n int) string {
		var s []string
		for i := range n {
			s = append(s, fmt.Sprintf(":v%d", i))
		}
		return "a IN (" + strings.Join(s, ",") + ")"
	}
	chain := func(n int) string { return strings.TrimSuffix(strings.Repeat("a<b or ", n), " or ") }
	for _, c := range []struct{ src, want string }{
		{list(100), ""},
		{list(101), "Invalid ConditionExpression: The IN operator is provided with too many operands; number of operands: 101"},
		{chain(300), ""},
		{chain(301), "Invalid ConditionExpression: The expression contains too many operators; operator count: 301"},
		{"attribute_exists(" + strings.Repeat("a", 4096-18) + ")", ""},
		{"attribute_exists(" + strings.Repeat("a", 4096-17) + ")",
			"Invalid ConditionExpression: Expression size has exceeded the maximum allowed size; expression size: 4097"},
		{"attribute_exists(a" + strings.Repeat(".a", 31) + ")", ""},
		{"attribute_exists(a" + strings.Repeat(".a", 32) + ")",
			"Invalid ConditionExpression: The document path has too many nesting elements; nesting levels: 33"},
		{strings.Repeat("(", 2000) + "a = b" + strings.Repeat(")", 2000), "Invalid ConditionExpression: The expression has redundant parentheses;"},
	} {
		r := Request{Values: values}
		got := ""
		if _, err := r.Condition(ConditionKind, c.src); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%.80s: %q, want %q", c.src, got, c.want)
		}
	}
}

func TestReservedWords(t *testing.T) {
	if len(reserved) != 573 {
		t.Errorf("%d reserved words, AWS lists 573", len(reserved))
	}
	for word := range reserved {
		var r Request
		if _, err := r.Projection("x." + strings.ToLower(word)); err == nil {
			t.Errorf("%s is taken as a name", word)
		}
	}
}

// A cached tree must serve requests that bind other placeholders.
func TestCacheIsShared(t *testing.T) {
	var cache Cache
	for i := range int64(3) {
		r := Request{Names: map[string]string{"#n": fmt.Sprint("a", i)}, Values: item.NewMap(item.F(":v", item.Int(i))), Cache: &cache}
		c, err := r.Condition(ConditionKind, "#n = :v")
		if err != nil || !c.Holds(item.NewMap(item.F(fmt.Sprint("a", i), item.Int(i)))) {
			t.Fatal(i, err)
		}
	}
	if len(cache.trees) != 1 {
		t.Errorf("%d trees", len(cache.trees))
	}
	for i := range maxCached + 1 {
		_, _ = cache.parse(ProjectionKind, fmt.Sprint("a", i))
	}
	if len(cache.trees) > maxCached {
		t.Errorf("%d trees", len(cache.trees))
	}
}

func FuzzExpressions(f *testing.F) {
	for _, name := range []string{"testdata/condition.txtar", "testdata/update.txtar", "testdata/projection.txtar"} {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for line := range strings.Lines(string(b)) {
			src, _, _ := strings.Cut(line, " => ")
			f.Add(src)
		}
	}
	var it, values item.Map
	_, _ = it.DecodeJSON([]byte(`{"a":{"M":{"b":{"L":[{"N":"1"}]}}},"n":{"N":"5"},"s":{"SS":["x"]},"l":{"L":[{"S":"x"}]}}`))
	_, _ = values.DecodeJSON([]byte(`{":n":{"N":"5"},":s":{"S":"x"},":ss":{"SS":["x"]},":l":{"L":[]},":b":{"BOOL":true}}`))
	f.Fuzz(func(t *testing.T, src string) {
		for _, kind := range []string{"condition", "key", "projection", "update", "changed"} {
			r := Request{Names: map[string]string{"#a": "a", "#n": "n"}, Values: values}
			if got := outcome(&r, kind, src, it); got == "the item itself changed" {
				t.Fatal(got)
			}
		}
	})
}

func BenchmarkExpression(b *testing.B) {
	var cache Cache
	it := item.NewMap(item.F("version", item.Int(7)), item.F("state", item.String("open")), item.F("total", item.Int(100)))
	names := map[string]string{"#s": "state"}
	values := item.NewMap(item.F(":v", item.Int(7)), item.F(":one", item.Int(1)), item.F(":s", item.String("open")))
	b.Run("Condition", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r := Request{Names: names, Values: values, Cache: &cache}
			c, err := r.Condition(ConditionKind, "attribute_exists(version) AND version = :v AND #s = :s")
			if err != nil || !c.Holds(it) {
				b.Fatal(err)
			}
		}
	})
	b.Run("Update", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r := Request{Names: names, Values: values, Cache: &cache}
			u, err := r.Update("SET version = version + :one, #s = :s")
			if err != nil {
				b.Fatal(err)
			}
			if _, _, err := u.Apply(it); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Parse", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := parse(ConditionKind, "attribute_exists(version) AND version = :v AND #s = :s"); err != nil {
				b.Fatal(err)
			}
		}
	})
}
