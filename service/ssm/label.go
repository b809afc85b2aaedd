package ssm

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/brume-dev/brume/api/ssmapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
)

func readNumber(b store.Value) int64 {
	n, _ := binary.Uvarint(b)
	return int64(n)
}

func writeNumber(n int64) store.Value { return binary.AppendUvarint(nil, uint64(n)) }

// labelsOf returns the labels of a parameter's versions, in order.
func labelsOf(r store.Reader, k space, name string) (map[int64][]string, error) {
	out := map[int64][]string{}
	prefix := k.labels(name)
	kvs, done := r.Scan(prefix.Range(), store.ScanOpt{})
	for kv := range kvs {
		e := store.Decode(kv.Key, len(prefix))
		label := e.Text()
		if e.Err() != nil {
			return nil, e.Err()
		}
		n := readNumber(kv.Value)
		out[n] = append(out[n], label)
	}
	return out, done()
}

// history is a page of the versions of a parameter.
type history struct {
	name     string
	versions []*version
	labels   map[int64][]string
	next     int64 // the version to go on with, 0 at the end
}

// readFrom reads the version that a token says to go on with; 0 is the oldest.
func readFrom(after string) (int64, error) {
	if after == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(after, 10, 64)
	if err != nil || n < 1 {
		return 0, &ssmapi.InvalidNextToken{Message: "The specified token isn't valid."}
	}
	return n, nil
}

func readHistory(r store.Reader, k space, ref reference, from int64, limit int) (history, error) {
	for _, name := range ref.names {
		newest, err := getVersion(r, k.newest(name))
		if err != nil {
			return history{}, err
		}
		if newest == nil {
			continue
		}
		h := history{name: name}
		if h.labels, err = labelsOf(r, k, name); err != nil {
			return history{}, err
		}
		for n := max(from, newest.Oldest); n <= newest.Number; n++ {
			if len(h.versions) == limit {
				h.next = n
				break
			}
			v, err := numbered(r, k, name, newest, n)
			if err != nil {
				return history{}, err
			}
			if v == nil {
				return history{}, fmt.Errorf("ssm: %s has lost version %d", k.arn(name), n)
			}
			h.versions = append(h.versions, v)
		}
		return h, nil
	}
	return history{}, &ssmapi.ParameterNotFound{}
}

// labelled finds the parameter and the version that a request about labels is for.
func labelled(tx store.Tx, k space, given string, number *int64) (name string, v *version, err error) {
	name = strings.Trim(given, " ")
	if !nameForm.MatchString(name) {
		return "", nil, invalid(nameText)
	}
	newest, err := getVersion(tx, k.newest(name))
	if err != nil {
		return "", nil, err
	}
	if newest == nil {
		return "", nil, &ssmapi.ParameterNotFound{}
	}
	if number == nil {
		return name, newest, nil
	}
	v, err = numbered(tx, k, name, newest, *number)
	if err == nil && v == nil {
		err = noVersion(name, *number)
	}
	return name, v, err
}

// validLabel reports whether a label keeps to AWS's rules.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-labels.html
func validLabel(label string) bool {
	lower := strings.ToLower(label)
	return labelForm.MatchString(label) && !strings.HasPrefix(lower, "aws") && !strings.HasPrefix(lower, "ssm")
}

// LabelParameterVersion attaches labels to a version; those that other versions have move.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_LabelParameterVersion.html
func (s *Service) LabelParameterVersion(ctx context.Context, id aws.Identity, in *ssmapi.LabelParameterVersionRequest) (*ssmapi.LabelParameterVersionResult, error) {
	shard, k := s.at(id)
	return store.Update(ctx, shard, func(_ context.Context, tx store.Tx) (*ssmapi.LabelParameterVersionResult, error) {
		name, v, err := labelled(tx, k, in.Name, in.ParameterVersion)
		if err != nil {
			return nil, err
		}
		all, err := labelsOf(tx, k, name)
		if err != nil {
			return nil, err
		}
		out := &ssmapi.LabelParameterVersionResult{InvalidLabels: []string{}, ParameterVersion: &v.Number}
		have := all[v.Number]
		for _, label := range in.Labels {
			switch {
			case !validLabel(label):
				out.InvalidLabels = append(out.InvalidLabels, label)
			case !slices.Contains(have, label):
				have = append(have, label)
				tx.Set(k.label(name, label), writeNumber(v.Number))
			}
		}
		if len(have) > maxLabels {
			return nil, &ssmapi.ParameterVersionLabelLimitExceeded{Message: fmt.Sprintf("A parameter version can have maximum %d labels."+
				"Move one or more labels to another version and try again.", maxLabels)}
		}
		return out, nil
	})
}

// UnlabelParameterVersion takes labels off a version.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_UnlabelParameterVersion.html
func (s *Service) UnlabelParameterVersion(ctx context.Context, id aws.Identity, in *ssmapi.UnlabelParameterVersionRequest) (*ssmapi.UnlabelParameterVersionResult, error) {
	shard, k := s.at(id)
	return store.Update(ctx, shard, func(_ context.Context, tx store.Tx) (*ssmapi.UnlabelParameterVersionResult, error) {
		name, v, err := labelled(tx, k, in.Name, &in.ParameterVersion)
		if err != nil {
			return nil, err
		}
		all, err := labelsOf(tx, k, name)
		if err != nil {
			return nil, err
		}
		out := &ssmapi.UnlabelParameterVersionResult{RemovedLabels: []string{}, InvalidLabels: []string{}}
		for _, label := range in.Labels {
			switch {
			case slices.Contains(out.RemovedLabels, label):
			case slices.Contains(all[v.Number], label):
				tx.Delete(k.label(name, label))
				out.RemovedLabels = append(out.RemovedLabels, label)
			default:
				out.InvalidLabels = append(out.InvalidLabels, label)
			}
		}
		return out, nil
	})
}
