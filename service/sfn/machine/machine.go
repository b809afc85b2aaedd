// Package machine is the control plane of Step Functions: state machines with their revisions, versions and aliases. What
// runs them asks it for a Target by ARN, and for a Revision by its key when an execution goes on.
//
// https://docs.aws.amazon.com/step-functions/latest/apireference/API_Operations.html
package machine

import (
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/brume-dev/brume/api/kmsapi"
	"github.com/brume-dev/brume/api/logsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/timer"
)

// Principal is the service as roles' trust policies name it.
const Principal = "states.amazonaws.com"

// kindDelete is the kind of promises that end a deletion; ID: the machine's ARN.
const kindDelete = "sfn.delete"

// Check returns InvalidDefinition when a machine cannot have a definition.
type Check func(definition string, express bool) error

// Config is what Machines need.
type Config struct {
	Store  store.Store
	Clock  clock.Clock
	Caller aws.Caller // log groups and keys are looked at through it
	Roles  aws.Roles
	Timer  *timer.Runner
	Check  Check
	Rand   io.Reader // crypto/rand.Reader
	Log    *slog.Logger
}

// Machines has the operations on state machines, versions and aliases, as a part of sfnapi.Handler.
type Machines struct {
	Config
	logs  logsapi.Client
	keys  kmsapi.Client
	cache cache

	random struct {
		sync.Mutex
		*rand.ChaCha8
	}
}

// New returns them and registers their promises with the timer.
func New(c Config) (*Machines, error) {
	m := &Machines{Config: c, logs: logsapi.NewClient(c.Caller), keys: kmsapi.NewClient(c.Caller)}
	var seed [32]byte
	if _, err := io.ReadFull(c.Rand, seed[:]); err != nil {
		return nil, fmt.Errorf("sfn: randomness: %w", err)
	}
	m.random.ChaCha8 = rand.NewChaCha8(seed)
	c.Timer.Handle(kindDelete, m.finish, timer.Policy{MinBackoff: time.Second, MaxBackoff: time.Minute})
	return m, nil
}

func (m *Machines) newID() (string, error) {
	u, err := uuid.NewRandomFromReader(m.Rand)
	if err != nil {
		return "", fmt.Errorf("sfn: make an id: %w", err)
	}
	return u.String(), nil
}

// percent is a random number below 100.
func (m *Machines) percent() int32 {
	m.random.Lock()
	defer m.random.Unlock()
	return int32(m.random.Uint64() % 100)
}

func (m *Machines) home(p Place) store.Shard { return m.Store.Shard(store.Home(p.Account, p.Region)) }
