package dynamodb

import (
	"fmt"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/item"
	"github.com/brume-dev/brume/service/dynamodb/expression"
	"github.com/brume-dev/brume/store"
)

// pager reads a page of items: what Query and Scan have in common.
type pager struct {
	table      named
	limit      int // 0: none
	reverse    bool
	consistent bool
	count      bool // count the items, do not return them
	filter     *expression.Condition
	filterName string // the parameter that filter came with, for its errors
	chosen     *expression.Projection
	start      item.Map // nil: from the beginning
}

// page is what was read. last is the key of the last item that was looked at when there may be more.
type page struct {
	items   []item.Map
	matched int
	scanned int
	size    int
	last    item.Map
}

// read reads the items in the range. A page ends with the item that brings it to 1 MB, before filter and projection,
// or to the limit.
func (p *pager) read(r store.Reader, t *table, within store.Range) (page, error) {
	out := page{items: []item.Map{}}
	pairs, done := r.Scan(within, store.ScanOpt{Reverse: p.reverse, Limit: p.limit})
	var err error
	for kv := range pairs {
		var st stored
		if st, err = t.whole(r, kv.Value, kv.Key[len(t.items):]); err != nil {
			break
		}
		out.scanned++
		out.size += st.size
		full := out.size >= maxPage || out.scanned == p.limit
		var m item.Map
		if !p.count || p.filter != nil || full {
			if m, err = st.decode(); err != nil {
				break
			}
		}
		if p.filter == nil || p.filter.Holds(m) {
			out.matched++
			if !p.count {
				out.items = append(out.items, p.choose(m))
			}
		}
		if full {
			out.last = t.keyOf(m)
			break
		}
	}
	if err != nil {
		return page{}, err
	}
	return out, done()
}

func (p *pager) choose(m item.Map) item.Map {
	if p.chosen == nil {
		return m
	}
	return p.chosen.Of(m)
}

// startKey checks the key that a page starts after and returns its place.
func (p *pager) startKey(t *table) (store.Key, error) {
	if err := t.checkKey(p.start); err != nil {
		return nil, problem(fmt.Sprintf("The provided starting key is invalid: %v", err))
	}
	return t.itemKey(t.suffix(p.start)), nil
}

// checkFilter refuses a filter on key attributes.
func (p *pager) checkFilter(t *table) error {
	if p.filter == nil {
		return nil
	}
	for _, name := range p.filter.Attributes() {
		if t.isKey(name) {
			return problem(p.filterName + " can only contain non-primary key attributes: Primary key attribute: " + name)
		}
	}
	return nil
}

// selection checks Select against the other parameters that choose attributes.
func (p *pager) selection(sel api.Select, projected string, onIndex bool, doing string) error {
	switch sel {
	case api.SelectAllProjectedAttributes:
		if !onIndex {
			return problem(invalidValues + "ALL_PROJECTED_ATTRIBUTES can be used only when " + doing + " using an IndexName")
		}
	case api.SelectSpecificAttributes:
		if projected == "" {
			return problem(invalidValues + "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES")
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

// noIndex is the answer to an IndexName.
func noIndex(name string) error {
	return problem("The table does not have the specified index: " + name)
}
