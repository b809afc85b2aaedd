package s3

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

// dirRecord says which bucket a name is.
type dirRecord struct {
	N       uint64    `cbor:"1,keyasint"`
	Account string    `cbor:"2,keyasint"`
	Region  string    `cbor:"3,keyasint"`
	Created time.Time `cbor:"4,keyasint"`
}

const dirVersion = 1

// bucketRecord is what every request needs to know of a bucket.
type bucketRecord struct {
	Versioning string      `cbor:"1,keyasint,omitempty"` // "", Enabled or Suspended
	Ownership  string      `cbor:"2,keyasint,omitempty"` // "" when the controls were deleted
	Sealing    sealing     `cbor:"3,keyasint"`           // how objects are encrypted that do not say it
	Block      publicBlock `cbor:"4,keyasint"`
	HasPolicy  bool        `cbor:"5,keyasint,omitempty"`
	Blocked    bool        `cbor:"6,keyasint,omitempty"` // there is a public access block
	Public     bool        `cbor:"7,keyasint,omitempty"` // the policy lets everybody in
	Lifecycle  bool        `cbor:"8,keyasint,omitempty"` // there are rules of a lifecycle
}

const bucketVersion = 1

// bucket is a bucket with its name.
type bucket struct {
	name string
	dirRecord
	bucketRecord
}

func (b *bucket) arn() string { return bucketARN(b.name) }

func bucketARN(name string) string { return aws.MakeARN(Space, "", "", name).String() }

// resource is what the shard of a bucket is named by.
func resource(n uint64) store.Tuple { return bucketPrefix(n) }

func (s *Service) global() store.Shard { return s.Store.Shard(store.Global()) }

func (s *Service) shard(b *bucket) store.Shard { return s.Store.Shard(resource(b.N)) }

// owner is an account as S3 names it: a canonical user id of 64 hexadecimal digits.
func owner(account string) *s3api.Owner { return &s3api.Owner{ID: ptr(canonicalID(account))} }

func canonicalID(account string) string {
	h := sha256.Sum256([]byte("canonical user of " + account))
	return hex.EncodeToString(h[:])
}

// lookUp finds the bucket of a name.
func (s *Service) lookUp(ctx context.Context, name string) (b *bucket, ok bool, err error) {
	b = &bucket{name: name}
	err = s.global().View(ctx, func(_ context.Context, r store.Reader) error {
		v, there, err := r.Get(nameKey(name))
		if err != nil || !there {
			return err
		}
		ok = true
		return record.Decode(v, dirVersion, &b.dirRecord)
	})
	return b, ok, err
}

// find finds the bucket of a request, which may say who must own it.
func (s *Service) find(ctx context.Context, name string, expected *string) (*bucket, error) {
	b, ok, err := s.lookUp(ctx, name)
	if err != nil {
		return nil, err
	}
	if !ok {
		if checkName(name) != nil {
			return nil, invalidName(name)
		}
		return nil, noSuchBucket()
	}
	if expected != nil && *expected != b.Account {
		return nil, accessDenied()
	}
	return b, nil
}

// load reads the bucket's own record; a bucket that has been deleted has none.
func (b *bucket) load(r store.Reader) error {
	v, ok, err := r.Get(b.family(familyBucket))
	if err != nil {
		return err
	}
	if !ok {
		return noSuchBucket()
	}
	b.bucketRecord = bucketRecord{}
	return record.Decode(v, bucketVersion, &b.bucketRecord)
}

func (b *bucket) save(tx store.Tx) {
	tx.Set(b.family(familyBucket), record.Encode(bucketVersion, b.bucketRecord))
}

// view finds a bucket and runs f on it.
func view[T any](ctx context.Context, s *Service, name string, expected *string, f func(store.Reader, *bucket) (T, error)) (T, error) {
	var zero T
	b, err := s.find(ctx, name, expected)
	if err != nil {
		return zero, err
	}
	return store.View(ctx, s.shard(b), func(_ context.Context, r store.Reader) (T, error) {
		b := *b
		if err := b.load(r); err != nil {
			return zero, err
		}
		return f(r, &b)
	})
}

