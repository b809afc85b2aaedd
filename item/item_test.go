package item

import (
	"bytes"
	"cmp"
	"encoding/json"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// draw makes any valid value, nested at most depth levels.
func draw(t *rapid.T, depth int) Value {
	kinds := []Kind{S, N, B, BOOL, NULL, SS, NS, BS}
	if depth > 0 {
		kinds = append(kinds, M, L)
	}
	text := rapid.String()
	switch k := rapid.SampledFrom(kinds).Draw(t, "kind"); k {
	case S:
		return String(text.Draw(t, "s"))
	case N:
		v, _ := Number(drawNumber(t))
		return v
	case B:
		return Binary(rapid.SliceOf(rapid.Byte()).Draw(t, "b"))
	case BOOL:
		return Bool(rapid.Bool().Draw(t, "bool"))
	case NULL:
		return Null()
	case M:
		return MapOf(drawMap(t, depth-1))
	case L:
		vs := []Value{}
		for range rapid.IntRange(0, 3).Draw(t, "n") {
			vs = append(vs, draw(t, depth-1))
		}
		return List(vs...)
	case NS:
		ns := map[string]bool{}
		for range rapid.IntRange(1, 3).Draw(t, "n") {
			v, _ := Number(drawNumber(t))
			ns[v.s] = true
		}
		return setOf(k, ns)
	default:
		ss := map[string]bool{}
		for range rapid.IntRange(1, 3).Draw(t, "n") {
			ss[text.Draw(t, "s")] = true
		}
		return setOf(k, ss)
	}
}

func setOf(k Kind, members map[string]bool) Value {
	list := []string{}
	for s := range members {
		list = append(list, s)
	}
	v, problem := Set(k, list...)
	if problem != "" {
		panic(problem)
	}
	return v
}

func drawMap(t *rapid.T, depth int) Map {
	m := Map{}
	for range rapid.IntRange(0, 12).Draw(t, "fields") {
		m.Put(rapid.String().Draw(t, "name"), draw(t, depth))
	}
	return m
}

// drawNumber makes the text of a number that DynamoDB takes, in any of the forms that clients may write.
func drawNumber(t *rapid.T) string {
	if rapid.Bool().Draw(t, "small") {
		return big.NewInt(rapid.Int64().Draw(t, "int")).String()
	}
	return rapid.StringMatching(`-?[0-9]{1,20}(\.[0-9]{1,18})?([eE][+-]?[0-9]{1,2})?`).Draw(t, "number")
}

func TestRoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawMap(t, 4)
		stored, err := Decode(m.Append(nil))
		if err != nil || !EqualMaps(m, stored) {
			t.Fatalf("stored form gave %v (%v), want %v", stored, err, m)
		}
		text := m.AppendJSON(nil)
		if !json.Valid(text) {
			t.Fatalf("%s is no JSON", text)
		}
		var read Map
		rest, err := read.DecodeJSON(append(text, " ,]"...))
		if err != nil || string(rest) != " ,]" || !EqualMaps(m, read) {
			t.Fatalf("%s\n gave %v, rest %q (%v)", text, read, rest, err)
		}
		if !bytes.Equal(read.Append(nil), m.Append(nil)) {
			t.Fatal("equal items have two stored forms")
		}
		if m.Size() != read.Size() || m.Problem(Current) != "" {
			t.Fatalf("size %d and %d, problem %q", m.Size(), read.Size(), m.Problem(Current))
		}
	})
}

// Keys must sort as their values do; numbers are judged by math/big.
func TestKeyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, _ := Number(drawNumber(t))
		b, _ := Number(drawNumber(t))
		x, _ := new(big.Rat).SetString(a.s)
		y, _ := new(big.Rat).SetString(b.s)
		want := x.Cmp(y)
		if got := Compare(a, b); got != want {
			t.Fatalf("Compare(%s, %s) = %d, want %d", a.s, b.s, got, want)
		}
		ka, kb := append(a.AppendKey(nil), 7), append(b.AppendKey(nil), 7)
		if got := bytes.Compare(ka, kb); got != want {
			t.Fatalf("keys of %s and %s: %d, want %d", a.s, b.s, got, want)
		}
		s, u := Binary(rapid.SliceOf(rapid.Byte()).Draw(t, "s")), Binary(rapid.SliceOf(rapid.Byte()).Draw(t, "u"))
		if got, want := bytes.Compare(s.AppendKey(nil), u.AppendKey(nil)), cmp.Compare(s.s, u.s); got != want {
			t.Fatalf("keys of %x and %x: %d, want %d", s.s, u.s, got, want)
		}
		if starts := bytes.HasPrefix(u.AppendKey(nil), s.AppendKeyPrefix(nil)); starts != strings.HasPrefix(u.s, s.s) && !strings.HasSuffix(s.s, "\x00") {
			t.Fatalf("key prefix of %x and key of %x: %v", s.s, u.s, starts)
		}
	})
}

