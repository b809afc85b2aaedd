package eventbridge

import (
	"cmp"
	"context"
	"encoding/json"

	"github.com/brume-dev/brume/api/eventbridgeapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/event/pattern"
	"github.com/brume-dev/brume/event/schedule"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

// mustRule reads a rule that somebody made.
func mustRule(r store.Reader, b ref, name string) (ruleRecord, error) {
	if _, err := mustBus(r, b); err != nil {
		return ruleRecord{}, err
	}
	rec, ok, err := read[ruleRecord](r, b.rules(b.name).Text(name))
	if err == nil && !ok {
		err = noRule(b, name)
	}
	return rec, err
}

// PutRule makes or changes a rule. A change keeps the rule's tags and targets.
func (s *Service) PutRule(ctx context.Context, id aws.Identity, in *eventbridgeapi.PutRuleRequest) (*eventbridgeapi.PutRuleResponse, error) {
	b, err := own(id, in.EventBusName)
	if err != nil {
		return nil, err
	}
	rec := ruleRecord{CreatedBy: id.Account, State: string(in.State)}
	if rec.State == "" {
		rec.State = string(eventbridgeapi.RuleStateEnabled)
	}
	if in.Description != nil {
		rec.Description = *in.Description
	}
	if in.RoleArn != nil {
		rec.Role = *in.RoleArn
	}
	if err := rec.when(b, in); err != nil {
		return nil, err
	}
	if rec.Tags, err = addTags(nil, in.Tags); err != nil {
		return nil, err
	}
	_, err = s.shard(b.place).Update(ctx, func(_ context.Context, tx store.Tx) error { return putRule(tx, b, in.Name, rec) })
	if err != nil {
		return nil, err
	}
	arn := b.ruleARN(in.Name)
	return &eventbridgeapi.PutRuleResponse{RuleArn: &arn}, nil
}

// when takes over and checks what a rule reacts to.
func (r *ruleRecord) when(b ref, in *eventbridgeapi.PutRuleRequest) error {
	if in.EventPattern != nil {
		r.Pattern = *in.EventPattern
	}
	if in.ScheduleExpression != nil {
		r.Schedule = *in.ScheduleExpression
	}
	switch {
	case r.Pattern == "" && r.Schedule == "":
		return invalid("Parameter(s) EventPattern or ScheduleExpression must be specified.")
	case r.Schedule != "" && b.name != defaultBus:
		return invalid("ScheduleExpression is supported only on the default event bus.")
	}
	if r.Schedule != "" {
		if _, err := schedule.Parse(r.Schedule); err != nil {
			return invalid("Parameter ScheduleExpression is not valid.")
		}
	}
	if r.Pattern != "" {
		if _, err := pattern.Compile([]byte(r.Pattern)); err != nil {
			return badPattern(err)
		}
	}
	return nil
}

func putRule(tx store.Tx, b ref, name string, rec ruleRecord) error {
	if _, err := mustBus(tx, b); err != nil {
		return err
	}
	key := b.rules(b.name).Text(name)
	old, there, err := read[ruleRecord](tx, key)
	if err != nil {
		return err
	}
	if there && old.Archive != "" {
		return managed(name)
	}
	rec.Created, rec.Anchor = tx.Now(), tx.Now()
	if there {
		rec.Created, rec.CreatedBy, rec.Tags = old.Created, old.CreatedBy, old.Tags
		if old.Schedule == rec.Schedule && old.State == rec.State {
			rec.Anchor = old.Anchor
		}
	} else if n, err := count(tx, b.rules(b.name), maxRules); err != nil || n >= maxRules {
		return cmp.Or(err, tooMany())
	}
	write(tx, key, rec)
	changed(tx, b)
	return plan(tx, b, name, rec)
}

// plan makes the promise of a rule's schedule what the rule says. Only the default bus has schedules.
func plan(tx store.Tx, b ref, name string, rec ruleRecord) error {
	if rec.Schedule == "" || !rec.enabled() {
		_, err := timer.Cancel(tx, kindSchedule, promiseID(b.place, name))
		return err
	}
	e, err := schedule.Parse(rec.Schedule)
	if err != nil {
		return err
	}
	next, ok := e.Next(rec.Anchor, tx.Now())
	if !ok { // it was for years that are over
		_, err := timer.Cancel(tx, kindSchedule, promiseID(b.place, name))
		return err
	}
	return timer.Set(tx, timer.Promise{Kind: kindSchedule, ID: promiseID(b.place, name), Dest: name, Due: next, Args: record.Encode(version, placed{b.account, b.region, name})})
}

// switchRule enables or disables a rule.
func (s *Service) switchRule(ctx context.Context, id aws.Identity, named *string, name string, state eventbridgeapi.RuleState) error {
	b, err := own(id, named)
	if err != nil {
		return err
	}
	_, err = s.shard(b.place).Update(ctx, func(_ context.Context, tx store.Tx) error {
		rec, err := mustRule(tx, b, name)
		if err != nil {
			return err
		}
		if state == eventbridgeapi.RuleStateEnabled && rec.enabled() {
			return nil
		}
		rec.State = string(state)
		return putRule(tx, b, name, rec)
	})
	return err
}

// EnableRule enables a rule.
func (s *Service) EnableRule(ctx context.Context, id aws.Identity, in *eventbridgeapi.EnableRuleRequest) (*eventbridgeapi.EnableRuleOutput, error) {
	return &eventbridgeapi.EnableRuleOutput{}, s.switchRule(ctx, id, in.EventBusName, in.Name, eventbridgeapi.RuleStateEnabled)
}

// DisableRule disables a rule: it matches no events and has no schedule.
func (s *Service) DisableRule(ctx context.Context, id aws.Identity, in *eventbridgeapi.DisableRuleRequest) (*eventbridgeapi.DisableRuleOutput, error) {
	return &eventbridgeapi.DisableRuleOutput{}, s.switchRule(ctx, id, in.EventBusName, in.Name, eventbridgeapi.RuleStateDisabled)
}

// DeleteRule deletes a rule without targets; one that is not there is deleted already.
func (s *Service) DeleteRule(ctx context.Context, id aws.Identity, in *eventbridgeapi.DeleteRuleRequest) (*eventbridgeapi.DeleteRuleOutput, error) {
	b, err := own(id, in.EventBusName)
	if err != nil {
		return nil, err
	}
	_, err = s.shard(b.place).Update(ctx, func(_ context.Context, tx store.Tx) error {
		_, err := mustBus(tx, b)
		if err != nil {
			return err
		}
		key := b.rules(b.name).Text(in.Name)
		rec, there, err := read[ruleRecord](tx, key)
		if err != nil || !there {
			return err
		}
		if rec.Archive != "" {
			return managed(in.Name)
		}
		if n, err := count(tx, b.targets(b.name, in.Name), 1); err != nil || n > 0 {
			return cmp.Or(err, invalid("Rule can't be deleted since it has targets."))
		}
		tx.Delete(key)
		changed(tx, b)
		return plan(tx, b, in.Name, ruleRecord{})
	})
	return &eventbridgeapi.DeleteRuleOutput{}, err
}

// DescribeRule describes a rule.
func (s *Service) DescribeRule(ctx context.Context, id aws.Identity, in *eventbridgeapi.DescribeRuleRequest) (*eventbridgeapi.DescribeRuleResponse, error) {
	b, err := own(id, in.EventBusName)
	if err != nil {
		return nil, err
	}
	return store.View(ctx, s.shard(b.place), func(_ context.Context, r store.Reader) (*eventbridgeapi.DescribeRuleResponse, error) {
		rec, err := mustRule(r, b, in.Name)
		if err != nil {
			return nil, err
		}
		v := rec.view(b, in.Name)
		return &eventbridgeapi.DescribeRuleResponse{Name: v.Name, Arn: v.Arn, EventPattern: v.EventPattern, State: v.State,
			ScheduleExpression: v.ScheduleExpression, Description: v.Description, RoleArn: v.RoleArn, EventBusName: v.EventBusName, ManagedBy: v.ManagedBy,
			CreatedBy: &rec.CreatedBy}, nil
	})
}

func (r *ruleRecord) view(b ref, name string) eventbridgeapi.Rule {
	arn := b.ruleARN(name)
	var by *string
	if r.Archive != "" {
		by = text(archiver)
	}
	return eventbridgeapi.Rule{ManagedBy: by, Name: &name, Arn: &arn, EventPattern: text(r.Pattern), State: eventbridgeapi.RuleState(r.State),
		Description: text(r.Description), ScheduleExpression: text(r.Schedule), RoleArn: text(r.Role), EventBusName: &b.name}
}

// ListRules lists the rules of a bus.
func (s *Service) ListRules(ctx context.Context, id aws.Identity, in *eventbridgeapi.ListRulesRequest) (*eventbridgeapi.ListRulesResponse, error) {
	b, err := own(id, in.EventBusName)
	if err != nil {
		return nil, err
	}
	pg, err := newPage(in.Limit, in.NextToken, in.NamePrefix)
	if err != nil {
		return nil, err
	}
	return store.View(ctx, s.shard(b.place), func(_ context.Context, r store.Reader) (*eventbridgeapi.ListRulesResponse, error) {
		if _, err := mustBus(r, b); err != nil {
			return nil, err
		}
		out := &eventbridgeapi.ListRulesResponse{Rules: []eventbridgeapi.Rule{}}
		err := pg.Each(r, b.rules(b.name), func(name string, v store.Value) (bool, error) {
			var rec ruleRecord
			err := record.Decode(v, version, &rec)
			out.Rules = append(out.Rules, rec.view(b, name))
			return true, err
		})
		out.NextToken = pg.Token()
		return out, err
	})
}

// TestEventPattern reports whether an event matches a pattern.
func (s *Service) TestEventPattern(_ context.Context, _ aws.Identity, in *eventbridgeapi.TestEventPatternRequest) (*eventbridgeapi.TestEventPatternResponse, error) {
	p, err := pattern.Compile([]byte(in.EventPattern))
	if err != nil {
		return nil, badPattern(err)
	}
	matches, err := p.Matches([]byte(in.Event))
	if err != nil {
		return nil, invalid("Parameter Event is not valid. Reason: Event is not a valid JSON object.")
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal([]byte(in.Event), &fields); err != nil {
		return nil, invalid("Parameter Event is not valid. Reason: Event is not a valid JSON object.")
	}
	for _, name := range []string{"id", "account", "source", "time", "region", "resources", "detail-type"} {
		if _, there := fields[name]; !there {
			return nil, invalid("Parameter Event is not valid. Reason: The field %s is missing.", name)
		}
	}
	return &eventbridgeapi.TestEventPatternResponse{Result: &matches}, nil
}