// update finds a bucket and runs f on it in a transaction.
func update[T any](ctx context.Context, s *Service, name string, expected *string, f func(store.Tx, *bucket) (T, error)) (T, error) {
	b, err := s.find(ctx, name, expected)
	if err != nil {
		var zero T
		return zero, err
	}
	return updateBucket(ctx, s, b, f)
}

func updateBucket[T any](ctx context.Context, s *Service, b *bucket, f func(store.Tx, *bucket) (T, error)) (T, error) {
	return store.Update(ctx, s.shard(b), func(_ context.Context, tx store.Tx) (T, error) {
		b := *b
		if err := b.load(tx); err != nil {
			var zero T
			return zero, err
		}
		return f(tx, &b)
	})
}

// CreateBucket takes a name for an account. The contents are made first and the name is published last, so that a bucket
// that can be found is whole.
func (s *Service) CreateBucket(ctx context.Context, id aws.Identity, in *s3api.CreateBucketRequest) (*s3api.CreateBucketOutput, error) {
	if checkName(in.Bucket) != nil {
		return nil, invalidName(in.Bucket)
	}
	region, err := location(id.Region, in.CreateBucketConfiguration)
	if err != nil {
		return nil, err
	}
	fresh, tags, err := newBucket(in)
	if err != nil {
		return nil, err
	}
	out := &s3api.CreateBucketOutput{Location: ptr("/" + in.Bucket), BucketArn: ptr(bucketARN(in.Bucket))}
	if region != defaultRegion {
		out.Location = ptr("http://" + in.Bucket + ".s3.amazonaws.com/")
	}
	if old, ok, err := s.lookUp(ctx, in.Bucket); err != nil || ok {
		if err == nil {
			err = taken(old, id.Account, region)
		}
		if err != nil {
			return nil, err
		}
		return out, nil
	}
	b := &bucket{name: in.Bucket, bucketRecord: fresh}
	b.N, err = store.Update(ctx, s.global(), func(_ context.Context, tx store.Tx) (uint64, error) {
		return store.NextID(tx, globalKey("next"))
	})
	if err != nil {
		return nil, err
	}
	if _, err := s.shard(b).Update(ctx, func(_ context.Context, tx store.Tx) error {
		b.save(tx)
		return tags.save(tx, b)
	}); err != nil {
		return nil, err
	}
	return out, s.publish(ctx, b, id.Account, region)
}

// publish gives a bucket its name, unless another was faster.
func (s *Service) publish(ctx context.Context, b *bucket, account, region string) error {
	_, err := s.global().Update(ctx, func(_ context.Context, tx store.Tx) error {
		v, ok, err := tx.Get(nameKey(b.name))
		if err != nil {
			return err
		}
		if ok {
			other := &bucket{name: b.name}
			if err := record.Decode(v, dirVersion, &other.dirRecord); err != nil {
				return err
			}
			return taken(other, account, region)
		}
		v = record.Encode(dirVersion, dirRecord{N: b.N, Account: account, Region: region, Created: tx.Now()})
		tx.Set(nameKey(b.name), v)
		tx.Set(ownedPrefix(account).Text(b.name), v)
		return nil
	})
	return err
}

// taken is the answer to whoever creates a bucket that is there. To its owner it is no error in us-east-1, for the sake of
// old clients: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
func taken(old *bucket, account, region string) error {
	switch {
	case old.Account != account:
		return &s3api.BucketAlreadyExists{Message: "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again."}
	case old.Region == defaultRegion && region == defaultRegion:
		return nil
	}
	return &s3api.BucketAlreadyOwnedByYou{Message: "Your previous request to create the named bucket succeeded and you already own it."}
}

