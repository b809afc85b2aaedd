package protocol_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/brume-dev/brume/aws"
)

// A suite of the published cases describes its own little API model. model builds Go types from it, with the struct tags
// that api/gen would write, so that the cases run through the same plans as the generated packages.
type model struct {
	shapes map[string]*modelShape
	xml    bool
	ec2    bool
}

type modelRef struct {
	Shape           string
	Location        string
	LocationName    string
	QueryName       string
	Flattened       bool
	XMLAttribute    bool
	JSONValue       bool
	HostLabel       bool
	TimestampFormat string
	XMLNamespace    modelNS
	Payload         string
	ResultWrapper   string
}

// modelNS is either a URI or an object.
type modelNS struct{ Prefix, URI string }

func (n *modelNS) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, &n.URI)
	}
	type plain modelNS
	return json.Unmarshal(b, (*plain)(n))
}

type modelShape struct {
	modelRef
	Type       string
	Members    map[string]*modelRef
	Member     *modelRef
	Key, Value *modelRef
	Streaming  bool
	Union      bool
}

const recursion = 7 // recursive shapes are unrolled so often: the cases need less

// of returns the Go type of a shape, without a pointer.
func (m *model) of(name string, depth map[string]int) reflect.Type {
	s := m.shapes[name]
	switch s.Type {
	case "string", "character":
		return reflect.TypeFor[string]()
	case "boolean":
		return reflect.TypeFor[bool]()
	case "integer":
		return reflect.TypeFor[int32]()
	case "long":
		return reflect.TypeFor[int64]()
	case "float":
		return reflect.TypeFor[float32]()
	case "double":
		return reflect.TypeFor[float64]()
	case "blob":
		return reflect.TypeFor[[]byte]()
	case "timestamp":
		return reflect.TypeFor[time.Time]()
	case "list":
		return reflect.SliceOf(m.of(s.Member.Shape, depth))
	case "map":
		return reflect.MapOf(reflect.TypeFor[string](), m.of(s.Value.Shape, depth))
	case "structure":
		if depth[name] == recursion {
			return reflect.TypeFor[struct{}]()
		}
		depth = maps.Clone(depth)
		if depth == nil {
			depth = map[string]int{}
		}
		depth[name]++
		return m.structure(s, depth)
	}
	panic("shape type " + s.Type)
}

func (m *model) structure(s *modelShape, depth map[string]int) reflect.Type {
	facts := `aws:"xml=Root"`
	if s.Union {
		facts = `aws:"union"`
	}
	fields := []reflect.StructField{{Name: "_", PkgPath: "x", Type: reflect.TypeFor[struct{}](), Tag: reflect.StructTag(facts)}}
	for _, name := range slices.Sorted(maps.Keys(s.Members)) {
		ref := s.Members[name]
		t := m.of(ref.Shape, depth)
		target := m.shapes[ref.Shape]
		switch {
		case target.Streaming:
			t = reflect.TypeFor[io.Reader]()
		case ref.JSONValue && ref.Location == "header":
			t = reflect.TypeFor[aws.Document]()
		case target.Type != "list" && target.Type != "map" && target.Type != "blob":
			t = reflect.PointerTo(t)
		}
		fields = append(fields, reflect.StructField{Name: field(name), Type: t, Tag: m.tag(s, name, ref, target)})
	}
	return reflect.StructOf(fields)
}

func field(name string) string { return strings.ToUpper(name[:1]) + name[1:] }

func first(vs ...string) string {
	for _, v := range vs {
		if v != "" {
			return v
		}
	}
	return ""
}

