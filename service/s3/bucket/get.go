package bucket

import (
	"github.com/brume-dev/brume/service/s3/fault"
	"github.com/brume-dev/brume/store"
)

// Find finds the version of an object that a read names; markers are the errors that they are to readers.
func (b *Bucket) Find(r store.Reader, key string, version *string) (*Object, error) {
	if version == nil {
		o, err := b.latest(r, key)
		switch {
		case err != nil:
			return nil, err
		case o == nil:
			return nil, fault.NoSuchKey()
		case o.Marker:
			return nil, &Marked{DeleteMarker: true, VersionID: o.VersionID(b.N)}
		}
		return o, nil
	}
	o, _, err := b.named(r, key, *version)
	switch {
	case err != nil:
		return nil, err
	case o == nil:
		return nil, fault.NoSuchVersion()
	case o.Marker:
		return nil, &Marked{DeleteMarker: true, VersionID: o.VersionID(b.N), Allow: new("DELETE"),
			LastModified: &o.Modified, Method: new("GET"), ResourceType: new("DeleteMarker")}
	}
	return o, nil
}
