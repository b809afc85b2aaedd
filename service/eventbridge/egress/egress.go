// Package egress is the way of events out of AWS: connections, which hold how calls of an HTTP endpoint are authorized, and
// API destinations, which are such endpoints as targets of rules.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-api-destinations.html
package egress

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/google/uuid"

	"github.com/brume-dev/brume/api/eventbridgeapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/event/connection"
	"github.com/brume-dev/brume/event/target"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

// Config is what connections and API destinations need.
type Config struct {
	Store    store.Store
	Clock    clock.Clock
	Timer    *timer.Runner
	Policies aws.Policies
	HTTP     http.RoundTripper
	Rand     io.Reader
}

// Egress has the operations on connections and API destinations, as a part of eventbridgeapi.Handler, and makes their calls.
type Egress struct {
	Config
	mu     sync.Mutex
	tokens map[string]*token // by the ARN of a connection
	paces  map[string]*pace  // by the ARN of a destination
}

var (
	_ connection.Keeper   = (*Egress)(nil)
	_ target.Destinations = (*Egress)(nil)
)

// kindAuthorize is the kind of promises that authorize a connection by OAuth; ID: its ARN.
const kindAuthorize = "events.authorize"

// New returns them and registers their promises with the timer.
func New(c Config) *Egress {
	e := &Egress{Config: c, tokens: map[string]*token{}, paces: map[string]*pace{}}
	c.Timer.Handle(kindAuthorize, e.authorized, timer.Policy{})
	return e
}

const (
	service = "events"
	version = 1 // of all records
)

// What is here lies in the home shard of its account and region:
//
//	home "events" "connection" name   connectionRecord
//	home "events" "destination" name  destinationRecord
type place struct{ account, region string }

func here(id aws.Identity) place { return place{id.Account, id.Region} }

func (p place) home() store.Tuple         { return store.Home(p.account, p.region).Text(service) }
func (p place) connections() store.Tuple  { return p.home().Text("connection") }
func (p place) destinations() store.Tuple { return p.home().Text("destination") }

func (p place) arn(kind, name, id string) string {
	return aws.MakeARN(service, p.region, p.account, kind+"/"+name+"/"+id).String()
}

func (e *Egress) shard(p place) store.Shard { return e.Store.Shard(store.Home(p.account, p.region)) }

// The kinds of ARNs.
const (
	connectionKind  = "connection"
	destinationKind = "api-destination"
)

// parse reads an ARN of a kind: where the thing is, its name and id.
func parse(kind, arn string) (p place, name, id string, ok bool) {
	a, err := aws.ParseARN(arn)
	if err != nil || a.Service != service {
		return p, "", "", false
	}
	parts := strings.Split(a.Resource, "/")
	if len(parts) != 3 || parts[0] != kind {
		return p, "", "", false
	}
	return place{a.Account, a.Region}, parts[1], parts[2], true
}

func (e *Egress) newID() (string, error) {
	u, err := uuid.NewRandomFromReader(e.Rand)
	if err != nil {
		return "", fmt.Errorf("eventbridge: make an id: %w", err)
	}
	return u.String(), nil
}

func read[T any](r store.Reader, k store.Key) (v T, ok bool, err error) {
	b, ok, err := r.Get(k)
	if err != nil || !ok {
		return v, false, err
	}
	return v, true, record.Decode(b, version, &v)
}

func write(tx store.Tx, k store.Key, v any) { tx.Set(k, record.Encode(version, v)) }

func invalid(format string, args ...any) error {
	return aws.Errorf("ValidationException", http.StatusBadRequest, format, args...)
}

func noConnection(name string) error {
	return &eventbridgeapi.ResourceNotFoundException{Message: "Connection '" + name + "' does not exist."}
}

func noDestination(name string) error {
	return &eventbridgeapi.ResourceNotFoundException{Message: "An api-destination '" + name + "' does not exist."}
}

// full is the error when one more would be too many.
func full(r store.Reader, all store.Tuple, most int) error {
	n := 0
	pairs, done := r.Scan(all.Range(), store.ScanOpt{Limit: most})
	for range pairs {
		n++
	}
	if err := done(); err != nil || n < most {
		return err
	}
	return &eventbridgeapi.LimitExceededException{Message: "The requested resource exceeds the maximum number allowed."}
}
