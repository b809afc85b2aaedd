package pebblestore

import (
	"bytes"

	"github.com/google/btree"

	"github.com/brume-dev/brume/store"
)

// layer is what the running group has written, over the base in Pebble. Transactions write to it in place, and what one
// of them wrote is undone when it fails.
type layer struct {
	entries *btree.BTreeG[entry]
	hidden  *spans // ranges in which the base is deleted
	gaps    gaps   // no key is visible in these, neither in entries nor in the base

	scans  int  // scans that are now walking over entries
	copied bool // since the youngest of them began
	writes int  // counts the changes to entries
	undo   []change
	before struct{ hidden, gaps *spans } // as they were when the transaction began
	// ownHidden and ownGaps say that the trees are the transaction's own, seen by nobody else.
	ownHidden, ownGaps bool
}

// entry is a pair, or the deletion of a key.
type entry struct {
	key, value []byte
	dead       bool
}

// change is what to restore: the former entry of a key, if it had one.
type change struct {
	old entry
	had bool
}

func newLayer() *layer {
	return &layer{
		entries: btree.NewG(16, func(a, b entry) bool { return bytes.Compare(a.key, b.key) < 0 }),
		hidden:  newSpans(),
		gaps:    gaps{newSpans()},
	}
}

// begin begins a transaction.
func (l *layer) begin() {
	clear(l.undo)
	l.undo = l.undo[:0]
	l.before.hidden, l.before.gaps = l.hidden, l.gaps.spans
	l.ownHidden, l.ownGaps = false, false
}

// rollback undoes all since begin.
func (l *layer) rollback() {
	for i := len(l.undo) - 1; i >= 0; i-- {
		if c := l.undo[i]; c.had {
			l.entries.ReplaceOrInsert(c.old)
		} else {
			l.entries.Delete(c.old)
		}
	}
	l.hidden, l.gaps.spans = l.before.hidden, l.before.gaps
	l.begin()
	l.scans = 0
}

// reset empties the layer: what it held is in the base now. The gaps stay true.
func (l *layer) reset() {
	l.entries.Clear(true)
	if !l.hidden.empty() {
		l.hidden = newSpans()
	}
	l.begin()
	l.scans = 0
}

// lend returns the trees for a scan that yields their present state, whatever is written meanwhile. The scan calls
// unlend when it looks at them no more.
func (l *layer) lend() (*btree.BTreeG[entry], *spans, *spans) {
	l.scans++
	l.copied, l.ownHidden, l.ownGaps = false, false, false
	return l.entries, l.hidden, l.gaps.spans
}

func (l *layer) unlend() { l.scans-- }

// change prepares entries for a write.
func (l *layer) change() {
	if l.scans > 0 && !l.copied {
		l.entries, l.copied = l.entries.Clone(), true
	}
	l.writes++
}

func (l *layer) put(e entry) {
	l.change()
	old, had := l.entries.ReplaceOrInsert(e)
	if !had {
		old.key = e.key
	}
	l.undo = append(l.undo, change{old, had})
}

func (l *layer) remove(e entry) {
	l.change()
	if old, had := l.entries.Delete(e); had {
		l.undo = append(l.undo, change{old, had})
	}
}

// set writes a pair. Its slices are the layer's from now on.
func (l *layer) set(k store.Key, v store.Value) {
	l.put(entry{key: k, value: v})
	if l.gaps.empty() {
		return
	}
	if _, ok := l.gaps.around(k); ok {
		l.own().filled(k)
	}
}

// delete writes a deletion, unless it is known that there is nothing to delete.
func (l *layer) delete(k store.Key) {
	if !l.gaps.empty() {
		if _, ok := l.gaps.around(k); ok {
			return
		}
	}
	l.put(entry{key: k, dead: true})
}

// hide deletes every key of p.
func (l *layer) hide(p span) {
	var gone []entry
	l.entries.AscendRange(entry{key: p.begin}, entry{key: p.end}, func(e entry) bool {
		gone = append(gone, e)
		return true
	})
	for _, e := range gone {
		l.remove(e)
	}
	if !l.ownHidden {
		l.hidden, l.ownHidden = l.hidden.clone(), true
	}
	l.hidden.add(p)
	l.own().learn(p)
}

// learn remembers that no key is visible in p.
func (l *layer) learn(p span) { l.own().learn(p) }

// own returns the gaps to be changed.
func (l *layer) own() gaps {
	if !l.ownGaps {
		l.gaps.spans, l.ownGaps = l.gaps.clone(), true
	}
	return l.gaps
}

// look returns the entry of k. Without one, hidden says whether the base is deleted there.
func (l *layer) look(k store.Key) (e entry, ok, hidden bool) {
	if e, ok = l.entries.Get(entry{key: k}); ok || l.hidden.empty() {
		return e, ok, false
	}
	_, hidden = l.hidden.around(k)
	return e, false, hidden
}
