package dynamodb

import (
	"bytes"
	"context"
	"fmt"
	"sync"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/item"
	"github.com/brume-dev/brume/service/dynamodb/expression"
	"github.com/brume-dev/brume/service/dynamodb/table"
	"github.com/brume-dev/brume/store"
)

// pager reads a page of items: what Query and Scan have in common.
type pager struct {
	table      named
	index      *string
	limit      int // 0: none
	reverse    bool
	consistent bool
	count      bool // count the items, do not return them
	selected   api.Select
	filter     *expression.Condition
	filterName string // the parameter that filter came with, for its errors
	chosen     *expression.Projection
	start      item.Map // nil: from the beginning
	// rooms are used one after another to make pages of stored items as they are: nil where each item is wanted by itself.
	rooms *sync.Pool
}

// direct reports whether items go into the answer as they are stored.
func (p *pager) direct() bool {
	return p.rooms != nil && !p.count && p.filter == nil && p.chosen == nil
}

// source is what a page is read from: a table or one of its indexes.
type source struct {
	t *table.Table
	*table.Space
	x     *table.Index // nil: the table
	fetch bool         // the page wants what a local index does not have: it is read from the table
}

// source finds what the page is read from, and checks that it can give what is asked for.
func (p *pager) source(t *table.Table) (source, error) {
	if p.index == nil {
		return source{t: t, Space: &t.Own}, nil
	}
	x, err := t.IndexNamed(*p.index)
	if err != nil {
		return source{}, err
	}
	src := source{t: t, Space: &x.Space, x: x}
	if !x.Local && p.consistent {
		return src, problem("Consistent reads are not supported on global secondary indexes")
	}
	if x.Keep == nil {
		return src, nil
	}
	if p.selected == api.SelectAllAttributes {
		if !x.Local {
			return src, problem(fmt.Sprintf("%sSelect type ALL_ATTRIBUTES is not supported for global secondary index %s because its projection type is not ALL",
				invalidValues, x.Name))
		}
		src.fetch = true
		return src, nil
	}
	var wanted []string
	if p.chosen != nil {
		wanted = p.chosen.TopLevel()
	}
	if x.Local && p.filter != nil {
		wanted = append(wanted, p.filter.Attributes()...)
	}
	for _, name := range wanted {
		switch {
		case x.Projects(name):
		case x.Local:
			src.fetch = true
		default:
			return src, problem(fmt.Sprintf("%sGlobal secondary index %s does not project [%s]", invalidValues, x.Name, name))
		}
	}
	return src, nil
}

// answer is the list that the page is answered with.
func (p *pager) answer(got *page) item.Items {
	switch {
	case p.count:
		return item.Items{}
	case p.direct():
		return got.list
	}
	return item.ItemsOf(got.items)
}

// keyOf returns the attributes that say where an item is.
func (src *source) keyOf(m item.Map) item.Map {
	if src.x == nil {
		return src.t.KeyOf(m)
	}
	return src.x.KeyOf(src.t, m)
}

// raw is a page as it lies in the store: the items one after another, which are decoded when the view is over, or, when they go
// into the answer as they are, their list.
type raw struct {
	items   item.Items
	last    []byte // the last item of a list that is full
	bodies  []byte
	ends    []int // of the items in bodies
	scanned int
	size    int     // of what was read from the source
	fetched float64 // units of what was read from the table besides
	full    bool    // there may be more
}

// page is what was read. last is the key of the last item that was looked at when there may be more.
type page struct {
	items   []item.Map
	list    item.Items // instead of items, when these go into the answer as they are stored
	matched int
	scanned int
	last    item.Map
}

