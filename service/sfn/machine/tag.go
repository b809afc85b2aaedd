package machine

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/brume-dev/brume/api/sfnapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
)

// tagCharacters are those beside letters, digits and white space that tags may have.
const tagCharacters = "_.:/=+-@"

// AddTags returns all with the tags of a request added.
func AddTags(all map[string]string, tags []sfnapi.Tag, arn string) (map[string]string, error) {
	out := maps.Clone(all)
	for _, t := range tags {
		key, value := aws.Or(t.Key, ""), aws.Or(t.Value, "")
		if key == "" || aws.ReservedTag(key) || !taggable(key) || !taggable(value) {
			return nil, invalid(fmt.Sprintf("Invalid tag: '%s'", key))
		}
		if out == nil {
			out = map[string]string{}
		}
		out[key] = value
	}
	if len(out) > maxTags {
		return nil, &sfnapi.TooManyTags{Message: "Too many tags: '" + arn + "'", ResourceName: &arn}
	}
	return out, nil
}

func taggable(text string) bool {
	return !strings.ContainsFunc(text, func(c rune) bool {
		return !unicode.IsLetter(c) && !unicode.IsDigit(c) && !unicode.IsSpace(c) && !strings.ContainsRune(tagCharacters, c)
	})
}

// ShowTags lists tags in the order of their keys.
func ShowTags(tags map[string]string) []sfnapi.Tag {
	out := []sfnapi.Tag{}
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, sfnapi.Tag{Key: new(k), Value: new(tags[k])})
	}
	return out
}

// Tags returns the tags of a machine; ok is false when there is none.
func (m *Machines) Tags(ctx context.Context, ref Ref) (tags map[string]string, ok bool, err error) {
	e, err := m.find(ctx, Name{Ref: ref})
	if err != nil || e.rec.ID == 0 {
		return nil, false, err
	}
	return e.rec.Tags, true, nil
}

// Retag replaces the tags of a machine by what f makes of them.
func (m *Machines) Retag(ctx context.Context, ref Ref, f func(map[string]string) (map[string]string, error)) error {
	_, err := m.home(ref.Place).Update(ctx, func(_ context.Context, tx store.Tx) error {
		rec, there, err := read[machineRecord](tx, ref.key())
		if err != nil {
			return err
		}
		if !there {
			return NoResource(ref.ARN())
		}
		if rec.Tags, err = f(rec.Tags); err != nil {
			return err
		}
		ref.change(tx, &rec)
		return nil
	})
	return err
}
