package s3

import "github.com/brume-dev/brume/store"

// expiration is the x-amz-expiration header of a version.
func (b *bucket) expiration(r store.Reader, key string, o *object) (*string, error) { return nil, nil }
