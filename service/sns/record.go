package sns

import (
	"time"

	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

const version = 1 // of all records

// topicRecord is a topic.
type topicRecord struct {
	ID         uint64            `cbor:"1,keyasint"`
	Created    time.Time         `cbor:"2,keyasint"`
	FIFO       bool              `cbor:"3,keyasint,omitempty"`
	Attributes map[string]string `cbor:"4,keyasint,omitempty"` // those that were set
	Policy     string            `cbor:"5,keyasint"`
	Tags       map[string]string `cbor:"6,keyasint,omitempty"`
	Masking    string            `cbor:"7,keyasint,omitempty"` // the data protection policy
	// Archived is since when messages are archived; zero: they are not.
	Archived time.Time `cbor:"8,keyasint,omitzero"`
	Days     int       `cbor:"9,keyasint,omitempty"` // for how long
}

func (t *topicRecord) contentDedup() bool { return t.Attributes[attrContentDedup] == "true" }
func (t *topicRecord) archives() bool     { return !t.Archived.IsZero() }

// beginning is since when messages are in the archive.
func (t *topicRecord) beginning(now time.Time) time.Time {
	if b := now.Add(-time.Duration(t.Days) * 24 * time.Hour); b.After(t.Archived) {
		return b
	}
	return t.Archived
}

// subRecord is a subscription.
type subRecord struct {
	Protocol      string            `cbor:"1,keyasint"`
	Endpoint      string            `cbor:"2,keyasint"`
	Owner         string            `cbor:"3,keyasint"` // account
	Principal     string            `cbor:"4,keyasint,omitempty"`
	Created       time.Time         `cbor:"5,keyasint"`
	Pending       bool              `cbor:"6,keyasint,omitempty"`
	Authenticated bool              `cbor:"7,keyasint,omitempty"` // only its owner and the topic's may take it away
	Attributes    map[string]string `cbor:"8,keyasint,omitempty"` // those that were set
	// Since is the generation of the topic at which it was confirmed: messages published before do not reach it.
	Since int64  `cbor:"9,keyasint"`
	Token string `cbor:"10,keyasint,omitempty"` // of the pending confirmation
	// Replay is the generation at which its ReplayPolicy was set; 0: it has none.
	Replay int64 `cbor:"11,keyasint,omitempty"`
}

// tokenRecord is what a confirmation token stands for.
type tokenRecord struct {
	Topic   string     `cbor:"1,keyasint"` // name
	TopicID uint64     `cbor:"2,keyasint"`
	Sub     string     `cbor:"3,keyasint"`
	Until   time.Time  `cbor:"4,keyasint"`
	Gone    *subRecord `cbor:"5,keyasint,omitempty"` // a subscription that was taken away, and may be had back
}

// dedupRecord is a message that was published within the window.
type dedupRecord struct {
	Until    time.Time `cbor:"1,keyasint"`
	ID       string    `cbor:"2,keyasint"` // of the message
	Sequence uint64    `cbor:"3,keyasint"`
}

// read decodes the record at k.
func read[T any](r store.Reader, k store.Key) (v T, ok bool, err error) {
	b, ok, err := r.Get(k)
	if err != nil || !ok {
		return v, false, err
	}
	return v, true, record.Decode(b, version, &v)
}

func write(tx store.Tx, k store.Key, v any) { tx.Set(k, record.Encode(version, v)) }

// readCount reads a counter kept by Add.
func readCount(r store.Reader, k store.Key) (int64, error) {
	v, _, err := r.Get(k)
	return store.ReadCounter(v), err
}
