package eventstream

import (
	"bytes"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
)

// TestAppend lets AWS's own decoder read what is written.
func TestAppend(t *testing.T) {
	messages := []Message{
		Event("PayloadChunk", "application/octet-stream", []byte("hello")),
		Event("InvokeComplete", "application/json", []byte(`{}`)),
		{Headers: []Header{{":message-type", "error"}, {":error-code", "InternalFailure"}, {":error-message", "it broke"}}},
		{Payload: bytes.Repeat([]byte("x"), 1<<20)},
	}
	var body []byte
	for _, m := range messages {
		var err error
		if body, err = Append(body, m); err != nil {
			t.Fatal(err)
		}
	}
	r, d := bytes.NewReader(body), sdk.NewDecoder()
	for i, m := range messages {
		got, err := d.Decode(r, nil)
		if err != nil {
			t.Fatalf("message %d: %v", i, err)
		}
		if !bytes.Equal(got.Payload, m.Payload) || len(got.Headers) != len(m.Headers) {
			t.Errorf("message %d: %+v", i, got)
		}
		for _, h := range m.Headers {
			if v := got.Headers.Get(h.Name); v == nil || v.String() != h.Value {
				t.Errorf("message %d: header %s is %v, want %q", i, h.Name, v, h.Value)
			}
		}
	}
	if r.Len() != 0 {
		t.Errorf("%d bytes are left", r.Len())
	}
}

func TestAppendRefuses(t *testing.T) {
	for _, m := range []Message{
		{Headers: []Header{{"", "x"}}},
		{Headers: []Header{{strings.Repeat("n", 256), "x"}}},
		{Headers: []Header{{"n", strings.Repeat("v", 1<<15)}}},
		{Payload: make([]byte, MaxPayload+1)},
		{Headers: repeat(5, Header{"n", strings.Repeat("v", 1<<15-1)})},
	} {
		if _, err := Append(nil, m); err == nil {
			t.Errorf("%d headers, %d bytes were taken", len(m.Headers), len(m.Payload))
		}
	}
}

func repeat(n int, h Header) (hs []Header) {
	for range n {
		hs = append(hs, h)
	}
	return hs
}
