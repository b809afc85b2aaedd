// Package bucket is a bucket of S3 as one transaction sees it: its keys and records, the versions of its objects, its
// uploads and settings, and the rules by which they are listed, checked and ended. A Bucket has been found by its name
// and loaded; its methods read and write in the transaction that they are handed, and what they leave without a name they
// return as Garbage, to be deleted after the commit. Nothing here knows of requests that take more than one transaction,
// of bodies on their way, or of other services: that is package s3.
package bucket

import (
	"math"

	"github.com/brume-dev/brume/blob"
	"github.com/brume-dev/brume/store"
)

// Space is the space of S3's blobs, and the name of the service in keys.
const Space = "s3"

// The keys of S3. N is the small number of a bucket, never used again; a seq grows with every version that a
// bucket gets, and ^seq sorts the newest first.
//
//	in store.Global()
//	"s3" "next"                     counter of N
//	"s3" "name" bucket              dirRecord: which bucket the name is
//	"s3" "owned" account bucket     dirRecord: the buckets of an account
//
//	in the shard of the bucket, "s3" N
//	"s3" N 0                        bucketRecord
//	"s3" N 1                        counter of seq
//	"s3" N 2 kind                   a setting: the policy, the rules of the lifecycle… (large)
//	"s3" N 3 key                    object: the current version, if it is no delete marker
//	"s3" N 4 key ^seq               object: the other versions and all delete markers
//	"s3" N 5 key                    counter: the seq of the null version, while it lies under 4
//	"s3" N 6 key ^seq               body of a version, when it is small
//	"s3" N 7 key ^seq               manifest of a version that was uploaded in parts (large)
//	"s3" N 8 key seq                uploadRecord of a multipart upload
//	"s3" N 9 seq part               partRecord
//	"s3" "blob" name                counter: how often the bucket's shard names the blob
const (
	FamilyBucket = iota
	familyNext
	familySetting
	FamilyCurrent
	FamilyVersion
	familyNull
	familyBody
	familyManifest
	FamilyUpload
	familyPart
)

// GlobalKey begins a key that belongs to no bucket.
func GlobalKey(family string) store.Tuple { return store.Tuple(nil).Text("s3").Text(family) }

// BlobKey counts the names of a blob.
func BlobKey(id blob.ID) store.Key { return GlobalKey("blob").Text(id.Name()) }

// BucketPrefix begins the keys of a bucket, and names its shard.
func BucketPrefix(n uint64) store.Tuple { return store.Tuple(nil).Text("s3").Uint(n) }

// Family begins the keys of a family.
func (b *Bucket) Family(f uint64) store.Tuple { return BucketPrefix(b.N).Uint(f) }

// Setting is the key of a setting.
func (b *Bucket) Setting(kind string) store.Tuple { return b.Family(familySetting).Text(kind) }

// Current is the key of the current version.
func (b *Bucket) Current(key string) store.Tuple { return b.Family(FamilyCurrent).Text(key) }

func (b *Bucket) version(key string, seq uint64) store.Tuple {
	return b.Family(FamilyVersion).Text(key).Uint(math.MaxUint64 - seq)
}

func (b *Bucket) null(key string) store.Tuple { return b.Family(familyNull).Text(key) }

func (b *Bucket) body(key string, seq uint64) store.Tuple {
	return b.Family(familyBody).Text(key).Uint(math.MaxUint64 - seq)
}

func (b *Bucket) manifest(key string, seq uint64) store.Tuple {
	return b.Family(familyManifest).Text(key).Uint(math.MaxUint64 - seq)
}

// Upload is the key of an upload.
func (b *Bucket) Upload(key string, seq uint64) store.Tuple {
	return b.Family(FamilyUpload).Text(key).Uint(seq)
}

// Part is the key of a part of an upload.
func (b *Bucket) Part(upload uint64, number int32) store.Tuple {
	return b.Family(familyPart).Uint(upload).Uint(uint64(number))
}

// WithPrefix is the range of the keys of a family whose text begins with prefix. No UTF-8 has a byte 0xff.
func WithPrefix(family store.Tuple, prefix string) store.Range {
	k := family.Text(prefix)
	k = k[:len(k)-1] // without the end of the text
	return store.Range{Begin: store.Key(k), End: store.Key(store.Tuple(k).Raw([]byte{0xff}))}
}
