package iam

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/brume-dev/brume/api/iamapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/iam/catalogue"
	"github.com/brume-dev/brume/store"
)

// parseVersion reads "v3"; 0 is no version.
func parseVersion(s string) uint64 {
	digits, _, _ := strings.Cut(strings.TrimPrefix(s, "v"), ".")
	n, err := strconv.ParseUint(digits, 10, 63)
	if err != nil {
		return 0
	}
	return n
}

func noVersion(arn, id string) error {
	return &iamapi.NoSuchEntityException{Message: "Policy " + arn + " version " + id + " does not exist or is not attachable."}
}

// allVersions returns the numbers of a policy's versions, ascending; their quota keeps them few.
func (c *scope) allVersions(e *entity) ([]uint64, error) {
	t := c.versions(e.Name)
	var all []uint64
	kvs, done := c.Scan(t.Range(), store.ScanOpt{})
	for kv := range kvs {
		el := store.Decode(kv.Key, len(t))
		if n := el.Uint(); !el.More() {
			all = append(all, n)
		}
	}
	return all, done()
}

func (v *version) api(n, def uint64, document bool) *iamapi.PolicyVersion {
	out := &iamapi.PolicyVersion{VersionId: new(versionID(n)), IsDefaultVersion: new(n == def), CreateDate: new(v.Created)}
	if document {
		out.Document = new(escape(v.Document))
	}
	return out
}

// awsVersion is the one version that Brume has of a policy of AWS.
func awsVersion(m *catalogue.Policy, document bool) *iamapi.PolicyVersion {
	v := &iamapi.PolicyVersion{VersionId: new(m.Version), IsDefaultVersion: new(true), CreateDate: new(awsCreated())}
	if document {
		v.Document = new(escape(string(m.Document)))
	}
	return v
}

// CreatePolicyVersion gives a policy a new version, at most five at a time.
func (s *Service) CreatePolicyVersion(ctx context.Context, id aws.Identity, in *iamapi.CreatePolicyVersionRequest) (*iamapi.CreatePolicyVersionResponse, error) {
	r, err := ownPolicy(id, "CreatePolicyVersion", in.PolicyArn)
	if err != nil {
		return nil, err
	}
	if err := parseManaged(in.PolicyDocument); err != nil {
		return nil, err
	}
	return update(ctx, s, id.Account, func(c *scope) (*iamapi.CreatePolicyVersionResponse, error) {
		e, err := r.get(c)
		if err != nil {
			return nil, err
		}
		all, err := c.allVersions(e)
		if err != nil {
			return nil, err
		}
		if len(all) >= maxVersions {
			return nil, &iamapi.LimitExceededException{Message: "A managed policy can have up to 5 versions. Before you create a " +
				"new version, you must delete an existing version."}
		}
		e.Latest++
		e.Updated = c.now()
		if aws.Or(in.SetAsDefault, false) {
			e.Default = e.Latest
		}
		v := version{in.PolicyDocument, e.Updated}
		if err := c.putVersion(e.Name, e.Latest, v); err != nil {
			return nil, err
		}
		return &iamapi.CreatePolicyVersionResponse{PolicyVersion: v.api(e.Latest, e.Default, false)}, c.put(kindPolicy, e)
	})
}

// GetPolicyVersion returns a version with its document.
func (s *Service) GetPolicyVersion(ctx context.Context, id aws.Identity, in *iamapi.GetPolicyVersionRequest) (*iamapi.GetPolicyVersionResponse, error) {
	r, err := parsePolicyARN(id.Account, in.PolicyArn)
	if err != nil {
		return nil, err
	}
	if r.from == fromAWS {
		m := s.awsPolicy(r)
		if m == nil {
			return nil, r.absent()
		}
		if in.VersionId != m.Version {
			return nil, noVersion(in.PolicyArn, in.VersionId)
		}
		return &iamapi.GetPolicyVersionResponse{PolicyVersion: awsVersion(m, true)}, nil
	}
	return view(ctx, s, id.Account, func(c *scope) (*iamapi.GetPolicyVersionResponse, error) {
		e, err := r.get(c)
		if err != nil {
			return nil, err
		}
		n := parseVersion(in.VersionId)
		v, err := c.version(e.Name, n)
		if err != nil {
			return nil, err
		}
		if v == nil {
			return nil, noVersion(in.PolicyArn, in.VersionId)
		}
		return &iamapi.GetPolicyVersionResponse{PolicyVersion: v.api(n, e.Default, true)}, nil
	})
}

