// Package sqs is Amazon Simple Queue Service: standard and FIFO queues.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/Welcome.html
//
// What lies in a queue is the matter of package backlog, what a message is that of package message, and who waits for one
// that of package waiting. Here are the operations.
package sqs

import (
	"io"
	"log/slog"

	"github.com/brume-dev/brume/api/sqsapi"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/service/sqs/waiting"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/timer"
)

// Config is what the service needs.
type Config struct {
	Store store.Store
	Clock clock.Clock
	Timer *timer.Runner
	Rand  io.Reader     // for message ids: crypto/rand.Reader
	URL   func() string // how the platform is reached, for queue URLs in answers to calls from inside
	// Leaving is closed when the platform is about to end: nobody waits for messages any longer. It may be nil.
	Leaving <-chan struct{}
	Log     *slog.Logger
}

// Service implements sqsapi.Handler.
type Service struct {
	Config
	known known
	rooms *waiting.Rooms
}

var _ sqsapi.Handler = (*Service)(nil)

// The kinds of promises of this service.
const (
	kindErase  = "sqs.erase"  // delete what a deleted queue left
	kindForget = "sqs.forget" // let the name of a deleted queue be used again
	kindSweep  = "sqs.sweep"  // delete the messages that are too old
	kindMove   = "sqs.move"   // bring a message from one queue to another
	kindTask   = "sqs.task"   // go on with a message move task
)

// New returns the service and registers its promises with the timer.
func New(c Config) (*Service, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &Service{Config: c, rooms: waiting.New(c.Clock, c.Leaving)}
	c.Timer.Handle(kindErase, s.erase, timer.Policy{})
	c.Timer.Handle(kindForget, s.forget, timer.Policy{})
	c.Timer.Handle(kindSweep, s.sweep, timer.Policy{})
	c.Timer.Handle(kindMove, s.move, timer.Policy{})
	c.Timer.Handle(kindTask, s.goOn, timer.Policy{})
	return s, nil
}
