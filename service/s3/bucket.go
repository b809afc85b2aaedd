package s3

import (
	"context"
	"slices"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/s3/acl"
	"github.com/brume-dev/brume/service/s3/bucket"
	"github.com/brume-dev/brume/service/s3/fault"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

const dirVersion = 1

// resource is what the shard of a bucket is named by.
func resource(n uint64) store.Tuple { return bucket.BucketPrefix(n) }

func nameKey(name string) store.Tuple { return bucket.GlobalKey("name").Text(name) }

func ownedPrefix(account string) store.Tuple { return bucket.GlobalKey("owned").Text(account) }

func (s *Service) global() store.Shard { return s.Store.Shard(store.Global()) }

func (s *Service) shard(b *bucket.Bucket) store.Shard { return s.Store.Shard(resource(b.N)) }

// lookUp finds the bucket of a name.
func (s *Service) lookUp(ctx context.Context, name string) (b *bucket.Bucket, ok bool, err error) {
	b = &bucket.Bucket{Name: name}
	err = s.global().View(ctx, func(_ context.Context, r store.Reader) error {
		v, there, err := r.Get(nameKey(name))
		if err != nil || !there {
			return err
		}
		ok = true
		return record.Decode(v, dirVersion, &b.DirRecord)
	})
	return b, ok, err
}

// find finds the bucket of a request, which may say who must own it.
func (s *Service) find(ctx context.Context, name string, expected *string) (*bucket.Bucket, error) {
	b, ok, err := s.lookUp(ctx, name)
	if err != nil {
		return nil, err
	}
	if !ok {
		if checkName(name) != nil {
			return nil, invalidName(name)
		}
		return nil, fault.NoSuchBucket()
	}
	if expected != nil && *expected != b.Account {
		return nil, accessDenied()
	}
	return b, nil
}

// view finds a bucket and runs f on it.
func view[T any](ctx context.Context, s *Service, name string, expected *string, f func(store.Reader, *bucket.Bucket) (T, error)) (T, error) {
	var zero T
	b, err := s.find(ctx, name, expected)
	if err != nil {
		return zero, err
	}
	return store.View(ctx, s.shard(b), func(_ context.Context, r store.Reader) (T, error) {
		b := *b
		if err := b.Load(r); err != nil {
			return zero, err
		}
		return f(r, &b)
	})
}

// update finds a bucket and runs f on it in a transaction.
func update[T any](ctx context.Context, s *Service, name string, expected *string, f func(store.Tx, *bucket.Bucket) (T, error)) (T, error) {
	b, err := s.find(ctx, name, expected)
	if err != nil {
		var zero T
		return zero, err
	}
	return updateBucket(ctx, s, b, f)
}

func updateBucket[T any](ctx context.Context, s *Service, b *bucket.Bucket, f func(store.Tx, *bucket.Bucket) (T, error)) (T, error) {
	return store.Update(ctx, s.shard(b), func(_ context.Context, tx store.Tx) (T, error) {
		b := *b
		if err := b.Load(tx); err != nil {
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
	fresh, tags, err := newBucket(id.Account, in)
	if err != nil {
		return nil, err
	}
	out := &s3api.CreateBucketOutput{Location: new("/" + in.Bucket), BucketArn: new(bucket.BucketARN(in.Bucket))}
	if region != defaultRegion {
		out.Location = new("http://" + in.Bucket + ".s3.amazonaws.com/")
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
	b := &bucket.Bucket{Name: in.Bucket, BucketRecord: fresh}
	b.N, err = store.Update(ctx, s.global(), func(_ context.Context, tx store.Tx) (uint64, error) {
		return store.NextID(tx, bucket.GlobalKey("next"))
	})
	if err != nil {
		return nil, err
	}
	if _, err := s.shard(b).Update(ctx, func(_ context.Context, tx store.Tx) error {
		b.Save(tx)
		return tags.Save(tx, b)
	}); err != nil {
		return nil, err
	}
	return out, s.publish(ctx, b, id.Account, region)
}

// publish gives a bucket its name, unless another was faster.
func (s *Service) publish(ctx context.Context, b *bucket.Bucket, account, region string) error {
	_, err := s.global().Update(ctx, func(_ context.Context, tx store.Tx) error {
		v, ok, err := tx.Get(nameKey(b.Name))
		if err != nil {
			return err
		}
		if ok {
			other := &bucket.Bucket{Name: b.Name}
			if err := record.Decode(v, dirVersion, &other.DirRecord); err != nil {
				return err
			}
			return taken(other, account, region)
		}
		v = record.Encode(dirVersion, bucket.DirRecord{N: b.N, Account: account, Region: region, Created: tx.Now()})
		tx.Set(nameKey(b.Name), v)
		tx.Set(ownedPrefix(account).Text(b.Name), v)
		return nil
	})
	return err
}

// taken is the answer to whoever creates a bucket that is there. To its owner it is no error in us-east-1, for the sake of
// old clients: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
func taken(old *bucket.Bucket, account, region string) error {
	switch {
	case old.Account != account:
		return &s3api.BucketAlreadyExists{Message: "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again."}
	case old.Region == defaultRegion && region == defaultRegion:
		return nil
	}
	return &s3api.BucketAlreadyOwnedByYou{Message: "Your previous request to create the named bucket succeeded and you already own it."}
}

// newBucket is a bucket as it is at first: https://docs.aws.amazon.com/AmazonS3/latest/userguide/create-bucket-overview.html
func newBucket(account string, in *s3api.CreateBucketRequest) (r bucket.BucketRecord, t bucket.TagSet, err error) {
	r.Ownership = enforced
	if o := in.ObjectOwnership; o != "" && !slices.Contains(o.EnumValues(), string(o)) {
		return r, t, fault.InvalidArgument("Invalid x-amz-object-ownership header: "+string(o), "x-amz-object-ownership", string(o))
	}
	if in.ObjectOwnership != "" {
		r.Ownership = string(in.ObjectOwnership)
	}
	r.Sealing = bucket.Sealing{Algorithm: sealS3}
	r.Block, r.Blocked = bucket.PublicBlock{BlockACLs: true, IgnoreACLs: true, Block: true, Restrict: true}, true
	if in.CreateBucketConfiguration != nil {
		if t, err = bucket.NewTags(in.CreateBucketConfiguration.Tags, bucket.MaxBucketTags); err != nil {
			return r, t, err
		}
	}
	if aws.Or(in.ObjectLockEnabledForBucket, false) {
		r.Locking, r.Versioning = true, string(s3api.BucketVersioningStatusEnabled)
	}
	if r.Grants, err = firstACL(account, r.Ownership, in); err != nil {
		return r, t, err
	}
	switch {
	case in.BucketNamespace != "" && in.BucketNamespace != s3api.BucketNamespaceGlobal:
		return r, t, fault.NotImplemented("Brume has the global namespace of buckets only")
	}
	return r, t, nil
}

// firstACL reads the access control list that a bucket is made with.
func firstACL(account, ownership string, in *s3api.CreateBucketRequest) ([]acl.Grant, error) {
	g := acl.Given{Canned: string(in.ACL), Full: in.GrantFullControl, Read: in.GrantRead, ReadACP: in.GrantReadACP, Write: in.GrantWrite, WriteACP: in.GrantWriteACP}
	owner := bucket.CanonicalID(account)
	grants, err := g.Grants(acl.Owners{Resource: owner, Bucket: owner}, false)
	switch {
	case err != nil:
		return nil, err
	case ownership == enforced && acl.Beyond(grants, owner):
		return nil, aws.Errorf("InvalidBucketAclWithObjectOwnership", 400, "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting")
	case acl.Public(grants): // the public access block that every new bucket has
		return nil, aws.Errorf("InvalidBucketAclWithBlockPublicAccessError", 400, "Bucket cannot have public ACLs set with BlockPublicAccess enabled")
	}
	return kept(grants, owner), nil
}

// defaultRegion is where a bucket is that names no location.
const defaultRegion = "us-east-1"

// location decides in which region a bucket is to be: the request's own, or any when it was sent to us-east-1.
func location(region string, c *s3api.CreateBucketConfiguration) (string, error) {
	named := ""
	if c != nil {
		named = aws.Or(c.LocationConstraint, "")
		if c.Bucket != nil || c.Location != nil {
			return "", fault.NotImplemented("Brume has general purpose buckets only, no directory buckets")
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
	case named == defaultRegion && region == defaultRegion, named != defaultRegion && !slices.Contains(s3api.BucketLocationConstraint("").EnumValues(), named):
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
	return &s3api.HeadBucketOutput{BucketRegion: &b.Region, BucketArn: new(b.Arn()), AccessPointAlias: new(false)}, nil
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

// DeleteBucket deletes an empty bucket: first its record, after which nothing can be put in it, then its name.
func (s *Service) DeleteBucket(ctx context.Context, _ aws.Identity, in *s3api.DeleteBucketRequest) (*s3api.DeleteBucketOutput, error) {
	b, err := s.find(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if _, err := s.shard(b).Update(ctx, func(_ context.Context, tx store.Tx) error { return b.Remove(tx) }); err != nil {
		return nil, err
	}
	return &s3api.DeleteBucketOutput{}, s.unpublish(ctx, b.N, b.Name)
}

func (s *Service) unpublish(ctx context.Context, n uint64, name string) error {
	_, err := s.global().Update(ctx, func(_ context.Context, tx store.Tx) error {
		v, ok, err := tx.Get(nameKey(name))
		if err != nil || !ok {
			return err
		}
		var d bucket.DirRecord
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
	rng := bucket.WithPrefix(prefix, aws.Or(in.Prefix, ""))
	if in.ContinuationToken != nil && *in.ContinuationToken != "" {
		last, err := bucket.OpenToken(*in.ContinuationToken)
		if err != nil {
			return nil, err
		}
		rng.Begin = prefix.Text(last).After(rng).Begin
	}
	limit := int(aws.Or(in.MaxBuckets, bucket.MaxBuckets))
	if limit < 1 || limit > bucket.MaxBuckets {
		return nil, fault.InvalidArgument("Argument max-buckets must be an integer between 1 and 10000", "max-buckets", "")
	}
	out := &s3api.ListBucketsOutput{Owner: bucket.Owner(id.Account), Buckets: []s3api.Bucket{}, Prefix: in.Prefix}
	err := s.global().View(ctx, func(_ context.Context, r store.Reader) error {
		pairs, done := r.Scan(rng, store.ScanOpt{})
		for kv := range pairs {
			var d bucket.DirRecord
			if err := record.Decode(kv.Value, dirVersion, &d); err != nil {
				return err
			}
			if in.BucketRegion != nil && *in.BucketRegion != d.Region {
				continue
			}
			name := store.Decode(kv.Key, len(prefix)).Text()
			if len(out.Buckets) == limit {
				out.ContinuationToken = new(sealToken(*out.Buckets[limit-1].Name))
				break
			}
			out.Buckets = append(out.Buckets, s3api.Bucket{Name: &name, CreationDate: &d.Created, BucketRegion: &d.Region,
				BucketArn: new(bucket.BucketARN(name))})
		}
		return done()
	})
	return out, err
}
