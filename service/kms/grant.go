package kms

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/hex"
	"reflect"
	"slices"
	"time"

	"github.com/brume-dev/brume/api/kmsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// grantRecord is a grant: https://docs.aws.amazon.com/kms/latest/developerguide/grants.html
type grantRecord struct {
	Grantee    string            `cbor:"1,keyasint"`
	Retiring   string            `cbor:"2,keyasint,omitempty"`
	Operations []string          `cbor:"3,keyasint"`
	Subset     map[string]string `cbor:"4,keyasint,omitempty"`
	Equals     map[string]string `cbor:"5,keyasint,omitempty"`
	Source     string            `cbor:"6,keyasint,omitempty"`
	Name       string            `cbor:"7,keyasint,omitempty"`
	Created    time.Time         `cbor:"8,keyasint"`
	Issuer     string            `cbor:"9,keyasint"` // account
}

const grantVersion = 1

// grant is a grant with its names.
type grant struct {
	key key
	id  string
	grantRecord
}

func readGrant(r store.Reader, k key, id string) (g grant, ok bool, err error) {
	g.key, g.id = k, id
	v, ok, err := r.Get(grantsOf(k).Text(id))
	if err != nil || !ok {
		return g, false, err
	}
	return g, true, record.Decode(v, grantVersion, &g.grantRecord)
}

// retirable is where a retiring principal finds a grant: in its own account, in the region of the key.
func (g grant) retirable() (account string, at store.Tuple) {
	a, err := aws.ParseARN(g.Retiring)
	if err != nil {
		return "", nil
	}
	return a.Account, retirablePrefix(a.Account, g.key.region, g.Retiring).Text(g.key.arn()).Text(g.id)
}

// write stores a grant, but for its entry with a retiring principal of another account.
func (g grant) write(tx store.Tx) {
	tx.Set(grantsOf(g.key).Text(g.id), record.Encode(grantVersion, g.grantRecord))
	tx.Set(granteesOf(g.key).Text(g.Grantee).Text(g.id), nil)
	if g.Name != "" {
		tx.Set(grantNamesOf(g.key).Text(g.Name), store.Value(g.id))
	}
	if account, at := g.retirable(); account == g.key.account {
		tx.Set(store.Key(at), nil)
	}
}

// remove is the inverse of write.
func (g grant) remove(tx store.Tx) error {
	tx.Delete(grantsOf(g.key).Text(g.id))
	tx.Delete(granteesOf(g.key).Text(g.Grantee).Text(g.id))
	if g.Name != "" {
		if v, ok, err := tx.Get(grantNamesOf(g.key).Text(g.Name)); err != nil {
			return err
		} else if ok && string(v) == g.id {
			tx.Delete(grantNamesOf(g.key).Text(g.Name))
		}
	}
	if account, at := g.retirable(); account == g.key.account {
		tx.Delete(store.Key(at))
	}
	return nil
}

// removeGrants drops all grants of a key that is gone. What principals of other accounts find leads nowhere then.
func removeGrants(tx store.Tx, k key) error {
	prefix := grantsOf(k)
	pairs, done := tx.Scan(prefix.Range(), store.ScanOpt{})
	for kv := range pairs {
		g := grant{key: k, id: store.Decode(kv.Key, len(prefix)).Text()}
		if err := record.Decode(kv.Value, grantVersion, &g.grantRecord); err != nil {
			return err
		}
		if account, at := g.retirable(); account == k.account {
			tx.Delete(store.Key(at))
		}
	}
	for _, t := range []store.Tuple{prefix, granteesOf(k), grantNamesOf(k)} {
		tx.DeleteRange(t.Range())
	}
	return done()
}

// token is a grant token: 8 random bytes, the 32 bytes of the grant's id, the ARN of its key.
func (s *Service) token(g grant) (*string, error) {
	b, err := s.random(8)
	if err != nil {
		return nil, err
	}
	id, err := hex.DecodeString(g.id)
	if err != nil {
		return nil, err
	}
	t := base64.StdEncoding.EncodeToString(append(append(b, id...), g.key.arn()...))
	return &t, nil
}

// readToken returns the ARN of the key and the grant's id that a token stands for.
func readToken(token string) (arn, id string, err error) {
	b, err := base64.StdEncoding.DecodeString(token)
	if err != nil || len(b) < 40 || !bytes.HasPrefix(b[40:], []byte("arn:")) {
		return "", "", &kmsapi.InvalidGrantTokenException{Message: "The grant token is not valid."}
	}
	return string(b[40:]), hex.EncodeToString(b[8:40]), nil
}

