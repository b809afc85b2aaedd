package protocol_test

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/apigatewayapi"
	"github.com/brume-dev/brume/api/cloudformationapi"
	"github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/api/ecrapi"
	"github.com/brume-dev/brume/api/eventbridgeapi"
	"github.com/brume-dev/brume/api/iamapi"
	"github.com/brume-dev/brume/api/kmsapi"
	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/api/logsapi"
	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/api/schedulerapi"
	"github.com/brume-dev/brume/api/secretsmanagerapi"
	"github.com/brume-dev/brume/api/sfnapi"
	"github.com/brume-dev/brume/api/snsapi"
	"github.com/brume-dev/brume/api/sqsapi"
	"github.com/brume-dev/brume/api/ssmapi"
	"github.com/brume-dev/brume/api/stsapi"
	"github.com/brume-dev/brume/api/xrayapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/protocol"
	"github.com/brume-dev/brume/protocol/cbor"
	awsjson "github.com/brume-dev/brume/protocol/json"
	"github.com/brume-dev/brume/protocol/query"
	"github.com/brume-dev/brume/protocol/rest"
	"github.com/brume-dev/brume/shape"
)

var services = []*aws.Service{
	apigatewayapi.Service, cloudformationapi.Service, dynamodbapi.Service, ecrapi.Service, eventbridgeapi.Service,
	iamapi.Service, kmsapi.Service, lambdaapi.Service, logsapi.Service, s3api.Service, schedulerapi.Service,
	secretsmanagerapi.Service, sfnapi.Service, snsapi.Service, sqsapi.Service, ssmapi.Service, stsapi.Service, xrayapi.Service,
}

// dialect is a protocol with its client side.
type dialect struct {
	name  string
	codec protocol.Codec
	write func(op *aws.Operation, in any) *protocol.Request
	read  func(op *aws.Operation, w *protocol.Response, out any) error
	xml   bool
	rest  bool
}

func plain(c protocol.Codec) func(*aws.Operation, *protocol.Response, any) error {
	return func(op *aws.Operation, w *protocol.Response, out any) error {
		return c.Decode(op, newRequest("POST", nil, w.Body), out) // these protocols are the same in both directions
	}
}

func encoded(c protocol.Codec) func(*aws.Operation, any) *protocol.Request {
	return func(op *aws.Operation, in any) *protocol.Request {
		w, err := c.Encode(op, newRequest("POST", nil, nil), in)
		if err != nil {
			panic(err)
		}
		return newRequest("POST", nil, w.Body)
	}
}

func dialects(svc *aws.Service) (ds []dialect) {
	if svc.Protocols.Has(aws.JSON10 | aws.JSON11) {
		ds = append(ds, dialect{name: "json", codec: awsjson.Codec{}, write: encoded(awsjson.Codec{}), read: plain(awsjson.Codec{})})
		if svc != dynamodbapi.Service { // its items have no form in CBOR
			ds = append(ds, dialect{name: "cbor", codec: cbor.Codec{}, write: encoded(cbor.Codec{}), read: plain(cbor.Codec{})})
		}
	}
	if svc.Protocols.Has(aws.Query) {
		ds = append(ds, dialect{name: "query", codec: query.Codec{}, xml: true, read: readQueryAnswer,
			write: func(op *aws.Operation, in any) *protocol.Request { return queryRequest(op, in, false) }})
	}
	if svc.Protocols.Has(aws.RestJSON) {
		ds = append(ds, dialect{name: "restJson", codec: rest.JSON{}, rest: true, write: restRequest, read: readAnswer})
	}
	if svc.Protocols.Has(aws.RestXML) {
		ds = append(ds, dialect{name: "restXml", codec: rest.XML{}, rest: true, xml: true, write: restRequest, read: readAnswer})
	}
	return ds
}

