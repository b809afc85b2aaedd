// Package sns is the Amazon Simple Notification Service: topics, subscriptions, and messages on their way from one to the
// other. https://docs.aws.amazon.com/sns/latest/api/welcome.html
//
// Publish commits one promise, whatever number of subscriptions there is. Keeping it goes through the subscriptions: queues
// and functions get the message at once, those to one queue together with others that are under way to it (package
// courier); what fails, and what goes to endpoints that may be slow, becomes a promise of its own, by the delivery policy
// of the subscription (package retry). A FIFO topic promises each delivery in the order of its message group.
package sns

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"

	"github.com/google/uuid"

	"github.com/brume-dev/brume/api/snsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/service/sns/courier"
	"github.com/brume-dev/brume/service/sns/mail"
	"github.com/brume-dev/brume/service/sns/pace"
	"github.com/brume-dev/brume/service/sns/signature"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/known"
	"github.com/brume-dev/brume/timer"
)

// Relay takes mails.
type Relay interface {
	Send(ctx context.Context, m *mail.Mail) error
}

// Config is what the service needs.
type Config struct {
	Store    store.Store
	Clock    clock.Clock
	Timer    *timer.Runner
	Caller   aws.Caller // queues and functions are reached through it
	Roles    aws.Roles  // for the roles that write delivery logs
	Policies aws.Policies
	HTTP     http.RoundTripper // HTTP endpoints are reached through it
	Relay    Relay             // nil: mails are kept and shown (Mails)
	// Links is the URL of the platform for the links that are sent, "http://127.0.0.1:4566"; Certificates that of the
	// folder of signing certificates, which receivers want to be https.
	Links, Certificates func() string
	Rand                io.Reader    // crypto/rand.Reader
	Log                 *slog.Logger // nil: no log
}

// Service implements snsapi.Handler.
type Service struct {
	Config
	topics  *known.Map[ref, *compiledTopic]
	courier courier.Courier
	pace    pace.Pace

	keyMu sync.Mutex
	key   *signature.Key
}

var (
	_ snsapi.Handler = (*Service)(nil)
	_ aws.Accessor   = (*Service)(nil)
)

// The kinds of promises of this service.
const (
	kindFan     = "sns.fan"     // a message goes to the subscriptions of a standard topic
	kindDeliver = "sns.deliver" // a message goes to one subscription of a standard topic
	kindOrdered = "sns.ordered" // likewise of a FIFO topic, in the order of its group
	kindBury    = "sns.bury"    // a message that could not be delivered goes to a dead-letter queue
	kindConfirm = "sns.confirm" // a confirmation goes to an endpoint
	kindExpire  = "sns.expire"  // a token ends, with the subscription that it would have confirmed; ID: the token
	kindOwn     = "sns.own"     // an account is told of a subscription that it has to another's topic, or not any more
	kindReplay  = "sns.replay"  // a replay goes on; ID: topic and subscription
	kindSweep   = "sns.sweep"   // old messages leave an archive; ID: the topic
	kindErase   = "sns.erase"   // what was in a topic that is deleted
)

// New returns the service and registers its promises with the timer.
func New(c Config) (*Service, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &Service{Config: c, topics: known.New[ref, *compiledTopic](maxCached)}
	s.courier.Caller = c.Caller
	c.Timer.Handle(kindFan, s.fan, timer.Policy{Parallel: fanParallel})
	c.Timer.Handle(kindDeliver, s.deliver, timer.Policy{})
	c.Timer.Handle(kindOrdered, s.deliverOrdered, timer.Policy{})
	c.Timer.Handle(kindBury, s.bury, timer.Policy{})
	c.Timer.Handle(kindConfirm, s.sendConfirmation, timer.Policy{})
	c.Timer.Handle(kindExpire, s.expire, timer.Policy{})
	c.Timer.Handle(kindOwn, s.setOwn, timer.Policy{})
	c.Timer.Handle(kindReplay, s.replay, timer.Policy{})
	c.Timer.Handle(kindSweep, s.sweep, timer.Policy{})
	c.Timer.Handle(kindErase, s.erase, timer.Policy{})
	return s, nil
}

func (s *Service) shard(p place) store.Shard { return s.Store.Shard(store.Home(p.Account, p.Region)) }

// dataShard is the shard of what is in a topic, another than that of its name.
func (s *Service) dataShard(d data) store.Shard { return s.Store.Shard(d.resource) }

func (s *Service) newID() (string, error) {
	u, err := uuid.NewRandomFromReader(s.Rand)
	if err != nil {
		return "", fmt.Errorf("sns: make an id: %w", err)
	}
	return u.String(), nil
}

// newToken is a token as long as AWS's.
func (s *Service) newToken() (string, error) {
	b := make([]byte, 128)
	if _, err := io.ReadFull(s.Rand, b); err != nil {
		return "", fmt.Errorf("sns: make a token: %w", err)
	}
	return fmt.Sprintf("%x", b), nil
}
