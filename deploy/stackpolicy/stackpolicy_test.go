package stackpolicy_test

import (
	"testing"

	"github.com/brume-dev/brume/deploy/stackpolicy"
)

func TestGlob(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{{"a", "a", true}, {"a", "ab", false}, {"*", "", true}, {"a*c", "abc", true}, {"a*c", "ac", true}, {"a*bb*b", "abb", false},
		{"a*b*c", "a-b-b-c", true}, {"*a", "ba", true}, {"*a", "ab", false}} {
		if got := stackpolicy.Glob([]string{c.pattern}, c.text); got != c.want {
			t.Errorf("%s on %s: %v", c.pattern, c.text, got)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(`{"Statement":[{"Effect":"Deny","Principal":"*","Action":["Update:Modify"],"Resource":"LogicalResourceId/A","Condition":{"StringLike":{"ResourceType":"AWS::*"}}}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		p, err := stackpolicy.Read(text)
		if err != nil {
			return
		}
		if err := p.Denies(stackpolicy.Modify, "nobody names this", "No::Type"); err == nil && len(p.Statement) == 0 {
			t.Error("a policy without statements allows something")
		}
	})
}