func TestNumber(t *testing.T) {
	nines := strings.Repeat("9", 38)
	for _, c := range []struct{ in, normal, problem string }{
		{"0", "0", ""}, {"-0", "0", ""}, {"0.000", "0", ""}, {"0e125", "0", ""}, {"0e126", "", overflow}, {"0e-131", "", underflow},
		{"1", "1", ""}, {"+1", "1", ""}, {"-1", "-1", ""}, {"007", "7", ""}, {"100", "100", ""}, {"1.50", "1.5", ""},
		{".5", "0.5", ""}, {"5.", "5", ""}, {"-.5e1", "-5", ""}, {"1e2", "100", ""}, {"1E-3", "0.001", ""},
		{"123.456e1", "1234.56", ""}, {"123.456e-5", "0.00123456", ""}, {"0.00100", "0.001", ""}, {"10.10", "10.1", ""},
		{nines, nines, ""}, {"0." + nines, "0." + nines, ""}, {nines + "0", nines + "0", ""},
		{"1e125", "1" + strings.Repeat("0", 125), ""}, {"1e-130", "0." + strings.Repeat("0", 129) + "1", ""},
		{"9.9999999999999999999999999999999999999E+125", nines + strings.Repeat("0", 88), ""},
		{nines + "9", "", tooPrecise}, {"1" + nines, "", tooPrecise}, {"1e126", "", overflow}, {"-1e126", "", overflow},
		{"1e-131", "", underflow}, {"", "", notNumeric + ": "}, {"e", "", notNumeric + ": e"}, {".", "", notNumeric + ": ."},
		{"NaN", "", notNumeric + ": NaN"}, {"Infinity", "", notNumeric + ": Infinity"}, {"1 ", "", notNumeric + ": 1 "},
		{"0x10", "", notNumeric + ": 0x10"}, {"1.2.3", "", notNumeric + ": 1.2.3"}, {"1e", "", notNumeric + ": 1e"},
		{"1_0", "", notNumeric + ": 1_0"}, {"--1", "", notNumeric + ": --1"}, {"1e99999999999", "", overflow}, {"1e-99999999999", "", underflow},
		{"1e9223372036854775808", "", notNumeric + ": 1e9223372036854775808"},
	} {
		v, problem := Number(c.in)
		if v.Text() != c.normal || problem != c.problem {
			t.Errorf("%q: %q, %q; want %q, %q", c.in, v.Text(), problem, c.normal, c.problem)
		}
	}
}

func TestAdd(t *testing.T) {
	nines := strings.Repeat("9", 38)
	for _, c := range []struct {
		a, b    string
		negate  bool
		want    string
		problem string
	}{
		{"1", "2", false, "3", ""}, {"1", "2", true, "-1", ""}, {"0.1", "0.2", false, "0.3", ""},
		{"1e125", "-1e125", false, "0", ""}, {nines, "1", false, "1" + strings.Repeat("0", 38), ""},
		{nines, "0.1", false, "", tooPrecise}, {"1e30", "1e-30", false, "", tooPrecise},
		{"9e125", "9e125", false, "", overflow}, {"1.1e-130", "1e-130", true, "", underflow},
		{"99999999999999999", "99999999999999999", false, "199999999999999998", ""},
	} {
		a, _ := Number(c.a)
		b, _ := Number(c.b)
		v, problem := Add(a, b, c.negate)
		if v.Text() != c.want || problem != c.problem {
			t.Errorf("%s, %s: %q, %q; want %q, %q", c.a, c.b, v.Text(), problem, c.want, c.problem)
		}
	}
}

