package output

import (
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/sandbox"
)

func frame(text string) string {
	b := []byte{0xa5, 0x5a, 0x00, 0x03}
	b = binary.BigEndian.AppendUint32(b, uint32(len(text)))
	b = binary.BigEndian.AppendUint64(b, 1_700_000_000_000_000)
	return string(b) + text
}

// Lines and frames come out the same however the stream is cut into reads.
func TestOutputLinesAndFrames(t *testing.T) {
	stream := "a\nb\n" + frame("two\nlines\n") + "c" + frame("") + "\nlast"
	want := []string{"a", "b", "two\nlines", "c", "", "", "last"}
	for cut := 1; cut <= len(stream); cut++ {
		var got []string
		o := &Output{sink: func(l sandbox.Line) { got = append(got, string(l.Text)) }, now: time.Now}
		for part := range slices.Chunk([]byte(stream), cut) {
			o.feed(part)
		}
		o.end()
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("in reads of %d: %q, want %q", cut, got, want)
		}
	}
}

func TestOutputIsBounded(t *testing.T) {
	var longest int
	o := &Output{sink: func(l sandbox.Line) { longest = max(longest, len(l.Text)) }, now: time.Now}
	for range 5 {
		o.feed([]byte(strings.Repeat("x", maxLine)))
	}
	if longest != maxLine || len(o.rest) > maxLine {
		t.Errorf("longest line %d, kept %d, want at most %d", longest, len(o.rest), maxLine)
	}
}

// Flush takes what is in the pipe although the reader may not have been woken yet.
func TestOutputFlush(t *testing.T) {
	var got []string
	o, w, err := New(func(l sandbox.Line) { got = append(got, string(l.Text)) }, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	go o.Follow()
	for i := range 200 {
		fmt.Fprintf(w, "line %d\nrest", i)
		o.Flush()
		o.mu.Lock()
		if want := []string{fmt.Sprintf("line %d", i), "rest"}; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("after flush: %q, want %q", got, want)
		}
		got = got[:0]
		o.mu.Unlock()
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	<-o.done
	o.Close()
	if _, err := o.file.Write(nil); err == nil || !strings.Contains(err.Error(), os.ErrClosed.Error()) {
		t.Errorf("the pipe is still open: %v", err)
	}
}

func FuzzOutput(f *testing.F) {
	f.Add([]byte("a\n"+frame("b")), 3)
	f.Fuzz(func(t *testing.T, data []byte, cut int) {
		o := &Output{sink: func(l sandbox.Line) {
			if len(l.Text) > maxLine {
				t.Errorf("%d bytes in a line", len(l.Text))
			}
		}, now: time.Now}
		for part := range slices.Chunk(data, max(1, cut)) {
			o.feed(part)
		}
		o.end()
	})
}
