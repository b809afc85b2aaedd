package sts

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/policy"
)

// session is what a token holds: the record of the credentials and of who has them.
type session struct {
	Key        string            `cbor:"1,keyasint"`
	Secret     string            `cbor:"2,keyasint"`
	Kind       aws.Kind          `cbor:"3,keyasint"`
	Account    string            `cbor:"4,keyasint"`
	ARN        string            `cbor:"5,keyasint"`
	Entity     string            `cbor:"6,keyasint,omitempty"` // ARN of the user or role behind the session
	EntityID   string            `cbor:"7,keyasint,omitempty"` // its unique id
	Principal  string            `cbor:"8,keyasint"`           // aws:userid
	Name       string            `cbor:"9,keyasint,omitempty"` // of a user
	Issued     time.Time         `cbor:"10,keyasint"`
	Expires    time.Time         `cbor:"11,keyasint"`
	Policies   []string          `cbor:"12,keyasint,omitempty"`
	PolicyARNs []string          `cbor:"13,keyasint,omitempty"`
	Tags       map[string]string `cbor:"14,keyasint,omitempty"`
	Transitive []string          `cbor:"15,keyasint,omitempty"`
	Source     string            `cbor:"16,keyasint,omitempty"`
}

// issue completes a session, for d from now, and returns its credentials.
func (s *Service) issue(ctx context.Context, v *session, d time.Duration) (aws.Credentials, error) {
	x, err := s.sealer(ctx)
	if err != nil {
		return aws.Credentials{}, err
	}
	b := make([]byte, 30+8+nonceSize)
	if _, err := io.ReadFull(s.random, b); err != nil {
		return aws.Credentials{}, fmt.Errorf("sts: random: %w", err)
	}
	v.Issued = s.clock.Now().UTC().Truncate(time.Second)
	v.Expires = v.Issued.Add(d)
	v.Secret = base64.StdEncoding.EncodeToString(b[:30])
	if v.Key, err = x.accessKey(v.Account, binary.LittleEndian.Uint64(b[30:])); err != nil {
		return aws.Credentials{}, fmt.Errorf("sts: %w", err)
	}
	token, err := x.close(v, b[38:])
	if err != nil {
		return aws.Credentials{}, fmt.Errorf("sts: seal: %w", err)
	}
	return v.credentials(token), nil
}

func (v *session) credentials(token string) aws.Credentials {
	return aws.Credentials{AccessKeyID: v.Key, SecretAccessKey: v.Secret, SessionToken: token, Expires: v.Expires}
}

// identity is who has the session, with the tags of the entity behind it.
func (v *session) identity(e *policy.Entity) aws.Identity {
	id := aws.Identity{Kind: v.Kind, Account: v.Account, ARN: v.ARN, PrincipalID: v.Principal, Name: v.Name,
		SessionPolicies: v.Policies, SessionPolicyARNs: v.PolicyARNs, Tags: v.Tags, TransitiveTags: v.Transitive,
		SourceIdentity: v.Source, TokenIssued: v.Issued}
	if v.Kind == aws.AssumedRole || v.Kind == aws.FederatedUser {
		id.RoleARN = v.Entity
	}
	if e == nil || len(e.Tags) == 0 {
		return id
	}
	if len(v.Tags) == 0 {
		id.Tags = e.Tags
		return id
	}
	id.Tags = make(map[string]string, len(e.Tags)+len(v.Tags))
	for k, t := range e.Tags {
		id.Tags[k] = t
	}
	for k, t := range v.Tags {
		for have := range id.Tags {
			if strings.EqualFold(have, k) {
				delete(id.Tags, have)
			}
		}
		id.Tags[k] = t
	}
	return id
}

// refused is a token that no request has.
const refused = "\x00"

// Key says who the access key of a session proves to be, for the gateway. The key of a session whose token is missing,
// damaged, or whose user or role is gone, is known and comes with a token that no request has: it is refused, and not
// taken for a stranger's.
func (s *Service) Key(ctx context.Context, accessKeyID, token string) (aws.Credentials, aws.Identity, bool, error) {
	if !strings.HasPrefix(accessKeyID, "ASIA") {
		return aws.Credentials{}, aws.Identity{}, false, nil
	}
	v, err := s.session(ctx, accessKeyID, token)
	if err != nil {
		return aws.Credentials{}, aws.Identity{}, false, err
	}
	if v == nil {
		x, err := s.sealer(ctx)
		ours := err == nil && (strings.HasPrefix(token, tokenPrefix) || x.issued(accessKeyID))
		return aws.Credentials{SessionToken: refused}, aws.Identity{}, ours, err
	}
	var e *policy.Entity
	if v.EntityID != "" {
		if e, err = s.entities.Entity(ctx, v.Entity); err != nil {
			return aws.Credentials{}, aws.Identity{}, false, err
		}
		if e == nil || e.ID != v.EntityID {
			return aws.Credentials{SessionToken: refused}, aws.Identity{}, true, nil
		}
	}
	return v.credentials(token), v.identity(e), true, nil
}

// session opens a token, or finds it opened.
func (s *Service) session(ctx context.Context, accessKeyID, token string) (*session, error) {
	s.mu.RLock()
	v := s.opened[token]
	s.mu.RUnlock()
	if v != nil && v.Key == accessKeyID {
		return v, nil
	}
	x, err := s.sealer(ctx)
	if err != nil {
		return nil, err
	}
	if v = x.open(accessKeyID, token); v == nil {
		return nil, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.opened) >= maxOpened {
		clear(s.opened)
	}
	s.opened[token] = v
	return v, nil
}