// newBucket is a bucket as it is at first: https://docs.aws.amazon.com/AmazonS3/latest/userguide/create-bucket-overview.html
func newBucket(in *s3api.CreateBucketRequest) (r bucketRecord, t tagSet, err error) {
	r.Ownership = string(s3api.ObjectOwnershipBucketOwnerEnforced)
	if in.ObjectOwnership != "" {
		r.Ownership = string(in.ObjectOwnership)
	}
	r.Sealing = sealing{Algorithm: sealS3}
	r.Block, r.Blocked = publicBlock{true, true, true, true}, true
	if in.CreateBucketConfiguration != nil {
		if t, err = newTags(in.CreateBucketConfiguration.Tags, maxBucketTags); err != nil {
			return r, t, err
		}
	}
	switch {
	case or(in.ObjectLockEnabledForBucket, false):
		return r, t, notImplemented("Brume has no Object Lock yet")
	case in.ACL != "" && in.ACL != s3api.BucketCannedACLPrivate || in.GrantFullControl != nil || in.GrantRead != nil ||
		in.GrantReadACP != nil || in.GrantWrite != nil || in.GrantWriteACP != nil:
		if in.ObjectOwnership == "" || in.ObjectOwnership == s3api.ObjectOwnershipBucketOwnerEnforced {
			return r, t, aws.Errorf("InvalidBucketAclWithObjectOwnership", 400, "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting")
		}
		return r, t, notImplemented("Brume has no ACLs but private: use bucket policies")
	case in.BucketNamespace != "" && in.BucketNamespace != s3api.BucketNamespaceGlobal:
		return r, t, notImplemented("Brume has the global namespace of buckets only")
	}
	return r, t, nil
}

// defaultRegion is where a bucket is that names no location.
const defaultRegion = "us-east-1"

// location decides in which region a bucket is to be: the request's own, or any when it was sent to us-east-1.
func location(region string, c *s3api.CreateBucketConfiguration) (string, error) {
	named := ""
	if c != nil {
		named = string(c.LocationConstraint)
		if c.Bucket != nil || c.Location != nil {
			return "", notImplemented("Brume has general purpose buckets only, no directory buckets")
		}
	}
	if named == "EU" {
		named = "eu-west-1"
	}
	switch {
	case named == "" && region == defaultRegion:
		return region, nil
	case named == "":
		return "", aws.Errorf("IllegalLocationConstraintException", 400,
			"The unspecified location constraint is incompatible for the region specific endpoint this request was sent to.")
	case named == defaultRegion && region == defaultRegion, !strings.Contains(named, "-"):
		return "", aws.Errorf("InvalidLocationConstraint", 400, "The specified location-constraint is not valid")
	case region != defaultRegion && named != region:
		return "", aws.Errorf("IllegalLocationConstraintException", 400,
			"The %s location constraint is incompatible for the region specific endpoint this request was sent to.", named)
	}
	return named, nil
}

