package dynamodb

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/item"
	"github.com/brume-dev/brume/service/dynamodb/stream"
	"github.com/brume-dev/brume/shape"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/memstore"
	"github.com/brume-dev/brume/store/storetest"
	"github.com/brume-dev/brume/timer"
)

var rewrite = flag.Bool("update", false, "write the answers of testdata/*.txtar anew")

// world is a service on a store.
type world struct {
	t      testing.TB
	s      *Service
	logs   *stream.Service
	clock  *clock.Virtual
	store  store.Store
	timer  *timer.Runner
	id     aws.Identity
	bucket *bucket
}

// newWorld starts the service on what open returns.
func newWorld(t testing.TB, open func(clock.Clock) store.Store) *world {
	w := stillWorld(t, open)
	w.begin()
	return w
}

// stillWorld is newWorld in which no promise is kept until it begins.
func stillWorld(t testing.TB, open func(clock.Clock) store.Store) *world {
	w := &world{t: t, clock: clock.Frozen(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)),
		id: aws.Identity{Kind: aws.Root, Account: "000000000000", Region: "us-east-1"}}
	w.bucket = &bucket{objects: map[string][]byte{}, streams: map[string]bool{}, via: map[string]bool{}}
	w.store = open(w.clock)
	w.timer = timer.New(timer.Config{Store: w.store, Clock: w.clock})
	s, err := New(Config{Store: w.store, Clock: w.clock, Timer: w.timer, Caller: w.bucket})
	if err != nil {
		t.Fatal(err)
	}
	w.s = s
	if w.logs, err = stream.New(stream.Config{Store: w.store, Clock: w.clock, Timer: w.timer}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.store.Close() })
	return w
}

func (w *world) begin() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = w.timer.Run(ctx) }()
	w.t.Cleanup(func() { cancel(); <-done })
	if err := w.timer.Settle(ctx); err != nil { // it runs, and the clock knows of it
		w.t.Fatal(err)
	}
}

func memory(c clock.Clock) store.Store { return memstore.New(c) }

// call runs an operation on a JSON input as a request off the wire would, and returns its JSON output.
func (w *world) call(op, in string) (string, error) {
	o := api.Service.Lookup(op)
	if o == nil || !o.Implemented() {
		w.t.Fatalf("no operation %s", op)
	}
	v := o.NewInput()
	notes, err := shape.DecodeJSON([]byte(in), v)
	if err != nil {
		return "", err
	}
	if _, err := w.s.Access(context.Background(), w.id, op, v); err != nil {
		return "", err
	}
	if err := shape.Validate(v, notes, shape.StyleOf("dynamodb")); err != nil {
		return "", err
	}
	out, err := o.Call(context.Background(), w.s, w.id, v)
	if err != nil {
		return "", err
	}
	b, err := shape.AppendJSON(nil, out)
	return string(b), err
}

// must is call for what cannot fail.
func (w *world) must(op, in string) string {
	w.t.Helper()
	out, err := w.call(op, in)
	if err != nil {
		w.t.Fatalf("%s %s: %v", op, in, err)
	}
	return out
}

// answer renders what call gives.
func (w *world) answer(op, in string) string {
	out, err := w.call(op, in)
	if err == nil {
		return out
	}
	var known aws.Error
	if !errors.As(err, &known) {
		w.t.Errorf("%s %s: %v", op, in, err)
		return err.Error()
	}
	info := known.ErrorInfo()
	text := info.Code + ": " + info.Message
	var failed *api.ConditionalCheckFailedException
	if errors.As(err, &failed) && failed.Item != nil {
		text += " " + string(failed.Item.AppendJSON(nil))
	}
	var cancelled *api.TransactionCanceledException
	if errors.As(err, &cancelled) {
		for _, r := range cancelled.CancellationReasons {
			text += "\n  " + *r.Code
			if r.Message != nil {
				text += ": " + *r.Message
			}
			if r.Item != nil {
				text += " " + string(r.Item.AppendJSON(nil))
			}
		}
	}
	return text
}

// Each file of testdata is a script: its parts are calls made one after another, a JSON input and below the line of
// dashes what is answered.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) { runScript(t, name) })
	}
}