// TestRoundTrips sends random values of every operation through every protocol of its service: what the client writes the
// codec must read, and what the codec writes the client must read, without loss.
func TestRoundTrips(t *testing.T) {
	const rounds = 10
	for _, svc := range services {
		for _, d := range dialects(svc) {
			t.Run(svc.Name+"/"+d.name, func(t *testing.T) {
				rnd := rand.New(rand.NewPCG(1, 2))
				for _, op := range svc.Ops {
					if !op.Implemented() {
						continue
					}
					for range rounds {
						roundTrip(t, d, op, rnd)
					}
				}
			})
		}
	}
}

func roundTrip(t *testing.T, d dialect, op *aws.Operation, rnd *rand.Rand) {
	t.Helper()
	g := generator{rnd: rnd, xml: d.xml, rest: d.rest, form: d.name == "query"}
	in := reflect.New(op.In).Interface()
	g.structure(shape.ValueOf(in), 0)
	if m, ok := in.(*sqsapi.ReceiveMessageRequest); ok && g.form {
		m.AttributeNames = m.MessageSystemAttributeNames // both are called AttributeName there
	}
	want := dump(reflect.ValueOf(in))
	r := d.write(op, in)
	got := op.NewInput()
	if err := d.codec.Decode(op, r, got); err != nil {
		t.Fatalf("%s: decode: %v", op.Name, err)
	}
	if s := dump(reflect.ValueOf(got)); s != want {
		t.Fatalf("%s input\n got %s\nwant %s", op.Name, s, want)
	}
	if len(r.Notes) > 0 {
		t.Fatalf("%s: notes %v", op.Name, r.Notes)
	}
	g.form = false
	out := reflect.New(op.Out).Interface()
	g.structure(shape.ValueOf(out), 0)
	want = dump(reflect.ValueOf(out))
	w, err := d.codec.Encode(op, r, out)
	if err != nil {
		t.Fatalf("%s: encode: %v", op.Name, err)
	}
	back := reflect.New(op.Out).Interface()
	if err := d.read(op, w, back); err != nil {
		t.Fatalf("%s: read: %v\n%s", op.Name, err, w.Body)
	}
	if s := dump(reflect.ValueOf(back)); s != want {
		t.Fatalf("%s output\n got %s\nwant %s\n%s", op.Name, s, want, w.Body)
	}
}

// generator fills structures at random, with what the protocol at hand can carry.
type generator struct {
	rnd  *rand.Rand
	xml  bool // no empty flat lists
	rest bool // no empty labels, headers, payloads
	form bool // no empty lists, maps and structures
}

func (g generator) structure(v shape.Value, depth int) {
	only := -1
	if v.Shape.Union {
		only = g.rnd.IntN(len(v.Shape.Members))
	}
	some := false
	for i := range v.Shape.Members {
		m := &v.Shape.Members[i]
		last := g.form && !some && i == len(v.Shape.Members)-1
		always := m.Required || g.rest && (m.In == shape.Status || m.Shape.Kind == shape.Stream || strings.HasPrefix(m.Wire, "Content-")) || last
		skip := g.rnd.IntN(3) == 0 || depth > 4
		if only >= 0 && i != only || only < 0 && skip && !always {
			continue
		}
		some = true
		g.member(v, m, depth)
	}
}

func (g generator) member(v shape.Value, m *shape.Member, depth int) {
	place := v.Place(m)
	if g.rest && m.In != shape.Body {
		g.bound(place, m, depth)
		return
	}
	g.value(place, m, depth, g.form || g.xml && m.Flat)
}

// bound fills what travels in headers and the like, where empty is absent.
func (g generator) bound(v shape.Value, m *shape.Member, depth int) {
	switch {
	case m.In == shape.Status:
		v.SetInt(200)
	case v.Shape.Kind == shape.String && v.Shape.Enum == nil:
		v.SetString(g.word())
	case v.Shape.Kind == shape.Blob:
		v.SetBytes([]byte(g.word()))
	case v.Shape.Kind == shape.Timestamp:
		v.SetTime(time.Unix(g.rnd.Int64N(1<<32), 0).UTC())
	case v.Shape.Kind == shape.List:
		v.MakeList()
		for range 1 + g.rnd.IntN(2) {
			if e := v.Append(); e.Shape.Kind == shape.String && e.Shape.Enum == nil {
				e.SetString(g.word())
			} else {
				g.value(e, m, depth, true)
			}
		}
	case v.Shape.Kind == shape.Map:
		v.MakeMap()
		entries := v.Entries()
		e := entries.Next()
		e.SetString(g.word())
		entries.Put(strings.ToLower(g.word()), e)
	default:
		g.value(v, m, depth, false)
	}
}

