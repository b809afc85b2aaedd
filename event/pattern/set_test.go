package pattern

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// words are few, so that random patterns and events meet.
var words = []any{"a", "b", "ab", "A", "ba", 1, 2, 1.5, true, false, nil, "10.0.0.1", ""}

func drawValue(t *rapid.T) any { return rapid.SampledFrom(words).Draw(t, "value") }

func drawExpression(t *rapid.T) any {
	text := func() string { return rapid.SampledFrom([]string{"a", "b", "ab"}).Draw(t, "text") }
	switch rapid.IntRange(0, 14).Draw(t, "kind") {
	case 0:
		return map[string]any{"prefix": text()}
	case 1:
		return map[string]any{"suffix": map[string]any{"equals-ignore-case": text()}}
	case 2:
		return map[string]any{"exists": rapid.Bool().Draw(t, "exists")}
	case 3:
		return map[string]any{"anything-but": []any{text()}}
	case 4:
		return map[string]any{"anything-but": 1}
	case 5:
		return map[string]any{"numeric": []any{">", 0, "<=", 1.5}}
	case 6:
		return map[string]any{"wildcard": "*" + text() + "*"}
	case 7:
		return map[string]any{"cidr": "10.0.0.0/8"}
	default:
		return drawValue(t)
	}
}

func drawPattern(t *rapid.T, depth int) map[string]any {
	m := map[string]any{}
	for range rapid.IntRange(1, 3).Draw(t, "fields") {
		name := rapid.SampledFrom([]string{"x", "y", "z"}).Draw(t, "name")
		switch {
		case depth > 0 && rapid.IntRange(0, 3).Draw(t, "nest") == 0:
			m[name] = drawPattern(t, depth-1)
		case depth > 0 && rapid.IntRange(0, 6).Draw(t, "or") == 0:
			m["$or"] = []any{drawPattern(t, depth-1), drawPattern(t, depth-1)}
		default:
			m[name] = rapid.SliceOfN(rapid.Custom(drawExpression), 1, 2).Draw(t, "values")
		}
	}
	return m
}

func drawEvent(t *rapid.T, depth int) any {
	if depth == 0 {
		return drawValue(t)
	}
	m := map[string]any{}
	for range rapid.IntRange(0, 3).Draw(t, "fields") {
		name := rapid.SampledFrom([]string{"x", "y", "z"}).Draw(t, "name")
		switch rapid.IntRange(0, 3).Draw(t, "shape") {
		case 0:
			m[name] = drawEvent(t, depth-1)
		case 1:
			m[name] = []any{drawEvent(t, depth-1), drawEvent(t, depth-1)}
		default:
			m[name] = drawValue(t)
		}
	}
	return m
}

// TestSetIsNaive adds, replaces and removes rules at random; the set must find what matching one by one finds, which in
// turn must be what the plain definition says.
func TestSetIsNaive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set, rules := NewSet[int](), map[int]*Pattern{}
		docs := map[int]any{}
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			key := rapid.IntRange(0, 7).Draw(t, "rule")
			if rapid.IntRange(0, 3).Draw(t, "remove") == 0 {
				_, there := rules[key]
				if set.Remove(key) != there {
					t.Fatalf("remove %d: there is %v", key, there)
				}
				delete(rules, key)
				continue
			}
			doc := drawPattern(t, 2)
			src, _ := json.Marshal(doc)
			p, err := Compile(src)
			if err != nil {
				t.Fatalf("%s: %v", src, err)
			}
			set.Add(key, p)
			rules[key], docs[key] = p, doc
		}
		if set.Len() != len(rules) {
			t.Fatalf("%d rules, want %d", set.Len(), len(rules))
		}
		for range 3 {
			event, _ := json.Marshal(drawEvent(t, 3).(map[string]any))
			var want []int
			for key, p := range rules {
				ok, err := p.Matches(event)
				if err != nil {
					t.Fatal(err)
				}
				if ok {
					want = append(want, key)
				}
				if plain := plainly(p, event); plain != ok {
					d, _ := json.Marshal(docs[key])
					t.Fatalf("%s against %s: %v, by the definition %v", event, d, ok, plain)
				}
			}
			got, err := set.Match(event)
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Fatalf("%s: %v, one by one %v", event, got, want)
			}
		}
	})
}

