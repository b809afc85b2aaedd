// Package ssm is AWS Systems Manager's Parameter Store: parameters of the three types in their versions, with labels,
// hierarchies, tags and policies. The other parts of Systems Manager are not here.
//
// https://docs.aws.amazon.com/systems-manager/latest/userguide/systems-manager-parameter-store.html
package ssm

import (
	"log/slog"

	"github.com/brume-dev/brume/api/kmsapi"
	"github.com/brume-dev/brume/api/ssmapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/timer"
)

// Config is what the service needs.
type Config struct {
	Store  store.Store
	Caller aws.Caller    // for KMS
	Timer  *timer.Runner // keeps the expiry of parameters
	Log    *slog.Logger
}

// Service implements ssmapi.Handler and aws.Accessor.
type Service struct {
	store store.Store
	kms   kmsapi.Client
	log   *slog.Logger
}

var (
	_ ssmapi.Handler = (*Service)(nil)
	_ aws.Accessor   = (*Service)(nil)
)

// New returns the service and registers the kinds of its promises. It starts nothing.
func New(c Config) (*Service, error) {
	s := &Service{store: c.Store, kms: kmsapi.NewClient(c.Caller), log: c.Log}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	c.Timer.Handle(expireKind, s.expire, timer.Policy{})
	return s, nil
}
