package apigateway

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/brume-dev/brume/api/apigatewayapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/apigateway/usage"
	"github.com/brume-dev/brume/store"
)

// checkPlan checks what the model does not say of a usage plan.
func checkPlan(r store.Reader, id aws.Identity, p *apigatewayapi.UsagePlan) error {
	if strings.TrimSpace(text(p.Name)) == "" {
		return bad("Usage Plan name cannot be empty")
	}
	if t := p.Throttle; t != nil && (t.RateLimit != nil && *t.RateLimit < 0 || t.BurstLimit != nil && *t.BurstLimit < 0) {
		return bad("Usage Plan throttle limits must not be negative")
	}
	if q := p.Quota; q != nil && (q.Limit == nil || *q.Limit <= 0 || q.Period == "") {
		return bad("Usage Plan quota must have a limit that is greater than zero, and a period")
	}
	for i, st := range p.ApiStages {
		at := placeOf(id.Account, id.Region, text(st.ApiId))
		missing := notFound("API Stage not found: %s:%s", text(st.ApiId), text(st.Stage))
		if _, err := must[apigatewayapi.Stage](r, at.stages().Text(text(st.Stage)), missing); err != nil {
			return err
		}
		if slices.ContainsFunc(p.ApiStages[:i], func(o apigatewayapi.ApiStage) bool { return sameStage(o, st) }) {
			return bad("Usage Plan has the API stage %s:%s twice", *st.ApiId, *st.Stage)
		}
	}
	return checkTags(p.Tags)
}

func sameStage(a, b apigatewayapi.ApiStage) bool {
	return text(a.ApiId) == text(b.ApiId) && text(a.Stage) == text(b.Stage)
}

// CreateUsagePlan makes a usage plan.
func (s *Service) CreateUsagePlan(ctx context.Context, id aws.Identity, in *apigatewayapi.CreateUsagePlanRequest) (*apigatewayapi.UsagePlan, error) {
	own, err := s.newID(shortID)
	if err != nil {
		return nil, err
	}
	p := &apigatewayapi.UsagePlan{Id: &own, Name: &in.Name, Description: in.Description, ApiStages: in.ApiStages, Throttle: in.Throttle, Quota: in.Quota, Tags: in.Tags}
	h := shelfOf(id)
	return store.Update(ctx, s.shard(id.Account, id.Region), func(_ context.Context, tx store.Tx) (*apigatewayapi.UsagePlan, error) {
		if n, err := count(tx, h.plans(), maxPlans); err != nil || n >= maxPlans {
			if err == nil {
				err = exceeded("Maximum number of usage plans reached: %d", maxPlans)
			}
			return nil, err
		}
		if err := checkPlan(tx, id, p); err != nil {
			return nil, err
		}
		return p, save(tx, h.plans().Text(own), p)
	})
}

// GetUsagePlan describes a usage plan.
func (s *Service) GetUsagePlan(ctx context.Context, id aws.Identity, in *apigatewayapi.GetUsagePlanRequest) (*apigatewayapi.UsagePlan, error) {
	return store.View(ctx, s.shard(id.Account, id.Region), func(_ context.Context, r store.Reader) (*apigatewayapi.UsagePlan, error) {
		return must[apigatewayapi.UsagePlan](r, shelfOf(id).plans().Text(in.UsagePlanId), notFound("Invalid Usage Plan ID specified"))
	})
}

// GetUsagePlans lists usage plans, or those of a key.
func (s *Service) GetUsagePlans(ctx context.Context, id aws.Identity, in *apigatewayapi.GetUsagePlansRequest) (*apigatewayapi.UsagePlans, error) {
	return store.View(ctx, s.shard(id.Account, id.Region), func(_ context.Context, r store.Reader) (*apigatewayapi.UsagePlans, error) {
		h := shelfOf(id)
		of, err := namesBelow(r, h.plansOf(text(in.KeyId)))
		if err != nil {
			return nil, err
		}
		items, next, err := pageOf(r, h.plans(), in.Position, in.Limit, func(p *apigatewayapi.UsagePlan) bool {
			return in.KeyId == nil || slices.Contains(of, *p.Id)
		})
		return &apigatewayapi.UsagePlans{Items: items, Position: next}, err
	})
}

