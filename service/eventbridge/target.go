package eventbridge

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/brume-dev/brume/api/eventbridgeapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/event/target"
	"github.com/brume-dev/brume/service/eventbridge/input"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// PutTargets adds targets to a rule; one with an id that is there is replaced.
func (s *Service) PutTargets(ctx context.Context, id aws.Identity, in *eventbridgeapi.PutTargetsRequest) (*eventbridgeapi.PutTargetsResponse, error) {
	b, err := own(id, in.EventBusName)
	if err != nil {
		return nil, err
	}
	recs := make([]targetRecord, len(in.Targets))
	for i := range in.Targets {
		if recs[i], err = makeTarget(b, &in.Targets[i]); err != nil {
			return nil, err
		}
	}
	_, err = s.shard(b.place).Update(ctx, func(_ context.Context, tx store.Tx) error {
		if err := ownRule(tx, b, in.Rule); err != nil {
			return err
		}
		for _, rec := range recs {
			if err := putTarget(tx, b, in.Rule, rec); err != nil {
				return err
			}
		}
		if n, err := count(tx, b.targets(b.name, in.Rule), maxTargets); err != nil || n > maxTargets {
			return cmp.Or(err, tooMany())
		}
		changed(tx, b)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &eventbridgeapi.PutTargetsResponse{FailedEntryCount: new(int32), FailedEntries: []eventbridgeapi.PutTargetsResultEntry{}}, nil
}

// ownRule refuses a rule that is not there, and one that an archive keeps.
func ownRule(tx store.Tx, b ref, name string) error {
	rule, err := mustRule(tx, b, name)
	if err == nil && rule.Archive != "" {
		err = managed(name)
	}
	return err
}

func putTarget(tx store.Tx, b ref, rule string, rec targetRecord) error {
	key := b.targets(b.name, rule).Text(rec.ID)
	old, there, err := read[targetRecord](tx, key)
	if err != nil {
		return err
	}
	if there {
		tx.Delete(b.rulesOf(old.ARN, b.name).Text(rule).Text(rec.ID))
	}
	write(tx, key, rec)
	tx.Set(b.rulesOf(rec.ARN, b.name).Text(rule).Text(rec.ID), nil)
	return nil
}

// makeTarget checks a target and makes its record.
func makeTarget(b ref, t *eventbridgeapi.Target) (rec targetRecord, err error) {
	a, err := aws.ParseARN(t.Arn)
	if err != nil {
		return rec, invalid("Parameter %s is not valid. Reason: Provided Arn is not in correct format.", t.Arn)
	}
	if err := target.Check(t.Arn); err != nil || a.Service == "s3" {
		return rec, invalid("Parameter %s is not valid. Reason: Brume does not deliver to targets of this kind yet.", t.Arn)
	}
	rec = targetRecord{ID: t.Id, ARN: t.Arn, Input: t.Input, Path: t.InputPath}
	if t.RoleArn != nil {
		rec.Role = *t.RoleArn
	}
	given := 0
	for _, there := range []bool{t.Input != nil, t.InputPath != nil, t.InputTransformer != nil} {
		if there {
			given++
		}
	}
	destination := isDestination(a)
	switch onBus := a.Service == service && !destination; {
	case given > 1:
		return rec, invalid("Only one of Input, InputPath, or InputTransformer must be provided for target %s.", t.Id)
	case onBus && given > 0:
		return rec, invalid("Input, InputPath and InputTransformer are not available for target %s, which is an event bus.", t.Id)
	case onBus && t.Arn == b.arn():
		return rec, invalid("Target %s is the event bus of its own rule.", t.Id)
	case (a.Service == "states" || destination) && rec.Role == "":
		return rec, invalid("RoleArn is required for target %s.", t.Arn)
	}
	if h := t.HttpParameters; h != nil {
		if !destination {
			return rec, invalid("HttpParameters are not available for target %s.", t.Id)
		}
		rec.HTTP = &target.HTTP{Path: h.PathParameterValues, Header: h.HeaderParameters, Query: h.QueryStringParameters}
	}
	if tr := t.InputTransformer; tr != nil {
		rec.Template, rec.Paths = &tr.InputTemplate, tr.InputPathsMap
	}
	if p := t.SqsParameters; p != nil {
		rec.Group = p.MessageGroupId
	}
	if a.Service == "sqs" && strings.HasSuffix(a.Resource, ".fifo") && rec.Group == nil {
		return rec, invalid("Parameter(s) SqsParameters must be specified for target: %s.", t.Id)
	}
	if d := t.DeadLetterConfig; d != nil {
		if rec.DeadLetter = new(string); d.Arn != nil {
			rec.DeadLetter = d.Arn
		}
		if q, err := aws.ParseARN(*rec.DeadLetter); *rec.DeadLetter != "" && (err != nil || q.Service != "sqs" || strings.HasSuffix(q.Resource, ".fifo")) {
			return rec, invalid("DeadLetterConfig for target %s is not valid: Provided Arn is not that of a standard SQS queue.", t.Id)
		}
	}
	if r := t.RetryPolicy; r != nil {
		rec.Retry, rec.Retries, rec.Age = true, r.MaximumRetryAttempts, r.MaximumEventAgeInSeconds
	}
	_, err = rec.compile()
	return rec, err
}

// isDestination reports whether an ARN is that of an API destination.
func isDestination(a aws.ARN) bool {
	kind, _ := a.Split()
	return a.Service == service && kind == "api-destination"
}

// view is the target as it was put.
func (t *targetRecord) view() eventbridgeapi.Target {
	out := eventbridgeapi.Target{Id: t.ID, Arn: t.ARN, RoleArn: text(t.Role), Input: t.Input, InputPath: t.Path}
	if t.Template != nil {
		out.InputTransformer = &eventbridgeapi.InputTransformer{InputTemplate: *t.Template, InputPathsMap: t.Paths}
	}
	if t.Group != nil {
		out.SqsParameters = &eventbridgeapi.SqsParameters{MessageGroupId: t.Group}
	}
	if t.DeadLetter != nil {
		out.DeadLetterConfig = &eventbridgeapi.DeadLetterConfig{Arn: text(*t.DeadLetter)}
	}
	if h := t.HTTP; h != nil {
		out.HttpParameters = &eventbridgeapi.HttpParameters{PathParameterValues: h.Path, HeaderParameters: h.Header, QueryStringParameters: h.Query}
	}
	if t.Retry {
		out.RetryPolicy = &eventbridgeapi.RetryPolicy{MaximumRetryAttempts: t.Retries, MaximumEventAgeInSeconds: t.Age}
	}
	return out
}

// compiledTarget is a target ready for events.
type compiledTarget struct {
	targetRecord
	path     *input.Path
	template *input.Transformer
}

// compile checks and compiles what the target is to get.
func (t *targetRecord) compile() (c compiledTarget, err error) {
	c.targetRecord = *t
	switch {
	case t.Input != nil:
		if !json.Valid([]byte(*t.Input)) {
			return c, invalid("Input for target %s is not a valid JSON text.", t.ID)
		}
	case t.Path != nil && *t.Path != "":
		if c.path, err = input.CompilePath(*t.Path); err != nil {
			return c, invalid("Parameter InputPath of target %s is not valid. Reason: %v", t.ID, err)
		}
	case t.Template != nil:
		c.template, err = input.CompileTransformer(t.Paths, *t.Template)
		var name *input.PlaceholderError
		switch {
		case errors.As(err, &name):
			return c, invalid("InputTemplate for target %s %v", t.ID, name)
		case err != nil:
			return c, invalid("Invalid InputTemplate for target %s : %v", t.ID, err)
		}
	}
	return c, nil
}

// RemoveTargets takes targets from a rule; ids that are not there are removed already.
func (s *Service) RemoveTargets(ctx context.Context, id aws.Identity, in *eventbridgeapi.RemoveTargetsRequest) (*eventbridgeapi.RemoveTargetsResponse, error) {
	b, err := own(id, in.EventBusName)
	if err != nil {
		return nil, err
	}
	_, err = s.shard(b.place).Update(ctx, func(_ context.Context, tx store.Tx) error {
		if err := ownRule(tx, b, in.Rule); err != nil {
			return err
		}
		for _, name := range in.Ids {
			key := b.targets(b.name, in.Rule).Text(name)
			old, there, err := read[targetRecord](tx, key)
			if err != nil {
				return err
			}
			if there {
				tx.Delete(key)
				tx.Delete(b.rulesOf(old.ARN, b.name).Text(in.Rule).Text(name))
			}
		}
		changed(tx, b)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &eventbridgeapi.RemoveTargetsResponse{FailedEntryCount: new(int32), FailedEntries: []eventbridgeapi.RemoveTargetsResultEntry{}}, nil
}

// ListTargetsByRule lists the targets of a rule.
func (s *Service) ListTargetsByRule(ctx context.Context, id aws.Identity, in *eventbridgeapi.ListTargetsByRuleRequest) (*eventbridgeapi.ListTargetsByRuleResponse, error) {
	b, err := own(id, in.EventBusName)
	if err != nil {
		return nil, err
	}
	pg, err := newPage(in.Limit, in.NextToken, nil)
	if err != nil {
		return nil, err
	}
	return store.View(ctx, s.shard(b.place), func(_ context.Context, r store.Reader) (*eventbridgeapi.ListTargetsByRuleResponse, error) {
		out := &eventbridgeapi.ListTargetsByRuleResponse{Targets: []eventbridgeapi.Target{}}
		rule, err := mustRule(r, b, in.Rule)
		if err != nil {
			return nil, err
		}
		if rule.Archive != "" { // what AWS shows there
			out.Targets = append(out.Targets, eventbridgeapi.Target{Id: in.Rule, Arn: "arn:" + aws.Partition + ":events:" + b.region + ":::"})
			return out, nil
		}
		err = pg.Each(r, b.targets(b.name, in.Rule), func(_ string, v store.Value) (bool, error) {
			var rec targetRecord
			err := record.Decode(v, version, &rec)
			out.Targets = append(out.Targets, rec.view())
			return true, err
		})
		out.NextToken = pg.Token()
		return out, err
	})
}

// ListRuleNamesByTarget lists the rules of a bus that have a target.
func (s *Service) ListRuleNamesByTarget(ctx context.Context, id aws.Identity, in *eventbridgeapi.ListRuleNamesByTargetRequest) (*eventbridgeapi.ListRuleNamesByTargetResponse, error) {
	b, err := own(id, in.EventBusName)
	if err != nil {
		return nil, err
	}
	pg, err := newPage(in.Limit, in.NextToken, nil)
	if err != nil {
		return nil, err
	}
	return store.View(ctx, s.shard(b.place), func(_ context.Context, r store.Reader) (*eventbridgeapi.ListRuleNamesByTargetResponse, error) {
		if _, err := mustBus(r, b); err != nil {
			return nil, err
		}
		out, last := &eventbridgeapi.ListRuleNamesByTargetResponse{RuleNames: []string{}}, ""
		err := pg.Each(r, b.rulesOf(in.TargetArn, b.name), func(rule string, _ store.Value) (bool, error) {
			if rule == last {
				return false, nil
			}
			last = rule
			out.RuleNames = append(out.RuleNames, rule)
			return true, nil
		})
		out.NextToken = pg.Token()
		return out, err
	})
}
