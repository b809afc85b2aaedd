package shape

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/aws"
)

// every has a member of each kind.
type every struct {
	Text    *string                     `aws:"text"`
	Flag    *bool                       `aws:"flag"`
	Int     *int32                      `aws:"int"`
	Long    *int64                      `aws:"long"`
	Float   *float32                    `aws:"float"`
	Double  *float64                    `aws:"double"`
	Blob    []byte                      `aws:"blob"`
	Time    *time.Time                  `aws:"time"`
	ISO     *time.Time                  `aws:"iso,ts=iso8601"`
	HTTP    *time.Time                  `aws:"http,ts=http"`
	Doc     aws.Document                `aws:"doc"`
	Color   color                       `aws:"color"`
	Struct  *every                      `aws:"struct"`
	List    []every                     `aws:"list"`
	Refs    []*every                    `aws:"refs"`
	Strings []string                    `aws:"strings"`
	Map     map[string]string           `aws:"map"`
	Enums   map[color]int32             `aws:"enums"`
	Structs map[string]every            `aws:"structs"`
	Lists   map[string][]string         `aws:"lists"`
	Stream  io.Reader                   `aws:"stream,payload,stream"`
	Header  *string                     `aws:"header,header=X-Header"`
	Nested  map[string]map[string]int64 `aws:"nested"`
	Items   []string                    `aws:"item"`
}

func TestSerializationExceptions(t *testing.T) {
	for _, c := range []struct{ doc, want, dynamo string }{
		{`{"text":1}`, "NUMBER_VALUE can not be converted to a String", "NUMBER_VALUE cannot be converted to String"},
		{`{"text":true}`, "TRUE_VALUE can not be converted to a String", "TRUE_VALUE cannot be converted to String"},
		{`{"text":{}}`, "Start of structure or map found where not expected.", ""},
		{`{"text":[]}`, "Start of list found where not expected", "Unrecognized collection type class java.lang.String"},
		{`{"flag":"true"}`, "STRING_VALUE can not be converted to a Boolean", "STRING_VALUE cannot be converted to Boolean"},
		{`{"int":"5"}`, "STRING_VALUE can not be converted to an Integer", "STRING_VALUE cannot be converted to Integer"},
		{`{"int":2147483648}`, "NUMBER_VALUE can not be converted to an Integer", "NUMBER_VALUE cannot be converted to Integer"},
		{`{"long":9223372036854775808}`, "NUMBER_VALUE can not be converted to a Long", "NUMBER_VALUE cannot be converted to Long"},
		{`{"long":1e300}`, "NUMBER_VALUE can not be converted to a Long", "NUMBER_VALUE cannot be converted to Long"},
		{`{"double":false}`, "FALSE_VALUE can not be converted to a Double", "FALSE_VALUE cannot be converted to Double"},
		{`{"float":"nan"}`, "STRING_VALUE can not be converted to a Float", "STRING_VALUE cannot be converted to Float"},
		{`{"time":"2020-01-01T00:00:00Z"}`, "STRING_VALUE can not be converted to milliseconds since epoch", "STRING_VALUE cannot be converted to Date"},
		{`{"time":1e40}`, "NUMBER_VALUE can not be converted to milliseconds since epoch", "NUMBER_VALUE cannot be converted to Date"},
		{`{"blob":"!"}`, "STRING_VALUE can not be converted to a Blob", "STRING_VALUE cannot be converted to Blob"},
		{`{"struct":"x"}`, "Expected null", "Unexpected field type"},
		{`{"struct":[]}`, "Start of list found where not expected", "Unrecognized collection type class com.amazonaws.dynamodb.v20120810.every"},
		{`{"list":{}}`, "Start of structure or map found where not expected.", ""},
		{`{"map":1}`, "Expected map or null", "Unexpected field type"},
		{`{"strings":1}`, "Expected list or null", "Unexpected field type"},
		{`[]`, "Start of list found where not expected", "Unrecognized collection type class com.amazonaws.dynamodb.v20120810.every"},
		{`"x"`, "Expected null", "Unexpected field type"},
		{`{"text":"x"`, "", ""},
		{`{"text":"x"} x`, "", ""},
		{`{"unknown":[1,}`, "", ""},
	} {
		for _, dynamo := range []bool{false, true} {
			want := c.want
			if dynamo && c.dynamo != "" {
				want = c.dynamo
			}
			var n Notes
			err := JSON{DynamoDB: dynamo}.Decode([]byte(c.doc), ValueOf(new(every)), &n)
			if i := aws.InfoOf(err); i.Code != "SerializationException" || i.Status != 400 || i.Message != want {
				t.Errorf("%s: %s %d %q, want %q", c.doc, i.Code, i.Status, i.Message, want)
			}
		}
	}
}

