package lambda_test

import (
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/memstore"
	"github.com/brume-dev/brume/store/storetest"
)

// otherStores are those on which a service that leans on the embedded ones would fail.
func otherStores() map[string]func(clock.Clock) store.Store {
	return map[string]func(clock.Clock) store.Store{
		"split":  func(c clock.Clock) store.Store { return storetest.Split(c, 5) },
		"shaken": func(c clock.Clock) store.Store { return storetest.Shaken(memstore.New(c), 1) },
	}
}
