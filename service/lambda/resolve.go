package lambda

import (
	"github.com/brume-dev/brume/service/lambda/keys"
	"github.com/brume-dev/brume/store"
)

// chosen is a version of a function, as a name and qualifier lead to it.
type chosen struct {
	place
	fn       *function
	cfg      *config
	alias    *alias // nil when the qualifier is none
	reserved int64  // reserved concurrency of the whole account and region
}

// resolve finds the version that p means. For an alias of two versions, pick decides: a number in [0, 1).
func resolve(r store.Reader, p place, pick float64) (*chosen, error) {
	fn, err := keys.Get[function](r, p.Space.Function(p.Name))
	if err != nil {
		return nil, err
	}
	if fn == nil {
		return nil, keys.NoFunction(p)
	}
	c := &chosen{place: p, fn: fn}
	version := p.Wanted()
	if _, ok := keys.Number(version); !ok {
		if c.alias, err = keys.Get[alias](r, p.Space.Alias(p.Name, version)); err != nil {
			return nil, err
		}
		if c.alias == nil {
			return nil, keys.NoFunction(p)
		}
		version = c.alias.pick(pick)
	}
	if c.cfg, err = versionOf(r, p, fn, version); err != nil {
		return nil, err
	}
	v, _, err := r.Get(p.Space.Reserved())
	c.reserved = store.ReadCounter(v)
	return c, err
}

// versionOf returns a version of a function.
func versionOf(r store.Reader, p place, fn *function, version string) (*config, error) {
	n, ok := keys.Number(version)
	if ok && n == 0 {
		return &fn.Latest, nil
	}
	var cfg *config
	if ok {
		var err error
		if cfg, err = keys.Get[config](r, p.Space.Version(p.Name, n)); err != nil {
			return nil, err
		}
	}
	if cfg == nil {
		p.Qualifier = version
		return nil, keys.NoFunction(p)
	}
	return cfg, nil
}

// pick chooses one of an alias's versions.
func (a *alias) pick(at float64) string {
	for version, weight := range a.Weights { // there is one at most
		if at < weight {
			return version
		}
	}
	return a.Version
}

// functionAt returns a function that is there.
func functionAt(r store.Reader, p place) (*function, error) {
	fn, err := keys.Get[function](r, p.Space.Function(p.Name))
	if err == nil && fn == nil {
		err = keys.NoFunction(p)
	}
	return fn, err
}
