package iam

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"github.com/brume-dev/brume/api/iamapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

const keyRecord = 1

// key is the stored record of an access key.
type key struct {
	ID       string    `cbor:"1,keyasint"`
	User     string    `cbor:"2,keyasint"` // unique id
	Secret   string    `cbor:"3,keyasint"`
	Created  time.Time `cbor:"4,keyasint"`
	Inactive bool      `cbor:"5,keyasint,omitempty"`
}

func (c *scope) putKey(k *key) {
	c.tx.Set(c.accessKey(k.ID), record.Encode(keyRecord, k))
	c.tx.Set(c.keysOf(k.User).Text(k.ID), nil)
}

// key returns an access key, nil when there is none.
func (c *scope) key(id string) (*key, error) {
	v, ok, err := c.Get(c.accessKey(id))
	if err != nil || !ok {
		return nil, err
	}
	k := &key{}
	return k, record.Decode(v, keyRecord, k)
}

// keyOf is key for one that belongs to a user.
func (c *scope) keyOf(user *entity, id string) (*key, error) {
	k, err := c.key(id)
	if err == nil && (k == nil || k.User != user.ID) {
		err = &iamapi.NoSuchEntityException{Message: fmt.Sprintf("The Access Key with id %s cannot be found.", id)}
	}
	return k, err
}

func (k *key) status() iamapi.StatusType {
	if k.Inactive {
		return iamapi.StatusTypeInactive
	}
	return iamapi.StatusTypeActive
}

// newKey makes up an access key id and its secret.
func (s *Service) newKey(account string) (id, secret string, err error) {
	b := make([]byte, 38)
	if _, err := io.ReadFull(s.random, b); err != nil {
		return "", "", fmt.Errorf("iam: random: %w", err)
	}
	id, err = aws.AccessKeyID("AKIA", account, binary.LittleEndian.Uint64(b)%aws.MaxAccessKeySerial)
	return id, base64.StdEncoding.EncodeToString(b[8:]), err
}

// CreateAccessKey gives a user an access key, at most two at a time.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccessKey.html
func (s *Service) CreateAccessKey(ctx context.Context, id aws.Identity, in *iamapi.CreateAccessKeyRequest) (*iamapi.CreateAccessKeyResponse, error) {
	name, err := userOf(id, in.UserName)
	if err != nil {
		return nil, err
	}
	keyID, secret, err := s.newKey(id.Account)
	if err != nil {
		return nil, err
	}
	return update(ctx, s, id.Account, func(c *scope) (*iamapi.CreateAccessKeyResponse, error) {
		u, err := c.get(kindUser, name)
		if err != nil {
			return nil, err
		}
		n, err := c.number(c.keysOf(u.ID))
		if err != nil {
			return nil, err
		}
		if n >= maxKeysPerUser {
			return nil, exceeds("AccessKeysPerUser", maxKeysPerUser)
		}
		k := &key{ID: keyID, User: u.ID, Secret: secret, Created: c.now()}
		c.putKey(k)
		return &iamapi.CreateAccessKeyResponse{AccessKey: &iamapi.AccessKey{UserName: u.Name, AccessKeyId: k.ID,
			Status: k.status(), SecretAccessKey: k.Secret, CreateDate: new(k.Created)}}, nil
	})
}

// ListAccessKeys lists a user's access keys, without their secrets.
func (s *Service) ListAccessKeys(ctx context.Context, id aws.Identity, in *iamapi.ListAccessKeysRequest) (*iamapi.ListAccessKeysResponse, error) {
	name, err := userOf(id, in.UserName)
	if err != nil {
		return nil, err
	}
	return view(ctx, s, id.Account, func(c *scope) (*iamapi.ListAccessKeysResponse, error) {
		u, err := c.get(kindUser, name)
		if err != nil {
			return nil, err
		}
		out := &iamapi.ListAccessKeysResponse{AccessKeyMetadata: []iamapi.AccessKeyMetadata{}}
		p := newPage(in.Marker, in.MaxItems)
		err = c.keys(c.keysOf(u.ID), p, func(el *store.Elements, _ store.Value) (bool, error) {
			k, err := c.key(el.Text())
			if err != nil || k == nil {
				return false, err
			}
			out.AccessKeyMetadata = append(out.AccessKeyMetadata, iamapi.AccessKeyMetadata{UserName: new(u.Name),
				AccessKeyId: new(k.ID), Status: k.status(), CreateDate: new(k.Created)})
			return true, nil
		})
		out.IsTruncated, out.Marker = p.result()
		return out, err
	})
}

