package keys

import (
	"context"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/lambda/fault"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/page"
)

const maxPage = 50 // items of a page of any list

// Page goes through a part of the keys below t and returns the marker of the next part, nil at the end. A page has at most
// items, and never more than Lambda's lists have. each gets what extends t in a key.
func Page(r store.Reader, t store.Tuple, marker *string, items *int32, each func(*store.Elements, store.Value) error) (*string, error) {
	return turn(r, t, marker, items, false, each)
}

// PageBack is Page from the last key to the first.
func PageBack(r store.Reader, t store.Tuple, marker *string, items *int32, each func(*store.Elements, store.Value) error) (*string, error) {
	return turn(r, t, marker, items, true, each)
}

func turn(r store.Reader, t store.Tuple, marker *string, items *int32, back bool, each func(*store.Elements, store.Value) error) (*string, error) {
	p, err := page.New(min(page.Size(items, maxPage), maxPage), marker)
	if err != nil {
		return nil, fault.Invalid("Invalid marker: %s", *marker)
	}
	p.Reverse = back
	err = p.Keys(r, t, func(key *store.Elements, v store.Value) (bool, error) { return true, each(key, v) })
	return p.Token(), err
}

// Listing is a page of what a function has for each of its qualifiers.
type Listing[T any] struct {
	Store    store.Store
	ID       aws.Identity
	Function string // its name, in any of Lambda's forms
	Marker   *string
	MaxItems *int32
	Find     func(store.Reader, Place) error // returns an error unless the function is there
	Keys     func(Place) store.Tuple         // where a function has it; the qualifiers follow
	Item     func(store.Reader, Place, store.Value) (T, error)
}

// Read returns the items of the page and the marker of the next, nil at the end.
func (l Listing[T]) Read(ctx context.Context) (items []T, next *string, err error) {
	p, err := FindFunction(l.ID, l.Function)
	if err != nil {
		return nil, nil, err
	}
	err = p.Shard(l.Store).View(ctx, func(_ context.Context, r store.Reader) error {
		items = []T{}
		if err := l.Find(r, p); err != nil {
			return err
		}
		next, err = Page(r, l.Keys(p), l.Marker, l.MaxItems, func(key *store.Elements, v store.Value) error {
			q := p
			q.Qualifier = key.Text()
			item, err := l.Item(r, q, v)
			items = append(items, item)
			return err
		})
		return err
	})
	return items, next, err
}