// checkTokens refuses what are no grant tokens. Those that are change nothing: a grant counts from when it is made.
func checkTokens(tokens []string) error {
	for _, t := range tokens {
		if _, _, err := readToken(t); err != nil {
			return err
		}
	}
	return nil
}

// keyNamed finds a key by its id or ARN, of another account too; aliases do not name keys here.
func (s *Service) keyNamed(ctx context.Context, id aws.Identity, named string) (key, error) {
	if isAlias(named) {
		return key{}, &kmsapi.InvalidArnException{Message: "Invalid keyId '" + named + "'"}
	}
	return s.find(ctx, id, named)
}

// newGrant is the grant that a request asks for.
func newGrant(id aws.Identity, in *kmsapi.CreateGrantRequest) (grantRecord, error) {
	g := grantRecord{Issuer: id.Account}
	if in.GranteeServicePrincipal != nil || in.RetiringServicePrincipal != nil {
		return g, invalid("Brume has no grants for service principals: name a GranteePrincipal, and a RetiringPrincipal.")
	}
	if in.GranteePrincipal == nil {
		return g, invalid("GranteePrincipal must be specified.")
	}
	g.Grantee = *in.GranteePrincipal
	if in.RetiringPrincipal != nil {
		g.Retiring = *in.RetiringPrincipal
	}
	if in.Name != nil {
		g.Name = *in.Name
	}
	for _, p := range []string{g.Grantee, g.Retiring} {
		if a, err := aws.ParseARN(p); p != "" && (err != nil || a.Service != "iam" && a.Service != "sts" || len(a.Account) != 12) {
			return g, &kmsapi.InvalidArnException{Message: "ARN does not refer to a valid principal: " + p}
		}
	}
	for _, op := range in.Operations {
		if !slices.Contains(grantable, op) {
			return g, invalid("Grant operation %s is not supported by a key of the spec SYMMETRIC_DEFAULT.", op)
		}
		g.Operations = append(g.Operations, string(op))
	}
	slices.Sort(g.Operations)
	g.Operations = slices.Compact(g.Operations)
	if c := in.Constraints; c != nil {
		g.Subset, g.Equals = c.EncryptionContextSubset, c.EncryptionContextEquals
		if c.SourceArn != nil {
			g.Source = *c.SourceArn
		}
		if g.Subset != nil && g.Equals != nil {
			return g, invalid("A grant may have only one of EncryptionContextSubset and EncryptionContextEquals.")
		}
	}
	return g, cmp.Or(checkConstraint(g.Subset), checkConstraint(g.Equals))
}

// grantable are the operations that a grant for a symmetric key may allow.
var grantable = []kmsapi.GrantOperation{
	kmsapi.GrantOperationDecrypt, kmsapi.GrantOperationEncrypt, kmsapi.GrantOperationGenerateDataKey,
	kmsapi.GrantOperationGenerateDataKeyWithoutPlaintext, kmsapi.GrantOperationReEncryptFrom, kmsapi.GrantOperationReEncryptTo,
	kmsapi.GrantOperationCreateGrant, kmsapi.GrantOperationRetireGrant, kmsapi.GrantOperationDescribeKey,
	kmsapi.GrantOperationGenerateDataKeyPair, kmsapi.GrantOperationGenerateDataKeyPairWithoutPlaintext,
}

func checkConstraint(context map[string]string) error {
	size := 0
	for k, v := range context {
		size += len(k) + len(v)
	}
	if len(context) > maxConstraintPairs || size > maxConstraintSize {
		return invalid("A grant constraint may have at most %d encryption context pairs and %d characters.", maxConstraintPairs, maxConstraintSize)
	}
	return nil
}

