package s3

import (
	"math"

	"github.com/brume-dev/brume/blob"
	"github.com/brume-dev/brume/store"
)

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
	familyBucket = iota
	familyNext
	familySetting
	familyCurrent
	familyVersion
	familyNull
	familyBody
	familyManifest
	familyUpload
	familyPart
)

func globalKey(family string) store.Tuple { return store.Tuple(nil).Text("s3").Text(family) }

func nameKey(bucket string) store.Tuple { return globalKey("name").Text(bucket) }

func ownedPrefix(account string) store.Tuple { return globalKey("owned").Text(account) }

func blobKey(id blob.ID) store.Key { return globalKey("blob").Text(id.Name()) }

func bucketPrefix(n uint64) store.Tuple { return store.Tuple(nil).Text("s3").Uint(n) }

func (b *bucket) family(f uint64) store.Tuple { return bucketPrefix(b.N).Uint(f) }

func (b *bucket) setting(kind string) store.Tuple { return b.family(familySetting).Text(kind) }

func (b *bucket) current(key string) store.Tuple { return b.family(familyCurrent).Text(key) }

func (b *bucket) version(key string, seq uint64) store.Tuple {
	return b.family(familyVersion).Text(key).Uint(math.MaxUint64 - seq)
}

func (b *bucket) null(key string) store.Tuple { return b.family(familyNull).Text(key) }

func (b *bucket) body(key string, seq uint64) store.Tuple {
	return b.family(familyBody).Text(key).Uint(math.MaxUint64 - seq)
}

func (b *bucket) manifest(key string, seq uint64) store.Tuple {
	return b.family(familyManifest).Text(key).Uint(math.MaxUint64 - seq)
}

func (b *bucket) upload(key string, seq uint64) store.Tuple {
	return b.family(familyUpload).Text(key).Uint(seq)
}

func (b *bucket) part(upload uint64, number int32) store.Tuple {
	return b.family(familyPart).Uint(upload).Uint(uint64(number))
}

// withPrefix is the range of the keys of a family whose text begins with prefix. No UTF-8 has a byte 0xff.
func withPrefix(family store.Tuple, prefix string) store.Range {
	k := family.Text(prefix)
	k = k[:len(k)-1] // without the end of the text
	return store.Range{Begin: store.Key(k), End: store.Key(store.Tuple(k).Raw([]byte{0xff}))}
}
