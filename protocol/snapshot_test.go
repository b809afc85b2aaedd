package protocol_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/protocol"
	"github.com/brume-dev/brume/protocol/xml"
)

// The modules of the AWS SDK for Go v2 carry a snapshot of the request that each operation sends with every member set,
// and, some of them, of answers and errors with every member set. They are test data only: nothing imports them.
var snapshotModules = map[string]string{
	"cloudformation": "cloudformation", "dynamodb": "dynamodb", "ecr": "ecr", "eventbridge": "eventbridge", "iam": "iam",
	"kms": "kms", "lambda": "lambda", "logs": "cloudwatchlogs", "s3": "s3", "secretsmanager": "secretsmanager",
	"sns": "sns", "sqs": "sqs", "ssm": "ssm", "sts": "sts",
}

// newer are members of the SDK that the models, which are some weeks older, do not have yet. Nothing else may be lost.
var newer = []string{
	"FilterSpecification", // of DynamoDB's exports
	"VectorIndex", "Disassociat", "DirectS3Read", "MinimumSessionTokenSize", "ForceRollback", "Event-Hold", "EventHold",
	"EncapsulationAlgorithms", "retentionPolicyName", "DescribeEventBus body.ManagedBy", "ListEventBuses body.EventBuses",
	"SelfManagedKafkaEventSourceConfig.ConsumptionMode",
	"DeleteFunction body.StatusCode", "InvokeAsync body.Status", // the SDK writes the status into the body
}

// markers are integers to S3's service and to our model, and strings to the SDK.
var markers = strings.NewReplacer("__PartNumberMarker__", "1", "__NextPartNumberMarker__", "2")

func snapshots(t *testing.T, svc *aws.Service) string {
	module, ok := snapshotModules[svc.Name]
	if !ok {
		t.Skip("the SDK has no snapshots of this service")
	}
	out, err := exec.Command("go", "mod", "download", "-json", "github.com/aws/aws-sdk-go-v2/service/"+module).Output()
	var m struct{ Dir, Error string }
	if json.Unmarshal(out, &m) != nil || m.Dir == "" {
		t.Fatalf("go mod download: %v: %s", err, m.Error)
	}
	return m.Dir
}

// snapshot is a message as the files hold it: a first line, headers, a body.
type snapshot struct {
	first  string
	header http.Header
	body   []byte
}

func readSnapshot(t *testing.T, path string) (snapshot, bool) {
	b, err := os.ReadFile(path)
	b = []byte(markers.Replace(string(b)))
	if os.IsNotExist(err) {
		return snapshot{}, false
	}
	if err != nil {
		t.Fatal(err)
	}
	head, body, _ := bytes.Cut(b, []byte("\n\n"))
	first, rest, _ := strings.Cut(string(head), "\n")
	s := snapshot{first: first, header: http.Header{}}
	if rest == "" { // requests have an empty line after the first
		var h []byte
		h, body, _ = bytes.Cut(body, []byte("\n\n"))
		rest = string(h)
		if !strings.Contains(strings.SplitN(rest, "\n", 2)[0], ": ") {
			rest, body = "", bytes.TrimLeft(append(h, body...), "\n")
		}
	}
	for line := range strings.SplitSeq(rest, "\n") {
		if k, v, ok := strings.Cut(line, ": "); ok {
			s.header.Add(k, v)
		}
	}
	s.body = body
	return s, true
}

func TestRequestSnapshots(t *testing.T) {
	for _, svc := range services {
		t.Run(svc.Name, func(t *testing.T) {
			dir := snapshots(t, svc)
			ds := dialects(svc)
			seen, all := 0, 0
			for _, op := range svc.Ops {
				if !op.Implemented() {
					continue
				}
				all++
				if s, ok := readSnapshot(t, filepath.Join(dir, "request_snapshot", op.Name+".request.snap")); ok {
					seen++
					replayRequest(t, ds[0], op, s)
				}
			}
			t.Logf("%d of %d operations", seen, all)
			if seen == 0 {
				t.Error("no snapshot was found")
			}
		})
	}
}

// replayRequest decodes a snapshot, writes what was decoded as a client would, and compares the two requests.
func replayRequest(t *testing.T, d dialect, op *aws.Operation, s snapshot) {
	method, uri, _ := strings.Cut(s.first, " ")
	path, rawQuery, _ := strings.Cut(uri, "?")
	r := newRequest(method, s.header, s.body)
	r.Path, r.Query = path, rawQuery
	if d.rest {
		template := op.Path
		if op.Service.Name == "s3" { // the bucket is in the host
			template = strings.TrimPrefix(template, "/{Bucket}")
			if !strings.HasPrefix(template, "/") {
				template = "/" + template
			}
		}
		r.Labels = labels(t, template, path)
		if r.Labels == nil {
			r.Labels = map[string]string{}
		}
		if op.Service.Name == "s3" {
			r.Labels["Bucket"] = "bucket"
		}
	}
	in := op.NewInput()
	if err := d.codec.Decode(op, r, in); err != nil {
		t.Errorf("%s: %v", op.Name, err)
		return
	}
	if len(r.Notes) > 0 {
		t.Errorf("%s: notes %v", op.Name, r.Notes)
	}
	got := d.write(op, in)
	want := requestTexts(t, op, r, rawQuery, s.body)
	body, err := protocol.ReadBody(got)
	if err != nil {
		t.Fatal(err)
	}
	have := requestTexts(t, op, got, got.Query, body)
	diff(t, op.Name, have, want)
}

