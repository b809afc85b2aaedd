package bucket

import (
	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
)

// ListUpload is an upload as lists show it.
func (b *Bucket) ListUpload(key *string, id string, u *UploadRecord) s3api.MultipartUpload {
	e := s3api.MultipartUpload{Key: key, UploadId: &id, Initiated: &u.Initiated, Owner: Owner(b.Account), Initiator: b.Initiator(u),
		StorageClass: s3api.StorageClass(u.Object.StorageClass())}
	if u.Asked {
		e.ChecksumAlgorithm, e.ChecksumType = s3api.ChecksumAlgorithm(u.Algorithm), s3api.ChecksumType(u.Type)
	}
	return e
}

// Initiator is the ARN of a user or role, or the owner's canonical id for an account.
func (b *Bucket) Initiator(u *UploadRecord) *s3api.Initiator {
	if u.Initiator == "" || u.Initiator == aws.MakeARN("iam", "", b.Account, "root").String() {
		return &s3api.Initiator{ID: new(CanonicalID(b.Account))}
	}
	return &s3api.Initiator{ID: new(u.Initiator)}
}