func TestSize(t *testing.T) {
	for _, c := range []struct {
		json string
		want int
	}{
		{`{}`, 0}, {`{"a":{"S":"hé"}}`, 4}, {`{"a":{"BOOL":true},"bc":{"NULL":true}}`, 5}, {`{"a":{"B":"AAAA"}}`, 4},
		{`{"a":{"N":"0"}}`, 2}, {`{"a":{"N":"1"}}`, 3}, {`{"a":{"N":"-1"}}`, 4}, {`{"a":{"N":"12"}}`, 3}, {`{"a":{"N":"123"}}`, 4},
		{`{"a":{"N":"1000"}}`, 3}, {`{"a":{"N":"0.001"}}`, 3}, {`{"a":{"N":"12.34"}}`, 4}, {`{"a":{"N":"1.234"}}`, 5}, {`{"a":{"N":"1010"}}`, 4}, {`{"a":{"N":"0.0000001"}}`, 3}, {`{"a":{"N":"1E125"}}`, 3},
		{`{"a":{"N":"1.5"}}`, 4}, {`{"a":{"N":"3.14159"}}`, 6}, {`{"a":{"N":"100.5"}}`, 5}, {`{"a":{"N":"0.15"}}`, 3},
		{`{"a":{"N":"` + strings.Repeat("9", 38) + `"}}`, 21},
		{`{"a":{"L":[]}}`, 4}, {`{"a":{"L":[{"S":"x"},{"N":"1"}]}}`, 1 + 3 + 2 + 1 + 2}, {`{"a":{"M":{"k":{"S":"x"}}}}`, 1 + 3 + 1 + 1 + 1},
		{`{"a":{"SS":["x","yz"]}}`, 4}, {`{"a":{"NS":["1","22"]}}`, 5},
	} {
		var m Map
		if _, err := m.DecodeJSON([]byte(c.json)); err != nil || m.Size() != c.want {
			t.Errorf("%s: %d (%v), want %d", c.json, m.Size(), err, c.want)
		}
	}
}

func TestProblems(t *testing.T) {
	deep := func(n int) string {
		return `{"a":` + strings.Repeat(`{"L":[`, n) + `{"S":"x"}` + strings.Repeat(`]}`, n) + `}`
	}
	for _, c := range []struct{ json, problem string }{
		{`{"a":{"S":""},"b":{"B":""},"c":{"L":[]},"d":{"M":{}},"e":{"SS":[""]}}`, ""},
		{`{"a":{}}`, emptyValue}, {`{"a":null}`, emptyValue}, {`{"a":{"S":null}}`, emptyValue}, {`{"a":{"Z":[1,{"x":"}"}]}}`, emptyValue},
		{`{"a":{"S":"x","N":"1"}}`, manyTypes}, {`{"a":{"S":"x","N":""}}`, notNumeric + ": "}, {`{"a":{"L":[{"M":{"x":{}}}]}}`, emptyValue},
		{`{"a":{"NULL":false}}`, nullFalse}, {`{"a":{"N":"x"}}`, notNumeric + ": x"},
		{`{"a":{"SS":[]}}`, emptySS}, {`{"a":{"NS":[]}}`, emptyNS}, {`{"a":{"BS":[]}}`, emptyBS}, {`{"a":{"NS":["1","y"]}}`, notNumeric + ": y"},
		{`{"a":{"SS":["b","a","b"]}}`, duplicates + `["a", "b", "b"] contains duplicates.`}, {`{"a":{"NS":["1","1.0"]}}`, duplicates + "contains duplicates."},
		{`{"a":{"BS":["/w==","AA==","AA=="]}}`, duplicates + `["AA==","/w==","AA=="]of type BS contains duplicates.`},
		{deep(31), ""}, {deep(32), TooDeep}, {deep(5000), TooDeep},
	} {
		var m Map
		if _, err := m.DecodeJSON([]byte(c.json)); err != nil || m.Problem(Current) != c.problem {
			t.Errorf("%.200s: %q (%v), want %q", c.json, m.Problem(Current), err, c.problem)
		}
	}
}

func TestOlderWording(t *testing.T) {
	for _, c := range []struct{ json, problem string }{
		{`{"a":{"N":""}}`, notNumeric}, {`{"a":{"N":"x"}}`, notNumeric + ": x"},
		{`{"a":{"SS":["b","a","b"]}}`, duplicates + "[b, a, b] contains duplicates."},
		{`{"a":{"BS":["/w==","AA==","AA=="]}}`, duplicates + "[/w==, AA==, AA==]of type BS contains duplicates."},
		{`{"a":{"NS":["2","1","2"]}}`, "Input collection contains duplicates"},
	} {
		var m Map
		if _, err := m.DecodeJSON([]byte(c.json)); err != nil || m.Problem(Older) != c.problem {
			t.Errorf("%s: %q (%v), want %q", c.json, m.Problem(Older), err, c.problem)
		}
	}
}

