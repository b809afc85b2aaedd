// Package answer is the desk at which a stack's steps wait for what comes from outside: the answers of custom resources, and
// the signals of wait conditions. Both are sent to URLs of the platform.
package answer

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/deploy/resource"
	"github.com/brume-dev/brume/store"
)

// Limits of custom resources and wait conditions, https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
// and the documentation of their types.
const (
	customTimeout    = time.Hour // that a custom resource has to answer, unless ServiceTimeout says otherwise
	maxCustomTimeout = time.Hour
	maxCallback      = 4096            // bytes of an answer
	maxWait          = 12 * time.Hour  // of a wait condition
	usualWait        = 5 * time.Minute // of a creation policy that says nothing else
)

// Step names a step: which resource of which stack is worked on, and at which operation.
type Step struct {
	Account   string `cbor:"1,keyasint"`
	Region    string `cbor:"2,keyasint"`
	UUID      string `cbor:"3,keyasint"`
	Logical   string `cbor:"4,keyasint,omitempty"`
	Operation uint64 `cbor:"5,keyasint,omitempty"`
}

// The keys lie in the home shard of the stack's account and region.
//
//	home(account, region) "cloudformation" "callback" token         callbackRecord: an answer that a custom resource owes
//	… "signal" uuid logical id                                      signalRecord by their unique ids; "" names who waits
func (s Step) root() store.Tuple { return store.Home(s.Account, s.Region).Text("cloudformation") }

func (s Step) callback(token string) store.Key {
	return store.Key(s.root().Text("callback").Text(token))
}
func (s Step) signals(logical string) store.Tuple {
	return s.root().Text("signal").Text(s.UUID).Text(logical)
}

// Stacks is what the desk asks of those whose steps wait.
type Stacks interface {
	// Remember keeps a value among the attributes of the step's resource, while the step is under way.
	Remember(tx store.Tx, s Step, name, value string) error
	// Wake has the step go on. A step that is over is not disturbed.
	Wake(tx store.Tx, s Step) error
	// TypeOf is the type of a resource, "" when there is none.
	TypeOf(r store.Reader, s Step) (string, error)
	// CreationPolicy is what the template says of the step's resource, evaluated; nil when it says nothing.
	CreationPolicy(ctx context.Context, s Step) (any, error)
}

// Config is what a Desk needs.
type Config struct {
	Store  store.Store
	Clock  clock.Clock
	Caller aws.Caller
	Rand   io.Reader // crypto/rand.Reader
	Stacks Stacks
	// Callback is where answers are sent, as a function sees the platform: "https://127.0.0.1".
	Callback func() string
	Log      *slog.Logger
}

// Desk takes answers and signals. It serves the URLs to which they are sent.
type Desk struct{ Config }

// The attributes under which a step keeps what it waits for. Templates cannot name them.
const (
	Awaits = "\x00awaits" // the token of an answer
	Since  = "\x00since"  // when a wait condition began to wait
)

func invalid(format string, args ...any) error {
	return aws.Errorf("ValidationError", 400, format, args...)
}

func (d *Desk) shard(s Step) store.Shard { return d.Store.Shard(store.Home(s.Account, s.Region)) }

func (d *Desk) newUUID() (string, error) {
	u, err := uuid.NewRandomFromReader(d.Rand)
	return u.String(), err
}

// StepOf finds the step that an Op belongs to in its token: stack's UUID, logical id, operation.
func StepOf(o *resource.Op) Step {
	parts := strings.Split(o.Token, "/")
	n, _ := strconv.ParseUint(parts[2], 10, 64) // the service made it
	return Step{o.ID.Account, o.ID.Region, parts[0], parts[1], n}
}

// address is the URL for a token of the step's account and region.
func (d *Desk) address(s Step, token string) string {
	return d.Callback() + "/_aws/cloudformation/" + base64.RawURLEncoding.EncodeToString([]byte(s.Account+"/"+s.Region+"/"+token))
}

// read is the inverse of address, for the last part of the URL.
func read(part string) (s Step, token string, ok bool) {
	where, err := base64.RawURLEncoding.DecodeString(strings.Trim(part, "/"))
	parts := strings.Split(string(where), "/")
	if err != nil || len(parts) != 3 {
		return Step{}, "", false
	}
	return Step{Account: parts[0], Region: parts[1]}, parts[2], true
}

// ServeData takes answers and signals: PUT /_aws/cloudformation/TOKEN.
func (d *Desk) ServeData(w http.ResponseWriter, r *http.Request, v aws.Visit) {
	s, token, ok := read(v.Path)
	if !ok || r.Method != http.MethodPut {
		http.Error(w, "no such request", http.StatusNotFound)
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxCallback+1))
	if err != nil || len(body) > maxCallback || !json.Valid(body) {
		http.Error(w, "the response must be JSON of at most 4096 bytes", http.StatusBadRequest)
		return
	}
	uuid, logical, isHandle := handled(token)
	if isHandle {
		s.UUID, s.Logical = uuid, logical
		err = d.takeSignal(r.Context(), s, body)
	} else {
		_, err = d.shard(s).Update(r.Context(), func(_ context.Context, tx store.Tx) error { return d.receive(tx, s, token, string(body)) })
	}
	switch {
	case errors.Is(err, errNobodyWaits):
		http.Error(w, "no such request", http.StatusNotFound)
	case errors.Is(err, errNoSignal):
		http.Error(w, "a signal is JSON with Status, UniqueId, Data and Reason", http.StatusBadRequest)
	case err != nil:
		d.Log.Error("cloudformation: answer from outside", "error", err)
		http.Error(w, "internal failure", http.StatusInternalServerError)
	}
}

var (
	errNobodyWaits = errors.New("answer: nobody waits for it")
	errNoSignal    = errors.New("answer: not a signal")
)