func (g generator) word() string {
	const letters = "abcdefghijklmnopqrstuvwxyzABC0123456789-_./:+%= &?"
	b := []byte("x")
	for range g.rnd.IntN(12) {
		b = append(b, letters[g.rnd.IntN(len(letters))])
	}
	return strings.TrimSpace(string(b))
}

func (g generator) text() string {
	parts := []string{"", "a", "Ω", "日本", "\U0001F600", "\"", "\\", "<&>", "\n", "\t", "\r", "%41", "+", " ", "plain text"}
	if !g.xml {
		parts = append(parts, "\x00", "\x1f", "\u2028")
	}
	var b strings.Builder
	for range g.rnd.IntN(4) {
		b.WriteString(parts[g.rnd.IntN(len(parts))])
	}
	return b.String()
}

func (g generator) value(v shape.Value, m *shape.Member, depth int, some bool) {
	r := g.rnd
	switch v.Shape.Kind {
	case shape.String:
		if v.Shape.Enum != nil {
			v.SetString(v.Shape.Enum[r.IntN(len(v.Shape.Enum))])
		} else {
			v.SetString(g.text())
		}
	case shape.Boolean:
		v.SetBool(r.IntN(2) == 0)
	case shape.Integer:
		v.SetInt(int64(int32(r.Uint32())))
	case shape.Long:
		v.SetInt(int64(r.Uint64()))
	case shape.Float, shape.Double:
		v.SetFloat(float64(float32(r.NormFloat64() * 1e6)))
	case shape.Blob:
		v.SetBytes([]byte(g.text()))
	case shape.Timestamp:
		ms := r.Int64N(1 << 41)
		if m.Time == shape.HTTPTime {
			ms -= ms % 1000
		}
		v.SetTime(time.UnixMilli(ms).UTC())
	case shape.Document:
		v.SetBytes([]byte(`{"a":[1,null,"x"]}`))
	case shape.Stream:
		v.SetStream(strings.NewReader(g.text()))
	case shape.Structure:
		g.structure(v, depth+1)
	case shape.List:
		v.MakeList()
		for range g.count(some, depth) {
			g.value(v.Append(), m, depth+1, g.form)
		}
	case shape.Map:
		v.MakeMap()
		entries := v.Entries()
		for i := range g.count(some, depth) {
			e := entries.Next()
			g.value(e, m, depth+1, g.form)
			entries.Put(fmt.Sprintf("%s%d", g.text(), i), e)
		}
	default:
		g.item(v)
	}
}

func (g generator) count(some bool, depth int) int {
	switch {
	case some:
		return 1 + g.rnd.IntN(2)
	case depth > 4:
		return 0
	}
	return g.rnd.IntN(3)
}

// item fills a hand-written type, DynamoDB's items and attribute values, through its own reader.
func (g generator) item(v shape.Value) {
	value := []string{
		`{"S":"x"}`, `{"N":"42"}`, `{"B":"` + base64.StdEncoding.EncodeToString([]byte(g.text())) + `"}`, `{"BOOL":true}`,
		`{"NULL":true}`, `{"SS":["a","b"]}`, `{"L":[{"S":"x"},{"N":"1"}]}`, `{"M":{"k":{"S":"v"}}}`,
	}[g.rnd.IntN(8)]
	switch v.Shape.Type.Name() {
	case "Map":
		value = `{"pk":` + value + `}`
	case "Items":
		value = `[{"pk":` + value + `},{}]`
	}
	if _, err := v.Codec().DecodeJSON([]byte(value)); err != nil {
		panic(fmt.Sprintf("%v: %s: %v", v.Shape.Type, value, err))
	}
}