// UpdateAccessKey makes an access key active or inactive.
func (s *Service) UpdateAccessKey(ctx context.Context, id aws.Identity, in *iamapi.UpdateAccessKeyRequest) (*iamapi.UpdateAccessKeyOutput, error) {
	return &iamapi.UpdateAccessKeyOutput{}, s.changeKey(ctx, id, in.UserName, in.AccessKeyId, func(c *scope, k *key) {
		k.Inactive = in.Status != iamapi.StatusTypeActive
		c.putKey(k)
	})
}

// DeleteAccessKey deletes an access key.
func (s *Service) DeleteAccessKey(ctx context.Context, id aws.Identity, in *iamapi.DeleteAccessKeyRequest) (*iamapi.DeleteAccessKeyOutput, error) {
	return &iamapi.DeleteAccessKeyOutput{}, s.changeKey(ctx, id, in.UserName, in.AccessKeyId, func(c *scope, k *key) {
		c.tx.Delete(c.accessKey(k.ID))
		c.tx.Delete(c.keysOf(k.User).Text(k.ID))
		c.tx.Delete(c.usedKey(k.ID))
	})
}

func (s *Service) changeKey(ctx context.Context, id aws.Identity, user *string, keyID string, change func(*scope, *key)) error {
	name, err := userOf(id, user)
	if err != nil {
		return err
	}
	_, err = update(ctx, s, id.Account, func(c *scope) (struct{}, error) {
		u, err := c.get(kindUser, name)
		if err != nil {
			return struct{}{}, err
		}
		k, err := c.keyOf(u, keyID)
		if err == nil {
			change(c, k)
		}
		return struct{}{}, err
	})
	return err
}

// GetAccessKeyLastUsed says when an access key was last used, for which service and where.
func (s *Service) GetAccessKeyLastUsed(ctx context.Context, id aws.Identity, in *iamapi.GetAccessKeyLastUsedRequest) (*iamapi.GetAccessKeyLastUsedResponse, error) {
	return view(ctx, s, id.Account, func(c *scope) (*iamapi.GetAccessKeyLastUsedResponse, error) {
		k, err := c.key(in.AccessKeyId)
		if err != nil {
			return nil, err
		}
		if k == nil {
			return nil, &iamapi.NoSuchEntityException{Message: fmt.Sprintf("The Access Key with id %s cannot be found.", in.AccessKeyId)}
		}
		_, u, err := c.byID(k.User)
		if err != nil {
			return nil, err
		}
		out := &iamapi.GetAccessKeyLastUsedResponse{UserName: new(u.Name),
			AccessKeyLastUsed: &iamapi.AccessKeyLastUsed{ServiceName: "N/A", Region: "N/A"}}
		use, err := s.lastUsed(c, k.ID)
		if err == nil && use != nil {
			out.AccessKeyLastUsed = &iamapi.AccessKeyLastUsed{LastUsedDate: new(use.Time), ServiceName: use.Service, Region: use.Region}
		}
		return out, err
	})
}

// ListMFADevices lists a user's multi-factor devices, of which there are none.
func (s *Service) ListMFADevices(ctx context.Context, id aws.Identity, in *iamapi.ListMFADevicesRequest) (*iamapi.ListMFADevicesResponse, error) {
	out := &iamapi.ListMFADevicesResponse{MFADevices: []iamapi.MFADevice{}, IsTruncated: new(false)}
	name, err := userOf(id, in.UserName)
	if err != nil {
		return nil, err
	}
	return view(ctx, s, id.Account, func(c *scope) (*iamapi.ListMFADevicesResponse, error) {
		_, err := c.get(kindUser, name)
		return out, err
	})
}
