package bucket

import (
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// EraseParts deletes some parts of uploads; more is true when there may be others.
func (b *Bucket) EraseParts(tx store.Tx, g *Garbage) (more bool, err error) {
	n := 0
	pairs, done := tx.Scan(b.Family(familyPart).Range(), store.ScanOpt{Limit: chunk})
	for kv := range pairs {
		var p PartRecord
		if err := record.Decode(kv.Value, PartVersion, &p); err != nil {
			return false, err
		}
		for _, one := range p.Pieces {
			if err := g.drop(tx, one); err != nil {
				return false, err
			}
		}
		tx.Delete(append(store.Key(nil), kv.Key...))
		n++
	}
	return n == chunk, done()
}
