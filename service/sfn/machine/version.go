package machine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/brume-dev/brume/api/sfnapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/page"
	"github.com/brume-dev/brume/store/record"
)

// initial is the revision id of a machine that was never updated, as requests name it.
const initial = "INITIAL"

// publish makes a version of the current revision, or finds the one there is. The caller stores rec.
func publish(tx store.Tx, at Spot, rec *machineRecord, description string) (int64, error) {
	if rec.Published != 0 {
		return rec.Published, nil
	}
	if rec.Kept >= maxVersions {
		return 0, &sfnapi.ServiceQuotaExceededException{Message: fmt.Sprintf("A maximum of %d versions can be published for a state machine: '%s'", maxVersions, at.ARN())}
	}
	rec.Versions++
	rec.Kept++
	rec.Published = rec.Versions
	write(tx, at.versionKey(rec.Versions), versionRecord{Revision: rec.Revision, Created: tx.Now().Truncate(time.Millisecond), Description: description})
	return rec.Versions, nil
}

// PublishStateMachineVersion makes a version of the current revision.
func (m *Machines) PublishStateMachineVersion(ctx context.Context, _ aws.Identity, in *sfnapi.PublishStateMachineVersionInput) (*sfnapi.PublishStateMachineVersionOutput, error) {
	ref, err := named(in.StateMachineArn)
	if err != nil {
		return nil, err
	}
	for {
		e, err := m.find(ctx, Name{Ref: ref})
		if err != nil {
			return nil, err
		}
		if e.rec.ID == 0 {
			return nil, NotFound(in.StateMachineArn)
		}
		rev, err := m.Revision(ctx, Spot{ref, e.rec.ID}, e.rec.Revision)
		if err != nil {
			return nil, err
		}
		if now, wanted := shownOr(rev.Shown), aws.Or(in.RevisionId, ""); wanted != "" && wanted != now {
			return nil, conflict("Failed to publish the State Machine version for revision " + wanted + ". The current State Machine revision is " + now + ".")
		}
		out, err := store.Update(ctx, m.home(ref.Place), func(_ context.Context, tx store.Tx) (*sfnapi.PublishStateMachineVersionOutput, error) {
			return publishNow(tx, rev, aws.Or(in.Description, ""))
		})
		if err != nil || out != nil {
			return out, err
		}
	}
}

// publishNow publishes rev, or returns nil when that is not current any more.
func publishNow(tx store.Tx, rev *Revision, description string) (*sfnapi.PublishStateMachineVersionOutput, error) {
	rec, err := rev.alive(tx)
	if err != nil || rec.ID != rev.ID || rec.Revision != rev.Key {
		return nil, err
	}
	before := rec.Versions
	n, err := publish(tx, rev.Spot, &rec, description)
	if err != nil {
		return nil, err
	}
	if rec.Versions != before {
		rev.change(tx, &rec)
	}
	v, _, err := read[versionRecord](tx, rev.versionKey(n))
	return &sfnapi.PublishStateMachineVersionOutput{StateMachineVersionArn: rev.version(n), CreationDate: v.Created}, err
}

func shownOr(revision string) string {
	if revision == "" {
		return initial
	}
	return revision
}

// versionOf reads the ARN of a version.
func versionOf(arn string) (Ref, int64, error) {
	n, err := ParseARN(arn)
	if err != nil {
		return Ref{}, 0, err
	}
	v, ok := IsVersion(n.Qualifier)
	if !ok || n.Label != "" {
		return Ref{}, 0, invalid("The operation takes the ARN of a state machine version: '" + arn + "'")
	}
	return n.Ref, v, nil
}

// DeleteStateMachineVersion takes a version away, unless an alias routes to it. One that is not there is deleted already.
func (m *Machines) DeleteStateMachineVersion(ctx context.Context, _ aws.Identity, in *sfnapi.DeleteStateMachineVersionInput) (*sfnapi.DeleteStateMachineVersionOutput, error) {
	ref, n, err := versionOf(in.StateMachineVersionArn)
	if err != nil {
		return nil, err
	}
	_, err = m.home(ref.Place).Update(ctx, func(_ context.Context, tx store.Tx) error {
		rec, there, err := read[machineRecord](tx, ref.key())
		if err != nil || !there {
			return err
		}
		at := Spot{ref, rec.ID}
		v, there, err := read[versionRecord](tx, at.versionKey(n))
		if err != nil || !there {
			return err
		}
		if v.Aliases > 0 {
			names, err := referring(tx, at, n)
			if err != nil {
				return err
			}
			return conflict("Version to be deleted must not be referenced by an alias. Current list of aliases referencing this version: [" + strings.Join(names, ", ") + "]")
		}
		tx.Delete(at.versionKey(n))
		if rec.Published == n {
			rec.Published = 0
		}
		rec.Kept--
		ref.change(tx, &rec)
		return nil
	})
	return &sfnapi.DeleteStateMachineVersionOutput{}, err
}

// pageOf is the page that a listing asks for.
func pageOf(limit *int32, token *string) (*page.Page, error) {
	n := page.Size(limit, defaultPage)
	if n == 0 {
		n = defaultPage
	}
	return NewPage(n, token)
}

// NewPage is page.New with Step Functions' error.
func NewPage(limit int, token *string) (*page.Page, error) {
	p, err := page.New(limit, token)
	if errors.Is(err, page.ErrToken) {
		return nil, &sfnapi.InvalidToken{Message: "Invalid Token: '" + *token + "'"}
	}
	return p, err
}

// ListStateMachineVersions lists the versions of a machine, the last first.
func (m *Machines) ListStateMachineVersions(ctx context.Context, _ aws.Identity, in *sfnapi.ListStateMachineVersionsInput) (*sfnapi.ListStateMachineVersionsOutput, error) {
	ref, err := named(in.StateMachineArn)
	if err != nil {
		return nil, err
	}
	return store.View(ctx, m.home(ref.Place), func(_ context.Context, r store.Reader) (*sfnapi.ListStateMachineVersionsOutput, error) {
		rec, there, err := read[machineRecord](r, ref.key())
		if err != nil {
			return nil, err
		}
		if !there {
			return nil, NotFound(in.StateMachineArn)
		}
		p, err := pageOf(in.MaxResults, in.NextToken)
		if err != nil {
			return nil, err
		}
		p.Reverse = true
		out := &sfnapi.ListStateMachineVersionsOutput{StateMachineVersions: []sfnapi.StateMachineVersionListItem{}}
		err = p.Keys(r, Spot{ref, rec.ID}.versions(), func(key *store.Elements, b store.Value) (bool, error) {
			n := key.Int()
			var v versionRecord
			if err := record.Decode(b, version, &v); err != nil {
				return false, err
			}
			out.StateMachineVersions = append(out.StateMachineVersions, sfnapi.StateMachineVersionListItem{StateMachineVersionArn: ref.version(n), CreationDate: v.Created})
			return true, nil
		})
		out.NextToken = p.Token()
		return out, err
	})
}
