package s3

import (
	"maps"
	"slices"

	"github.com/brume-dev/brume/api/s3api"
)

func tagList(m map[string]string) []s3api.Tag {
	out := []s3api.Tag{}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, s3api.Tag{Key: k, Value: m[k]})
	}
	return out
}
