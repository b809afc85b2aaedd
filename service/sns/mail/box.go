package mail

import (
	"slices"
	"time"

	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

const (
	boxSize = 200 // mails that a box keeps
	version = 1   // of records
)

// Box is a place in the store where mails are kept that nobody takes, the newest of them:
//
//	prefix 0      counter behind n
//	prefix 1 n    Kept
type Box struct{ Prefix store.Tuple }

// Kept is a mail in a box.
type Kept struct {
	At      time.Time `cbor:"1,keyasint" json:"at"`
	From    string    `cbor:"2,keyasint" json:"from"`
	To      string    `cbor:"3,keyasint" json:"to"`
	Subject string    `cbor:"4,keyasint" json:"subject"`
	Text    string    `cbor:"5,keyasint" json:"text"`
}

func (b Box) count() store.Key        { return b.Prefix.Uint(0) }
func (b Box) mail(n uint64) store.Key { return b.Prefix.Uint(1).Uint(n) }

// Put keeps a mail, in place of the oldest when there are many.
func (b Box) Put(tx store.Tx, m *Mail) error {
	n, err := store.NextID(tx, b.count())
	if err != nil {
		return err
	}
	if n > boxSize {
		if err := store.DeleteLarge(tx, b.mail(n-boxSize)); err != nil {
			return err
		}
	}
	k := Kept{At: m.Date, From: m.FromName + " <" + m.From + ">", To: m.To, Subject: m.Subject, Text: m.Text}
	return store.SetLarge(tx, b.mail(n), record.Encode(version, k))
}

// List returns the mails, the newest first.
func (b Box) List(r store.Reader) ([]Kept, error) {
	v, _, err := r.Get(b.count())
	if err != nil {
		return nil, err
	}
	out := []Kept{}
	last := store.ReadCounter(v)
	for n := max(1, last-boxSize+1); n <= last; n++ {
		v, there, err := store.GetLarge(r, b.mail(uint64(n)))
		if err != nil {
			return nil, err
		}
		if !there {
			continue
		}
		var k Kept
		if err := record.Decode(v, version, &k); err != nil {
			return nil, err
		}
		out = append(out, k)
	}
	slices.Reverse(out)
	return out, nil
}
