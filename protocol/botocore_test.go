package protocol_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/shape"
)

const modelsZip = "../node_modules/@aws-cdk/asset-awscli-v1/lib/layer.zip"

// modelNames are the folders of botocore's data that are not called as our services are.
var modelNames = map[string]string{"eventbridge": "events", "sfn": "stepfunctions"}

// judge is a running testdata/judge.py.
type judge struct {
	in  io.WriteCloser
	out *bufio.Reader
}

// newJudge starts botocore, or skips the test where there is none.
func newJudge(t *testing.T) *judge {
	if _, err := os.Stat(modelsZip); err != nil {
		t.Skip("no models: make models")
	}
	if err := exec.Command("python3", "-c", "import botocore").Run(); err != nil {
		t.Skip("no botocore on this machine")
	}
	cmd := exec.Command("python3", "testdata/judge.py", modelsZip)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	return &judge{in, bufio.NewReaderSize(out, 1<<20)}
}

type question struct {
	Do       string            `json:"do"`
	Service  string            `json:"service"`
	Version  string            `json:"version"`
	Op       string            `json:"op"`
	Protocol string            `json:"protocol"`
	Status   int               `json:"status"`
	Headers  map[string]string `json:"headers"`
	Body     string            `json:"body"`
	Seed     int               `json:"seed"`
}

type verdict struct {
	Failed                    string
	Value                     any
	Error                     struct{ Code, Message string }
	ID                        string
	Method, Path, Query, Body string
	Headers                   map[string]string
}

func (j *judge) ask(t *testing.T, q question) verdict {
	t.Helper()
	b, err := json.Marshal(q)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.in.Write(append(b, '\n')); err != nil {
		t.Fatal(err)
	}
	line, err := j.out.ReadBytes('\n')
	if err != nil {
		t.Fatalf("%s %s: botocore ended: %v", q.Service, q.Op, err)
	}
	var v verdict
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		t.Fatal(err)
	}
	if v.Failed != "" {
		t.Errorf("%s %s: %s", q.Service, q.Op, v.Failed)
	}
	return v
}

func about(do string, d dialect, op *aws.Operation) question {
	names := map[string]string{"json": "json", "cbor": "smithy-rpc-v2-cbor", "query": "query", "restJson": "rest-json", "restXml": "rest-xml"}
	service := op.Service.Name
	if n, ok := modelNames[service]; ok {
		service = n
	}
	return question{Do: do, Service: service, Version: op.Service.Version, Op: op.Name, Protocol: names[d.name]}
}

// TestBotocore runs all that botocore judges in one process of it.
func TestBotocore(t *testing.T) {
	j := newJudge(t)
	t.Run("answers", func(t *testing.T) { botocoreReadsAnswers(t, j) })
	t.Run("errors", func(t *testing.T) { botocoreReadsErrors(t, j) })
	t.Run("requests", func(t *testing.T) { botocoreWritesRequests(t, j) })
}

// botocoreReadsAnswers lets botocore parse random answers, and errors, of every operation in every protocol.
func botocoreReadsAnswers(t *testing.T, j *judge) {
	for _, svc := range services {
		for _, d := range dialects(svc) {
			if svc.Name == "sqs" && d.name == "query" {
				continue // botocore's model has lost SQS's Query
			}
			t.Run(svc.Name+"/"+d.name, func(t *testing.T) {
				rnd := rand.New(rand.NewPCG(3, 4))
				for _, op := range svc.Ops {
					if op.Implemented() && op.Name != "InvokeWithResponseStream" { // events are package eventstream's, and e2e's
						judgeAnswer(t, j, d, op, rnd)
					}
				}
			})
		}
	}
}

func judgeAnswer(t *testing.T, j *judge, d dialect, op *aws.Operation, rnd *rand.Rand) {
	out := reflect.New(op.Out).Interface()
	generator{rnd: rnd, xml: d.xml, rest: d.rest}.structure(shape.ValueOf(out), 0)
	wanted := plainValue(shape.ValueOf(out))
	r := newRequest(op.Method, nil, nil)
	r.HostID = "host"
	w, err := d.codec.Encode(op, r, out)
	if err != nil {
		t.Fatal(err)
	}
	body := w.Body
	if w.Stream != nil {
		body, _ = io.ReadAll(w.Stream)
	}
	q := about("parse", d, op)
	q.Status, q.Body = w.Status, base64.StdEncoding.EncodeToString(body)
	q.Headers = map[string]string{}
	for k, v := range w.Header {
		q.Headers[k] = strings.Join(v, ", ")
	}
	v := j.ask(t, q)
	if v.ID != "id" && d.name != "cbor" { // it looks for none where the model has no output
		t.Errorf("%s: request id %q", op.Name, v.ID)
	}
	got, want := map[string]string{}, map[string]string{}
	flattenJSON(got, "", v.Value)
	flattenJSON(want, "", wanted)
	for k, x := range want {
		if g, ok := got[k]; !ok || g != x && !sameNumber(g, x) {
			t.Errorf("%s: %s: botocore reads %q, want %q\n%s", op.Name, k, got[k], x, body)
		}
	}
	for k, x := range got {
		if _, ok := want[k]; !ok && !(k == ".Payload" && x == "") { // a body that is absent is empty to it
			t.Errorf("%s: botocore reads %s = %q", op.Name, k, x)
		}
	}
}

