package fleet

import "time"

// Provisioned environments are initialised before anything needs them. They wait for invocations of their version apart
// from those that invocations have left behind, and are not stopped for being idle.
// https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html

// refresh is how long before their credentials end provisioned environments are replaced.
const refresh = 20 * time.Minute

// Provisioned is how many provisioned environments are initialised for key, and how many of them work.
func (f *Fleet) Provisioned(key Key) (all, busy int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	all = f.provisioned[key] - f.preparing[key]
	return all, all - len(f.ready[key])
}

// Trim stops provisioned environments that wait until there are at most n for key, and those that have ended or whose
// credentials soon will. It reports how many there are then.
func (f *Fleet) Trim(key Key, n int) int {
	soon := f.Clock.Now().Add(refresh)
	var gone []*Member
	f.mu.Lock()
	kept := f.ready[key][:0:0]
	for _, m := range f.ready[key] {
		if f.provisioned[key] > n || !m.Expires.After(soon) || m.ended() {
			gone = append(gone, m)
			f.forget(m)
			continue
		}
		kept = append(kept, m)
	}
	set(f.ready, key, kept)
	left := f.provisioned[key]
	f.mu.Unlock()
	for _, m := range gone {
		go m.end()
	}
	return left
}

// forget takes m out of the fleet's books. f.mu is held.
func (f *Fleet) forget(m *Member) {
	if _, ours := f.all[m]; !ours {
		return
	}
	delete(f.all, m)
	if m.Provisioned {
		f.prepare(m)
		if f.provisioned[m.Key]--; f.provisioned[m.Key] == 0 {
			delete(f.provisioned, m.Key)
		}
	}
}

// prepare notes that a provisioned environment is not being initialised any more. f.mu is held.
func (f *Fleet) prepare(m *Member) {
	if m.prepared {
		return
	}
	m.prepared = true
	if f.preparing[m.Key]--; f.preparing[m.Key] == 0 {
		delete(f.preparing, m.Key)
	}
}

func (m *Member) ended() bool {
	select {
	case <-m.Gone():
		return true
	default:
		return false
	}
}
