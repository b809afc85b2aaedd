package transfer

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/brume-dev/brume/item"
	"github.com/brume-dev/brume/service/dynamodb/definition"
	"github.com/brume-dev/brume/service/dynamodb/table"
)

// Whatever lies in a bucket is read to its end: each record is an item or an error, and what cannot be read any more ends it.
func FuzzSource(f *testing.F) {
	for _, text := range []string{"pk,sk\na,1\n", "pk,sk\n\"a\"b,1\n", `{"Item":{"pk":{"S":"a"}}}` + "\n\n{}", "\x1f\x8b\x08", "\xef\xbb\xbfpk\nä"} {
		for how := range byte(6) {
			f.Add([]byte(text), how)
		}
	}
	keys := table.New(table.Name{}, definition.Record{Hash: "pk", Attributes: []definition.Attribute{{Name: "pk", Type: "S"}, {Name: "n", Type: "N"}, {Name: "b", Type: "B"}}}, nil)
	f.Fuzz(func(t *testing.T, text []byte, how byte) {
		l := loader{t: keys}
		if how%2 == 1 {
			l.rec.CSV = &csvRecord{Delimiter: ";"}
		}
		plain, err := decompressed([]string{"NONE", "GZIP", "ZSTD"}[how/2%3], io.LimitReader(bytes.NewReader(text), 1<<20))
		if err != nil {
			t.Fatal(err)
		}
		defer plain.Close()
		in := l.reader(io.LimitReader(plain, 1<<20))
		for records := 0; ; records++ {
			m, _, err := in.next()
			if err == io.EOF || errors.Is(err, errRest) {
				return
			}
			if records > 1<<20 {
				t.Fatal("no end")
			}
			if err != nil {
				continue
			}
			var again item.Map
			if rest, err := again.DecodeJSON(m.AppendJSON(nil)); m.Problem(item.Current) == "" && (err != nil || len(rest) > 0 || !item.EqualMaps(m, again)) {
				t.Errorf("%s is not what it is read as", m.AppendJSON(nil))
			}
		}
	})
}

// A quotation that is not closed takes no more memory than a record may have.
func TestEndlessRecord(t *testing.T) {
	for _, header := range [][]string{nil, {"pk"}} {
		body := io.MultiReader(strings.NewReader("\""), &endless{})
		in := newTableReader(body, &csvRecord{Header: header}, func(string) item.Kind { return item.S })
		if _, _, err := in.next(); !errors.Is(err, errRest) {
			t.Errorf("with the header %v: %v", header, err)
		}
	}
}

// endless is a text without an end.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	if e.read += len(p); e.read > 2*maxLine {
		panic("read beyond what a record may have")
	}
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

// Lists go on where they were.
func TestPlaceToken(t *testing.T) {
	for _, name := range []string{"abc", "a-table.with_a-rather-long-name-of-more-than-56-bytes-and-more", "twelve-bytes"} {
		w := which{"000000000000", "us-east-1", name, "01767323045000-00000001"}
		token := *placeToken(w)
		if len(token) < 112 || len(token)%16 != 0 {
			t.Errorf("%s has %d characters", token, len(token))
		}
		if got, err := readPlaceToken(w.name(), token); err != nil || got != w {
			t.Errorf("%+v %v", got, err)
		}
	}
	for _, token := range []string{"", "zz", "00", "616263"} {
		if _, err := readPlaceToken(table.Name{}, token); err == nil {
			t.Errorf("%q is a token", token)
		}
	}
}
