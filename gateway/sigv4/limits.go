package sigv4

import "time"

// AWS's limits on signatures.
const (
	// MaxSkew is how far the time of a signature may lie from the server's, either way.
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
	MaxSkew = 5 * time.Minute
	// MaxSkewS3 is S3's.
	// https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html ("within 15 minutes")
	MaxSkewS3 = 15 * time.Minute
	// MaxExpires is the longest life of a presigned URL, seven days.
	// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
	MaxExpires = 7 * 24 * time.Hour
	// MinChunk is the least size of every chunk but the last of a signed streaming body.
	// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
	MinChunk = 8 << 10
)

// Our own bounds, against requests that only mean to cost memory.
const (
	maxKeys          = 4096    // signing keys that the cache keeps
	maxChunk         = 1 << 30 // bytes that one chunk of a streaming body may announce
	maxChunkHeader   = 256     // bytes of a chunk's first line
	maxTrailers      = 8 << 10 // bytes of all trailers
	maxSignedHeaders = 128     // names in SignedHeaders
)
