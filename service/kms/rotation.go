package kms

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/brume-dev/brume/api/kmsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/timer"
)

// setPromise makes a promise about a key; its ID and its arguments are the key's ARN.
func setPromise(tx store.Tx, kind string, k key, due time.Time) error {
	return timer.Set(tx, timer.Promise{Kind: kind, ID: k.arn(), Args: []byte(k.arn()), Due: due})
}

// keep runs f on the key of a promise in the transaction that ends the promise. A key that is gone needs nothing.
func (s *Service) keep(ctx context.Context, p *timer.Kept, f func(store.Tx, key) error) error {
	a, err := aws.ParseARN(string(p.Args))
	if err != nil {
		return err
	}
	_, err = s.shard(a.Account, a.Region).Update(ctx, func(_ context.Context, tx store.Tx) error {
		k, err := readKey(tx, a.Account, a.Region, strings.TrimPrefix(a.Resource, "key/"))
		if aws.CodeOf(err) == "NotFoundException" {
			return p.Done(tx)
		}
		return errors.Join(err, p.Done(tx), f(tx, k))
	})
	return err
}

// deleteKey ends the waiting period of a deletion: the key and its aliases are gone.
func (s *Service) deleteKey(ctx context.Context, p *timer.Kept) error {
	return s.keep(ctx, p, func(tx store.Tx, k key) error {
		if k.pending() == nil || tx.Now().Before(k.Deletion) {
			return nil
		}
		names, err := aliasesOf(tx, k.account, k.region, k.id)
		for _, n := range names {
			tx.Delete(aliasKey(k.account, k.region, n))
		}
		tx.DeleteRange(ofPrefix(k.account, k.region, k.id).Range())
		tx.Delete(keyPrefix(k.account, k.region).Text(k.id))
		return err
	})
}

// rotate gives a key new material; what was encrypted with the old stays readable.
func (s *Service) rotate(ctx context.Context, p *timer.Kept) error {
	material, err := s.random(keyBytes)
	if err != nil {
		return err
	}
	return s.keep(ctx, p, func(tx store.Tx, k key) error {
		if !k.Rotates || tx.Now().Before(k.NextRotated) {
			return nil
		}
		if k.usable() == nil {
			k.Materials = append(k.Materials, material)
		}
		k.NextRotated = k.NextRotated.AddDate(0, 0, int(k.Period))
		writeKey(tx, k)
		return setPromise(tx, kindRotate, k, k.NextRotated)
	})
}

// EnableKeyRotation has a key rotated every so many days.
func (s *Service) EnableKeyRotation(ctx context.Context, id aws.Identity, in *kmsapi.EnableKeyRotationRequest) (*kmsapi.EnableKeyRotationOutput, error) {
	period := int32(rotationDays)
	if in.RotationPeriodInDays != nil {
		period = *in.RotationPeriodInDays
	}
	_, err := s.change(ctx, id, in.KeyId, func(tx store.Tx, k *key) error {
		if err := firstError(k.customer(), k.usable()); err != nil {
			return err
		}
		k.Rotates, k.Period, k.NextRotated = true, period, tx.Now().AddDate(0, 0, int(period))
		return setPromise(tx, kindRotate, *k, k.NextRotated)
	})
	return &kmsapi.EnableKeyRotationOutput{}, err
}

// DisableKeyRotation ends a key's rotation.
func (s *Service) DisableKeyRotation(ctx context.Context, id aws.Identity, in *kmsapi.DisableKeyRotationRequest) (*kmsapi.DisableKeyRotationOutput, error) {
	_, err := s.change(ctx, id, in.KeyId, func(tx store.Tx, k *key) error {
		if err := firstError(k.customer(), k.usable()); err != nil {
			return err
		}
		k.Rotates, k.Period, k.NextRotated = false, 0, time.Time{}
		_, err := timer.Cancel(tx, kindRotate, k.arn())
		return err
	})
	return &kmsapi.DisableKeyRotationOutput{}, err
}

// GetKeyRotationStatus says whether and when a key is rotated.
func (s *Service) GetKeyRotationStatus(ctx context.Context, id aws.Identity, in *kmsapi.GetKeyRotationStatusRequest) (*kmsapi.GetKeyRotationStatusResponse, error) {
	k, err := s.find(ctx, id, in.KeyId)
	if err := firstError(err, k.pending()); err != nil {
		return nil, err
	}
	arn := k.arn()
	out := &kmsapi.GetKeyRotationStatusResponse{KeyId: &arn, KeyRotationEnabled: &k.Rotates}
	if k.Rotates {
		out.RotationPeriodInDays, out.NextRotationDate = &k.Period, &k.NextRotated
	}
	return out, nil
}
