// Package catalogue holds the AWS managed policies that Brume has, as
// https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html has them: those that templates name
// most. ReadOnlyAccess, which names some 2,000 actions there, holds those of the services that Brume has or is to have.
package catalogue

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/policy"
)

//go:embed managed.json
var managedJSON []byte

// Policy is one of AWS's managed policies.
type Policy struct {
	Name        string
	Path        string
	Version     string // the default version, "v3"
	Description string
	Document    json.RawMessage
	compiled    func() *policy.Document
}

// Catalogue is the list of them.
type Catalogue struct {
	List  []Policy // in order of their names
	index map[string]*Policy
}

// Read reads the catalogue. Documents are compiled when they are first asked for.
func Read() (*Catalogue, error) {
	c := &Catalogue{index: map[string]*Policy{}}
	if err := json.Unmarshal(managedJSON, &c.List); err != nil {
		return nil, fmt.Errorf("managed.json: %w", err)
	}
	slices.SortFunc(c.List, func(a, b Policy) int { return strings.Compare(a.Name, b.Name) })
	for i := range c.List {
		p := &c.List[i]
		if p.Path == "" {
			p.Path = "/"
		}
		p.compiled = sync.OnceValue(func() *policy.Document {
			d, err := policy.Parse(policy.Managed, string(p.Document))
			if err != nil {
				panic(fmt.Sprintf("managed.json: %s: %v", p.Name, err)) // a test compiles them all
			}
			return d
		})
		c.index[strings.ToLower(p.Name)] = p
	}
	return c, nil
}

// Named finds a policy by its name in lower case, nil when it is not there.
func (c *Catalogue) Named(lower string) *Policy { return c.index[lower] }

// ARN is the policy's ARN.
func (p *Policy) ARN() string { return "arn:" + aws.Partition + ":iam::aws:policy" + p.Path + p.Name }

// ID is a unique id, the same in every Brume.
func (p *Policy) ID() string {
	sum := sha256.Sum256([]byte(p.Name))
	return "ANPA" + base32.StdEncoding.EncodeToString(sum[:])[:17]
}

// Compiled is the document.
func (p *Policy) Compiled() *policy.Document { return p.compiled() }