// CreateGrant lets a principal use a key, without a change of its policy.
func (s *Service) CreateGrant(ctx context.Context, id aws.Identity, in *kmsapi.CreateGrantRequest) (*kmsapi.CreateGrantResponse, error) {
	rec, err := newGrant(id, in)
	if err := cmp.Or(err, checkTokens(in.GrantTokens)); err != nil {
		return nil, err
	}
	k, err := s.keyNamed(ctx, id, in.KeyId)
	if err == nil {
		err = k.usable()
	}
	if err := cmp.Or(err, dryRun(in.DryRun)); err != nil {
		return nil, err
	}
	name, err := s.random(32)
	if err != nil {
		return nil, err
	}
	fresh := grant{key: k, id: hex.EncodeToString(name), grantRecord: rec}
	if account, at := fresh.retirable(); at != nil && account != k.account { // an entry that leads nowhere is no harm
		if _, err := s.shard(account, k.region).Update(ctx, func(_ context.Context, tx store.Tx) error {
			tx.Set(store.Key(at), nil)
			return nil
		}); err != nil {
			return nil, err
		}
	}
	g, err := store.Update(ctx, s.shard(k.account, k.region), func(_ context.Context, tx store.Tx) (grant, error) {
		now, err := readKey(tx, k.account, k.region, k.id)
		if err := cmp.Or(err, now.usable()); err != nil {
			return grant{}, err
		}
		if old, ok, err := sameGrant(tx, fresh); err != nil || ok {
			return old, err
		}
		if now.Grants >= maxGrants {
			return grant{}, &kmsapi.LimitExceededException{Message: "The key has the most grants that it may have."}
		}
		g := fresh
		g.Created = tx.Now()
		g.write(tx)
		now.Grants++
		writeKey(tx, now)
		return g, nil
	})
	if err != nil {
		return nil, err
	}
	t, err := s.token(g)
	return &kmsapi.CreateGrantResponse{GrantId: &g.id, GrantToken: t}, err
}

// sameGrant finds the grant of the same name that allows the same: a request that is sent again makes no other.
func sameGrant(r store.Reader, want grant) (grant, bool, error) {
	if want.Name == "" {
		return grant{}, false, nil
	}
	v, ok, err := r.Get(grantNamesOf(want.key).Text(want.Name))
	if err != nil || !ok {
		return grant{}, false, err
	}
	g, ok, err := readGrant(r, want.key, string(v))
	like := g.grantRecord
	like.Created = want.Created
	return g, ok && reflect.DeepEqual(like, want.grantRecord), err
}

// ListGrants lists the grants of a key.
func (s *Service) ListGrants(ctx context.Context, id aws.Identity, in *kmsapi.ListGrantsRequest) (*kmsapi.ListGrantsResponse, error) {
	k, err := s.keyNamed(ctx, id, in.KeyId)
	if err != nil {
		return nil, err
	}
	pg, err := newPage(in.Limit, in.Marker, listGrantsLimit)
	if err != nil {
		return nil, err
	}
	out := &kmsapi.ListGrantsResponse{Grants: []kmsapi.GrantListEntry{}}
	add := func(r store.Reader, grantID string) (bool, error) {
		g, ok, err := readGrant(r, k, grantID)
		if err != nil || !ok || in.GrantId != nil && *in.GrantId != g.id || in.GranteeServicePrincipal != nil {
			return false, err
		}
		out.Grants = append(out.Grants, g.entry())
		return true, nil
	}
	err = s.shard(k.account, k.region).View(ctx, func(_ context.Context, r store.Reader) error {
		switch {
		case in.GranteePrincipal != nil:
			return pg.Each(r, granteesOf(k).Text(*in.GranteePrincipal), func(name string, _ store.Value) (bool, error) { return add(r, name) })
		case in.GrantId != nil:
			_, err := add(r, *in.GrantId)
			return err
		}
		return pg.Each(r, grantsOf(k), func(name string, _ store.Value) (bool, error) { return add(r, name) })
	})
	out.Truncated, out.NextMarker = listed(pg)
	return out, err
}

func (g grant) entry() kmsapi.GrantListEntry {
	arn, issuer := g.key.arn(), "arn:"+aws.Partition+":iam::"+g.Issuer+":root"
	e := kmsapi.GrantListEntry{KeyId: &arn, GrantId: &g.id, CreationDate: &g.Created, GranteePrincipal: &g.Grantee, IssuingAccount: &issuer}
	for p, v := range map[**string]*string{&e.Name: &g.Name, &e.RetiringPrincipal: &g.Retiring} {
		if *v != "" {
			*p = v
		}
	}
	for _, op := range g.Operations {
		e.Operations = append(e.Operations, kmsapi.GrantOperation(op))
	}
	if g.Subset != nil || g.Equals != nil || g.Source != "" {
		e.Constraints = &kmsapi.GrantConstraints{EncryptionContextSubset: g.Subset, EncryptionContextEquals: g.Equals}
		if g.Source != "" {
			e.Constraints.SourceArn = &g.Source
		}
	}
	return e
}

