package iam

import (
	"strings"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
)

// list calls add with the entities of a kind on one page, in order of their names.
func (c *scope) list(k *kind, p *page, prefix *string, add func(*entity) error) error {
	return c.keys(c.entities(k), p, func(el *store.Elements, _ store.Value) (bool, error) {
		name := el.Text()
		if el.More() {
			return false, el.Err() // a further piece of a large entity
		}
		e, err := c.load(k, name)
		if err != nil || e == nil || !strings.HasPrefix(e.Path, aws.Or(prefix, "/")) {
			return false, err
		}
		return true, add(e)
	})
}

// listByID calls add with the entities whose ids are the last elements of the keys below t.
func (c *scope) listByID(t store.Tuple, p *page, add func(*entity) error) error {
	return c.keys(t, p, func(el *store.Elements, _ store.Value) (bool, error) {
		_, e, err := c.byID(el.Text())
		if err != nil || e == nil {
			return false, err
		}
		return true, add(e)
	})
}
