package ssm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/brume-dev/brume/api/ssmapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
)

// found is a version that a read found, with the name of its parameter.
type found struct {
	name     string
	selector string
	*version
}

// GetParameter returns a parameter, in its newest version or the one that the name selects.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html
func (s *Service) GetParameter(ctx context.Context, id aws.Identity, in *ssmapi.GetParameterRequest) (*ssmapi.GetParameterResult, error) {
	ref, err := refer(id, in.Name)
	if err != nil {
		return nil, err
	}
	shard, k := s.at(id)
	f, err := store.View(ctx, shard, func(_ context.Context, r store.Reader) (found, error) { return find(r, k, ref) })
	if err != nil {
		return nil, err
	}
	p, err := s.parameter(ctx, id, k, f, in.WithDecryption)
	if err != nil {
		return nil, err
	}
	return &ssmapi.GetParameterResult{Parameter: p}, nil
}

// GetParameters returns up to ten parameters, in the order of their names, and names those that it has not found.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html
func (s *Service) GetParameters(ctx context.Context, id aws.Identity, in *ssmapi.GetParametersRequest) (*ssmapi.GetParametersResult, error) {
	out := &ssmapi.GetParametersResult{Parameters: []ssmapi.Parameter{}, InvalidParameters: []string{}}
	var refs []reference
	for _, name := range in.Names {
		if slices.ContainsFunc(refs, func(r reference) bool { return r.given == name }) || slices.Contains(out.InvalidParameters, name) {
			continue
		}
		if ref, err := refer(id, name); err != nil {
			out.InvalidParameters = append(out.InvalidParameters, name)
		} else {
			refs = append(refs, ref)
		}
	}
	shard, k := s.at(id)
	type result struct {
		found   []found
		missing []string
	}
	res, err := store.View(ctx, shard, func(_ context.Context, r store.Reader) (result, error) {
		var res result
		for _, ref := range refs {
			f, err := find(r, k, ref)
			switch {
			case err == nil:
				res.found = append(res.found, f)
			case isMissing(err):
				res.missing = append(res.missing, ref.given)
			default:
				return result{}, err
			}
		}
		return res, nil
	})
	if err != nil {
		return nil, err
	}
	out.InvalidParameters = append(out.InvalidParameters, res.missing...)
	slices.SortStableFunc(res.found, func(a, b found) int { return strings.Compare(a.name, b.name) })
	for _, f := range res.found {
		p, err := s.parameter(ctx, id, k, f, in.WithDecryption)
		if err != nil {
			return nil, err
		}
		out.Parameters = append(out.Parameters, *p)
	}
	return out, nil
}

func isMissing(err error) bool {
	var parameter *ssmapi.ParameterNotFound
	var version *ssmapi.ParameterVersionNotFound
	return errors.As(err, &parameter) || errors.As(err, &version)
}

// find resolves a reference.
func find(r store.Reader, k space, ref reference) (found, error) {
	for _, name := range ref.names {
		v, err := getVersion(r, k.newest(name))
		if err != nil {
			return found{}, err
		}
		if v == nil {
			continue
		}
		if ref.selector != "" {
			if v, err = selected(r, k, name, v, ref); err != nil {
				return found{}, err
			}
		}
		return found{name: name, selector: ref.selector, version: v}, nil
	}
	return found{}, &ssmapi.ParameterNotFound{}
}

// selected returns the version of a parameter that ref's selector names. Labels cannot begin with a digit.
func selected(r store.Reader, k space, name string, newest *version, ref reference) (*version, error) {
	number := ref.number
	if number == 0 {
		b, ok, err := r.Get(k.label(name, ref.selector))
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, &ssmapi.ParameterVersionNotFound{Message: fmt.Sprintf(
				"Systems Manager could not find the label %s for parameter %s. Verify the label and try again.", ref.selector, name)}
		}
		number = readNumber(b)
	}
	v, err := numbered(r, k, name, newest, number)
	if err == nil && v == nil {
		err = noVersion(name, number)
	}
	return v, err
}

// numbered returns one of a parameter's versions, or nil.
func numbered(r store.Reader, k space, name string, newest *version, number int64) (*version, error) {
	if number == newest.Number {
		return newest, nil
	}
	return getVersion(r, k.older(name, number))
}

func noVersion(name string, number int64) error {
	return &ssmapi.ParameterVersionNotFound{Message: fmt.Sprintf(
		"Systems Manager could not find version %d of %s. Verify the version and try again.", number, name)}
}

// parameter renders what a read found.
func (s *Service) parameter(ctx context.Context, id aws.Identity, k space, f found, decrypt *bool) (*ssmapi.Parameter, error) {
	arn := k.arn(f.name)
	value, err := s.value(ctx, id, arn, f.version, decrypt)
	if err != nil {
		return nil, err
	}
	p := &ssmapi.Parameter{Name: &f.name, Type: ssmapi.ParameterType(f.Type), Value: &value, Version: &f.Number,
		LastModifiedDate: &f.Modified, ARN: &arn, DataType: &f.DataType}
	if f.selector != "" {
		selector := ":" + f.selector
		p.Selector = &selector
	}
	return p, nil
}

// DeleteParameter deletes a parameter with all its versions.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DeleteParameter.html
func (s *Service) DeleteParameter(ctx context.Context, id aws.Identity, in *ssmapi.DeleteParameterRequest) (*ssmapi.DeleteParameterResult, error) {
	deleted, err := s.deleteAll(ctx, id, []string{in.Name})
	if err == nil && len(deleted) == 0 {
		err = &ssmapi.ParameterNotFound{}
	}
	if err != nil {
		return nil, err
	}
	return &ssmapi.DeleteParameterResult{}, nil
}

// DeleteParameters deletes up to ten parameters and names those that are not there.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DeleteParameters.html
func (s *Service) DeleteParameters(ctx context.Context, id aws.Identity, in *ssmapi.DeleteParametersRequest) (*ssmapi.DeleteParametersResult, error) {
	deleted, err := s.deleteAll(ctx, id, in.Names)
	if err != nil {
		return nil, err
	}
	out := &ssmapi.DeleteParametersResult{DeletedParameters: []string{}, InvalidParameters: []string{}}
	for _, name := range in.Names {
		to := &out.InvalidParameters
		if slices.Contains(deleted, name) {
			to = &out.DeletedParameters
		}
		if !slices.Contains(*to, name) {
			*to = append(*to, name)
		}
	}
	return out, nil
}

// deleteAll deletes those of the names that are there and returns them.
func (s *Service) deleteAll(ctx context.Context, id aws.Identity, names []string) ([]string, error) {
	shard, k := s.at(id)
	return store.Update(ctx, shard, func(_ context.Context, tx store.Tx) ([]string, error) {
		var deleted []string
		for _, given := range names {
			name := strings.Trim(given, " ")
			if !nameForm.MatchString(name) {
				continue
			}
			v, err := getVersion(tx, k.newest(name))
			if err != nil {
				return nil, err
			}
			if v == nil {
				continue
			}
			if err := erase(tx, k, name, v); err != nil {
				return nil, err
			}
			deleted = append(deleted, given)
		}
		return deleted, nil
	})
}

// erase removes everything that belongs to a parameter.
func erase(tx store.Tx, k space, name string, newest *version) error {
	tx.Delete(k.newest(name))
	tx.DeleteRange(k.versions(name).Range())
	tx.DeleteRange(k.labels(name).Range())
	tx.Delete(k.tags(name))
	tx.Add(k.count(newest.Tier), -1)
	return schedule(tx, k, name, nil)
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }
