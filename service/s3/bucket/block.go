package bucket

// PublicBlock is the public access block of a bucket.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
type PublicBlock struct {
	BlockACLs  bool `cbor:"1,keyasint,omitempty"`
	IgnoreACLs bool `cbor:"2,keyasint,omitempty"`
	Block      bool `cbor:"3,keyasint,omitempty"` // no policy may be set that makes the bucket public
	Restrict   bool `cbor:"4,keyasint,omitempty"` // a public policy gives access to the owner's account only
}