// sameNumber reports whether two texts are the same float of 32 bits.
func sameNumber(a, b string) bool {
	x, err1 := strconv.ParseFloat(a, 64)
	y, err2 := strconv.ParseFloat(b, 64)
	return err1 == nil && err2 == nil && float32(x) == float32(y)
}

// plainValue is a structure as testdata/judge.py writes it.
func plainValue(v shape.Value) any {
	switch v.Shape.Kind {
	case shape.Structure:
		m := map[string]any{}
		for i := range v.Shape.Members {
			f := &v.Shape.Members[i]
			if x, ok := v.Member(f); ok {
				m[f.Name] = plainValue(x)
			}
		}
		return m
	case shape.List:
		l := make([]any, v.Len())
		for i := range l {
			x, _ := v.Index(i)
			l[i] = plainValue(x)
		}
		return l
	case shape.Map:
		m := map[string]any{}
		v.Range(func(k string, x shape.Value) error {
			m[k] = plainValue(x)
			return nil
		})
		return m
	case shape.Timestamp:
		return v.Time().UnixMilli()
	case shape.Stream:
		defer v.Stream().(io.Seeker).Seek(0, io.SeekStart)
	case shape.Integer, shape.Long:
		return v.Int()
	case shape.Float, shape.Double:
		return v.Float()
	}
	b, err := shape.JSON{Lenient: true}.Append(nil, v)
	if err != nil {
		panic(err)
	}
	var x any
	if err := json.Unmarshal(b, &x); err != nil {
		panic(err)
	}
	return x
}

// botocoreReadsErrors lets botocore parse errors in every protocol: that of a code only, and one with members.
func botocoreReadsErrors(t *testing.T, j *judge) {
	const message = "it's <broken> & \"gone\"\n日本"
	for _, svc := range services {
		for _, d := range dialects(svc) {
			if svc.Name == "sqs" && d.name == "query" {
				continue
			}
			t.Run(svc.Name+"/"+d.name, func(t *testing.T) {
				op := svc.Ops[0]
				for _, err := range []error{
					aws.Errorf("TeapotException", 418, message),
					&lambdaapi.TooManyRequestsException{Message: message},
				} {
					r := newRequest("GET", nil, nil)
					w := d.codec.Error(svc, op, r, err)
					q := about("parse", d, op)
					q.Status, q.Body = w.Status, base64.StdEncoding.EncodeToString(w.Body)
					q.Headers = map[string]string{}
					for k, v := range w.Header {
						q.Headers[k] = strings.Join(v, ", ")
					}
					v := j.ask(t, q)
					if info := aws.InfoOf(err); v.Error.Code != info.Code || v.Error.Message != message || w.Status != info.Status {
						t.Errorf("%d %+v\n%s", w.Status, v.Error, w.Body)
					}
				}
			})
		}
	}
}

// botocoreWritesRequests decodes random requests that botocore wrote, of every operation in every protocol.
func botocoreWritesRequests(t *testing.T, j *judge) {
	for _, svc := range services {
		for _, d := range dialects(svc) {
			if svc.Name == "sqs" && d.name == "query" {
				continue
			}
			t.Run(svc.Name+"/"+d.name, func(t *testing.T) {
				for i, op := range svc.Ops {
					if op.Implemented() {
						judgeRequest(t, j, d, op, i)
					}
				}
			})
		}
	}
}

func judgeRequest(t *testing.T, j *judge, d dialect, op *aws.Operation, seed int) {
	q := about("request", d, op)
	q.Seed = seed
	v := j.ask(t, q)
	body, err := base64.StdEncoding.DecodeString(v.Body)
	if err != nil {
		t.Fatal(err)
	}
	r := newRequest(v.Method, nil, body)
	for k, x := range v.Headers {
		r.Header.Set(k, x)
	}
	path, rawQuery, _ := strings.Cut(v.Path, "?")
	r.Path, r.Query = path, strings.Trim(rawQuery+"&"+v.Query, "&")
	if d.rest {
		r.Labels = labels(t, op.Path, path)
	}
	in := op.NewInput()
	if err := d.codec.Decode(op, r, in); err != nil {
		t.Errorf("%s: %v\n%s", op.Name, err, body)
		return
	}
	if len(r.Notes) > 0 {
		t.Errorf("%s: notes %v", op.Name, r.Notes)
	}
	got, want := map[string]string{}, map[string]string{}
	flattenJSON(got, "", plainValue(shape.ValueOf(in)))
	flattenJSON(want, "", v.Value)
	for k, w := range want {
		if g, ok := got[k]; !ok || g != w && !sameNumber(g, w) {
			t.Errorf("%s: %s: got %q, want %q\n%s", op.Name, k, g, w, body)
		}
	}
	for k, g := range got {
		if _, ok := want[k]; !ok {
			t.Errorf("%s: %s = %q is too much\n%s", op.Name, k, g, body)
		}
	}
}
