// Package eventbridge is Amazon EventBridge: event buses, the rules that send their events on to targets, archives and
// replays, schedules, connections and API destinations. https://docs.aws.amazon.com/eventbridge/latest/APIReference/Welcome.html
//
// PutEvents matches outside of any transaction, against the rules of the bus compiled once for each change of them; then
// one transaction writes what is archived and a promise for each target that gets the event (event/target keeps it).
package eventbridge

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/brume-dev/brume/api/eventbridgeapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/service/eventbridge/egress"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/known"
	"github.com/brume-dev/brume/timer"
)

// Config is what the service needs. Deliveries are kept by event/target, which is registered with the same Timer.
type Config struct {
	Store store.Store
	Clock clock.Clock
	Timer *timer.Runner
	// Policies and HTTP are for API destinations and connections.
	Policies aws.Policies
	HTTP     http.RoundTripper
	Rand     io.Reader    // crypto/rand.Reader
	Log      *slog.Logger // nil: no log
}

// Service implements eventbridgeapi.Handler.
type Service struct {
	Config
	*egress.Egress // connections and API destinations
	buses          *known.Map[ref, *compiled]
}

var (
	_ eventbridgeapi.Handler = (*Service)(nil)
	_ aws.Accessor           = (*Service)(nil)
)

// The kinds of promises of this service.
const (
	kindSchedule = "events.schedule" // a rule's schedule is due; ID: bus and rule
	kindExpire   = "events.expire"   // events of an archive have reached their age; ID: the archive
	kindReplay   = "events.replay"   // a replay goes on; ID: the replay
	kindForget   = "events.forget"   // an ended replay is forgotten
	kindPurge    = "events.purge"    // an archive is deleted
	kindFanout   = "events.fanout"   // deliveries that were too many for one transaction
)

// New returns the service and registers its promises with the timer.
func New(c Config) (*Service, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &Service{Config: c, Egress: egress.New(egress.Config{Store: c.Store, Clock: c.Clock, Timer: c.Timer, Policies: c.Policies, HTTP: c.HTTP, Rand: c.Rand}),
		buses: known.New[ref, *compiled](maxCached)}
	c.Timer.Handle(kindSchedule, s.fire, timer.Policy{})
	c.Timer.Handle(kindExpire, s.expire, timer.Policy{})
	c.Timer.Handle(kindReplay, s.replay, timer.Policy{})
	c.Timer.Handle(kindForget, s.forget, timer.Policy{})
	c.Timer.Handle(kindPurge, s.purge, timer.Policy{})
	c.Timer.Handle(kindFanout, s.fanout, timer.Policy{})
	return s, nil
}

func (s *Service) shard(p place) store.Shard { return s.Store.Shard(store.Home(p.account, p.region)) }

func (s *Service) newID() (string, error) {
	u, err := uuid.NewRandomFromReader(s.Rand)
	if err != nil {
		return "", fmt.Errorf("eventbridge: make an event id: %w", err)
	}
	return u.String(), nil
}

func here(id aws.Identity) place { return place{id.Account, id.Region} }

// bus is the bus that a request names by its name or ARN; nil is the default bus.
func bus(id aws.Identity, named *string) (ref, error) {
	b := ref{here(id), defaultBus}
	if named == nil {
		return b, nil
	}
	if b.name = *named; !strings.HasPrefix(b.name, "arn:") {
		return b, nil
	}
	a, err := aws.ParseARN(*named)
	kind, name, _ := strings.Cut(a.Resource, "/")
	if err != nil || a.Service != service || kind != "event-bus" || name == "" || a.Account == "" || a.Region == "" {
		return b, invalid("Parameter EventBusName is not valid. Reason: Provided Arn is not in correct format.")
	}
	return ref{place{a.Account, a.Region}, name}, nil
}

// own is bus for operations on the caller's own buses.
func own(id aws.Identity, named *string) (ref, error) {
	b, err := bus(id, named)
	if err == nil && b.place != here(id) {
		err = invalid("Parameter EventBusName is not valid. Reason: The event bus is not in this account and region.")
	}
	return b, err
}
