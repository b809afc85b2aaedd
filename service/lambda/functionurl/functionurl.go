// Package functionurl is the HTTPS endpoints of functions: their settings, and the requests that they take.
//
// https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html
package functionurl

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/service/lambda/keys"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/timer"
)

// Plane is the word in the host names of function URLs, by which the gateway knows them.
const Plane = "lambda-url"

// kindForget is the promise to forget what was behind the host name of a URL that is deleted.
const kindForget = "lambda.address"

// Functions is what URLs need of the functions behind them.
type Functions interface {
	// Find returns Lambda's error when the function or alias that p names is not there.
	Find(r store.Reader, p keys.Place) error
	// Policy returns the resource policy of the function or alias, "" when there is none.
	Policy(r store.Reader, p keys.Place) (string, error)
	// Run invokes the function and returns as soon as there is an answer or the beginning of one.
	Run(ctx context.Context, p keys.Place, c Call) (*Reply, error)
}

// Call is an invocation.
type Call struct {
	ID      string
	Payload []byte
	Trace   string
	Stream  bool // a streamed answer is passed on as it comes
}

// Reply is what a function answers.
type Reply struct {
	Payload     []byte
	Failed      bool
	ContentType string    // of a streamed answer
	Body        io.Reader // of a streamed answer: it ends with io.EOF when it is whole; nil when Payload is the answer
	Close       func()    // ends the interest in Body
}

// Config is what URLs need.
type Config struct {
	Store    store.Store
	Clock    clock.Clock
	Timer    *timer.Runner
	Policies aws.Policies
	// URL makes the address of a URL with this id: "https://ID.lambda-url.REGION.on.aws/".
	URL func(id, region string) string
	// NewID returns a random UUID.
	NewID func() string
	Log   *slog.Logger
}

// URLs implements the operations on function URLs and aws.DataPlane.
type URLs struct {
	Config
	functions Functions
}

var _ aws.DataPlane = (*URLs)(nil)

// New returns the URLs of functions and registers their promises.
func New(c Config, functions Functions) *URLs {
	u := &URLs{Config: c, functions: functions}
	c.Timer.Handle(kindForget, u.forget, timer.Policy{})
	return u
}

// record is the settings of a URL.
type record struct {
	ID       string    `cbor:"1,keyasint"` // the first label of its host name
	Auth     string    `cbor:"2,keyasint"`
	Mode     string    `cbor:"3,keyasint"`
	Cors     *sharing  `cbor:"4,keyasint,omitempty"`
	Created  time.Time `cbor:"5,keyasint"`
	Modified time.Time `cbor:"6,keyasint"`
}

// address says which function is behind a host name.
type address struct {
	Account   string `cbor:"1,keyasint"`
	Region    string `cbor:"2,keyasint"`
	Name      string `cbor:"3,keyasint"`
	Qualifier string `cbor:"4,keyasint,omitempty"`
}

func (a *address) place() keys.Place {
	return keys.Place{Space: keys.Of(a.Account, a.Region), Name: a.Name, Qualifier: a.Qualifier}
}

// gone is the promise's arguments.
type gone struct {
	ID string `cbor:"1,keyasint"`
}

// Delete deletes, in the transaction that deletes a function or an alias, the URLs of the function, or with a qualifier
// that of the alias.
func (u *URLs) Delete(tx store.Tx, p keys.Place) error {
	within := p.URLs(p.Name).Range()
	pairs, done := tx.Scan(within, store.ScanOpt{})
	for kv := range pairs {
		if p.Qualifier != "" && string(kv.Key) != string(p.URL(p.Name, p.Qualifier)) {
			continue
		}
		var r record
		if err := keys.Decode(kv.Value, &r); err != nil {
			return err
		}
		tx.Delete(kv.Key)
		if err := setForget(tx, r.ID); err != nil {
			return err
		}
	}
	return done()
}

// remove deletes the URL of p, which must be there.
func (u *URLs) remove(tx store.Tx, p keys.Place) error {
	r, err := recordAt(tx, p)
	if err != nil {
		return err
	}
	tx.Delete(p.URL(p.Name, p.Wanted()))
	return setForget(tx, r.ID)
}

func setForget(tx store.Tx, id string) error {
	return timer.Set(tx, timer.Promise{Kind: kindForget, ID: id, Args: keys.Encode(gone{ID: id})})
}

// forget keeps the promise. Ids are never used again, so it does not matter when.
func (u *URLs) forget(ctx context.Context, k *timer.Kept) error {
	var g gone
	if err := keys.Decode(k.Args, &g); err != nil {
		return err
	}
	_, err := u.Store.Shard(store.Global()).Update(ctx, func(_ context.Context, tx store.Tx) error {
		tx.Delete(keys.Address(g.ID))
		return nil
	})
	return err
}