func (m *model) tag(s *modelShape, name string, ref *modelRef, target *modelShape) reflect.StructTag {
	location := first(ref.Location, target.Location)
	at := first(ref.LocationName, target.LocationName, name)
	wire := name
	if location == "" {
		wire = at
	}
	opts := []string{wire}
	opt := func(format string, args ...any) { opts = append(opts, fmt.Sprintf(format, args...)) }
	if m.xml {
		opts = append(opts, m.xmlTags(ref, target)...)
	}
	switch location {
	case "uri":
		opt("uri=%s", at)
	case "querystring":
		if target.Type == "map" {
			opt("querymap")
		} else {
			opt("query=%s", at)
		}
	case "header":
		opt("header=%s", at)
	case "headers":
		opt("headers=%s", first(ref.LocationName, target.LocationName))
	case "statusCode":
		opt("status")
	}
	if ns := ref.XMLNamespace; ns.URI != "" {
		opt("ns=%s", strings.TrimPrefix(ns.Prefix+":"+ns.URI, ":"))
	} else if ns := target.XMLNamespace; ns.URI != "" {
		opt("ns=%s", strings.TrimPrefix(ns.Prefix+":"+ns.URI, ":"))
	}
	switch first(ref.TimestampFormat, target.TimestampFormat) {
	case "iso8601":
		opt("ts=iso8601")
	case "unixTimestamp":
		opt("ts=unix")
	case "rfc822":
		opt("ts=http")
	}
	if s.Payload == name {
		opt("payload")
	}
	return reflect.StructTag(`aws:"` + strings.Join(opts, ",") + `"`)
}

func (m *model) xmlTags(ref *modelRef, target *modelShape) (opts []string) {
	flat := ref.Flattened || target.Flattened
	if target.Type == "list" {
		item := target.Member.LocationName
		if flat {
			if item != "" && !m.ec2 {
				opts = append(opts, "xml="+item)
			}
		} else if item != "" {
			opts = append(opts, "item="+item)
		}
	}
	if ref.QueryName != "" {
		opts = append(opts, "ec2="+ref.QueryName)
	}
	if flat {
		opts = append(opts, "flat")
	}
	if target.Type == "map" {
		opts = append(opts, "kv="+first(target.Key.LocationName, "key")+":"+first(target.Value.LocationName, "value"))
	}
	if ref.XMLAttribute {
		opts = append(opts, "attr")
	}
	return opts
}

// fill sets v, of the Go type of the shape name, from a value of the published cases: blobs are plain text, timestamps
// seconds, and members go by the names of the model.
func (m *model) fill(v reflect.Value, name string, x any) {
	s := m.shapes[name]
	switch {
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		m.fill(v.Elem(), name, x)
	case v.Type() == reflect.TypeFor[io.Reader]():
		v.Set(reflect.ValueOf(strings.NewReader(x.(string))))
	case v.Type() == reflect.TypeFor[aws.Document]():
		v.SetBytes(document(x))
	case s.Type == "blob":
		v.SetBytes([]byte(x.(string)))
	case s.Type == "timestamp":
		v.Set(reflect.ValueOf(time.Unix(int64(x.(float64)), 0).UTC()))
	case s.Type == "list":
		v.Set(reflect.MakeSlice(v.Type(), len(x.([]any)), len(x.([]any))))
		for i, e := range x.([]any) {
			m.fill(v.Index(i), s.Member.Shape, e)
		}
	case s.Type == "map":
		v.Set(reflect.MakeMap(v.Type()))
		for k, e := range x.(map[string]any) {
			p := reflect.New(v.Type().Elem()).Elem()
			m.fill(p, s.Value.Shape, e)
			v.SetMapIndex(reflect.ValueOf(k), p)
		}
	case s.Type == "structure":
		for k, e := range x.(map[string]any) {
			if e != nil {
				m.fill(v.FieldByName(field(k)), s.Members[k].Shape, e)
			}
		}
	default:
		m.scalar(v, x)
	}
}

func (m *model) scalar(v reflect.Value, x any) {
	switch x := x.(type) {
	case string:
		v.SetString(x)
	case bool:
		v.SetBool(x)
	case float64:
		if v.CanInt() {
			v.SetInt(int64(x))
		} else {
			v.SetFloat(x)
		}
	default: // a JSON value in a string
		v.SetString(string(document(x)))
	}
}

func document(x any) []byte {
	b, err := json.Marshal(x)
	if err != nil {
		panic(err)
	}
	return b
}