// DeleteUsagePlan deletes a usage plan with its keys' membership and their counts.
func (s *Service) DeleteUsagePlan(ctx context.Context, id aws.Identity, in *apigatewayapi.DeleteUsagePlanRequest) (*apigatewayapi.DeleteUsagePlanOutput, error) {
	h := shelfOf(id)
	return store.Update(ctx, s.shard(id.Account, id.Region), func(_ context.Context, tx store.Tx) (*apigatewayapi.DeleteUsagePlanOutput, error) {
		if _, err := must[apigatewayapi.UsagePlan](tx, h.plans().Text(in.UsagePlanId), notFound("Invalid Usage Plan ID specified")); err != nil {
			return nil, err
		}
		keys, err := namesBelow(tx, h.members(in.UsagePlanId))
		for _, k := range keys {
			h.dismiss(tx, in.UsagePlanId, k)
		}
		if err == nil {
			err = store.DeleteLarge(tx, store.Key(h.plans().Text(in.UsagePlanId)))
		}
		return &apigatewayapi.DeleteUsagePlanOutput{}, err
	})
}

// planRules are what UpdateUsagePlan can change; stages are named "api:stage".
func planRules() []rule[apigatewayapi.UsagePlan] {
	type plan = apigatewayapi.UsagePlan
	throttle := func(v *plan) *apigatewayapi.ThrottleSettings {
		if v.Throttle == nil {
			v.Throttle = &apigatewayapi.ThrottleSettings{}
		}
		return v.Throttle
	}
	quota := func(v *plan) *apigatewayapi.QuotaSettings {
		if v.Quota == nil {
			v.Quota = &apigatewayapi.QuotaSettings{}
		}
		return v.Quota
	}
	return []rule[plan]{
		textRule("/name", "replace", func(v *plan) **string { return &v.Name }),
		textRule("/description", "replace", func(v *plan) **string { return &v.Description }),
		textRule("/productCode", "replace remove", func(v *plan) **string { return &v.ProductCode }),
		{path: "/apiStages", ops: "add", set: func(v *plan, _ []string, value string) error {
			api, name, _ := strings.Cut(value, ":")
			v.ApiStages = append(v.ApiStages, apigatewayapi.ApiStage{ApiId: &api, Stage: &name})
			return nil
		}},
		{path: "/throttle", ops: "remove", unset: func(v *plan, _ []string) error { v.Throttle = nil; return nil }},
		{path: "/throttle/rateLimit", ops: "add replace", set: func(v *plan, _ []string, value string) error {
			n, err := readFloat("/throttle/rateLimit", value)
			throttle(v).RateLimit = &n
			return err
		}},
		{path: "/throttle/burstLimit", ops: "add replace", set: func(v *plan, _ []string, value string) error {
			n, err := readInt("/throttle/burstLimit", value)
			throttle(v).BurstLimit = &n
			return err
		}},
		{path: "/quota", ops: "remove", unset: func(v *plan, _ []string) error { v.Quota = nil; return nil }},
		{path: "/quota/limit", ops: "add replace", set: func(v *plan, _ []string, value string) error {
			n, err := readInt("/quota/limit", value)
			quota(v).Limit = &n
			return err
		}},
		{path: "/quota/offset", ops: "add replace", set: func(v *plan, _ []string, value string) error {
			n, err := readInt("/quota/offset", value)
			quota(v).Offset = &n
			return err
		}},
		enumRule("/quota/period", "add replace", func(v *plan) *apigatewayapi.QuotaPeriodType { return &quota(v).Period }),
	}
}