// plainly tries every choice of one leaf for each field and looks whether two of them lie in different elements of an
// array: the definition in Event Ruler's documentation.
func plainly(p *Pattern, event []byte) bool {
	e := &facts{}
	if err := e.read(event, &p.fields); err != nil {
		return false
	}
	var try func(b branch, ids []int, chosen []int32) bool
	try = func(b branch, ids []int, chosen []int32) bool {
		if len(b) == 0 {
			place := map[int32]int32{}
			for _, s := range chosen {
				for ; s > 0; s = e.scopes[s].parent {
					a := e.scopes[s].array
					if was, ok := place[a]; ok && was != s {
						return false
					}
					place[a] = s
				}
			}
			return true
		}
		ls := e.leaves[ids[0]]
		if len(ls) == 0 {
			return b[0].absence() && try(b[1:], ids[1:], chosen)
		}
		for i := range ls {
			if b[0].takes(&ls[i]) && try(b[1:], ids[1:], append(chosen, ls[i].scope)) {
				return true
			}
		}
		return false
	}
	for i, b := range p.branches {
		if try(b, p.ids[i], nil) {
			return true
		}
	}
	return false
}

func TestSetGivesBack(t *testing.T) {
	s := NewSet[int]()
	for i := range 100 {
		p, err := Compile([]byte(fmt.Sprintf(`{"a":{"f%d":["x"]},"b":[%d,{"prefix":"q"}]}`, i, i)))
		if err != nil {
			t.Fatal(err)
		}
		s.Add(i, p)
	}
	for i := range 100 {
		s.Remove(i)
	}
	if len(s.exact) != 0 || len(s.presence) != 0 || len(s.fields.root.children) != 0 || len(s.fields.free) != s.fields.size {
		t.Errorf("left: %d values, %d fields, %d names", len(s.exact), len(s.presence), len(s.fields.root.children))
	}
}

const benchEvent = `{"version":"0","id":"53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa","detail-type":"Object Created","source":"aws.s3",
"account":"111122223333","time":"2024-10-08T16:53:06Z","region":"us-east-1","resources":["arn:aws:s3:::bucket-7"],
"detail":{"bucket":{"name":"bucket-7"},"object":{"key":"images/photo.png","size":4567,"etag":"x","sequencer":"1"},
"request-id":"r","requester":"111122223333","source-ip-address":"10.1.2.3","reason":"PutObject"}}`

func benchSet(b *testing.B, n int) *Set[int] {
	s := NewSet[int]()
	for i := range n {
		p, err := Compile([]byte(fmt.Sprintf(`{"source":["aws.s3"],"detail-type":["Object Created"],
			"detail":{"bucket":{"name":["bucket-%d"]},"object":{"key":[{"prefix":"images/"}],"size":[{"numeric":[">",%d]}]}}}`, i, i%100)))
		if err != nil {
			b.Fatal(err)
		}
		s.Add(i, p)
	}
	return s
}

func BenchmarkSet(b *testing.B) {
	for _, n := range []int{1, 1000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := benchSet(b, n)
			event := []byte(benchEvent)
			b.ReportAllocs()
			for b.Loop() {
				if got, err := s.Match(event); err != nil || len(got) > 1 {
					b.Fatal(got, err)
				}
			}
		})
	}
}

func BenchmarkSetAdd(b *testing.B) {
	for b.Loop() {
		benchSet(b, 1000)
	}
}

func BenchmarkMatches(b *testing.B) {
	p, err := Compile([]byte(`{"source":["aws.s3"],"detail":{"object":{"key":[{"prefix":"images/"}],"size":[{"numeric":[">",5]}]}}}`))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if ok, _ := p.Matches([]byte(benchEvent)); !ok {
			b.Fatal("no match")
		}
	}
}
