// Package dataset reads what distributed Map states iterate over: lists of objects, JSON, JSON Lines and CSV files, inventories and
// Athena's manifests in buckets, and the items that the state itself has. A reading is a stream with a cursor: whoever keeps the
// cursor with what it made of the items goes on there after a crash, and nothing is held in memory but the item at hand.
//
// https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemreader.html
package dataset

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/asl/fault"
)

// Bucket is how a reading reaches objects. Errors that are the execution's own trouble are *fault.Error with the name
// States.ItemReaderFailed; others say that nothing is known.
type Bucket interface {
	// Get opens an object from an offset on. version and etag may be empty; another ETag than etag is an error. At the end of the
	// object, or beyond, the content is empty.
	Get(ctx context.Context, bucket, key, version, etag string, offset int64) (*Content, error)
	// List gives the next objects after a key, in order.
	List(ctx context.Context, bucket, prefix, after string) (objects []Object, more bool, err error)
}

// Content is what an object holds.
type Content struct {
	Body io.ReadCloser
	ETag string
	// Gzip says that the object is stored with this Content-Encoding.
	Gzip bool
}

// Object is one of a list, with the members that an item shows.
type Object struct {
	ETag, Key    string
	LastModified int64 // seconds since 1970
	Size         int64
	StorageClass string
}

// StateData is the Source of items that the state itself has.
const StateData = "STATE_DATA"

// Cursor is how far a reading is.
type Cursor struct {
	Items  int64    `cbor:"1,keyasint,omitempty"` // that have been read
	After  string   `cbor:"2,keyasint,omitempty"` // key of the last object of a list that is done with
	File   int      `cbor:"3,keyasint,omitempty"` // files that are done with
	Offset int64    `cbor:"4,keyasint,omitempty"` // in the file at hand
	ETag   string   `cbor:"5,keyasint,omitempty"` // of that file
	Header []string `cbor:"6,keyasint,omitempty"` // of that file
	Keyed  bool     `cbor:"7,keyasint,omitempty"` // that file is an object
}

// Reading is a data set that is being read.
type Reading struct {
	bucket Bucket
	config *config
	at     Cursor

	rows  rows
	file  file
	files []file // of a manifest, when it has been read
	known bool
	page  []Object
	last  bool // page is the last
	over  bool
}

// rows is an open file.
type rows interface {
	// next gives the next item; io.EOF at the end.
	next() (key string, value []byte, err error)
	// mark writes how far the file has been read.
	mark(c *Cursor)
	close()
}

type file struct{ bucket, key, version string }

func (f file) source() string { return "S3://" + f.bucket + "/" + f.key }

// Open begins to read at a cursor, with items as the data set when r is nil. What is wrong with r is a *fault.Error.
func Open(b Bucket, r *asl.Reader, items []byte, from Cursor) (*Reading, error) {
	if r == nil {
		return &Reading{config: &config{kind: kindState, max: MaxItems, items: items}, at: from}, nil
	}
	c, err := parseConfig(r)
	if err != nil {
		return nil, err
	}
	return &Reading{bucket: b, config: c, at: from}, nil
}

// Cursor is where the reading stands: behind the last item that Next gave.
func (r *Reading) Cursor() Cursor { return r.at }

// Close lets go of what is open.
func (r *Reading) Close() {
	if r.rows != nil {
		r.rows.close()
		r.rows = nil
	}
}

// Next reads the next item; io.EOF after the last. Errors that are *fault.Error are the execution's.
func (r *Reading) Next(ctx context.Context) (asl.Item, error) {
	if r.over || r.at.Items >= r.config.max {
		return asl.Item{}, io.EOF
	}
	it, err := r.next(ctx)
	if errors.Is(err, io.EOF) {
		r.over = true
		return asl.Item{}, io.EOF
	}
	if err == nil && len(it.Value) > asl.MaxData {
		err = failed("The size of item %d exceeds the maximum of %d bytes.", r.at.Items, asl.MaxData)
	}
	if err != nil {
		return asl.Item{}, err
	}
	it.Index = int(r.at.Items)
	r.at.Items++
	return it, nil
}

