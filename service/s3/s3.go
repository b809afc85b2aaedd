// Package s3 is Amazon S3: buckets and the objects in them, general purpose buckets only.
// https://docs.aws.amazon.com/AmazonS3/latest/API/Welcome.html
//
// The names of buckets are one directory for the whole platform; what a bucket holds lies in a shard of its own, so that
// one transaction covers an object, its versions and the settings that decide about them. Small bodies lie in the
// store, beside the record that names them; large ones in package blob, written before the transaction that names them.
package s3

import (
	"context"
	"log/slog"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/blob"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/service/s3/bucket"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/timer"
)

// Space is the space of S3's blobs.
const Space = bucket.Space

// Config is what the service needs.
type Config struct {
	Store  store.Store
	Blobs  blob.Store
	Clock  clock.Clock
	Caller aws.Caller // for KMS, and to ask whether notifications may be delivered
	Timer  *timer.Runner
	// Policies is asked about each key of a DeleteObjects and about what a caller may bypass; nil allows everything.
	Policies aws.Policies
	Log      *slog.Logger
}

// Service implements s3api.Handler.
type Service struct{ Config }

var (
	_ s3api.Handler = (*Service)(nil)
	_ aws.Accessor  = (*Service)(nil)
)

// New returns the service and registers its promises with the timer.
func New(c Config) (*Service, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &Service{c}
	c.Timer.Handle(bucket.KindErase, s.erase, timer.Policy{})
	c.Timer.Handle(kindRound, s.round, timer.Policy{})
	return s, nil
}

// Live is the blob.Live of Space: it asks every shard for the blobs that an object or a part of an upload names.
func (s *Service) Live(ctx context.Context, ids []blob.ID) ([]blob.ID, error) {
	keys := make([]store.Key, len(ids))
	for i, id := range ids {
		keys[i] = bucket.BlobKey(id)
	}
	named := make([]bool, len(ids))
	for sh := range s.Store.Shards(ctx) {
		err := sh.View(ctx, func(_ context.Context, r store.Reader) error {
			counts, err := r.GetMany(keys)
			for i, v := range counts {
				named[i] = named[i] || store.ReadCounter(v) > 0
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	var live []blob.ID
	for i, id := range ids {
		if named[i] {
			live = append(live, id)
		}
	}
	return live, nil
}