// requestTexts takes a request apart into texts that can be compared one by one.
func requestTexts(t *testing.T, op *aws.Operation, r *protocol.Request, rawQuery string, body []byte) map[string]string {
	m := map[string]string{}
	q, err := url.ParseQuery(rawQuery)
	if err != nil {
		t.Fatal(err)
	}
	_, literal, _ := strings.Cut(op.Path, "?")
	skip, _ := url.ParseQuery(literal)
	for k, v := range q {
		if _, ok := skip[k]; !ok && k != "x-id" {
			m["query "+k] = strings.Join(v, "|")
		}
	}
	for k, v := range r.Header {
		switch k {
		case "Content-Type", "Content-Length", "X-Amz-Target", "X-Amzn-Query-Mode":
		default:
			m["header "+k] = strings.Join(v, ", ")
		}
	}
	if op.Service.Protocols.Has(aws.Query) && len(dialects(op.Service)) == 1 {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			t.Fatal(err)
		}
		for k, v := range form {
			m["form "+k] = strings.Join(v, "|")
		}
		return m
	}
	flatten(t, m, body)
	return m
}

// flatten adds the leaves of a JSON or XML body to m, by their paths.
func flatten(t *testing.T, m map[string]string, body []byte) {
	var x any
	switch {
	case len(body) == 0:
	case bytes.HasPrefix(body, []byte("<")):
		n, err := xml.Parse(body)
		if err != nil {
			t.Fatal(err)
		}
		flattenXML(m, n.Name, n)
	case json.Unmarshal(body, &x) == nil:
		flattenJSON(m, "body", x)
	default:
		m["body"] = string(body)
	}
}

func flattenXML(m map[string]string, path string, n *xml.Node) {
	count := map[string]int{}
	for _, k := range n.Kids {
		count[k.Name]++
		flattenXML(m, fmt.Sprintf("%s/%s[%d]", path, k.Name, count[k.Name]), k)
	}
	if len(n.Kids) == 0 {
		m[path] = n.Text
	}
}

func flattenJSON(m map[string]string, path string, x any) {
	switch x := x.(type) {
	case map[string]any:
		for k, v := range x {
			flattenJSON(m, path+"."+k, v)
		}
	case []any:
		for i, v := range x {
			flattenJSON(m, fmt.Sprintf("%s[%d]", path, i), v)
		}
	default:
		m[path] = fmt.Sprint(x)
	}
}

// diff reports what is in one of the maps only, or different.
func diff(t *testing.T, name string, got, want map[string]string) {
	t.Helper()
	for k, w := range want {
		g, ok := got[k]
		switch {
		case !ok && slices.ContainsFunc(newer, func(n string) bool { return strings.Contains(name+" "+k, n) }):
		case !ok:
			t.Errorf("%s: %s = %q is lost", name, k, w)
		case g != w:
			t.Errorf("%s: %s: got %q, want %q", name, k, g, w)
		}
	}
	for k, g := range got {
		if _, ok := want[k]; !ok {
			t.Errorf("%s: %s = %q is too much", name, k, g)
		}
	}
}

func TestResponseSnapshots(t *testing.T) {
	for _, svc := range services {
		t.Run(svc.Name, func(t *testing.T) {
			dir := snapshots(t, svc)
			d := dialects(svc)[0]
			if _, err := os.Stat(filepath.Join(dir, "response_snapshot")); err != nil {
				t.Skip("the SDK has no answers of this service yet")
			}
			seen := 0
			for _, op := range svc.Ops {
				if !op.Implemented() {
					continue
				}
				if s, ok := readSnapshot(t, filepath.Join(dir, "response_snapshot", op.Name+".response.snap")); ok {
					seen++
					replayAnswer(t, d, op, s)
				}
			}
			t.Logf("%d answers", seen)
			if seen == 0 {
				t.Error("no snapshot was found")
			}
		})
	}
}

// replayAnswer reads a snapshot as a client would, encodes what was read, and compares the two answers.
func replayAnswer(t *testing.T, d dialect, op *aws.Operation, s snapshot) {
	w := &protocol.Response{Status: 200, Header: s.header, Body: s.body}
	if _, err := fmt.Sscan(s.first, &w.Status); err != nil {
		t.Fatalf("%s: %q", op.Name, s.first)
	}
	out := reflect.New(op.Out).Interface()
	if err := d.read(op, w, out); err != nil {
		t.Errorf("%s: %v", op.Name, err)
		return
	}
	got, err := d.codec.Encode(op, newRequest(op.Method, nil, nil), out)
	if err != nil {
		t.Errorf("%s: %v", op.Name, err)
		return
	}
	diff(t, op.Name, answerTexts(t, got), answerTexts(t, w))
}

func answerTexts(t *testing.T, w *protocol.Response) map[string]string {
	m := map[string]string{}
	for k, v := range w.Header {
		switch k {
		case "Content-Type", "X-Amzn-Requestid", "X-Amz-Target", "X-Amz-Crc32", "X-Amzn-Query-Mode", "X-Amzn-Errortype":
		default:
			m["header "+k] = strings.Join(v, ", ")
		}
	}
	flatten(t, m, w.Body)
	return m
}
