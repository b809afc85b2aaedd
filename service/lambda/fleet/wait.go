package fleet

import (
	"slices"
	"time"
)

// Wait is one who waits for an environment.
type Wait struct {
	fleet  *Fleet
	key    Key
	needed time.Time
	got    chan *Member // has a place
}

// Await is Take for those who find nothing: the first environment for key that is returned from now on goes to them, in the
// order of their calls. Leave must follow.
func (f *Fleet) Await(key Key, needed time.Time) *Wait {
	w := &Wait{f, key, needed, make(chan *Member, 1)}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waiting[key] = append(f.waiting[key], w)
	return w
}

// Got has the environment when it comes. It is the caller's until Return or Drop.
func (w *Wait) Got() <-chan *Member { return w.got }

// Leave ends the waiting. It returns what came and was not taken from Got, nil if there is none.
func (w *Wait) Leave() *Member {
	w.fleet.mu.Lock()
	defer w.fleet.mu.Unlock()
	w.fleet.unlist(w)
	select {
	case m := <-w.got:
		return m
	default:
		return nil
	}
}

// unlist has nothing more go to w. f.mu is held.
func (f *Fleet) unlist(w *Wait) {
	list := f.waiting[w.key]
	if i := slices.Index(list, w); i >= 0 {
		list = slices.Delete(list, i, i+1)
	}
	if f.waiting[w.key] = list; len(list) == 0 {
		delete(f.waiting, w.key)
	}
}

// Awaited reports whether somebody waits for an environment for key.
func (f *Fleet) Awaited(key Key) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.closed && len(f.waiting[key]) > 0
}

// hand gives an environment that is returned to the first who waits for one and may have it.
func (f *Fleet) hand(m *Member) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ours := f.all[m]; !ours || f.closed || m.Provisioned || m.ended() {
		return false
	}
	for _, w := range f.waiting[m.Key] {
		if m.Expires.After(w.needed) {
			f.unlist(w)
			w.got <- m
			return true
		}
	}
	return false
}
