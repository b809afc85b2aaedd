package history

import (
	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/store"
)

// Append keeps the events of a commit below root, each batch under the id of its first event (SetLarge).
func Append(tx store.Tx, root store.Tuple, events []asl.Event) error {
	if len(events) == 0 {
		return nil
	}
	return store.SetLarge(tx, store.Key(root.Uint(uint64(events[0].ID))), Encode(events))
}

// Read calls take with the events below root from the one numbered from, forward or in reverse, until it returns false.
func Read(r store.Reader, root store.Tuple, from int64, reverse bool, take func(*asl.Event) bool) error {
	first, err := begin(r, root, from)
	if err != nil || first == 0 {
		return err
	}
	for first > 0 {
		events, err := batch(r, root, first)
		if err != nil || len(events) == 0 {
			return err
		}
		for i := range events {
			e := &events[i]
			if reverse {
				e = &events[len(events)-1-i]
			}
			if reverse && e.ID > from || !reverse && e.ID < from {
				continue
			}
			if !take(e) {
				return nil
			}
		}
		if !reverse {
			first = events[len(events)-1].ID + 1
		} else if first, err = begin(r, root, first-1); err != nil {
			return err
		}
	}
	return nil
}

// begin is the id of the first event of the batch that has the event numbered id, or of the last one before it; 0 when there
// is none.
func begin(r store.Reader, root store.Tuple, id int64) (first int64, err error) {
	if id <= 0 {
		return 0, nil
	}
	upTo := store.Range{Begin: root.Range().Begin, End: store.Key(root.Uint(uint64(id) + 1))}
	pairs, done := r.Scan(upTo, store.ScanOpt{Reverse: true, Limit: 1}) // of the batch, or a piece of it
	for kv := range pairs {
		first = store.Decode(kv.Key, len(root)).Int()
	}
	return first, done()
}

func batch(r store.Reader, root store.Tuple, first int64) ([]asl.Event, error) {
	b, there, err := store.GetLarge(r, store.Key(root.Uint(uint64(first))))
	if err != nil || !there {
		return nil, err
	}
	return Decode(b)
}
