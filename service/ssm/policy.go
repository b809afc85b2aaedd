package ssm

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/brume-dev/brume/api/ssmapi"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

// Types of parameter policies.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-policies.html
const (
	expiration             = "Expiration"
	expirationNotification = "ExpirationNotification"
	noChangeNotification   = "NoChangeNotification"
)

// policy is a policy of a parameter as it is kept.
type policy struct {
	Type    string    `cbor:"1,keyasint"`
	Text    string    `cbor:"2,keyasint"` // the JSON that the caller gave
	Expires time.Time `cbor:"3,keyasint,omitzero"`
}

// policyChange is what a request says of policies.
type policyChange struct {
	given    bool // false: those that are there stay
	policies []policy
}

// changePolicies reads the Policies member: a JSON array, which may be empty or hold an empty object to remove them.
func changePolicies(text *string) (policyChange, error) {
	if text == nil {
		return policyChange{}, nil
	}
	var items []json.RawMessage
	if err := json.Unmarshal([]byte(*text), &items); err != nil {
		return policyChange{}, &ssmapi.InvalidPolicyAttributeException{Message: "The policies must be a JSON array of policies."}
	}
	if len(items) > maxPolicies {
		return policyChange{}, &ssmapi.PoliciesLimitExceededException{Message: "You specified more than the maximum number of allowed policies for the parameter. The maximum is 10."}
	}
	c := policyChange{given: true}
	expirations, notifications := 0, 0
	for _, item := range items {
		p, err := parsePolicy(item)
		if err != nil {
			return policyChange{}, err
		}
		switch p.Type {
		case "":
			continue // the empty object
		case expiration:
			expirations++
		case expirationNotification:
			notifications++
		}
		c.policies = append(c.policies, p)
	}
	if expirations > 1 || notifications > 0 && expirations == 0 {
		return policyChange{}, &ssmapi.IncompatiblePolicyException{Message: "There is a conflict in the policies specified for this " +
			"parameter. You can't, for example, specify two Expiration policies for a parameter. Review your policies, and try again."}
	}
	return c, nil
}

func parsePolicy(item json.RawMessage) (policy, error) {
	bad := &ssmapi.InvalidPolicyAttributeException{Message: "A policy attribute or its value is invalid."}
	var f struct {
		Type       string            `json:"Type"`
		Version    string            `json:"Version"`
		Attributes map[string]string `json:"Attributes"`
	}
	if err := json.Unmarshal(item, &f); err != nil {
		return policy{}, bad
	}
	if f.Type == "" && f.Version == "" && len(f.Attributes) == 0 {
		return policy{}, nil
	}
	p := policy{Type: f.Type, Text: string(item)}
	attribute := ""
	switch f.Type {
	case expiration:
		t, err := time.Parse(time.RFC3339, f.Attributes["Timestamp"])
		if err != nil || f.Version != "1.0" || len(f.Attributes) != 1 {
			return policy{}, bad
		}
		p.Expires = t.UTC()
		return p, nil
	case expirationNotification:
		attribute = "Before"
	case noChangeNotification:
		attribute = "After"
	default:
		return policy{}, &ssmapi.InvalidPolicyTypeException{Message: "The policy type isn't supported. Parameter Store supports the " +
			"following policy types: Expiration, ExpirationNotification, and NoChangeNotification."}
	}
	unit := f.Attributes["Unit"]
	if f.Version != "1.0" || len(f.Attributes) != 2 || !positive(f.Attributes[attribute]) || unit != "Days" && unit != "Hours" {
		return policy{}, bad
	}
	return p, nil
}

// positive reports whether s is a decimal number above zero.
func positive(s string) bool {
	some := false
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
		some = some || c != '0'
	}
	return some
}

// expireKind is the promise to delete a parameter when its Expiration policy says so.
const expireKind = "ssm.expire"

// expiry is what such a promise is about.
type expiry struct {
	Account string `cbor:"1,keyasint"`
	Region  string `cbor:"2,keyasint"`
	Name    string `cbor:"3,keyasint"`
}

func (k space) promise(name string) string { return k.account + "/" + k.region + "/" + name }

// schedule promises the expiry that policies ask for, and takes back an earlier promise.
func schedule(tx store.Tx, k space, name string, policies []policy) error {
	for _, p := range policies {
		if p.Type == expiration {
			return timer.Set(tx, timer.Promise{Kind: expireKind, ID: k.promise(name), Due: p.Expires,
				Args: record.Encode(recordVersion, expiry{k.account, k.region, name})})
		}
	}
	_, err := timer.Cancel(tx, expireKind, k.promise(name))
	return err
}

// expire keeps the promise.
func (s *Service) expire(ctx context.Context, kept *timer.Kept) error {
	var e expiry
	if err := record.Decode(kept.Args, recordVersion, &e); err != nil {
		return err
	}
	_, err := kept.Shard.Update(ctx, func(_ context.Context, tx store.Tx) error {
		if err := kept.Done(tx); err != nil {
			return err
		}
		k := spaceOf(e.Account, e.Region)
		v, err := getVersion(tx, k.newest(e.Name))
		if err != nil || v == nil {
			return err
		}
		return erase(tx, k, e.Name, v)
	})
	if errors.Is(err, timer.ErrGone) {
		return nil
	}
	return err
}

func inline(policies []policy) []ssmapi.ParameterInlinePolicy {
	pending := "Pending"
	var out []ssmapi.ParameterInlinePolicy
	for _, p := range policies {
		out = append(out, ssmapi.ParameterInlinePolicy{PolicyText: &p.Text, PolicyType: &p.Type, PolicyStatus: &pending})
	}
	return out
}
