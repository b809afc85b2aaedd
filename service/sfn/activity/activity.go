// Package activity is the control plane of Step Functions' activities: names under which workers outside ask for tasks.
// https://docs.aws.amazon.com/step-functions/latest/dg/concepts-activities.html
package activity

import (
	"context"
	"strings"
	"time"

	"github.com/brume-dev/brume/api/sfnapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/sfn/machine"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/page"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

// The keys of activities. Names lie in the home shard of the account and region, tasks in a shard of the activity's own.
//
//	home(account, region) "sfn" "activity ids"       counter of activity numbers
//	home(account, region) "sfn" "activities"         counter of activities
//	home(account, region) "sfn" "activity" name      activityRecord
//
//	"sfn" "activity" account region number …         tasks that wait for a worker: see the engine
const (
	kindErase = "sfn.activity" // what was in an activity that is deleted is erased
	version   = 1              // of all records

	// https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
	maxActivities = 10_000
	defaultPage   = 100
)

// Activities has the operations on activities, as a part of sfnapi.Handler.
type Activities struct{ store store.Store }

// New returns them and registers their promises with the timer.
func New(s store.Store, t *timer.Runner) *Activities {
	a := &Activities{s}
	t.Handle(kindErase, a.erase, timer.Policy{})
	return a
}

// activityRecord is an activity.
type activityRecord struct {
	ID         uint64            `cbor:"1,keyasint"`
	Created    time.Time         `cbor:"2,keyasint"`
	Tags       map[string]string `cbor:"3,keyasint,omitempty"`
	Encryption *encryption       `cbor:"4,keyasint,omitempty"`
}

type encryption struct {
	Type  string `cbor:"1,keyasint"`
	Key   string `cbor:"2,keyasint,omitempty"`
	Reuse int32  `cbor:"3,keyasint,omitempty"`
}

// Ref is an activity by its place and name.
type Ref struct {
	machine.Place
	Name string
}

// ParseARN reads the ARN of an activity. Errors are InvalidArn.
func ParseARN(arn string) (Ref, error) {
	a, err := aws.ParseARN(arn)
	if err != nil || a.Partition != aws.Partition || a.Service != "states" || a.Region == "" || len(a.Account) != 12 {
		return Ref{}, machine.InvalidARN("Invalid ARN prefix: " + arn)
	}
	kind, name, _ := strings.Cut(a.Resource, ":")
	if kind != "activity" {
		return Ref{}, machine.InvalidARN("Resource type not valid in this context: " + kind)
	}
	if name == "" || strings.Contains(name, ":") {
		return Ref{}, machine.InvalidARN("Invalid ARN: " + arn)
	}
	return Ref{machine.Place{Account: a.Account, Region: a.Region}, name}, nil
}

// ARN is the activity's ARN.
func (r Ref) ARN() string {
	return aws.MakeARN("states", r.Region, r.Account, "activity:"+r.Name).String()
}

func home(p machine.Place) store.Tuple       { return store.Home(p.Account, p.Region).Text("sfn") }
func activities(p machine.Place) store.Tuple { return home(p).Text("activity") }
func (r Ref) key() store.Key                 { return activities(r.Place).Text(r.Name) }
func (a *Activities) shard(p machine.Place) store.Shard {
	return a.store.Shard(store.Home(p.Account, p.Region))
}

// Resource is the resource of what belongs to the activity with a number: the shard and the prefix of its keys.
func (r Ref) Resource(id uint64) store.Tuple {
	return store.Tuple(nil).Text("sfn").Text("activity").Text(r.Account).Text(r.Region).Uint(id)
}

// NotFound is the error for an activity that is not there.
func NotFound(arn string) error {
	return &sfnapi.ActivityDoesNotExist{Message: "Activity Does Not Exist: '" + arn + "'"}
}

func (r Ref) read(tx store.Reader) (rec activityRecord, there bool, err error) {
	b, there, err := tx.Get(r.key())
	if err != nil || !there {
		return rec, false, err
	}
	return rec, true, record.Decode(b, version, &rec)
}

// Resource finds the resource of an activity, where its tasks wait. Errors are ActivityDoesNotExist and InvalidArn.
func (a *Activities) Resource(ctx context.Context, arn string) (store.Tuple, error) {
	r, err := ParseARN(arn)
	if err != nil {
		return nil, err
	}
	return store.View(ctx, a.shard(r.Place), func(_ context.Context, tx store.Reader) (store.Tuple, error) {
		rec, there, err := r.read(tx)
		if err == nil && !there {
			err = NotFound(arn)
		}
		return r.Resource(rec.ID), err
	})
}

// CreateActivity makes an activity, or finds the one there is: only its encryption has to be the same.
func (a *Activities) CreateActivity(ctx context.Context, id aws.Identity, in *sfnapi.CreateActivityInput) (*sfnapi.CreateActivityOutput, error) {
	r := Ref{machine.Here(id), in.Name}
	if err := machine.CheckName(in.Name); err != nil {
		return nil, err
	}
	tags, err := machine.AddTags(nil, in.Tags, r.ARN())
	if err != nil {
		return nil, err
	}
	wanted := activityRecord{Tags: tags}
	if e := in.EncryptionConfiguration; e != nil {
		if err := machine.CheckEncryption(e); err != nil {
			return nil, err
		}
		wanted.Encryption = &encryption{string(e.Type), aws.Or(e.KmsKeyId, ""), aws.Or(e.KmsDataKeyReusePeriodSeconds, 0)}
	}
	return store.Update(ctx, a.shard(r.Place), func(_ context.Context, tx store.Tx) (*sfnapi.CreateActivityOutput, error) {
		rec, there, err := r.read(tx)
		if err != nil {
			return nil, err
		}
		if !there {
			rec = wanted
			if err := r.create(tx, &rec); err != nil {
				return nil, err
			}
		} else if wanted.Encryption != nil && (rec.Encryption == nil || *rec.Encryption != *wanted.Encryption) {
			return nil, &sfnapi.ActivityAlreadyExists{Message: "Activity Already Exists: '" + r.ARN() + "'"}
		}
		return &sfnapi.CreateActivityOutput{ActivityArn: r.ARN(), CreationDate: rec.Created}, nil
	})
}

func (r Ref) create(tx store.Tx, rec *activityRecord) error {
	count := home(r.Place).Text("activities")
	v, _, err := tx.Get(count)
	if err != nil {
		return err
	}
	if store.ReadCounter(v) >= maxActivities {
		return &sfnapi.ActivityLimitExceeded{Message: "Activity Limit Exceeded: the maximum number of activities has been reached"}
	}
	if rec.ID, err = store.NextID(tx, home(r.Place).Text("activity ids")); err != nil {
		return err
	}
	rec.Created = tx.Now().Truncate(time.Millisecond)
	tx.Add(count, 1)
	tx.Set(r.key(), record.Encode(version, *rec))
	return nil
}

// DescribeActivity tells what an activity is.
func (a *Activities) DescribeActivity(ctx context.Context, _ aws.Identity, in *sfnapi.DescribeActivityInput) (*sfnapi.DescribeActivityOutput, error) {
	r, err := ParseARN(in.ActivityArn)
	if err != nil {
		return nil, err
	}
	return store.View(ctx, a.shard(r.Place), func(_ context.Context, tx store.Reader) (*sfnapi.DescribeActivityOutput, error) {
		rec, there, err := r.read(tx)
		if err == nil && !there {
			err = NotFound(in.ActivityArn)
		}
		out := &sfnapi.DescribeActivityOutput{ActivityArn: in.ActivityArn, Name: r.Name, CreationDate: rec.Created,
			EncryptionConfiguration: &sfnapi.EncryptionConfiguration{Type: sfnapi.EncryptionTypeAwsOwnedKey}}
		if e := rec.Encryption; e != nil {
			out.EncryptionConfiguration = &sfnapi.EncryptionConfiguration{Type: sfnapi.EncryptionType(e.Type), KmsKeyId: aws.Some(e.Key), KmsDataKeyReusePeriodSeconds: aws.Some(e.Reuse)}
		}
		return out, err
	})
}

// gone is an activity of which the rest is to be erased.
type gone struct {
	machine.Place
	ID uint64 `cbor:"3,keyasint"`
}

// DeleteActivity deletes an activity; one that does not exist is deleted already. Tasks that wait for a worker time out.
func (a *Activities) DeleteActivity(ctx context.Context, _ aws.Identity, in *sfnapi.DeleteActivityInput) (*sfnapi.DeleteActivityOutput, error) {
	r, err := ParseARN(in.ActivityArn)
	if err != nil {
		return nil, err
	}
	_, err = a.shard(r.Place).Update(ctx, func(_ context.Context, tx store.Tx) error {
		rec, there, err := r.read(tx)
		if err != nil || !there {
			return err
		}
		tx.Delete(r.key())
		tx.Add(home(r.Place).Text("activities"), -1)
		return timer.Set(tx, timer.Promise{Kind: kindErase, Dest: in.ActivityArn, Args: record.Encode(version, gone{r.Place, rec.ID})})
	})
	return &sfnapi.DeleteActivityOutput{}, err
}

func (a *Activities) erase(ctx context.Context, k *timer.Kept) error {
	var g gone
	if err := record.Decode(k.Args, version, &g); err != nil {
		return err
	}
	resource := Ref{Place: g.Place}.Resource(g.ID)
	_, err := a.store.Shard(store.Key(resource)).Update(ctx, func(_ context.Context, tx store.Tx) error {
		tx.DeleteRange(resource.Range())
		return nil
	})
	return err
}

// ListActivities lists the activities of the account.
func (a *Activities) ListActivities(ctx context.Context, id aws.Identity, in *sfnapi.ListActivitiesInput) (*sfnapi.ListActivitiesOutput, error) {
	here := machine.Here(id)
	limit := page.Size(in.MaxResults, defaultPage)
	if limit == 0 {
		limit = defaultPage
	}
	first, err := machine.NewPage(limit, in.NextToken)
	if err != nil {
		return nil, err
	}
	return store.View(ctx, a.shard(here), func(_ context.Context, r store.Reader) (*sfnapi.ListActivitiesOutput, error) {
		p := *first
		out := &sfnapi.ListActivitiesOutput{Activities: []sfnapi.ActivityListItem{}}
		err := p.Each(r, activities(here), func(name string, b store.Value) (bool, error) {
			var rec activityRecord
			if err := record.Decode(b, version, &rec); err != nil {
				return false, err
			}
			out.Activities = append(out.Activities, sfnapi.ActivityListItem{ActivityArn: Ref{here, name}.ARN(), Name: name, CreationDate: rec.Created})
			return true, nil
		})
		out.NextToken = p.Token()
		return out, err
	})
}

// Tags returns the tags of an activity; ok is false when there is none.
func (a *Activities) Tags(ctx context.Context, r Ref) (tags map[string]string, ok bool, err error) {
	rec, err := store.View(ctx, a.shard(r.Place), func(_ context.Context, tx store.Reader) (rec activityRecord, err error) {
		rec, ok, err = r.read(tx)
		return rec, err
	})
	return rec.Tags, ok, err
}

// Retag replaces the tags of an activity by what f makes of them.
func (a *Activities) Retag(ctx context.Context, r Ref, f func(map[string]string) (map[string]string, error)) error {
	_, err := a.shard(r.Place).Update(ctx, func(_ context.Context, tx store.Tx) error {
		rec, there, err := r.read(tx)
		if err != nil {
			return err
		}
		if !there {
			return machine.NoResource(r.ARN())
		}
		if rec.Tags, err = f(rec.Tags); err != nil {
			return err
		}
		tx.Set(r.key(), record.Encode(version, rec))
		return nil
	})
	return err
}