func (r *Reading) next(ctx context.Context) (asl.Item, error) {
	if r.config.kind == kindList {
		o, err := r.object(ctx)
		if err != nil {
			return asl.Item{}, err
		}
		r.at.After = o.Key
		return asl.Item{Value: o.item(), Source: "S3://" + r.config.bucket}, nil
	}
	for {
		if r.rows == nil {
			if err := r.openNext(ctx); err != nil {
				return asl.Item{}, err
			}
		}
		key, value, err := r.rows.next()
		if err == nil {
			r.rows.mark(&r.at)
			return asl.Item{Key: key, Keyed: r.at.Keyed, Value: value, Source: r.source()}, nil
		}
		r.Close()
		if !errors.Is(err, io.EOF) {
			return asl.Item{}, r.wrong(err)
		}
		r.at = Cursor{Items: r.at.Items, File: r.at.File + 1, After: r.at.After}
		if r.config.kind == kindFlatten {
			r.at.After = r.file.key
		}
	}
}

func (r *Reading) source() string {
	if r.config.kind == kindState {
		return StateData
	}
	return r.file.source()
}

// wrong is what is wrong with the file at hand; trouble with reading it stays what it is.
func (r *Reading) wrong(err error) error {
	if syntax, ok := errors.AsType[*syntaxError](err); ok {
		return failed("Error reading %s: %s", r.source(), syntax.text)
	}
	return err
}

// openNext opens the next file at the cursor.
func (r *Reading) openNext(ctx context.Context) error {
	if r.config.kind == kindState {
		if r.at.File > 0 {
			return io.EOF
		}
		r.rows = openArray(newBytes(r.config.items, r.at.Offset), "", r.at)
		return nil
	}
	f, err := r.nextFile(ctx)
	if err != nil {
		return err
	}
	body, etag, err := r.content(ctx, f, r.at.ETag, r.at.Offset)
	if err != nil {
		return err
	}
	r.file, r.at.ETag = f, etag
	r.rows, err = r.config.open(body, r.at)
	if err != nil {
		body.Close()
	}
	return err
}

// nextFile is the file at the cursor; io.EOF when there is none.
func (r *Reading) nextFile(ctx context.Context) (file, error) {
	switch r.config.kind {
	case kindFlatten:
		for {
			o, err := r.object(ctx)
			if err != nil {
				return file{}, err
			}
			if o.Size > 0 { // what consoles leave as folders
				return file{bucket: r.config.bucket, key: o.Key}, nil
			}
			r.at.After = o.Key
		}
	case kindInventory, kindAthena:
		if !r.known {
			if err := r.manifest(ctx); err != nil {
				return file{}, err
			}
			r.known = true
		}
	default:
		r.files = []file{{r.config.bucket, r.config.key, r.config.version}}
	}
	if r.at.File >= len(r.files) {
		return file{}, io.EOF
	}
	return r.files[r.at.File], nil
}

// object is the next one of the list after the cursor.
func (r *Reading) object(ctx context.Context) (Object, error) {
	for len(r.page) == 0 {
		if r.last {
			return Object{}, io.EOF
		}
		page, more, err := r.bucket.List(ctx, r.config.bucket, r.config.prefix, r.at.After)
		if err != nil {
			return Object{}, err
		}
		r.page, r.last = page, !more || len(page) == 0
	}
	o := r.page[0]
	r.page = r.page[1:]
	return o, nil
}

// failed is a reading that cannot go on.
func failed(format string, args ...any) error {
	return fault.New(fault.ItemReaderFailed, format, args...)
}

// syntaxError says what is wrong in a file.
type syntaxError struct{ text string }

func (e *syntaxError) Error() string { return e.text }

func wrongf(format string, args ...any) error { return &syntaxError{fmt.Sprintf(format, args...)} }