func runScript(t *testing.T, name string) {
	a, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, memory)
	for i := range a.Files {
		f := &a.Files[i]
		op, _, _ := strings.Cut(f.Name, " ")
		in, want, _ := strings.Cut(string(f.Data), "----\n")
		if strings.HasPrefix(in, "# ") { // where the answer is from
			_, in, _ = strings.Cut(in, "\n")
		}
		in = strings.ReplaceAll(in, "\n", "")
		for strings.Contains(in, "@repeat(") { // @repeat(x,1000): 1000 times x
			before, rest, _ := strings.Cut(in, "@repeat(")
			args, after, _ := strings.Cut(rest, ")")
			s, n, _ := strings.Cut(args, ",")
			count := 0
			for _, c := range n {
				count = count*10 + int(c-'0')
			}
			in = before + strings.Repeat(s, count) + after
		}
		got := shorten(w.answer(op, in))
		if *rewrite {
			head, _, _ := bytes.Cut(f.Data, []byte("----\n"))
			f.Data = append(append(bytes.Clone(head), "----\n"...), got+"\n"...)
		} else if got != strings.TrimRight(want, "\n") {
			t.Errorf("%s %s\n got %s\nwant %s", f.Name, shorten(in), got, want)
		}
	}
	if *rewrite {
		if err := os.WriteFile(name, txtar.Format(a), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// shorten replaces long runs of one letter.
func shorten(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		j := i
		for j < len(s) && s[j] == s[i] {
			j++
		}
		if j-i > 40 {
			b.WriteString("<" + string(s[i]) + " times " + item.Int(int64(j-i)).Text() + ">")
		} else {
			b.WriteString(s[i:j])
		}
		i = j
	}
	return b.String()
}

// scenario is a little of everything, for stores that are harder than memory.
func scenario(w *world) {
	w.must("CreateTable", tableInput("tab", "pk", "sk"))
	for _, pk := range []string{"a", "b"} {
		for i := range 5 {
			w.must("PutItem", `{"TableName":"tab","Item":{"pk":{"S":"`+pk+`"},"sk":{"N":"`+item.Int(int64(i)).Text()+`"},"v":{"S":"x"}}}`)
		}
	}
	w.must("UpdateItem", `{"TableName":"tab","Key":{"pk":{"S":"a"},"sk":{"N":"3"}},"UpdateExpression":"SET v = :v ADD n :one","ExpressionAttributeValues":{":v":{"S":"new"},":one":{"N":"1"}}}`)
	w.must("DeleteItem", `{"TableName":"tab","Key":{"pk":{"S":"a"},"sk":{"N":"1"}}}`)
	w.must("BatchWriteItem", `{"RequestItems":{"tab":[{"PutRequest":{"Item":{"pk":{"S":"c"},"sk":{"N":"1"},"big":{"S":"`+strings.Repeat("x", 300_000)+`"}}}},{"DeleteRequest":{"Key":{"pk":{"S":"b"},"sk":{"N":"0"}}}}]}}`)
	got := w.must("Query", `{"TableName":"tab","KeyConditionExpression":"pk = :a AND sk > :n","ExpressionAttributeValues":{":a":{"S":"a"},":n":{"N":"0"}},"ScanIndexForward":false,"ProjectionExpression":"sk, v, n"}`)
	want := `{"Items":[{"sk":{"N":"4"},"v":{"S":"x"}},{"n":{"N":"1"},"sk":{"N":"3"},"v":{"S":"new"}},{"sk":{"N":"2"},"v":{"S":"x"}}],"Count":3,"ScannedCount":3}`
	if got != want {
		w.t.Errorf("query:\n got %s\nwant %s", got, want)
	}
	if got := w.must("Scan", `{"TableName":"tab","Select":"COUNT"}`); got != `{"Count":9,"ScannedCount":9}` {
		w.t.Errorf("scan: %s", got)
	}
	if got := w.must("GetItem", `{"TableName":"tab","Key":{"pk":{"S":"c"},"sk":{"N":"1"}}}`); len(got) < 300_000 {
		w.t.Errorf("the large item came back as %.100s", got)
	}
	if got := w.must("DescribeTable", `{"TableName":"tab"}`); !strings.Contains(got, `"ItemCount":9`) {
		w.t.Errorf("describe: %s", got)
	}
	w.must("DeleteTable", `{"TableName":"tab"}`)
}

// tableInput is the input that creates a table with a string partition key and, unless it is "", a number sort key.
func tableInput(name, hash, sort string) string {
	attributes, schema := `{"AttributeName":"`+hash+`","AttributeType":"S"}`, `{"AttributeName":"`+hash+`","KeyType":"HASH"}`
	if sort != "" {
		attributes += `,{"AttributeName":"` + sort + `","AttributeType":"N"}`
		schema += `,{"AttributeName":"` + sort + `","KeyType":"RANGE"}`
	}
	return `{"TableName":"` + name + `","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[` + attributes + `],"KeySchema":[` + schema + `]}`
}

func TestSplitStore(t *testing.T) {
	scenario(newWorld(t, func(c clock.Clock) store.Store { return storetest.Split(c, 8) }))
}

func TestShakenStore(t *testing.T) {
	for seed := range uint64(5) {
		scenario(newWorld(t, func(c clock.Clock) store.Store { return storetest.Shaken(memstore.New(c), seed) }))
	}
}
