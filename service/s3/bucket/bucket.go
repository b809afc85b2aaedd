package bucket

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/s3/acl"
	"github.com/brume-dev/brume/service/s3/fault"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

// DirRecord says which bucket a name is.
type DirRecord struct {
	N       uint64    `cbor:"1,keyasint"`
	Account string    `cbor:"2,keyasint"`
	Region  string    `cbor:"3,keyasint"`
	Created time.Time `cbor:"4,keyasint"`
}

// BucketRecord is what every request needs to know of a bucket.
type BucketRecord struct {
	Versioning string      `cbor:"1,keyasint,omitempty"` // "", Enabled or Suspended
	Ownership  string      `cbor:"2,keyasint,omitempty"` // "" when the controls were deleted
	Sealing    Sealing     `cbor:"3,keyasint"`           // how objects are encrypted that do not say it
	Block      PublicBlock `cbor:"4,keyasint"`
	HasPolicy  bool        `cbor:"5,keyasint,omitempty"`
	Blocked    bool        `cbor:"6,keyasint,omitempty"` // there is a public access block
	Public     bool        `cbor:"7,keyasint,omitempty"` // the policy lets everybody in
	Lifecycle  bool        `cbor:"8,keyasint,omitempty"` // there are rules of a lifecycle
	Locking    bool        `cbor:"9,keyasint,omitempty"` // versions can be locked
	LockRule   *LockRule   `cbor:"10,keyasint,omitempty"`
	Grants     []acl.Grant `cbor:"11,keyasint,omitempty"` // beside the owner's full control
	Notifies   bool        `cbor:"12,keyasint,omitempty"` // there is a notification configuration
	Website    bool        `cbor:"13,keyasint,omitempty"` // there is a website configuration
	CORS       bool        `cbor:"14,keyasint,omitempty"` // there are CORS rules
}

const bucketVersion = 1

// Bucket is a bucket with its name.
type Bucket struct {
	Name string
	DirRecord
	BucketRecord

	wanted *s3api.NotificationConfiguration // once it has been read in this transaction
}

// Arn is the ARN of the bucket.
func (b *Bucket) Arn() string { return BucketARN(b.Name) }

// BucketARN is the ARN of the bucket called name.
func BucketARN(name string) string { return aws.MakeARN(Space, "", "", name).String() }

// Owner is an account as S3 names it: a canonical user id of 64 hexadecimal digits.
func Owner(account string) *s3api.Owner { return &s3api.Owner{ID: new(CanonicalID(account))} }

// OwnerOf is the canonical user id of the object's owner: whoever owns the bucket, unless its access control lists count
// and another account wrote the object.
func (o *Object) OwnerOf(b *Bucket) string {
	if o.Account != "" && b.Ownership != string(s3api.ObjectOwnershipBucketOwnerEnforced) {
		return CanonicalID(o.Account)
	}
	return CanonicalID(b.Account)
}

// Granted is the access control list of the object, of which an owner's own full control need not be written.
func (o *Object) Granted(b *Bucket) []acl.Grant {
	if o.Grants == nil {
		return []acl.Grant{{ID: o.OwnerOf(b), Permission: string(s3api.PermissionFullControl)}}
	}
	return o.Grants
}

// CanonicalID is the canonical user id of an account: 64 hexadecimal digits.
func CanonicalID(account string) string {
	h := sha256.Sum256([]byte("canonical user of " + account))
	return hex.EncodeToString(h[:])
}

// Load reads the bucket's own record; a bucket that has been deleted has none.
func (b *Bucket) Load(r store.Reader) error {
	v, ok, err := r.Get(b.Family(FamilyBucket))
	if err != nil {
		return err
	}
	if !ok {
		return fault.NoSuchBucket()
	}
	b.BucketRecord = BucketRecord{}
	return record.Decode(v, bucketVersion, &b.BucketRecord)
}

// Save writes the bucket's own record.
func (b *Bucket) Save(tx store.Tx) {
	tx.Set(b.Family(FamilyBucket), record.Encode(bucketVersion, b.BucketRecord))
}

// KindErase deletes what a deleted bucket left, and its name, should DeleteBucket itself not have come so far.
const KindErase = "s3.erase"

// EraseArgs are the arguments of kindErase.
type EraseArgs struct {
	N    uint64 `cbor:"1,keyasint"`
	Name string `cbor:"2,keyasint"`
}

// Remove deletes the record of an empty bucket, after which nothing can be put in it, and promises the rest.
func (b *Bucket) Remove(tx store.Tx) error {
	d := *b
	if err := d.Load(tx); err != nil {
		return err
	}
	for _, f := range []uint64{FamilyCurrent, FamilyVersion} {
		switch full, err := store.Any(tx, b.Family(f).Range()); {
		case err != nil:
			return err
		case full && d.Versioning != "":
			return aws.Errorf("BucketNotEmpty", 409, "The bucket you tried to delete is not empty. You must delete all versions in the bucket.")
		case full:
			return aws.Errorf("BucketNotEmpty", 409, "The bucket you tried to delete is not empty")
		}
	}
	tx.Delete(b.Family(FamilyBucket))
	return timer.Set(tx, timer.Promise{Kind: KindErase, Args: record.Encode(1, EraseArgs{b.N, b.Name})})
}
