package fleet

import "sync"

// Capacity counts the invocations under way: of each function with reserved concurrency, and together those of the others
// of an account and region.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html
type Capacity struct {
	mu       sync.Mutex
	reserved map[string]int // by function
	shared   map[string]int // by account and region
}

// NewCapacity returns a Capacity with nothing under way.
func NewCapacity() *Capacity {
	return &Capacity{reserved: map[string]int{}, shared: map[string]int{}}
}

// Share is what an invocation counts against.
type Share struct {
	Home     string // account and region
	Function string // the function's own id
	Reserved *int   // the function's reserved concurrency; nil: it shares what is unreserved
	Shared   int    // how many invocations may share what is unreserved
}

// Enter counts an invocation in until leave is called. ok is false, and nothing is counted, when the share is used up.
func (c *Capacity) Enter(s Share) (leave func(), ok bool) {
	counts, key, limit := c.shared, s.Home, s.Shared
	if s.Reserved != nil {
		counts, key, limit = c.reserved, s.Function, *s.Reserved
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if counts[key] >= limit {
		return nil, false
	}
	counts[key]++
	var once sync.Once
	return func() {
		once.Do(func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			if counts[key]--; counts[key] == 0 {
				delete(counts, key)
			}
		})
	}, true
}

// Running is how many invocations of a function with reserved concurrency are under way.
func (c *Capacity) Running(function string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reserved[function]
}