// read reads the items in the range. A page ends with the item that brings it to 1 MB, before filter and projection,
// or to the limit.
func (p *pager) read(r store.Reader, src *source, within store.Range) (raw, error) {
	var out raw
	needs := !p.count || p.filter != nil
	pairs, done := r.Scan(within, store.ScanOpt{Reverse: p.reverse, Limit: p.limit})
	total := 0
	var err error
	var list *item.Writer
	if p.direct() {
		room, _ := p.rooms.Get().([]byte)
		list = item.NewWriter(room)
	}
	for kv := range pairs {
		var st table.Stored
		if src.x == nil {
			st, err = src.t.Whole(r, kv.Value, kv.Key[len(src.Prefix):])
		} else {
			st, err = src.entry(r, kv.Value, p.consistent, &out)
		}
		if err != nil {
			break
		}
		out.scanned++
		out.size += st.Size
		total += st.Size
		if src.fetch { // more is read than the index has
			total += max(0, len(st.Body)-st.Size)
		}
		out.full = total >= maxPage || out.scanned == p.limit
		switch {
		case list != nil:
			if err = list.Add(st.Body); err == nil && out.full {
				out.last = bytes.Clone(st.Body)
			}
		case needs || out.full:
			out.bodies = append(out.bodies, st.Body...)
			out.ends = append(out.ends, len(out.bodies))
		}
		if out.full || err != nil {
			break
		}
	}
	if list != nil {
		var room []byte
		out.items, room = list.Items()
		p.rooms.Put(room)
	}
	if err != nil {
		return raw{}, err
	}
	return out, done()
}

// entry reads an entry of an index, and from the table what it does not have.
func (src *source) entry(r store.Reader, v store.Value, consistent bool, out *raw) (table.Stored, error) {
	st, err := table.ReadStored(v)
	if err != nil || !st.Away && !src.fetch {
		return st, err
	}
	m, err := st.Decode()
	if err != nil {
		return st, err
	}
	whole, err := src.t.Load(r, src.t.Suffix(m))
	switch {
	case err != nil:
		return st, err
	case !whole.There:
		return st, fmt.Errorf("dynamodb: index %s has an entry of an item that is not there", src.x.Name)
	case src.fetch:
		out.fetched += table.ReadUnits(whole.Size, consistent)
		st.Body = whole.Body
		return st, nil
	}
	if m, err = whole.Decode(); err == nil {
		st.Body = src.x.Project(m).Append(nil)
	}
	return st, err
}

// found is a page as it is stored, and where.
type found struct {
	src source
	raw raw
}

// readPage reads a page and makes of it what the request asks for.
func (s *Service) readPage(ctx context.Context, p *pager, within func(*source) (store.Range, error)) (page, found, error) {
	got, err := view(ctx, s, p.table.tableName, func(r store.Reader) (found, error) {
		t, err := s.mustTable(r, p.table.tableName)
		if err != nil {
			return found{}, err
		}
		src, err := p.source(t)
		if err != nil {
			return found{}, err
		}
		span, err := within(&src)
		if err != nil {
			return found{}, err
		}
		raw, err := p.read(r, &src, span)
		if err == nil {
			err = s.chargePage(&src, raw, p.consistent)
		}
		return found{src, raw}, err
	})
	if err != nil {
		return page{}, found{}, refused(err)
	}
	out, err := p.page(&got.src, got.raw)
	return out, got, err
}

// page makes the answer of what was read.
func (p *pager) page(src *source, got raw) (page, error) {
	out := page{items: []item.Map{}, scanned: got.scanned, matched: got.scanned}
	if p.direct() {
		out.list = got.items
		if got.full {
			last, err := item.Decode(got.last)
			if err != nil {
				return out, err
			}
			out.last = src.keyOf(last)
		}
		return out, nil
	}
	if len(got.ends) == 0 {
		return out, nil
	}
	all, err := item.DecodeAll(string(got.bodies), got.ends)
	if err != nil {
		return out, err
	}
	if got.full {
		out.last = src.keyOf(all[len(all)-1])
	}
	if p.count && p.filter == nil {
		return out, nil
	}
	kept := all[:0]
	for _, m := range all {
		if p.filter == nil || p.filter.Holds(m) {
			kept = append(kept, p.choose(src, m))
		}
	}
	if out.matched = len(kept); !p.count {
		out.items = kept
	}
	return out, nil
}

