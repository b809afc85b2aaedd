package applicationautoscaling

import (
	"context"
	"slices"
	"strings"
	"time"

	api "github.com/brume-dev/brume/api/applicationautoscalingapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/event/schedule"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/page"
	"github.com/brume-dev/brume/timer"
)

// maxActions is how many scheduled actions are on a page.
const maxActions = 50

// PutScheduledAction makes or changes a scheduled action of a target.
// https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PutScheduledAction.html
func (s *Service) PutScheduledAction(ctx context.Context, id aws.Identity, in *api.PutScheduledActionRequest) (*api.PutScheduledActionResponse, error) {
	p, err := placeOf(id, in.ServiceNamespace, in.ScalableDimension, in.ResourceId)
	if err != nil {
		return nil, err
	}
	fresh, err := s.newID()
	if err != nil {
		return nil, err
	}
	return update(ctx, s, p.space, func(tx store.Tx) (*api.PutScheduledActionResponse, error) {
		if _, err := targetAt(tx, p); err != nil {
			return nil, err
		}
		a, err := get[action](tx, p.action(in.ScheduledActionName))
		if err != nil {
			return nil, err
		}
		if a == nil {
			if in.Schedule == nil || in.ScalableTargetAction == nil {
				return nil, invalid("Schedule and ScalableTargetAction are required for new scheduled actions")
			}
			a = &action{Created: tx.Now(), ARN: aws.MakeARN("autoscaling", p.region, p.account, "scheduledAction:"+fresh+":resource/"+p.Namespace+"/"+
				p.Resource+":scheduledActionName/"+in.ScheduledActionName).String()}
		}
		if err := a.change(in, tx.Now()); err != nil {
			return nil, err
		}
		tx.Set(p.action(in.ScheduledActionName), encode(a))
		return new(api.PutScheduledActionResponse), arm(tx, p, in.ScheduledActionName, a, tx.Now())
	})
}

func (a *action) change(in *api.PutScheduledActionRequest, now time.Time) error {
	put(&a.Schedule, in.Schedule)
	put(&a.Zone, in.Timezone)
	if in.StartTime != nil {
		a.Start = in.StartTime
	}
	if in.EndTime != nil {
		a.End = in.EndTime
	}
	if t := in.ScalableTargetAction; t != nil {
		if a.Min, a.Max = t.MinCapacity, t.MaxCapacity; a.Min == nil && a.Max == nil {
			return invalid("At least one of MinCapacity and MaxCapacity must be specified in the ScalableTargetAction")
		}
	}
	if a.Min != nil && a.Max != nil && *a.Min > *a.Max {
		return invalid("Maximum capacity cannot be less than minimum capacity")
	}
	if a.Start != nil && a.End != nil && !a.Start.Before(*a.End) {
		return invalid("StartTime must be before EndTime")
	}
	if _, err := time.LoadLocation(a.Zone); err != nil {
		return invalid("Timezone %s is not valid", a.Zone)
	}
	_, _, err := a.next(now)
	return err
}

// atFormat is the form of the time in at(…).
const atFormat = "2006-01-02T15:04:05"

// next is when the action is due after a time; ok is false when it never is again.
func (a *action) next(after time.Time) (at time.Time, ok bool, err error) {
	zone, err := time.LoadLocation(a.Zone)
	if err != nil {
		return at, false, err
	}
	if a.Start != nil && after.Before(*a.Start) {
		after = a.Start.Add(-time.Nanosecond)
	}
	if text, found := strings.CutPrefix(a.Schedule, "at("); found {
		at, err = time.ParseInLocation(atFormat, strings.TrimSuffix(text, ")"), zone)
		if err != nil || !strings.HasSuffix(text, ")") {
			return at, false, invalid("Schedule expression %s is not valid", a.Schedule)
		}
		return at, at.After(after), nil
	}
	e, err := schedule.Parse(a.Schedule)
	if err != nil {
		return at, false, invalid("Schedule expression %s is not valid", a.Schedule)
	}
	anchor := a.Created
	if a.Start != nil {
		anchor = *a.Start
	}
	// Expressions are read in UTC: the clock on the wall of the zone stands for it.
	at, ok = e.Next(wall(anchor, zone), wall(after, zone))
	at = time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), at.Nanosecond(), zone)
	return at, ok && (a.End == nil || at.Before(*a.End)), nil
}

