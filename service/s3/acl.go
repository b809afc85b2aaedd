package s3

import (
	"context"
	"net/http"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/s3/acl"
	"github.com/brume-dev/brume/service/s3/bucket"
	"github.com/brume-dev/brume/service/s3/notice"
	"github.com/brume-dev/brume/store"
)

// hasACLs reports whether the bucket's ownership controls let access control lists count.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
func hasACLs(b *bucket.Bucket) bool { return b.Ownership != enforced }

const enforced = string(s3api.ObjectOwnershipBucketOwnerEnforced)

func noACLs() error {
	return aws.Errorf("AccessControlListNotSupported", http.StatusBadRequest, "The bucket does not allow ACLs")
}

// listed says to whom a new object belongs and what its access control list grants.
func listed(b *bucket.Bucket, id aws.Identity, g acl.Given, o *bucket.Object) error {
	writer := id.Account
	if id.Kind == aws.Anonymous || id.Kind == aws.ServicePrincipal || writer == "" {
		writer = b.Account
	}
	full := g.Canned == string(s3api.ObjectCannedACLBucketOwnerFullControl)
	if !hasACLs(b) {
		if full || g.Empty() {
			return nil
		}
		return noACLs()
	}
	if writer != b.Account && !(full && b.Ownership == string(s3api.ObjectOwnershipBucketOwnerPreferred)) {
		o.Account = writer
	}
	grants, err := g.Grants(ownersOf(b, o), true)
	if err != nil {
		return err
	}
	if b.Block.BlockACLs && acl.Public(grants) {
		return publicACL()
	}
	o.Grants = kept(grants, o.OwnerOf(b))
	return nil
}

// kept is nil for a list that gives its owner full control and nobody else anything.
func kept(grants []acl.Grant, owner string) []acl.Grant {
	if len(grants) == 1 && grants[0] == (acl.Grant{ID: owner, Permission: string(s3api.PermissionFullControl)}) {
		return nil
	}
	return grants
}

func publicACL() error {
	return aws.Errorf("AccessDenied", http.StatusForbidden, "Access Denied")
}

func ownersOf(b *bucket.Bucket, o *bucket.Object) acl.Owners {
	return acl.Owners{Resource: o.OwnerOf(b), Bucket: bucket.CanonicalID(b.Account)}
}

// missingACL is the answer to a request that says nothing.
type missingACL struct {
	MissingHeaderName string `aws:"MissingHeaderName"`
}

func (e *missingACL) Error() string { return "MissingSecurityHeader" }

// ErrorInfo implements aws.Error.
func (e *missingACL) ErrorInfo() aws.ErrorInfo {
	return aws.ErrorInfo{Code: "MissingSecurityHeader", Status: http.StatusBadRequest, Message: "Your request was missing a required header"}
}

// PutBucketAcl replaces the access control list of a bucket.
func (s *Service) PutBucketAcl(ctx context.Context, _ aws.Identity, in *s3api.PutBucketAclRequest) (*s3api.PutBucketAclOutput, error) {
	g := acl.Given{Canned: string(in.ACL), Full: in.GrantFullControl, Read: in.GrantRead, ReadACP: in.GrantReadACP, Write: in.GrantWrite, WriteACP: in.GrantWriteACP, Policy: in.AccessControlPolicy}
	return change[s3api.PutBucketAclOutput](ctx, s, in.Bucket, in.ExpectedBucketOwner, func(_ store.Tx, b *bucket.Bucket) error {
		switch {
		case !hasACLs(b):
			return noACLs()
		case g.Empty():
			return &missingACL{"x-amz-acl"}
		}
		owner := bucket.CanonicalID(b.Account)
		grants, err := g.Grants(acl.Owners{Resource: owner, Bucket: owner}, false)
		switch {
		case err != nil:
			return err
		case b.Block.BlockACLs && acl.Public(grants):
			return publicACL()
		}
		b.Grants = kept(grants, owner)
		return nil
	})
}

// GetBucketAcl tells the access control list of a bucket.
func (s *Service) GetBucketAcl(ctx context.Context, _ aws.Identity, in *s3api.GetBucketAclRequest) (*s3api.GetBucketAclOutput, error) {
	return view(ctx, s, in.Bucket, in.ExpectedBucketOwner, func(_ store.Reader, b *bucket.Bucket) (*s3api.GetBucketAclOutput, error) {
		return &s3api.GetBucketAclOutput{Owner: bucket.Owner(b.Account), Grants: acl.List(b.Grants, bucket.CanonicalID(b.Account))}, nil
	})
}

// PutObjectAcl replaces the access control list of an object.
func (s *Service) PutObjectAcl(ctx context.Context, id aws.Identity, in *s3api.PutObjectAclRequest) (*s3api.PutObjectAclOutput, error) {
	g := acl.Given{Canned: string(in.ACL), Full: in.GrantFullControl, Read: in.GrantRead, ReadACP: in.GrantReadACP, Write: in.GrantWrite, WriteACP: in.GrantWriteACP, Policy: in.AccessControlPolicy}
	_, err := update(ctx, s, in.Bucket, in.ExpectedBucketOwner, func(tx store.Tx, b *bucket.Bucket) (struct{}, error) {
		if g.Empty() {
			return struct{}{}, &missingACL{"x-amz-acl"}
		}
		o, err := b.Find(tx, in.Key, in.VersionId)
		if err != nil {
			return struct{}{}, err
		}
		grants, err := g.Grants(ownersOf(b, o), true)
		switch {
		case err != nil:
			return struct{}{}, err
		case !hasACLs(b):
			return struct{}{}, noACLs()
		case b.Block.BlockACLs && acl.Public(grants):
			return struct{}{}, publicACL()
		}
		o.Grants = kept(grants, o.OwnerOf(b))
		b.Rewrite(tx, in.Key, o)
		return struct{}{}, b.Changed(tx, in.Key, o, s3api.EventS3ObjectAclPut, notice.By(id))
	})
	if err != nil {
		return nil, err
	}
	return &s3api.PutObjectAclOutput{}, nil
}

// GetObjectAcl tells the access control list of an object.
func (s *Service) GetObjectAcl(ctx context.Context, _ aws.Identity, in *s3api.GetObjectAclRequest) (*s3api.GetObjectAclOutput, error) {
	return view(ctx, s, in.Bucket, in.ExpectedBucketOwner, func(r store.Reader, b *bucket.Bucket) (*s3api.GetObjectAclOutput, error) {
		o, err := b.Find(r, in.Key, in.VersionId)
		if err != nil {
			return nil, err
		}
		owner := o.OwnerOf(b)
		return &s3api.GetObjectAclOutput{Owner: &s3api.Owner{ID: &owner}, Grants: acl.List(o.Grants, owner)}, nil
	})
}