func TestSerializationErrors(t *testing.T) {
	for _, c := range []struct{ json, text string }{
		{`{"a":{"S":1}}`, "NUMBER_VALUE cannot be converted to String"}, {`{"a":{"S":true}}`, "TRUE_VALUE cannot be converted to String"},
		{`{"a":{"N":1}}`, "NUMBER_VALUE cannot be converted to String"}, {`{"a":{"S":[]}}`, "Unrecognized collection type class java.lang.String"}, {`{"a":{"SS":"x"}}`, "Unexpected field type"},
		{`{"a":{"B":true}}`, "only base-64-encoded strings are convertible to bytes"}, {`{"a":{"B":"abc"}}`, "Base64 encoded length is expected a multiple of 4 bytes but found: 3"},
		{`{"a":{"BOOL":"x"}}`, "STRING_VALUE cannot be converted to Boolean"}, {`{"a":"x"}`, "Unexpected field type"}, {`{"a":{"SS":{}}}`, "Start of structure or map found where not expected."},
		{`[]`, "Unrecognized collection type class java.util.Map"}, {`{"a":{"S":"x"}`, ""}, {`{"a":{"S":"x"},}`, ""}, {`{"a" {"S":"x"}}`, ""},
		{`{"a":{"S":"\q"}}`, ""}, {"{\"a\":{\"S\":\"\x01\"}}", ""}, {"{\"a\":{\"S\":\"\xff\"}}", ""}, {``, ""}, {`{"a":{"S":"x"}}x`, "left"},
	} {
		var m Map
		rest, err := m.DecodeJSON([]byte(c.json))
		if c.text == "left" {
			if err != nil || string(rest) != "x" {
				t.Errorf("%s: rest %q (%v)", c.json, rest, err)
			}
			continue
		}
		if err == nil || err.Error() != "SerializationException: "+c.text {
			t.Errorf("%s: %v, want %q", c.json, err, c.text)
		}
	}
}

func TestEscapes(t *testing.T) {
	var v Value
	if _, err := v.DecodeJSON([]byte(`{"S":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00\ud83d\u0041"}`)); err != nil {
		t.Fatal(err)
	}
	if want := "\"\\/\b\f\n\r\té😀\ufffdA"; v.Text() != want {
		t.Errorf("%q, want %q", v.Text(), want)
	}
}

func FuzzDecodeJSON(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte(`{"a":{"S":"\ud800"},"a":{"BS":["AA=="]}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var m Map
		if _, err := m.DecodeJSON(b); err != nil || m.Problem(Current) != "" {
			return
		}
		got, err := Decode(m.Append(nil))
		if err != nil || !EqualMaps(got, m) {
			t.Fatalf("%q: %v, %v", b, got, err)
		}
		var again Map
		if _, err := again.DecodeJSON(m.AppendJSON(nil)); err != nil || !EqualMaps(again, m) {
			t.Fatalf("%q: %v, %v", b, again, err)
		}
	})
}

func FuzzDecode(f *testing.F) {
	var m Map
	_, _ = m.DecodeJSON([]byte(sample))
	f.Add(m.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) { _, _ = Decode(b) })
}

func FuzzNumber(f *testing.F) {
	f.Add("-12.5e3")
	f.Fuzz(func(t *testing.T, s string) {
		v, problem := Number(s)
		if problem != "" {
			return
		}
		if again, p := Number(v.s); p != "" || again.s != v.s {
			t.Fatalf("%q: normal form %q becomes %q %q", s, v.s, again.s, p)
		}
		if len(s) < 100 && !strings.ContainsAny(s, "eE") {
			want, ok := new(big.Rat).SetString(s)
			if got, _ := new(big.Rat).SetString(v.s); !ok || got.Cmp(want) != 0 {
				t.Fatalf("%q became %q", s, v.s)
			}
		}
	})
}

const sample = `{"pk":{"S":"customer#12345678"},"sk":{"S":"order#2026-11-21T10:00:00Z"},"total":{"N":"129.95"},"count":{"N":"3"},
"paid":{"BOOL":true},"note":{"S":"please leave at the door, \"thanks\""},"tags":{"SS":["express","gift"]},
"lines":{"L":[{"M":{"sku":{"S":"A-1"},"qty":{"N":"2"}}},{"M":{"sku":{"S":"B-7"},"qty":{"N":"1"}}}]},
"address":{"M":{"street":{"S":"Main Street 1"},"zip":{"S":"12345"}}},"blob":{"B":"AAECAwQFBgcICQ=="}}`

func BenchmarkItem(b *testing.B) {
	text := []byte(sample)
	var m Map
	if _, err := m.DecodeJSON(text); err != nil {
		b.Fatal(err)
	}
	stored := m.Append(nil)
	buf := make([]byte, 0, 4096)
	b.Run("DecodeJSON", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var m Map
			_, _ = m.DecodeJSON(text)
		}
	})
	b.Run("AppendJSON", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			buf = m.AppendJSON(buf[:0])
		}
	})
	b.Run("Append", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			buf = m.Append(buf[:0])
		}
	})
	b.Run("Decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = Decode(stored)
		}
	})
	b.Run("Size", func(b *testing.B) {
		for b.Loop() {
			m.Size()
		}
	})
}
