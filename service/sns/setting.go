package sns

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/brume-dev/brume/api/snsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/sns/attribute"
	"github.com/brume-dev/brume/service/sns/filter"
	"github.com/brume-dev/brume/service/sns/retry"
	"github.com/brume-dev/brume/store"
)

// Attributes of subscriptions.
const (
	subFilter   = "FilterPolicy"
	subScope    = "FilterPolicyScope"
	subRaw      = "RawMessageDelivery"
	subRedrive  = "RedrivePolicy"
	subDelivery = "DeliveryPolicy"
	subReplay   = "ReplayPolicy"
)

// setAll sets the attributes of a new subscription.
func (rec *subRecord) setAll(t ref, attributes map[string]string) error {
	// The scope comes before the policy, and raw delivery before the content types that need it.
	order := []string{subScope, subRaw, subFilter, subRedrive, subDelivery, subReplay}
	for name := range attributes {
		if !slices.Contains(order, name) && name != "SubscriptionRoleArn" {
			return invalid("Attributes Reason: Unknown attribute: %s", name)
		}
	}
	rec.Attributes = map[string]string{}
	for _, name := range order {
		if value, ok := attributes[name]; ok {
			if err := rec.set(t, name, value, "Attributes Reason: "); err != nil {
				return err
			}
		}
	}
	return nil
}

// scope is what the filter policy is about.
func (rec *subRecord) scope() string { return cmp.Or(rec.Attributes[subScope], filter.Attributes) }

func (rec *subRecord) raw() bool { return rec.Attributes[subRaw] == "true" }

// set changes one attribute; in is where errors say that it stands.
func (rec *subRecord) set(t ref, name, value, in string) error {
	keep := func(err error) error {
		if err != nil {
			return err
		}
		rec.Attributes = maps.Clone(rec.Attributes)
		if rec.Attributes == nil {
			rec.Attributes = map[string]string{}
		}
		if value == "" || value == "{}" {
			delete(rec.Attributes, name)
		} else {
			rec.Attributes[name] = value
		}
		return nil
	}
	switch name {
	case subFilter:
		if value == "" {
			return keep(nil)
		}
		if _, err := filter.Compile(value, rec.scope()); err != nil {
			return invalid("%sFilterPolicy: %v", in, err)
		}
		return keep(nil)
	case subScope:
		if value != filter.Attributes && value != filter.Body {
			return invalid("%sFilterPolicyScope: Invalid value [%s]. Please use either MessageBody or MessageAttributes", in, value)
		}
		if _, err := filter.Compile(cmp.Or(rec.Attributes[subFilter], "{}"), value); err != nil {
			return invalid("%sFilterPolicy: %v", in, err)
		}
		return keep(nil)
	case subRaw:
		value = strings.ToLower(value)
		if value != "true" && value != "false" {
			return invalid("%sRawMessageDelivery: Invalid value [%s]. Must be true or false.", in, value)
		}
		if value == "true" && rec.Protocol != protoQueue && !isWeb(rec.Protocol) {
			return invalid("%sRawMessageDelivery: Delivery protocol [%s] does not support raw message delivery.", in, rec.Protocol)
		}
		return keep(nil)
	case subRedrive:
		_, err := attribute.Redrive(value, aws.MakeARN(service, t.Region, t.Account, t.name))
		return keep(wrong(in, name, err))
	case subDelivery:
		if !isWeb(rec.Protocol) && value != "" {
			return invalid("%sDeliveryPolicy: Delivery protocol [%s] does not support delivery policies.", in, rec.Protocol)
		}
		if _, err := retry.ParseSubscription(value, rec.raw()); err != nil {
			return invalid("%sDeliveryPolicy: %v", in, err)
		}
		return keep(nil)
	case subReplay:
		if !strings.HasSuffix(t.name, fifoSuffix) {
			return invalid("%sReplayPolicy: replay is only supported for FIFO topics", in)
		}
		_, err := attribute.Replay(value)
		return keep(wrong(in, name, err))
	case "SubscriptionRoleArn":
		return invalid("%sSubscriptionRoleArn: only Amazon Data Firehose subscriptions have a role", in)
	}
	return invalid("%sAttributeName", in)
}

