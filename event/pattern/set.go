package pattern

import "sync"

// Set holds the patterns of many rules and finds those that match an event. Each branch of a pattern is filed under
// the exact values of one of its fields, the one whose values the fewest other rules share (a source, a detail type, a
// bucket's name), or else under the presence of a field; an event is compared only with what is filed under its own
// values. A Set may be used by many goroutines.
type Set[K comparable] struct {
	mu       sync.RWMutex
	fields   fieldTree
	rules    map[K]*rule[K]
	exact    map[valueKey]*file[K] // branches that need one of these values
	presence map[int]*file[K]      // branches that need the field, by path number
	always   file[K]               // branches that any event may match
	numbers  []int                 // rule numbers that were given back
	next     int
	events   sync.Pool
}

// rule is a pattern in the set.
type rule[K comparable] struct {
	key    K
	number int // small, to mark rules that matched
	filed  []*filed[K]
}

// filed is a branch with the places where it is filed.
type filed[K comparable] struct {
	rule   *rule[K]
	branch branch
	ids    []int
	files  []*file[K]
	keys   []valueKey
	field  int // under whose presence it is filed, or -1
}

// file is an unordered list of branches from which one can be taken out at once.
type file[K comparable] struct {
	list []*filed[K]
	at   map[*filed[K]]int
}

func (f *file[K]) put(b *filed[K]) {
	if f.at == nil {
		f.at = map[*filed[K]]int{}
	}
	f.at[b] = len(f.list)
	f.list = append(f.list, b)
}

func (f *file[K]) take(b *filed[K]) {
	i, last := f.at[b], len(f.list)-1
	f.list[i] = f.list[last]
	f.at[f.list[i]] = i
	f.list[last] = nil
	f.list = f.list[:last]
	delete(f.at, b)
}

// valueKey is a value of a field, as leaves and exact matchers share it.
type valueKey struct {
	field int
	kind  leafKind
	text  string
	num   decimal
}

func (l *leaf) key(field int) valueKey {
	if l.isNum {
		return valueKey{field: field, kind: leafNumber, num: l.num}
	}
	return valueKey{field: field, kind: l.kind, text: l.text}
}

func (m *matcher) key(field int) valueKey {
	switch m.kind {
	case matchNumber:
		if m.isNum {
			return valueKey{field: field, kind: leafNumber, num: m.num}
		}
		return valueKey{field: field, kind: leafNumber, text: m.text}
	case matchTrue:
		return valueKey{field: field, kind: leafTrue}
	case matchFalse:
		return valueKey{field: field, kind: leafFalse}
	case matchNull:
		return valueKey{field: field, kind: leafNull}
	}
	return valueKey{field: field, kind: leafString, text: m.text}
}

// NewSet returns an empty set.
func NewSet[K comparable]() *Set[K] {
	return &Set[K]{rules: map[K]*rule[K]{}, exact: map[valueKey]*file[K]{}, presence: map[int]*file[K]{}}
}

// Add puts a rule's pattern into the set, in place of the one that it has there.
func (s *Set[K]) Add(key K, p *Pattern) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(key)
	r := &rule[K]{key: key}
	if n := len(s.numbers); n > 0 {
		r.number, s.numbers = s.numbers[n-1], s.numbers[:n-1]
	} else {
		r.number = s.next
		s.next++
	}
	s.rules[key] = r
	for _, b := range p.branches {
		f := &filed[K]{rule: r, branch: b, ids: make([]int, len(b)), field: -1}
		for i := range b {
			f.ids[i] = s.fields.add(b[i].path)
		}
		r.filed = append(r.filed, f)
		s.file(f)
	}
}

// file finds the place of a branch.
func (s *Set[K]) file(f *filed[K]) {
	best, least, present := -1, 0, -1
	for i := range f.branch {
		n, exact, needed := s.crowd(&f.branch[i], f.ids[i])
		if needed {
			present = i
		}
		if exact && (best < 0 || n < least) {
			best, least = i, n
		}
	}
	switch {
	case best >= 0:
		for _, m := range f.branch[best].matchers {
			k := m.key(f.ids[best])
			if s.exact[k] == nil {
				s.exact[k] = &file[K]{}
			}
			if _, twice := s.exact[k].at[f]; !twice {
				s.exact[k].put(f)
				f.keys, f.files = append(f.keys, k), append(f.files, s.exact[k])
			}
		}
	case present >= 0:
		f.field = f.ids[present]
		if s.presence[f.field] == nil {
			s.presence[f.field] = &file[K]{}
		}
		s.presence[f.field].put(f)
		f.files = append(f.files, s.presence[f.field])
	default:
		s.always.put(f)
		f.files = append(f.files, &s.always)
	}
}

// crowd counts the branches already filed under the values of a field; exact says that all its values are exact, and
// needed that no event matches without the field.
func (s *Set[K]) crowd(f *field, id int) (n int, exact, needed bool) {
	exact, needed = true, !f.absence()
	for i := range f.matchers {
		if !f.matchers[i].exact() {
			return 0, false, needed
		}
		n++
		if file := s.exact[f.matchers[i].key(id)]; file != nil {
			n += len(file.list)
		}
	}
	return n, exact, needed
}

// Remove takes a rule out of the set; it reports whether the rule was there.
func (s *Set[K]) Remove(key K) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.remove(key)
}

func (s *Set[K]) remove(key K) bool {
	r, ok := s.rules[key]
	if !ok {
		return false
	}
	delete(s.rules, key)
	s.numbers = append(s.numbers, r.number)
	for _, f := range r.filed {
		for _, in := range f.files {
			in.take(f)
		}
		for _, k := range f.keys {
			if len(s.exact[k].list) == 0 {
				delete(s.exact, k)
			}
		}
		if f.field >= 0 && len(s.presence[f.field].list) == 0 {
			delete(s.presence, f.field)
		}
		for i := range f.branch {
			s.fields.remove(f.branch[i].path)
		}
	}
	return true
}

// Len is the number of rules.
func (s *Set[K]) Len() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.rules)
}

// search is the state of one Match, kept for the next.
type search[K comparable] struct {
	facts
	matched []bool // by rule number
	found   []*rule[K]
}

// Match returns the keys of the rules that match the event, each once, in no order. The error is ErrNotJSON.
func (s *Set[K]) Match(event []byte) ([]K, error) {
	m, _ := s.events.Get().(*search[K])
	if m == nil {
		m = &search[K]{}
	}
	defer s.events.Put(m)
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := m.read(event, &s.fields); err != nil {
		return nil, err
	}
	for len(m.matched) < s.next {
		m.matched = append(m.matched, false)
	}
	m.try(&s.always)
	for _, id := range m.touched {
		m.try(s.presence[id])
		for i := range m.leaves[id] {
			m.try(s.exact[m.leaves[id][i].key(id)])
		}
	}
	keys := make([]K, len(m.found))
	for i, r := range m.found {
		keys[i] = r.key
		m.matched[r.number] = false
	}
	clear(m.found)
	m.found = m.found[:0]
	return keys, nil
}

func (m *search[K]) try(f *file[K]) {
	if f == nil {
		return
	}
	for _, b := range f.list {
		if !m.matched[b.rule.number] && m.matches(b.branch, b.ids) {
			m.matched[b.rule.number] = true
			m.found = append(m.found, b.rule)
		}
	}
}
