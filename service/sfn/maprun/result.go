package maprun

import (
	"context"
	"encoding/json"
	"io"
	"strings"

	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/asl/fault"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/service/sfn/execution"
	"github.com/brume-dev/brume/store"
)

// results are those of a run whose children have ended.
// https://docs.aws.amazon.com/step-functions/latest/dg/input-output-resultwriter.html
type results struct {
	r              *Runs
	l              *loaded
	bucket         *bucket
	written, items int64
}

func (w *results) transformation() string {
	if t := w.l.rec.Writer; t != nil && t.Transformation != "" {
		return t.Transformation
	}
	if w.l.rec.exports() {
		return "NONE"
	}
	return "COMPACT"
}

func (w *results) lines() bool { return w.l.rec.Writer != nil && w.l.rec.Writer.OutputType == "JSONL" }

// output is the result of the state.
func (w *results) output(ctx context.Context) ([]byte, error) {
	if w.l.rec.exports() {
		return w.export(ctx)
	}
	text, separator, end := []byte{'['}, ",", "]"
	if w.lines() {
		text, separator, end = nil, "\n", ""
	}
	first := len(text)
	err := w.each(ctx, func(o *outcome) error {
		for _, part := range w.parts(o) {
			if len(text) > first {
				text = append(text, separator...)
			}
			if text = append(text, part...); len(text) > asl.MaxData {
				return fault.New(fault.DataLimitExceeded, "The state/task '%s' returned a result with a size exceeding the maximum number of bytes service limit.",
					w.l.rec.State)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	text = append(text, end...)
	if w.lines() {
		text = jsondoc.AppendString(nil, string(text))
	}
	return text, nil
}

// chunk are some children, and where the next ones begin.
type chunk struct {
	all  []*outcome
	next int64
	more bool
}

// each goes over the children in the order of their items.
func (w *results) each(ctx context.Context, take func(*outcome) error) error {
	for next, more := int64(0), true; more; {
		c, err := store.View(ctx, w.r.shard(w.l.key), func(_ context.Context, rd store.Reader) (chunk, error) { return w.chunk(rd, next) })
		if err != nil {
			return err
		}
		for _, o := range c.all {
			if err := take(o); err != nil {
				return err
			}
		}
		next, more = c.next, c.more
	}
	return nil
}

func (w *results) chunk(rd store.Reader, next int64) (c chunk, err error) {
	root, size := w.l.key.outcomes(), 0
	c.next = next
	pairs, done := rd.Scan(store.Range{Begin: store.Key(root.Uint(uint64(next))), End: root.Range().End}, store.ScanOpt{})
	for kv := range pairs {
		key := store.Decode(kv.Key, len(root))
		i := int64(key.Uint())
		if key.More() || i < c.next { // a further piece of a large one
			continue
		}
		if c.more = len(c.all) == resultsAtOnce || size > commitBytes; c.more {
			break
		}
		o, err := getLarge[outcome](rd, w.l.key.outcome(i))
		if err != nil {
			return c, err
		}
		c.all, c.next = append(c.all, o), i+1
		size += len(o.Input) + len(o.Output)
	}
	return c, done()
}

// parts are what the result of a child becomes. One that failed is shown with all that is known of it.
func (w *results) parts(o *outcome) [][]byte {
	if o.Status != execution.Succeeded || w.transformation() == "NONE" {
		return [][]byte{w.described(o)}
	}
	if w.transformation() != "FLATTEN" {
		return [][]byte{o.Output}
	}
	doc, err := jsondoc.Parse(o.Output)
	a, ok := doc.(*jsondoc.Array)
	if err != nil || !ok {
		return [][]byte{o.Output}
	}
	parts := make([][]byte, len(a.Items))
	for i, item := range a.Items {
		parts[i] = jsondoc.Append(nil, item)
	}
	return parts
}

type included struct{ Included bool }

// described is an execution as files of results show it: members by name.
type described struct {
	Cause               *string `json:",omitempty"`
	Error               *string `json:",omitempty"`
	ExecutionArn        string
	Input               string
	InputDetails        included
	Name                string
	Output              *string   `json:",omitempty"`
	OutputDetails       *included `json:",omitempty"`
	RedriveCount        int
	RedriveStatus       string
	RedriveStatusReason string `json:",omitempty"`
	StartDate           string
	StateMachineArn     string
	Status              string
	StopDate            string
}

const dateForm = "2006-01-02T15:04:05.000Z"

func (w *results) described(o *outcome) []byte {
	spot := w.l.key.spot()
	d := described{ExecutionArn: w.l.ref(o.Name).ARN(), Input: string(o.Input), InputDetails: included{true},
		Name: o.Name, RedriveCount: o.Redrives, RedriveStatus: "REDRIVABLE_BY_MAP_RUN", StartDate: moment(o.Start).Format(dateForm),
		StateMachineArn: spot.ARN() + "/" + w.l.rec.Label, Status: o.Status.String(), StopDate: moment(o.Stop).Format(dateForm)}
	if o.Status == execution.Succeeded {
		d.Output, d.OutputDetails = new(string(o.Output)), &included{true}
		d.RedriveStatus, d.RedriveStatusReason = "NOT_REDRIVABLE", "Execution is SUCCEEDED and cannot be redriven"
	}
	if o.Error != nil {
		d.Error, d.Cause = aws.Some(o.Error.Name), aws.Some(o.Error.Cause)
	}
	var text strings.Builder
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	_ = e.Encode(d) // strings and numbers
	return []byte(strings.TrimSuffix(text.String(), "\n"))
}

// resultFile is one file of results.
type resultFile struct {
	Key  string
	Size int64
}

// manifest names the files.
type manifest struct {
	DestinationBucket string
	MapRunArn         string
	ResultFiles       struct{ FAILED, PENDING, SUCCEEDED []resultFile }
}

// export writes the results into a bucket, and returns the result of the state. It may be done again: it writes the same.
func (w *results) export(ctx context.Context) ([]byte, error) {
	var to struct{ Bucket, Prefix string }
	if err := json.Unmarshal(w.l.rec.Writer.Arguments, &to); err != nil || to.Bucket == "" {
		return nil, fault.New(fault.ResultWriterFailed, "The ResultWriter's parameters must name a Bucket.")
	}
	folder := w.l.key.Run
	if prefix := strings.TrimSuffix(to.Prefix, "/"); prefix != "" {
		folder = prefix + "/" + folder
	}
	m := manifest{DestinationBucket: to.Bucket, MapRunArn: w.l.rec.ARN}
	m.ResultFiles.PENDING = []resultFile{}
	w.written, w.items = 0, 0
	var err error
	if m.ResultFiles.SUCCEEDED, err = w.files(ctx, to.Bucket, folder+"/SUCCEEDED_", true); err != nil {
		return nil, err
	}
	if m.ResultFiles.FAILED, err = w.files(ctx, to.Bucket, folder+"/FAILED_", false); err != nil {
		return nil, err
	}
	text, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	if err := w.bucket.Put(ctx, to.Bucket, folder+"/manifest.json", strings.NewReader(string(text))); err != nil {
		return nil, err
	}
	return json.Marshal(struct {
		MapRunArn           string
		ResultWriterDetails struct{ Bucket, Key string }
	}{w.l.rec.ARN, struct{ Bucket, Key string }{to.Bucket, folder + "/manifest.json"}})
}

// files writes the results of the children that succeeded, or of the others: each file as it is read from the store.
func (w *results) files(ctx context.Context, name, prefix string, succeeded bool) ([]resultFile, error) {
	f := &file{w: w, ctx: ctx, bucket: name, prefix: prefix, all: []resultFile{}}
	err := w.each(ctx, func(o *outcome) error {
		if (o.Status == execution.Succeeded) != succeeded {
			return nil
		}
		w.written++
		w.items += o.Items
		for _, part := range w.parts(o) {
			if err := f.add(part); err != nil {
				return err
			}
		}
		return nil
	})
	if closed := f.close(err); err == nil {
		err = closed
	}
	return f.all, err
}

// file writes into an object through a pipe.
type file struct {
	w              *results
	ctx            context.Context
	bucket, prefix string
	all            []resultFile
	pipe           *io.PipeWriter
	done           chan error
	size           int64
}

func (f *file) add(part []byte) error {
	separator := ","
	if f.w.lines() {
		separator = "\n"
	}
	if f.pipe == nil {
		if separator = "["; f.w.lines() {
			separator = ""
		}
		f.open()
	}
	for _, b := range [][]byte{[]byte(separator), part} {
		n, err := f.pipe.Write(b)
		f.size += int64(n)
		if err != nil {
			return err
		}
	}
	if f.size > maxFile {
		return f.close(nil)
	}
	return nil
}

func (f *file) open() {
	extension := ".json"
	if f.w.lines() {
		extension = ".jsonl"
	}
	key := f.prefix + decimal(int64(len(f.all))) + extension
	f.all = append(f.all, resultFile{Key: key})
	read, write := io.Pipe()
	f.pipe, f.size, f.done = write, 0, make(chan error, 1)
	done := f.done
	go func() {
		err := f.w.bucket.Put(f.ctx, f.bucket, key, read)
		read.CloseWithError(err) // nil: who writes on gets ErrClosedPipe
		done <- err
	}()
}

// close ends the file at hand. The error of writing it counts more than why, which the pipe may have made of it.
func (f *file) close(why error) error {
	if f.pipe == nil {
		return why
	}
	if why == nil && !f.w.lines() {
		n, _ := f.pipe.Write([]byte{']'}) // what is wrong, Put says
		f.size += int64(n)
	}
	f.pipe.CloseWithError(why)
	f.pipe = nil
	f.all[len(f.all)-1].Size = f.size
	return <-f.done
}