// ListPolicyVersions lists a policy's versions, the newest first.
func (s *Service) ListPolicyVersions(ctx context.Context, id aws.Identity, in *iamapi.ListPolicyVersionsRequest) (*iamapi.ListPolicyVersionsResponse, error) {
	r, err := parsePolicyARN(id.Account, in.PolicyArn)
	if err != nil {
		return nil, err
	}
	return view(ctx, s, id.Account, func(c *scope) (*iamapi.ListPolicyVersionsResponse, error) {
		var all []iamapi.PolicyVersion
		if r.from == fromAWS {
			m := s.awsPolicy(r)
			if m == nil {
				return nil, r.absent()
			}
			all = append(all, *awsVersion(m, false))
		} else if all, err = c.listVersions(r); err != nil {
			return nil, err
		}
		p := newPage(in.Marker, in.MaxItems)
		from, to, err := p.slice(len(all), func(i int) string { return strconv.Itoa(i) })
		out := &iamapi.ListPolicyVersionsResponse{Versions: all[from:to]}
		out.IsTruncated, out.Marker = p.result()
		return out, err
	})
}

func (c *scope) listVersions(r policyRef) ([]iamapi.PolicyVersion, error) {
	e, err := r.get(c)
	if err != nil {
		return nil, err
	}
	ns, err := c.allVersions(e)
	if err != nil {
		return nil, err
	}
	slices.Reverse(ns)
	var all []iamapi.PolicyVersion
	for _, n := range ns {
		v, err := c.version(e.Name, n)
		if err != nil {
			return nil, err
		}
		all = append(all, *v.api(n, e.Default, false))
	}
	return all, nil
}

// SetDefaultPolicyVersion makes a version the one in force.
func (s *Service) SetDefaultPolicyVersion(ctx context.Context, id aws.Identity, in *iamapi.SetDefaultPolicyVersionRequest) (*iamapi.SetDefaultPolicyVersionOutput, error) {
	r, err := ownPolicy(id, "SetDefaultPolicyVersion", in.PolicyArn)
	if err != nil {
		return nil, err
	}
	return update(ctx, s, id.Account, func(c *scope) (*iamapi.SetDefaultPolicyVersionOutput, error) {
		e, n, err := c.existing(r, in.VersionId)
		if err != nil {
			return nil, err
		}
		e.Default, e.Updated = n, c.now()
		return &iamapi.SetDefaultPolicyVersionOutput{}, c.put(kindPolicy, e)
	})
}

// DeletePolicyVersion deletes a version that is not the default.
func (s *Service) DeletePolicyVersion(ctx context.Context, id aws.Identity, in *iamapi.DeletePolicyVersionRequest) (*iamapi.DeletePolicyVersionOutput, error) {
	r, err := ownPolicy(id, "DeletePolicyVersion", in.PolicyArn)
	if err != nil {
		return nil, err
	}
	return update(ctx, s, id.Account, func(c *scope) (*iamapi.DeletePolicyVersionOutput, error) {
		e, n, err := c.existing(r, in.VersionId)
		if err != nil {
			return nil, err
		}
		if n == e.Default {
			return nil, conflict("Cannot delete the default version of a policy.")
		}
		return &iamapi.DeletePolicyVersionOutput{}, store.DeleteLarge(c.tx, c.versions(e.Name).Uint(n))
	})
}

func (c *scope) existing(r policyRef, id string) (*entity, uint64, error) {
	e, err := r.get(c)
	if err != nil {
		return nil, 0, err
	}
	n := parseVersion(id)
	v, err := c.version(e.Name, n)
	if err == nil && v == nil {
		err = noVersion(r.arn, id)
	}
	return e, n, err
}