// UpdateUsagePlan changes a usage plan. The path /apiStages names the stage to remove by its value.
func (s *Service) UpdateUsagePlan(ctx context.Context, id aws.Identity, in *apigatewayapi.UpdateUsagePlanRequest) (*apigatewayapi.UsagePlan, error) {
	at := shelfOf(id).plans().Text(in.UsagePlanId)
	return store.Update(ctx, s.shard(id.Account, id.Region), func(_ context.Context, tx store.Tx) (*apigatewayapi.UsagePlan, error) {
		p, err := must[apigatewayapi.UsagePlan](tx, at, notFound("Invalid Usage Plan ID specified"))
		if err != nil {
			return nil, err
		}
		var rest []apigatewayapi.PatchOperation
		for _, op := range in.PatchOperations {
			if op.Op != apigatewayapi.OpRemove || text(op.Path) != "/apiStages" {
				rest = append(rest, op)
				continue
			}
			before := len(p.ApiStages)
			p.ApiStages = slices.DeleteFunc(p.ApiStages, func(o apigatewayapi.ApiStage) bool { return text(o.ApiId)+":"+text(o.Stage) == text(op.Value) })
			if len(p.ApiStages) == before {
				return nil, notFound("API Stage not found: %s", text(op.Value))
			}
		}
		if err := patch(p, planRules(), rest); err != nil {
			return nil, err
		}
		if err := checkPlan(tx, id, p); err != nil {
			return nil, err
		}
		return p, save(tx, at, p)
	})
}

// CreateUsagePlanKey takes a key into a usage plan.
func (s *Service) CreateUsagePlanKey(ctx context.Context, id aws.Identity, in *apigatewayapi.CreateUsagePlanKeyRequest) (*apigatewayapi.UsagePlanKey, error) {
	if in.KeyType != "API_KEY" {
		return nil, bad("Invalid key type specified: the type of a usage plan key is API_KEY")
	}
	h := shelfOf(id)
	return store.Update(ctx, s.shard(id.Account, id.Region), func(_ context.Context, tx store.Tx) (*apigatewayapi.UsagePlanKey, error) {
		p, err := must[apigatewayapi.UsagePlan](tx, h.plans().Text(in.UsagePlanId), notFound("Invalid Usage Plan ID specified"))
		if err != nil {
			return nil, err
		}
		k, err := must[apigatewayapi.ApiKey](tx, h.keys().Text(in.KeyId), noKey())
		if err != nil {
			return nil, err
		}
		others, err := namesBelow(tx, h.plansOf(in.KeyId))
		if err != nil {
			return nil, err
		}
		for _, o := range others {
			other, err := load[apigatewayapi.UsagePlan](tx, h.plans().Text(o))
			if err != nil {
				return nil, err
			}
			if o == in.UsagePlanId || other != nil && slices.ContainsFunc(other.ApiStages, func(a apigatewayapi.ApiStage) bool {
				return slices.ContainsFunc(p.ApiStages, func(b apigatewayapi.ApiStage) bool { return sameStage(a, b) })
			}) {
				return nil, conflict("The API Key %s is in a usage plan with the same API stage already: %s", in.KeyId, o)
			}
		}
		member := &apigatewayapi.UsagePlanKey{Id: k.Id, Type: &in.KeyType, Value: k.Value, Name: k.Name}
		tx.Set(store.Key(h.plansOf(in.KeyId).Text(in.UsagePlanId)), nil)
		return member, save(tx, h.members(in.UsagePlanId).Text(in.KeyId), member)
	})
}

// dismiss takes a key from a plan.
func (h shelf) dismiss(tx store.Tx, plan, key string) {
	tx.Delete(store.Key(h.members(plan).Text(key)))
	tx.Delete(store.Key(h.plansOf(key).Text(plan)))
	usage.Forget(tx, h.account, h.region, plan, key)
}

// GetUsagePlanKey describes a key of a usage plan.
func (s *Service) GetUsagePlanKey(ctx context.Context, id aws.Identity, in *apigatewayapi.GetUsagePlanKeyRequest) (*apigatewayapi.UsagePlanKey, error) {
	return store.View(ctx, s.shard(id.Account, id.Region), func(_ context.Context, r store.Reader) (*apigatewayapi.UsagePlanKey, error) {
		return must[apigatewayapi.UsagePlanKey](r, shelfOf(id).members(in.UsagePlanId).Text(in.KeyId), notFound("Invalid Usage Plan Key ID specified"))
	})
}

// GetUsagePlanKeys lists the keys of a usage plan.
func (s *Service) GetUsagePlanKeys(ctx context.Context, id aws.Identity, in *apigatewayapi.GetUsagePlanKeysRequest) (*apigatewayapi.UsagePlanKeys, error) {
	return store.View(ctx, s.shard(id.Account, id.Region), func(_ context.Context, r store.Reader) (*apigatewayapi.UsagePlanKeys, error) {
		items, next, err := pageOf(r, shelfOf(id).members(in.UsagePlanId), in.Position, in.Limit, func(k *apigatewayapi.UsagePlanKey) bool {
			return strings.HasPrefix(text(k.Name), text(in.NameQuery))
		})
		return &apigatewayapi.UsagePlanKeys{Items: items, Position: next}, err
	})
}