// show is the record as GetSubscriptionAttributes gives it; topic, when not nil, adds what the topic's settings say.
func (rec *subRecord) show(t ref, id string, topic *topicRecord) map[string]string {
	out := maps.Clone(rec.Attributes)
	if out == nil {
		out = map[string]string{}
	}
	out["SubscriptionArn"], out["TopicArn"], out["Owner"] = t.subARN(id), t.arn(), rec.Owner
	out["Protocol"], out["Endpoint"] = rec.Protocol, rec.Endpoint
	out["PendingConfirmation"] = strconv.FormatBool(rec.Pending)
	out["ConfirmationWasAuthenticated"] = strconv.FormatBool(rec.Authenticated)
	out[subRaw] = strconv.FormatBool(rec.raw())
	if rec.Principal != "" {
		out["SubscriptionPrincipal"] = rec.Principal
	}
	if out[subFilter] != "" {
		out[subScope] = rec.scope()
	}
	if topic != nil && isWeb(rec.Protocol) {
		effective := rec.policy(topic)
		out["EffectiveDeliveryPolicy"] = effective.Subscription()
	}
	return out
}

// policy is the delivery policy in effect for an HTTP endpoint.
func (rec *subRecord) policy(topic *topicRecord) retry.Policy {
	above, _ := retry.ParseTopic(topic.Attributes[attrDelivery]) // both were checked when they were set
	own, _ := retry.ParseSubscription(rec.Attributes[subDelivery], true)
	return retry.Merge(above, own)
}

// GetSubscriptionAttributes tells what a subscription is.
func (s *Service) GetSubscriptionAttributes(ctx context.Context, id aws.Identity, in *snsapi.GetSubscriptionAttributesInput) (*snsapi.GetSubscriptionAttributesResponse, error) {
	t, sub, err := subscriptionOf(id, in.SubscriptionArn)
	if err != nil {
		return nil, err
	}
	topic, rec, err := s.subscription(ctx, t, sub)
	if err != nil {
		return nil, err
	}
	if id.Account != t.Account && id.Account != rec.Owner {
		return nil, unauthorized("Not authorized to access this subscription")
	}
	out := rec.show(t, sub, &topic)
	if rec.Attributes[subReplay] != "" {
		d := t.at(&topic).data()
		r, there, err := s.replayOf(ctx, d, sub)
		if err != nil {
			return nil, err
		}
		if out["ReplayStatus"] = replayPending; there && r.Gen >= rec.Replay {
			out["ReplayStatus"] = r.State
		}
	}
	return &snsapi.GetSubscriptionAttributesResponse{Attributes: out}, nil
}

// SetSubscriptionAttributes changes one attribute.
func (s *Service) SetSubscriptionAttributes(ctx context.Context, id aws.Identity, in *snsapi.SetSubscriptionAttributesInput) (*snsapi.SetSubscriptionAttributesOutput, error) {
	t, sub, err := subscriptionOf(id, in.SubscriptionArn)
	if err != nil {
		return nil, err
	}
	value := ""
	if in.AttributeValue != nil {
		value = *in.AttributeValue
	}
	_, err = s.shard(t.place).Update(ctx, func(_ context.Context, tx store.Tx) error {
		topic, rec, err := mustSubscription(tx, t, sub)
		if err != nil {
			return err
		}
		if id.Account != t.Account && id.Account != rec.Owner {
			return unauthorized("Not authorized to change this subscription")
		}
		return rec.change(tx, t.at(&topic), &topic, sub, in.AttributeName, value)
	})
	return &snsapi.SetSubscriptionAttributesOutput{}, err
}

// change sets an attribute in tx, with what follows from it.
func (rec *subRecord) change(tx store.Tx, t spot, topic *topicRecord, id, name, value string) error {
	had := rec.Attributes[subFilter] != ""
	if err := rec.set(t.ref, name, value, ""); err != nil {
		return err
	}
	delta := int64(0)
	switch has := rec.Attributes[subFilter] != ""; {
	case has && !had:
		delta = 1
	case had && !has:
		delta = -1
	}
	if delta != 0 {
		if err := countFilter(tx, t, delta); err != nil {
			return err
		}
	}
	if name == subReplay {
		if err := rec.startReplay(tx, t, topic, id); err != nil {
			return err
		}
	}
	write(tx, t.sub(id), *rec)
	changed(tx, t.ref)
	return nil
}