func TestDecodeJSON(t *testing.T) {
	in := &every{}
	doc := `{"text":"é","unknown":{"x":[1]},"flag":null,"int":2.9,"long":9223372036854775807,"float":"-Infinity","double":1e3,
		"blob":"AQI=","time":1700000000.123,"iso":"2020-01-02T03:04:05+01:00","http":"Thu, 02 Jan 2020 03:04:05 GMT",
		"doc":{ "a" : [1] },"color":"RED","list":[{"text":"1"},{}],"refs":[{"text":"2"}],"strings":[],"map":{"a":"b","c":null},
		"enums":{"GREEN":3},"structs":{"k":{"int":1}},"lists":{"l":["x"]},"nested":{"a":{"b":1}},"stream":"eA==","Items":["z"]}`
	if n, err := DecodeJSON([]byte(doc), in); err != nil || n != nil {
		t.Fatal(n, err)
	}
	if *in.Int != 2 || in.Flag != nil || !math.IsInf(float64(*in.Float), -1) || string(in.Doc) != `{ "a" : [1] }` || in.Items[0] != "z" {
		t.Errorf("%+v", in)
	}
	if *in.Time != time.UnixMilli(1700000000123).UTC() || in.ISO.Hour() != 2 {
		t.Errorf("%v %v", in.Time, in.ISO)
	}
	out, err := AppendJSON(nil, in)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"text":"é","int":2,"long":9223372036854775807,"float":"-Infinity","double":1000.0,"blob":"AQI=","time":1700000000.123,` +
		`"iso":"2020-01-02T02:04:05Z","http":"Thu, 02 Jan 2020 03:04:05 GMT","doc":{ "a" : [1] },"color":"RED","list":[{"text":"1"},{}],` +
		`"refs":[{"text":"2"}],"strings":[],"map":{"a":"b"},"enums":{"GREEN":3},"structs":{"k":{"int":1}},"lists":{"l":["x"]},"stream":"eA==",` +
		`"nested":{"a":{"b":1}},"item":["z"]}`
	if string(out) != want {
		t.Errorf("\n got %s\nwant %s", out, want)
	}
}

func TestLenientTimes(t *testing.T) {
	for _, s := range []string{`1577934245`, `"2020-01-02T03:04:05Z"`, `"2020-01-02T03:04:05"`, `"2020-01-02T03:04:05.000+0000"`} {
		in := &every{}
		if _, err := DecodeJSON([]byte(`{"time":`+s+`}`), in); err != nil || in.Time.Unix() != 1577934245 {
			t.Errorf("%s: %v, %v", s, in.Time, err)
		}
	}
}

func TestBoundLeavesOtherMembersAlone(t *testing.T) {
	in := &every{}
	var n Notes
	if err := (JSON{Bound: true}).Decode([]byte(`{"header":"x","text":"y"}`), ValueOf(in), &n); err != nil || in.Header != nil || *in.Text != "y" {
		t.Errorf("%+v, %v", in, err)
	}
	s := "x"
	in.Header = &s
	b, err := JSON{Bound: true}.Append(nil, ValueOf(in))
	if err != nil || string(b) != `{"text":"y"}` {
		t.Errorf("%s, %v", b, err)
	}
}

// FuzzDecodeJSON looks for documents that do not survive being written and read again.
func FuzzDecodeJSON(f *testing.F) {
	f.Add([]byte(`{"text":"é","double":"NaN","blob":"AQI=","time":1.5,"doc":[1],"list":[{"refs":[{}]}],"map":{"a":"b"},"enums":{"RED":1}}`))
	f.Add([]byte(`{"iso":"2020-01-01T00:00:00Z","structs":{"a":{"nested":{"b":{"c":-1}}}},"strings":[null]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		in := new(every)
		if _, err := DecodeJSON(b, in); err != nil {
			return
		}
		one, err := AppendJSON(nil, in)
		if err != nil || !json.Valid(one) {
			t.Fatalf("%q gave %s, %v", b, one, err)
		}
		if in.Stream != nil {
			return // read to its end
		}
		again := new(every)
		if _, err := DecodeJSON(one, again); err != nil {
			t.Fatalf("%q gave %s: %v", b, one, err)
		}
		if two, _ := AppendJSON(nil, again); !bytes.Equal(one, two) {
			t.Errorf("%q gave %s and then %s", b, one, two)
		}
		if err := Validate(in, nil, StyleOf("kms")); err != nil && strings.Contains(err.Error(), "0 validation") {
			t.Error(err)
		}
	})
}

func FuzzParseTime(f *testing.F) {
	f.Add("1700000000.123")
	f.Add("2020-01-02T03:04:05.678Z")
	f.Add("Thu, 02 Jan 2020 03:04:05 GMT")
	f.Fuzz(func(t *testing.T, s string) {
		for _, format := range []TimeFormat{UnixTime, ISO8601, HTTPTime, ISO8601Millis} {
			at, ok := ParseTime(s, format)
			if !ok {
				continue
			}
			at = at.Truncate(time.Second) // formats differ in their fractions
			if back, ok := ParseTime(string(AppendTime(nil, at, format)), format); !ok || !back.Equal(at) && at.Year() < 10000 {
				t.Errorf("%q as %d: %v came back as %v", s, format, at, back)
			}
		}
	})
}

func TestMemberPresence(t *testing.T) {
	v := ValueOf(&every{Strings: []string{}, Map: nil})
	for name, want := range map[string]bool{"strings": true, "map": false, "color": false, "text": false, "doc": false} {
		if _, ok := v.Member(v.Shape.Member(name)); ok != want {
			t.Errorf("%s: %v", name, ok)
		}
	}
	type answer struct {
		Items []string `aws:"items,req"`
	}
	if b, _ := AppendJSON(nil, &answer{}); string(b) != `{"items":[]}` {
		t.Errorf("a required list that is nil: %s", b)
	}
	if reflect.TypeOf(v.Interface()) != reflect.TypeFor[*every]() {
		t.Errorf("%T", v.Interface())
	}
}
