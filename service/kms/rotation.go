package kms

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/brume-dev/brume/api/kmsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/page"
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
		return cmp.Or(err, removeGrants(tx, k))
	})
}

// renew gives a key new material; what was encrypted with the old stays readable.
func (k *key) renew(material []byte, now time.Time, onDemand bool) {
	k.Materials = append(k.Materials, material)
	k.Rotations = append(k.Rotations, rotation{now, onDemand})
}

// rotate renews a key that is due for it.
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
			k.renew(material, tx.Now(), false)
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
		if err := cmp.Or(k.customer(), k.usable()); err != nil {
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
		if err := cmp.Or(k.customer(), k.usable()); err != nil {
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
	if err := cmp.Or(err, k.pending()); err != nil {
		return nil, err
	}
	arn := k.arn()
	out := &kmsapi.GetKeyRotationStatusResponse{KeyId: &arn, KeyRotationEnabled: &k.Rotates}
	if k.Rotates {
		out.RotationPeriodInDays, out.NextRotationDate = &k.Period, &k.NextRotated
	}
	return out, nil
}

// RotateKeyOnDemand renews a key at once; its schedule stays as it is. AWS takes some minutes for it, Brume none.
func (s *Service) RotateKeyOnDemand(ctx context.Context, id aws.Identity, in *kmsapi.RotateKeyOnDemandRequest) (*kmsapi.RotateKeyOnDemandResponse, error) {
	material, err := s.random(keyBytes)
	if err != nil {
		return nil, err
	}
	k, err := s.change(ctx, id, in.KeyId, func(tx store.Tx, k *key) error {
		if err := cmp.Or(k.customer(), k.usable()); err != nil {
			return err
		}
		n := 0
		for _, r := range k.Rotations {
			if r.OnDemand {
				n++
			}
		}
		if n >= maxRotations {
			return &kmsapi.LimitExceededException{Message: "The key has been rotated on demand as often as it may be."}
		}
		k.renew(material, tx.Now(), true)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &kmsapi.RotateKeyOnDemandResponse{KeyId: &k.id}, nil
}

// ListKeyRotations lists when a key came to new material, the oldest first, and its first material too if that is asked for.
func (s *Service) ListKeyRotations(ctx context.Context, id aws.Identity, in *kmsapi.ListKeyRotationsRequest) (*kmsapi.ListKeyRotationsResponse, error) {
	k, err := s.keyNamed(ctx, id, in.KeyId)
	if err == nil {
		err = k.pending()
	}
	if err != nil {
		return nil, err
	}
	pg, err := newPage(in.Limit, in.Marker, listKeysLimit)
	if err != nil {
		return nil, err
	}
	var versions []int
	for v := range k.Materials {
		if v > 0 || in.IncludeKeyMaterial == kmsapi.IncludeKeyMaterialAllKeyMaterial {
			versions = append(versions, v+1)
		}
	}
	out := &kmsapi.ListKeyRotationsResponse{Rotations: []kmsapi.RotationsListEntry{}}
	for _, v := range page.Slice(pg, versions, func(v int) string { return fmt.Sprintf("%06d", v) }) {
		out.Rotations = append(out.Rotations, k.rotated(v))
	}
	out.Truncated, out.NextMarker = listed(pg)
	return out, nil
}

// rotated describes a version of the material, from 1.
func (k key) rotated(version int) kmsapi.RotationsListEntry {
	material := k.materialID(version)
	e := kmsapi.RotationsListEntry{KeyId: &k.id, KeyMaterialId: &material, KeyMaterialState: kmsapi.KeyMaterialStateNonCurrent}
	if version == len(k.Materials) {
		e.KeyMaterialState = kmsapi.KeyMaterialStateCurrent
	}
	if n := version - 2; n >= 0 && n < len(k.Rotations) {
		e.RotationDate, e.RotationType = &k.Rotations[n].Date, kmsapi.RotationTypeAutomatic
		if k.Rotations[n].OnDemand {
			e.RotationType = kmsapi.RotationTypeOnDemand
		}
	}
	return e
}
