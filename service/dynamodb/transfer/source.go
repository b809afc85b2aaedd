package transfer

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/item"
)

// maxLine is the most that one item may be in its JSON: 400 KB of bytes that are all escaped, and more.
const maxLine = 4 << 20

// zstdMemory is how much of an object a decompressor may hold: its frames say how much they need.
const zstdMemory = 128 << 20

// errRest says that nothing can be read of the rest of an object.
var errRest = errors.New("the rest of the object cannot be read")

// reader reads the records of an object.
type reader interface {
	// next returns the next item and how many bytes it was. An error is about this one only, unless it is an errRest; io.EOF
	// comes after the last.
	next() (m item.Map, size int64, err error)
}

func (l *loader) reader(r io.Reader) reader {
	if l.rec.CSV != nil {
		return newTableReader(r, l.rec.CSV, func(name string) item.Kind { return item.KindOf(l.t.TypeOf(name)) })
	}
	return &lineReader{bufio.NewReaderSize(r, 64<<10)}
}

// broken is a reader that fails in the first read.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

// decompressed reads what r holds.
func decompressed(how string, r io.Reader) (io.ReadCloser, error) {
	switch api.InputCompressionType(how) {
	case api.InputCompressionTypeGzip:
		z, err := gzip.NewReader(r)
		if err != nil {
			return io.NopCloser(broken{err}), nil
		}
		return z, nil
	case api.InputCompressionTypeZstd:
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(zstdMemory))
		if err != nil {
			return nil, err
		}
		return z.IOReadCloser(), nil
	}
	return io.NopCloser(r), nil
}

// lineReader reads DynamoDB JSON: an object with the member Item on each line.
type lineReader struct{ r *bufio.Reader }

func (l *lineReader) next() (item.Map, int64, error) {
	for {
		line, err := l.line()
		if err != nil {
			return nil, int64(len(line)), err
		}
		if text := bytes.TrimSpace(line); len(text) > 0 {
			m, err := readItem(text)
			return m, int64(len(line)), err
		}
	}
}

// line reads a line with its end, if it has one.
func (l *lineReader) line() ([]byte, error) {
	var line []byte
	for {
		part, err := l.r.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case err == bufio.ErrBufferFull && len(line) <= maxLine:
		case err == bufio.ErrBufferFull:
			return line, fmt.Errorf("a line has more than %d bytes: %w", maxLine, errRest)
		case err == io.EOF && len(line) > 0:
			return line, nil
		case err == io.EOF || err == nil:
			return line, err
		default:
			return line, fmt.Errorf("%v: %w", err, errRest)
		}
	}
}

// readItem reads {"Item": {…}}.
func readItem(text []byte) (item.Map, error) {
	var line struct{ Item json.RawMessage }
	if err := json.Unmarshal(text, &line); err != nil || line.Item == nil {
		return nil, errors.New("the line is no JSON object with the member Item")
	}
	var m item.Map
	rest, err := m.DecodeJSON(line.Item)
	if err != nil || len(bytes.TrimSpace(rest)) > 0 || m == nil {
		return nil, errors.New("Item is no map of attribute values")
	}
	return m, nil
}

// tableReader reads CSV. All columns are strings but the keys of the table and its indexes.
type tableReader struct {
	room   *io.LimitedReader // what may be read for the record at hand: a quotation may go on to the end of the object
	csv    *csv.Reader
	header []string
	kind   func(name string) item.Kind
	err    error // of the header
	read   int64
}

func newTableReader(r io.Reader, how *csvRecord, kind func(string) item.Kind) *tableReader {
	t := &tableReader{room: &io.LimitedReader{R: r}, header: how.Header, kind: kind}
	t.csv = csv.NewReader(t.room)
	t.csv.FieldsPerRecord = -1
	t.csv.ReuseRecord = true
	if how.Delimiter != "" {
		t.csv.Comma = rune(how.Delimiter[0])
	}
	if t.header == nil {
		first, err := t.record()
		if err == nil {
			for _, name := range first {
				t.header = append(t.header, strings.Clone(name))
			}
			t.header[0] = strings.TrimPrefix(t.header[0], "\ufeff")
		}
		t.err = err
	}
	for _, name := range t.header {
		if name == "" || !utf8.ValidString(name) {
			t.err = errors.New("a column of the header has no name, or one that is not UTF-8")
		}
	}
	return t
}

// record reads the next one.
func (t *tableReader) record() ([]string, error) {
	t.room.N = maxLine
	fields, err := t.csv.Read()
	if t.room.N <= 0 {
		return nil, fmt.Errorf("a record has more than %d bytes", maxLine)
	}
	return fields, err
}

func (t *tableReader) next() (item.Map, int64, error) {
	fields, err := []string(nil), t.err
	if err == nil {
		fields, err = t.record()
	}
	at := t.csv.InputOffset()
	size := at - t.read
	t.read = at
	switch {
	case err == io.EOF:
		return nil, size, io.EOF
	case err != nil: // a quotation that is not closed, bytes that do not decompress
		return nil, size, fmt.Errorf("%v: %w", err, errRest)
	case len(fields) != len(t.header):
		return nil, size, fmt.Errorf("the record has %d columns, the header %d", len(fields), len(t.header))
	}
	m := make(item.Map, 0, len(fields))
	for i, text := range fields {
		v, err := valueOf(t.kind(t.header[i]), strings.Clone(text))
		if err != nil {
			return nil, size, fmt.Errorf("column %s: %w", t.header[i], err)
		}
		m.Put(t.header[i], v)
	}
	return m, size, nil
}

// valueOf is what a column holds. Columns that are no keys have no kind here.
func valueOf(k item.Kind, text string) (item.Value, error) {
	if !utf8.ValidString(text) {
		return item.Value{}, errors.New("the text is not UTF-8")
	}
	switch k {
	case item.N:
		v, problem := item.Number(strings.TrimSpace(text))
		if problem != "" {
			return v, errors.New(problem)
		}
		return v, nil
	case item.B:
		b, err := base64.StdEncoding.DecodeString(text)
		return item.Binary(b), err
	}
	return item.String(text), nil
}