// ListRetirableGrants lists the grants that a principal of the account may retire, on keys of any account.
func (s *Service) ListRetirableGrants(ctx context.Context, id aws.Identity, in *kmsapi.ListRetirableGrantsRequest) (*kmsapi.ListGrantsResponse, error) {
	if in.RetiringPrincipal == nil {
		return nil, invalid("RetiringPrincipal must be specified.")
	}
	if a, err := aws.ParseARN(*in.RetiringPrincipal); err != nil || a.Account != id.Account {
		return nil, &kmsapi.InvalidArnException{Message: "ARN does not refer to a valid principal: " + *in.RetiringPrincipal}
	}
	pg, err := newPage(in.Limit, in.Marker, listGrantsLimit)
	if err != nil {
		return nil, err
	}
	var found [][2]string
	err = s.shard(id.Account, id.Region).View(ctx, func(_ context.Context, r store.Reader) error {
		return pg.Keys(r, retirablePrefix(id.Account, id.Region, *in.RetiringPrincipal), func(e *store.Elements, _ store.Value) (bool, error) {
			found = append(found, [2]string{e.Text(), e.Text()})
			return true, nil
		})
	})
	if err != nil {
		return nil, err
	}
	out := &kmsapi.ListGrantsResponse{Grants: []kmsapi.GrantListEntry{}}
	for _, f := range found {
		g, err := s.findGrant(ctx, id, f[0], f[1])
		if aws.CodeOf(err) == "NotFoundException" {
			continue
		}
		if err != nil {
			return nil, err
		}
		out.Grants = append(out.Grants, g.entry())
	}
	out.Truncated, out.NextMarker = listed(pg)
	return out, nil
}

func (s *Service) findGrant(ctx context.Context, id aws.Identity, named, grantID string) (grant, error) {
	k, err := s.keyNamed(ctx, id, named)
	if err != nil {
		return grant{}, err
	}
	return store.View(ctx, s.shard(k.account, k.region), func(_ context.Context, r store.Reader) (grant, error) {
		g, ok, err := readGrant(r, k, grantID)
		if err == nil && !ok {
			err = notFound("Grant ID %s not found", grantID)
		}
		return g, err
	})
}

// RetireGrant ends a grant, for those to whom the grant itself gives the right.
func (s *Service) RetireGrant(ctx context.Context, id aws.Identity, in *kmsapi.RetireGrantRequest) (*kmsapi.RetireGrantOutput, error) {
	named, grantID, err := retired(in)
	if err != nil {
		return nil, err
	}
	return &kmsapi.RetireGrantOutput{}, s.endGrant(ctx, id, named, grantID, in.DryRun)
}

// retired says which grant a request retires.
func retired(in *kmsapi.RetireGrantRequest) (named, grantID string, err error) {
	switch {
	case in.GrantToken != nil && in.KeyId == nil && in.GrantId == nil:
		return readToken(*in.GrantToken)
	case in.GrantToken == nil && in.KeyId != nil && in.GrantId != nil:
		return *in.KeyId, *in.GrantId, nil
	}
	return "", "", invalid("Either the grant token, or both the grant ID and the key ID, must be specified.")
}

// RevokeGrant ends a grant, for those whom the key's policy allows it.
func (s *Service) RevokeGrant(ctx context.Context, id aws.Identity, in *kmsapi.RevokeGrantRequest) (*kmsapi.RevokeGrantOutput, error) {
	return &kmsapi.RevokeGrantOutput{}, s.endGrant(ctx, id, in.KeyId, in.GrantId, in.DryRun)
}

func (s *Service) endGrant(ctx context.Context, id aws.Identity, named, grantID string, dry *bool) error {
	g, err := s.findGrant(ctx, id, named, grantID)
	if err == nil {
		err = g.key.pending()
	}
	if err := cmp.Or(err, dryRun(dry)); err != nil {
		return err
	}
	if _, err := s.shard(g.key.account, g.key.region).Update(ctx, func(_ context.Context, tx store.Tx) error {
		k, err := readKey(tx, g.key.account, g.key.region, g.key.id)
		if err != nil {
			return err
		}
		if _, ok, err := readGrant(tx, k, g.id); err != nil || !ok {
			return cmp.Or(err, notFound("Grant ID %s not found", g.id))
		}
		k.Grants--
		writeKey(tx, k)
		return g.remove(tx)
	}); err != nil {
		return err
	}
	account, at := g.retirable()
	if at == nil || account == g.key.account {
		return nil
	}
	_, err = s.shard(account, g.key.region).Update(ctx, func(_ context.Context, tx store.Tx) error {
		tx.Delete(store.Key(at))
		return nil
	})
	return err
}