// choose returns what the answer shows of an item.
func (p *pager) choose(src *source, m item.Map) item.Map {
	switch {
	case p.count:
		return m
	case p.chosen != nil:
		return p.chosen.Of(m)
	case src.fetch && p.selected != api.SelectAllAttributes: // only the filter wanted more than the index has
		return src.x.Project(m)
	}
	return m
}

// consumed renders what the page cost, if that was asked for.
func (p *pager) consumed(asked api.ReturnConsumedCapacity, src *source, got raw) *api.ConsumedCapacity {
	c := src.cost(got, p.consistent)
	return c.consumed(asked, p.table.given)
}

func (src *source) cost(got raw, consistent bool) cost {
	units := table.ReadUnits(got.size, consistent)
	if src.x == nil {
		return cost{table: units}
	}
	return cost{table: got.fetched, indexes: []indexCost{{src.x.Name, src.x.Local, units}}}
}

// chargePage charges what a page cost.
func (s *Service) chargePage(src *source, got raw, consistent bool) error {
	if !src.t.Limited {
		return nil
	}
	c := src.cost(got, consistent)
	if c.table > 0 {
		if err := s.chargeRead(src.t, nil, c.table); err != nil {
			return err
		}
	}
	if src.x == nil {
		return nil
	}
	return s.chargeRead(src.t, src.x, c.total()-c.table)
}

// startKey checks the key that a page starts after and returns its place.
func (p *pager) startKey(src *source) (store.Key, error) {
	if src.x == nil {
		if err := src.t.CheckKey(p.start); err != nil {
			return nil, problem(fmt.Sprintf("The provided starting key is invalid: %v", err))
		}
		return src.t.ItemKey(src.t.Suffix(p.start)), nil
	}
	if len(p.start) != len(src.keyOf(p.start)) {
		return nil, problem("The provided starting key is invalid")
	}
	for _, as := range [][]table.Attribute{src.t.KeyAttributes(), src.Hash, src.Sort} {
		for _, a := range as {
			if p.start.Get(a.Name).Kind() != a.Kind {
				return nil, problem(fmt.Sprintf("The provided starting key is invalid: %v", table.KeyMismatch))
			}
		}
	}
	if err := src.t.CheckKeyValues(p.start); err != nil {
		return nil, problem(fmt.Sprintf("The provided starting key is invalid: %v", err))
	}
	if !src.x.Covers(p.start) {
		return nil, problem("The provided starting key is invalid")
	}
	return src.x.Place(src.t, p.start), nil
}

// checkFilter refuses a filter on key attributes.
func (p *pager) checkFilter(src *source) error {
	if p.filter == nil || p.filterName == "" { // PartiQL may filter by anything
		return nil
	}
	for _, name := range p.filter.Attributes() {
		for _, as := range [][]table.Attribute{src.Hash, src.Sort} {
			for _, a := range as {
				if a.Name == name {
					return problem(p.filterName + " can only contain non-primary key attributes: Primary key attribute: " + name)
				}
			}
		}
	}
	return nil
}

// selection checks Select against the other parameters that choose attributes.
func (p *pager) selection(sel api.Select, projected string, onIndex bool, doing string) error {
	p.selected = sel
	switch sel {
	case api.SelectAllProjectedAttributes:
		if !onIndex {
			return problem(invalidValues + "ALL_PROJECTED_ATTRIBUTES can be used only when " + doing + " using an IndexName")
		}
	case api.SelectSpecificAttributes:
		if projected == "" {
			return problem("Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES")
		}
		return nil
	}
	p.count = sel == api.SelectCount
	if sel != "" && projected != "" {
		what := string(sel)
		if p.count {
			what = "only the Count"
		}
		return problem(invalidValues + "Cannot specify the " + projected + " when choosing to get " + what)
	}
	return nil
}

// projectedBy is the name of the parameter that chooses attributes, "" when none does.
func projectedBy(expr *string, attributes []string) string {
	switch {
	case expr != nil:
		return "ProjectionExpression"
	case attributes != nil:
		return "AttributesToGet"
	}
	return ""
}

// within reports whether k lies in r.
func within(r store.Range, k store.Key) bool {
	return bytes.Compare(k, r.Begin) >= 0 && bytes.Compare(k, r.End) < 0
}
