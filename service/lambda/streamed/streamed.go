// Package streamed writes streamed answers of functions as the event stream of InvokeWithResponseStream.
package streamed

import (
	"encoding/base64"
	"encoding/json"
	"io"

	"github.com/brume-dev/brume/protocol/eventstream"
)

// End is how an invocation ended.
type End struct {
	Whole        []byte // the answer of a function that streams none
	ErrorCode    string // "" when it did not fail
	ErrorDetails string
	Log          []byte // the end of the log, nil when it is not wanted
}

// maxChunk is the size of a message at most; what a function streams in smaller pieces comes in these pieces.
const maxChunk = 64 << 10

// Messages gives the event stream: PayloadChunk after PayloadChunk as body gives them, and at the end InvokeComplete. A nil
// body is that of a function that streams no answer. end waits for the end; it is called once body has ended, in whatever
// way. Closing the reader closes body.
// https://docs.aws.amazon.com/lambda/latest/api/API_InvokeWithResponseStreamResponseEvent.html
func Messages(body io.ReadCloser, end func() End) io.ReadCloser {
	return &messages{body: body, end: end}
}

type messages struct {
	body io.ReadCloser
	end  func() End
	buf  []byte // of messages that are not read yet
	room []byte
	over bool
}

// Read implements io.Reader.
func (m *messages) Read(p []byte) (int, error) {
	for len(m.buf) == 0 {
		if m.over {
			return 0, io.EOF
		}
		if err := m.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, m.buf)
	m.buf = m.buf[n:]
	return n, nil
}

// next makes the next messages.
func (m *messages) next() (err error) {
	if m.body != nil {
		if m.room == nil {
			m.room = make([]byte, maxChunk)
		}
		n, failed := m.body.Read(m.room)
		if n > 0 {
			m.buf, err = eventstream.Append(m.buf[:0], chunk(m.room[:n]))
		}
		if failed == nil || err != nil {
			return err
		}
	}
	return m.complete()
}

func chunk(b []byte) eventstream.Message {
	return eventstream.Event("PayloadChunk", "application/octet-stream", b)
}

// complete makes the last messages.
func (m *messages) complete() (err error) {
	e := m.end()
	m.over = true
	if m.body == nil && e.ErrorCode == "" {
		if m.buf, err = eventstream.Append(m.buf, chunk(e.Whole)); err != nil {
			return err
		}
	}
	b, err := json.Marshal(struct {
		ErrorCode    string `json:",omitempty"`
		ErrorDetails string `json:",omitempty"`
		LogResult    string `json:",omitempty"`
	}{e.ErrorCode, e.ErrorDetails, base64.StdEncoding.EncodeToString(e.Log)})
	if err == nil {
		m.buf, err = eventstream.Append(m.buf, eventstream.Event("InvokeComplete", "application/json", b))
	}
	return err
}

// Close ends the client's interest; the function runs on.
func (m *messages) Close() error {
	if m.body == nil {
		return nil
	}
	return m.body.Close()
}
