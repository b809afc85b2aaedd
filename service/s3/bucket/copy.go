package bucket

import (
	"net/url"
	"strings"

	"github.com/brume-dev/brume/service/s3/fault"
)

// Source is what x-amz-copy-source names.
type Source struct {
	Bucket, Key string
	Version     *string
}

// ParseSource reads "bucket/key?versionId=…", percent-encoded, with or without a leading slash.
func ParseSource(s string) (Source, error) {
	path, query, _ := strings.Cut(s, "?")
	plain, err := url.PathUnescape(path)
	if err != nil {
		return Source{}, fault.InvalidArgument("Invalid copy source encoding", "x-amz-copy-source", s)
	}
	name, key, ok := strings.Cut(strings.TrimPrefix(plain, "/"), "/")
	if !ok || name == "" || key == "" {
		return Source{}, fault.InvalidArgument("Copy Source must mention the source bucket and key: sourcebucket/sourcekey", "x-amz-copy-source", s)
	}
	out := Source{Bucket: name, Key: key}
	if v, ok := strings.CutPrefix(query, "versionId="); ok && v != "" {
		out.Version = &v
	}
	return out, nil
}
