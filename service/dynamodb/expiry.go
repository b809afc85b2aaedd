package dynamodb

import (
	"context"
	"time"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
)

// ttlInterval is how long after a change of expiry there may be another.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTimeToLive.html
const ttlInterval = time.Hour

// UpdateTimeToLive enables or disables the expiry of items.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTimeToLive.html
func (s *Service) UpdateTimeToLive(ctx context.Context, id aws.Identity, in *api.UpdateTimeToLiveInput) (*api.UpdateTimeToLiveOutput, error) {
	n, err := resolve(id, in.TableName)
	if err != nil {
		return nil, err
	}
	spec := in.TimeToLiveSpecification
	return update(ctx, s, n.tableName, func(tx store.Tx) (*api.UpdateTimeToLiveOutput, error) {
		t, err := s.mustTableNamed(tx, n.tableName)
		if err != nil {
			return nil, err
		}
		on := t.Expiry.Attribute != ""
		switch {
		case spec.Enabled && on && spec.AttributeName != t.Expiry.Attribute:
			return nil, invalid("TimeToLive is active on a different AttributeName: current AttributeName is " + t.Expiry.Attribute)
		case spec.Enabled && on:
			return nil, invalid("TimeToLive is already enabled")
		case !spec.Enabled && !on:
			return nil, invalid("TimeToLive is already disabled")
		case !spec.Enabled && spec.AttributeName != t.Expiry.Attribute:
			return nil, invalid("TimeToLive is active on a different AttributeName: current AttributeName is " + t.Expiry.Attribute)
		case tx.Now().Sub(t.Expiry.Changed) < ttlInterval:
			return nil, invalid("Time to live has been modified multiple times within a fixed interval")
		}
		return &api.UpdateTimeToLiveOutput{TimeToLiveSpecification: spec}, t.ChangeExpiry(tx, spec)
	})
}

// DescribeTimeToLive says whether a table expires items.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeTimeToLive.html
func (s *Service) DescribeTimeToLive(ctx context.Context, id aws.Identity, in *api.DescribeTimeToLiveInput) (*api.DescribeTimeToLiveOutput, error) {
	n, err := resolve(id, in.TableName)
	if err != nil {
		return nil, err
	}
	return view(ctx, s, n.tableName, func(r store.Reader) (*api.DescribeTimeToLiveOutput, error) {
		t, err := s.mustTableNamed(r, n.tableName)
		if err != nil {
			return nil, err
		}
		d := &api.TimeToLiveDescription{TimeToLiveStatus: api.TimeToLiveStatusDisabled}
		if t.Expiry.Attribute != "" {
			d.TimeToLiveStatus, d.AttributeName = api.TimeToLiveStatusEnabled, &t.Expiry.Attribute
		}
		if t.Expiry.Filling {
			d.TimeToLiveStatus = api.TimeToLiveStatusEnabling
		}
		return &api.DescribeTimeToLiveOutput{TimeToLiveDescription: d}, nil
	})
}
