package ecr

import (
	"encoding/json"
	"testing"

	"github.com/brume-dev/brume/aws"
)

func FuzzLifecycle(f *testing.F) {
	f.Add(`{"rules":[{"rulePriority":1,"selection":{"tagStatus":"any","countType":"imageCountMoreThan","countNumber":1},"action":{"type":"expire"}}]}`)
	f.Fuzz(func(t *testing.T, s string) {
		err := checkLifecycle(s)
		if _, client := err.(aws.Error); err != nil && !client {
			t.Errorf("%q: %v is no error for a client", s, err)
		}
		var doc map[string]any
		if err == nil && (json.Unmarshal([]byte(s), &doc) != nil || len(doc) == 0) {
			t.Errorf("%q is no policy and was taken for one", s)
		}
	})
}

func FuzzNamed(f *testing.F) {
	f.Add("arn:aws:ecr:r:1:repository/a/b")
	k := space{account: "1", region: "r"}
	f.Fuzz(func(t *testing.T, s string) {
		name, err := named(k, s)
		if err != nil {
			return
		}
		if again, err := named(k, k.arn(name)); err != nil || again != name {
			t.Errorf("%q is the repository %q, whose ARN is of %q, %v", s, name, again, err)
		}
	})
}