func wall(t time.Time, zone *time.Location) time.Time {
	t = t.In(zone)
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// arm promises to do the action when it is next due.
func arm(tx store.Tx, p place, name string, a *action, after time.Time) error {
	at, ok, err := a.next(after)
	if err != nil {
		return err
	}
	if !ok {
		_, err := timer.Cancel(tx, kindScheduled, p.name(name))
		return err
	}
	return timer.Set(tx, timer.Promise{Kind: kindScheduled, ID: p.name(name), Due: at, Args: encode(track{Account: p.account, Region: p.region, Place: p, Name: name})})
}

// keepScheduled does an action: the target gets the action's bounds, and what is scaled is brought within them.
func (s *Service) keepScheduled(ctx context.Context, k *timer.Kept) error {
	var w track
	if err := decode(k.Args, &w); err != nil {
		return err
	}
	p := w.Place
	p.space = spaceOf(w.Account, w.Region)
	_, err := k.Shard.Update(ctx, func(_ context.Context, tx store.Tx) error {
		if err := k.Done(tx); err != nil {
			return err
		}
		t, err := get[target](tx, p.target())
		if err != nil || t == nil {
			return err
		}
		a, err := get[action](tx, p.action(w.Name))
		if err != nil || a == nil {
			return err
		}
		if !t.NoPlan {
			before := *t
			put(&t.Min, a.Min)
			put(&t.Max, a.Max)
			switch { // one bound alone pushes the other
			case t.Min > t.Max && a.Max == nil:
				t.Max = t.Min
			case t.Min > t.Max:
				t.Min = t.Max
			}
			if *t != before {
				tx.Set(p.target(), encode(t))
			}
			if err := setFit(tx, p, "scheduled action name "+w.Name+" was triggered"); err != nil {
				return err
			}
		}
		return arm(tx, p, w.Name, a, k.Due)
	})
	return err
}

// DescribeScheduledActions lists scheduled actions.
// https://docs.aws.amazon.com/autoscaling/application/APIReference/API_DescribeScheduledActions.html
func (s *Service) DescribeScheduledActions(ctx context.Context, id aws.Identity, in *api.DescribeScheduledActionsRequest) (*api.DescribeScheduledActionsResponse, error) {
	if err := located(in.ScalableDimension, in.ResourceId != nil); err != nil {
		return nil, err
	}
	k := spaceOf(id.Account, id.Region)
	return view(ctx, s, k, func(r store.Reader) (*api.DescribeScheduledActionsResponse, error) {
		out := &api.DescribeScheduledActionsResponse{ScheduledActions: []api.ScheduledAction{}}
		var err error
		out.NextToken, err = list(r, k, "s", in.ServiceNamespace, maxActions, in.MaxResults, in.NextToken, func(p place, name string, v store.Value) (bool, error) {
			if !p.asked(in.ResourceId, in.ScalableDimension) || len(in.ScheduledActionNames) > 0 && !slices.Contains(in.ScheduledActionNames, name) {
				return false, nil
			}
			var a action
			err := decode(v, &a)
			out.ScheduledActions = append(out.ScheduledActions, a.describe(p, name))
			return true, err
		})
		return out, err
	})
}

func (a *action) describe(p place, name string) api.ScheduledAction {
	d := api.ScheduledAction{ScheduledActionName: name, ScheduledActionARN: a.ARN, ServiceNamespace: api.ServiceNamespace(p.Namespace), Schedule: a.Schedule,
		ResourceId: p.Resource, ScalableDimension: api.ScalableDimension(p.Dimension), StartTime: a.Start, EndTime: a.End, CreationTime: a.Created,
		ScalableTargetAction: &api.ScalableTargetAction{MinCapacity: a.Min, MaxCapacity: a.Max}}
	if a.Zone != "" {
		d.Timezone = &a.Zone
	}
	return d
}

// DeleteScheduledAction deletes a scheduled action.
// https://docs.aws.amazon.com/autoscaling/application/APIReference/API_DeleteScheduledAction.html
func (s *Service) DeleteScheduledAction(ctx context.Context, id aws.Identity, in *api.DeleteScheduledActionRequest) (*api.DeleteScheduledActionResponse, error) {
	p, err := placeOf(id, in.ServiceNamespace, in.ScalableDimension, in.ResourceId)
	if err != nil {
		return nil, err
	}
	return update(ctx, s, p.space, func(tx store.Tx) (*api.DeleteScheduledActionResponse, error) {
		a, err := get[action](tx, p.action(in.ScheduledActionName))
		if err == nil && a == nil {
			err = &api.ObjectNotFoundException{Message: "No scheduled action found for service namespace: " + p.Namespace + ", resource ID: " + p.Resource +
				", scalable dimension: " + p.Dimension + ", scheduled action name: " + in.ScheduledActionName}
		}
		if err != nil {
			return nil, err
		}
		tx.Delete(p.action(in.ScheduledActionName))
		_, err = timer.Cancel(tx, kindScheduled, p.name(in.ScheduledActionName))
		return new(api.DeleteScheduledActionResponse), err
	})
}

// listActivities reads a page of activities that a request asks for.
func listActivities(r store.Reader, k space, in *api.DescribeScalingActivitiesRequest, take func(id string, a *activity)) (*string, error) {
	pg, err := page.New(min(page.Size(in.MaxResults, maxTargets), maxTargets), in.NextToken)
	if err != nil {
		return nil, &api.InvalidNextTokenException{Message: "The next token supplied was invalid."}
	}
	err = pg.Keys(r, k.activities(string(in.ServiceNamespace)), func(e *store.Elements, v store.Value) (bool, error) {
		_ = e.Int()
		id := e.Text()
		var a activity
		if err := decode(v, &a); err != nil {
			return false, err
		}
		if !a.Place.asked(in.ResourceId, in.ScalableDimension) {
			return false, nil
		}
		take(id, &a)
		return true, nil
	})
	return pg.Token(), err
}