// DeleteUsagePlanKey takes a key from a usage plan.
func (s *Service) DeleteUsagePlanKey(ctx context.Context, id aws.Identity, in *apigatewayapi.DeleteUsagePlanKeyRequest) (*apigatewayapi.DeleteUsagePlanKeyOutput, error) {
	h := shelfOf(id)
	return store.Update(ctx, s.shard(id.Account, id.Region), func(_ context.Context, tx store.Tx) (*apigatewayapi.DeleteUsagePlanKeyOutput, error) {
		_, err := must[apigatewayapi.UsagePlanKey](tx, h.members(in.UsagePlanId).Text(in.KeyId), notFound("Invalid Usage Plan Key ID specified"))
		if err == nil {
			h.dismiss(tx, in.UsagePlanId, in.KeyId)
		}
		return &apigatewayapi.DeleteUsagePlanKeyOutput{}, err
	})
}

// GetUsage tells for each key and day how many requests were made and how many were left.
func (s *Service) GetUsage(ctx context.Context, id aws.Identity, in *apigatewayapi.GetUsageRequest) (*apigatewayapi.Usage, error) {
	from, err1 := time.Parse(time.DateOnly, in.StartDate)
	to, err2 := time.Parse(time.DateOnly, in.EndDate)
	if err1 != nil || err2 != nil || to.Before(from) || to.Sub(from) > maxUsageDays*24*time.Hour {
		return nil, bad("Invalid date range: dates are of the form YYYY-MM-DD, and at most %d days apart", maxUsageDays)
	}
	s.plane.Flush(ctx)
	h := shelfOf(id)
	return store.View(ctx, s.shard(id.Account, id.Region), func(_ context.Context, r store.Reader) (*apigatewayapi.Usage, error) {
		p, err := must[apigatewayapi.UsagePlan](r, h.plans().Text(in.UsagePlanId), notFound("Invalid Usage Plan ID specified"))
		if err != nil {
			return nil, err
		}
		out := &apigatewayapi.Usage{UsagePlanId: &in.UsagePlanId, StartDate: &in.StartDate, EndDate: &in.EndDate, Items: map[string][][]int64{}}
		keys, next, err := pageOf(r, h.members(in.UsagePlanId), in.Position, in.Limit, func(k *apigatewayapi.UsagePlanKey) bool {
			return in.KeyId == nil || *k.Id == *in.KeyId
		})
		out.Position = next
		for _, k := range keys {
			if err == nil {
				out.Items[*k.Id], err = usage.Days(r, id.Account, id.Region, p, *k.Id, from, to)
			}
		}
		return out, err
	})
}

// Client implements execute.Source: who an API key is at a stage; nil when the stage is not open to it.
func (s *Service) Client(ctx context.Context, account, region, value, api, stage string) (*usage.Client, error) {
	h := shelf{account, region}
	return store.View(ctx, s.shard(account, region), func(_ context.Context, r store.Reader) (*usage.Client, error) {
		own, ok, err := r.Get(h.value(value))
		if err != nil || !ok {
			return nil, err
		}
		k, err := load[apigatewayapi.ApiKey](r, h.keys().Text(string(own)))
		if err != nil || k == nil || !truth(k.Enabled) {
			return nil, err
		}
		plans, err := namesBelow(r, h.plansOf(*k.Id))
		if err != nil {
			return nil, err
		}
		for _, name := range plans {
			p, err := load[apigatewayapi.UsagePlan](r, h.plans().Text(name))
			if err != nil {
				return nil, err
			}
			for _, st := range p.ApiStages {
				if text(st.ApiId) == api && text(st.Stage) == stage {
					return &usage.Client{Account: account, Region: region, Key: *k.Id, Value: value, Plan: name, Stage: api + ":" + stage,
						Throttle: p.Throttle, Methods: st.Throttle, Quota: p.Quota}, nil
				}
			}
		}
		return nil, nil
	})
}