// HeadBucket says that a bucket is there and where.
func (s *Service) HeadBucket(ctx context.Context, _ aws.Identity, in *s3api.HeadBucketRequest) (*s3api.HeadBucketOutput, error) {
	b, err := s.find(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	return &s3api.HeadBucketOutput{BucketRegion: &b.Region, BucketArn: ptr(b.arn()), AccessPointAlias: ptr(false)}, nil
}

// GetBucketLocation says in which region a bucket is; us-east-1 has no name here.
func (s *Service) GetBucketLocation(ctx context.Context, _ aws.Identity, in *s3api.GetBucketLocationRequest) (*s3api.GetBucketLocationOutput, error) {
	b, err := s.find(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	out := &s3api.GetBucketLocationOutput{}
	if b.Region != defaultRegion {
		out.LocationConstraint = s3api.BucketLocationConstraint(b.Region)
	}
	return out, nil
}

// kindErase deletes what a deleted bucket left, and its name, should DeleteBucket itself not have come so far.
const kindErase = "s3.erase"

// eraseArgs are the arguments of kindErase.
type eraseArgs struct {
	N    uint64 `cbor:"1,keyasint"`
	Name string `cbor:"2,keyasint"`
}

// DeleteBucket deletes an empty bucket: first its record, after which nothing can be put in it, then its name.
func (s *Service) DeleteBucket(ctx context.Context, _ aws.Identity, in *s3api.DeleteBucketRequest) (*s3api.DeleteBucketOutput, error) {
	b, err := s.find(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if _, err := s.shard(b).Update(ctx, func(_ context.Context, tx store.Tx) error { return b.remove(tx) }); err != nil {
		return nil, err
	}
	return &s3api.DeleteBucketOutput{}, s.unpublish(ctx, b.N, b.name)
}

func (b *bucket) remove(tx store.Tx) error {
	d := *b
	if err := d.load(tx); err != nil {
		return err
	}
	for _, f := range []uint64{familyCurrent, familyVersion} {
		pairs, done := tx.Scan(b.family(f).Range(), store.ScanOpt{Limit: 1})
		for range pairs {
			if d.Versioning != "" {
				return aws.Errorf("BucketNotEmpty", 409, "The bucket you tried to delete is not empty. You must delete all versions in the bucket.")
			}
			return aws.Errorf("BucketNotEmpty", 409, "The bucket you tried to delete is not empty")
		}
		if err := done(); err != nil {
			return err
		}
	}
	tx.Delete(b.family(familyBucket))
	return timer.Set(tx, timer.Promise{Kind: kindErase, Args: record.Encode(1, eraseArgs{b.N, b.name})})
}

func (s *Service) unpublish(ctx context.Context, n uint64, name string) error {
	_, err := s.global().Update(ctx, func(_ context.Context, tx store.Tx) error {
		v, ok, err := tx.Get(nameKey(name))
		if err != nil || !ok {
			return err
		}
		var d dirRecord
		if err := record.Decode(v, dirVersion, &d); err != nil || d.N != n {
			return err
		}
		tx.Delete(nameKey(name))
		tx.Delete(ownedPrefix(d.Account).Text(name))
		return nil
	})
	return err
}

// ListBuckets lists the buckets of an account, of all regions, by name.
func (s *Service) ListBuckets(ctx context.Context, id aws.Identity, in *s3api.ListBucketsRequest) (*s3api.ListBucketsOutput, error) {
	prefix := ownedPrefix(id.Account)
	rng := withPrefix(prefix, or(in.Prefix, ""))
	if in.ContinuationToken != nil && *in.ContinuationToken != "" {
		last, err := openToken(*in.ContinuationToken)
		if err != nil {
			return nil, err
		}
		rng.Begin = prefix.Text(last).After(rng).Begin
	}
	limit := int(or(in.MaxBuckets, maxBuckets))
	if limit < 1 || limit > maxBuckets {
		return nil, invalidArgument("Argument max-buckets must be an integer between 1 and 10000", "max-buckets", "")
	}
	out := &s3api.ListBucketsOutput{Owner: owner(id.Account), Buckets: []s3api.Bucket{}, Prefix: in.Prefix}
	err := s.global().View(ctx, func(_ context.Context, r store.Reader) error {
		pairs, done := r.Scan(rng, store.ScanOpt{})
		for kv := range pairs {
			var d dirRecord
			if err := record.Decode(kv.Value, dirVersion, &d); err != nil {
				return err
			}
			if in.BucketRegion != nil && *in.BucketRegion != d.Region {
				continue
			}
			name := store.Decode(kv.Key, len(prefix)).Text()
			if len(out.Buckets) == limit {
				out.ContinuationToken = ptr(sealToken(*out.Buckets[limit-1].Name))
				break
			}
			out.Buckets = append(out.Buckets, s3api.Bucket{Name: &name, CreationDate: &d.Created, BucketRegion: &d.Region,
				BucketArn: ptr(bucketARN(name))})
		}
		return done()
	})
	return out, err
}
