package s3

import (
	"strings"

	"github.com/brume-dev/brume/service/s3/shelf"
)

func writeConditionOf(match, none *string) (shelf.WriteCondition, error) {
	if none != nil && strings.Trim(*none, `"`) != "*" {
		return shelf.WriteCondition{}, shelf.NotImplemented("If-None-Match takes * only")
	}
	if none != nil && match != nil {
		return shelf.WriteCondition{}, shelf.NotImplemented("If-Match and If-None-Match exclude each other")
	}
	return shelf.WriteCondition{Match: match, None: none != nil}, nil
}
