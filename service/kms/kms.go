// Package kms is the AWS Key Management Service: symmetric keys with their policies, aliases and rotation, and what is
// done with them. https://docs.aws.amazon.com/kms/latest/APIReference/Welcome.html
//
// Key material lies in the store like everything else: what protects it is what protects the data folder.
package kms

import (
	"fmt"
	"io"

	"github.com/brume-dev/brume/api/kmsapi"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/timer"
)

// Config is what the service needs.
type Config struct {
	Store store.Store
	Timer *timer.Runner
	Rand  io.Reader // crypto/rand.Reader
}

// Service implements kmsapi.Handler.
type Service struct{ Config }

var _ kmsapi.Handler = (*Service)(nil)

// The kinds of promises of this service; their ID is that of the key.
const (
	kindDelete = "kms.delete" // the waiting period of a deletion has ended
	kindRotate = "kms.rotate" // a key is due for new material
)

// New returns the service and registers its promises with the timer.
func New(c Config) (*Service, error) {
	s := &Service{c}
	c.Timer.Handle(kindDelete, s.deleteKey, timer.Policy{})
	c.Timer.Handle(kindRotate, s.rotate, timer.Policy{})
	return s, nil
}

func (s *Service) shard(account, region string) store.Shard {
	return s.Store.Shard(store.Home(account, region))
}

func (s *Service) random(n int) ([]byte, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(s.Rand, b); err != nil {
		return nil, fmt.Errorf("kms: read random bytes: %w", err)
	}
	return b, nil
}
