package dataset

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"unicode/utf8"

	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/jsondoc"
)

// table are the rows of a CSV file (RFC 4180): an object of strings each.
type table struct {
	body   io.Closer
	room   *io.LimitedReader // what may be read for the row at hand: a quotation may go on to the end of the file
	csv    *csv.Reader
	base   int64
	header []string
}

func openTable(body io.ReadCloser, delimiter rune, header []string, first bool, at Cursor) (*table, error) {
	t := &table{body: body, room: &io.LimitedReader{R: body, N: maxRow}, base: at.Offset, header: header}
	in := bufio.NewReader(t.room)
	if at.Offset == 0 {
		if mark, _ := in.Peek(3); bytes.Equal(mark, []byte("\ufeff")) {
			_, _ = in.Discard(3)
			t.base = 3
		}
	}
	t.csv = csv.NewReader(in)
	t.csv.Comma, t.csv.FieldsPerRecord, t.csv.LazyQuotes = delimiter, -1, true
	if !first {
		return t, nil
	}
	row, err := t.csv.Read()
	switch {
	case errors.Is(err, io.EOF):
		return t, nil
	case err != nil:
		return nil, readError(err)
	case t.csv.InputOffset() > MaxHeader: // also of one that takes all the room
		return nil, failed("The CSV header exceeds the maximum of %d bytes.", MaxHeader)
	}
	t.header = row
	return t, nil
}

// readError tells what is wrong in a file from trouble with reading it.
func readError(err error) error {
	if bad, ok := errors.AsType[*csv.ParseError](err); ok {
		return failed("Error reading CSV: %v", bad)
	}
	return err
}

// next makes an object of a row. Fields that are missing are empty, those beyond the header are left out.
func (t *table) next() (string, []byte, error) {
	t.room.N = maxRow
	row, err := t.csv.Read()
	if t.room.N <= 0 {
		return "", nil, wrongf("a row exceeds the maximum of %d bytes", maxRow)
	}
	if err != nil {
		return "", nil, readError(err)
	}
	o := jsondoc.NewObject()
	for i, name := range t.header {
		field := ""
		if i < len(row) {
			field = row[i]
		}
		o.Set(name, field)
	}
	return "", jsondoc.Append(nil, o), nil
}

func (t *table) mark(c *Cursor) { c.Offset, c.Header = t.base+t.csv.InputOffset(), t.header }
func (t *table) close()         { t.body.Close() }

// lines are those of a JSON Lines file; empty ones are skipped.
type lines struct {
	body   io.Closer
	in     *bufio.Reader
	offset int64
}

func openLines(body io.ReadCloser, at Cursor) *lines {
	return &lines{body: body, in: bufio.NewReaderSize(body, 64<<10), offset: at.Offset}
}

func (l *lines) next() (string, []byte, error) {
	for {
		var line []byte
		for {
			part, err := l.in.ReadSlice('\n')
			l.offset += int64(len(part))
			line = append(line, part...)
			if len(line) > asl.MaxData+2 {
				return "", nil, wrongf("a line exceeds the maximum of %d bytes", asl.MaxData)
			}
			if err == nil || errors.Is(err, io.EOF) && len(line) > 0 {
				break
			}
			if !errors.Is(err, bufio.ErrBufferFull) {
				return "", nil, err
			}
		}
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		if !json.Valid(line) || !utf8.Valid(line) {
			return "", nil, wrongf("the line that ends at byte %d is not valid JSON", l.offset)
		}
		return "", line, nil
	}
}

func (l *lines) mark(c *Cursor) { c.Offset = l.offset }
func (l *lines) close()         { l.body.Close() }
