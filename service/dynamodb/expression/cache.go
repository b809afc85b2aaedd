package expression

import "sync"

// Cache keeps parsed expressions: the same few texts come with nearly every request. It is safe for concurrent use; the
// zero Cache is empty.
type Cache struct {
	mu    sync.RWMutex
	trees map[cacheKey]*tree
}

type cacheKey struct {
	kind Kind
	src  string
}

// parse returns the tree of src. Expressions that are wrong are not kept.
func (c *Cache) parse(kind Kind, src string) (*tree, error) {
	if c == nil {
		return parse(kind, src)
	}
	key := cacheKey{kind, src}
	c.mu.RLock()
	t := c.trees[key]
	c.mu.RUnlock()
	if t != nil {
		return t, nil
	}
	t, err := parse(kind, src)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.trees == nil || len(c.trees) >= maxCached { // texts with values in them would fill it for ever
		c.trees = make(map[cacheKey]*tree)
	}
	c.trees[key] = t
	return t, nil
}
