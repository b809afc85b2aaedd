package sqs

import (
	"context"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
)

// Waiting reports how many long polls wait at a queue.
func (s *Service) Waiting(account, region string, id uint64) int {
	return s.rooms.Guests(store.Key(resource(account, region, id)))
}

// MoveMark has the counters of a queue brought up to now, which else happens only when there is much to count.
func (s *Service) MoveMark(ctx context.Context, id aws.Identity, url string) error {
	q, err := s.find(ctx, id, url)
	if err != nil {
		return err
	}
	_, err = update(ctx, s, q, func(tx store.Tx) (struct{}, error) { return struct{}{}, q.log.Advance(tx) })
	return err
}
