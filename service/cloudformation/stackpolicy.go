package cloudformation

import (
	"context"
	"strings"

	"github.com/brume-dev/brume/api/cloudformationapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/deploy/stackpolicy"
	"github.com/brume-dev/brume/service/cloudformation/bucket"
	"github.com/brume-dev/brume/store"
)

// policyInForce reads the policy that holds for the operation that a stack is in; nil when everything is allowed.
func policyInForce(r store.Reader, p place, st *stackRecord) (*stackpolicy.Policy, error) {
	if !strings.HasPrefix(st.Status, "UPDATE_") || strings.Contains(st.Status, "ROLLBACK") {
		return nil, nil
	}
	text := st.During
	if text == "" {
		v, ok, err := r.Get(p.policy(st.UUID))
		if err != nil || !ok {
			return nil, err
		}
		text = string(v)
	}
	return stackpolicy.Read(text)
}

// mayChange asks the stack's policy before a step changes its resource.
func (w *work) mayChange(ctx context.Context, verb string) error {
	action := map[string]string{verbUpdate: stackpolicy.Modify, verbReplace: stackpolicy.Replace}[verb]
	if action == "" {
		return nil
	}
	p, err := store.View(ctx, w.shard(w.p), func(_ context.Context, r store.Reader) (*stackpolicy.Policy, error) {
		return policyInForce(r, w.p, w.st)
	})
	if err != nil || p == nil {
		return err
	}
	return p.Denies(action, w.rec.Logical, w.rec.Type)
}

// mayDelete asks the stack's policy before the resources go that the template no longer has.
func (d *driver) mayDelete() error {
	p, err := policyInForce(d.tx, d.p, d.st)
	if err != nil || p == nil {
		return err
	}
	for _, rec := range d.all {
		if !d.wanted(rec.Logical) && rec.Physical != "" {
			if err := p.Denies(stackpolicy.Delete, rec.Logical, rec.Type); err != nil {
				return err
			}
		}
	}
	return nil
}

// policyText returns the policy that a request has in its body or at a URL of S3, "" for none.
func (s *Service) policyText(ctx context.Context, id aws.Identity, body, url *string) (string, error) {
	text := textOr(body)
	switch {
	case body != nil && url != nil:
		return "", invalid("You cannot specify both StackPolicyURL and StackPolicyBody")
	case url != nil:
		from, key, ok := bucket.Locate(*url)
		if !ok {
			return "", invalid("StackPolicyURL must be a supported URL.")
		}
		var err error
		if text, err = bucket.Read(ctx, s.Caller, id, from, key, "S3 error: "); err != nil {
			return "", err
		}
	case body == nil:
		return "", nil
	}
	if len(text) > maxPolicyBytes {
		return "", invalid("Stack policy may not exceed %d bytes in size.", maxPolicyBytes)
	}
	_, err := stackpolicy.Read(text)
	return text, err
}

func setPolicy(tx store.Tx, p place, uuid, text string) {
	if text != "" {
		tx.Set(p.policy(uuid), store.Value(text))
	}
}

// SetStackPolicy gives a stack its policy, in place of the one that it had.
func (s *Service) SetStackPolicy(ctx context.Context, id aws.Identity, in *cloudformationapi.SetStackPolicyInput) (*cloudformationapi.SetStackPolicyOutput, error) {
	text, err := s.policyText(ctx, id, in.StackPolicyBody, in.StackPolicyURL)
	if err == nil && text == "" {
		err = invalid("You must specify either StackPolicyURL or StackPolicyBody")
	}
	if err != nil {
		return nil, err
	}
	p := at(id)
	_, err = s.shard(p).Update(ctx, func(_ context.Context, tx store.Tx) error {
		st, err := findStack(tx, p, in.StackName)
		if err != nil {
			return inBrackets(in.StackName, err)
		}
		setPolicy(tx, p, st.UUID, text)
		return nil
	})
	return &cloudformationapi.SetStackPolicyOutput{}, err
}

// GetStackPolicy returns the policy of a stack; without one, nothing.
func (s *Service) GetStackPolicy(ctx context.Context, id aws.Identity, in *cloudformationapi.GetStackPolicyInput) (*cloudformationapi.GetStackPolicyOutput, error) {
	p := at(id)
	return store.View(ctx, s.shard(p), func(_ context.Context, r store.Reader) (*cloudformationapi.GetStackPolicyOutput, error) {
		st, err := findStack(r, p, in.StackName)
		if err != nil {
			return nil, inBrackets(in.StackName, err)
		}
		v, ok, err := r.Get(p.policy(st.UUID))
		out := &cloudformationapi.GetStackPolicyOutput{}
		if ok {
			text := string(v)
			out.StackPolicyBody = &text
		}
		return out, err
	})
}
