package s3

// The states of a bucket's versioning; it begins as "".
const (
	versioningEnabled   = "Enabled"
	versioningSuspended = "Suspended"
)
