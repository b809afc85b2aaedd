package resource

import (
	"maps"
	"slices"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/deploy/resource/fit"
	"github.com/brume-dev/brume/jsondoc"
)

const maxTopicName = 256

// The properties of a topic that are attributes in the API, under the same names, with what each is when the template does not
// say.
var topicAttributes = map[string]string{"ArchivePolicy": "{}", "ContentBasedDeduplication": "false", "DisplayName": "", "FifoThroughputScope": "Topic",
	"KmsMasterKeyId": "", "SignatureVersion": "1", "TracingConfig": "PassThrough"}

// The same of a subscription.
var subscriptionAttributes = map[string]string{"DeliveryPolicy": "{}", "FilterPolicy": "{}", "FilterPolicyScope": "MessageAttributes", "RawMessageDelivery": "false",
	"RedrivePolicy": "{}", "ReplayPolicy": "{}"}

var topicKinds = map[string]*Kind{
	"AWS::SNS::Topic": {Create: createTopic, Update: updateTopic, Delete: deleteTopic, Replaces: []string{"TopicName", "FifoTopic"}, Name: "TopicName", Tags: true},
	"AWS::SNS::Subscription": {Create: createSubscription, Update: updateSubscription, Delete: deleteSubscription,
		Replaces: []string{"Endpoint", "Protocol", "TopicArn"}},
	"AWS::SNS::TopicPolicy": {Create: createTopicPolicy, Update: updateTopicPolicy, Delete: deleteTopicPolicy},
	"AWS::SNS::TopicInlinePolicy": {Create: putInlineTopicPolicy, Update: putInlineTopicPolicy, Delete: deleteInlineTopicPolicy,
		Replaces: []string{"TopicArn"}},
}

// given are the properties that are attributes, as the API takes them: everything is text there.
func given(p *jsondoc.Object, names map[string]string) *jsondoc.Object {
	out := jsondoc.NewObject()
	for _, n := range slices.Sorted(maps.Keys(names)) {
		if v := get(p, n); v != nil {
			out.Set(n, scalarOrJSON(v))
		}
	}
	return out
}

func createTopic(o *Op) error {
	fifo := o.text("FifoTopic") == "true"
	name := o.name("TopicName", maxTopicName)
	if fifo && !o.has("TopicName") {
		name = o.name("TopicName", maxTopicName-len(".fifo")) + ".fifo"
	}
	arn := aws.MakeARN("sns", o.ID.Region, o.ID.Account, name).String()
	if err := o.vacant(arn, "sns", "GetTopicAttributes", "TopicArn", arn); err != nil {
		return err
	}
	attributes := given(o.Properties, topicAttributes)
	if fifo {
		attributes.Set("FifoTopic", "true")
	}
	for k, v := range feedback(o.Properties).All() {
		attributes.Set(k, v)
	}
	in := input("Name", name, "Attributes", attributes, "Tags", tagList(o))
	if p := get(o.Properties, "DataProtectionPolicy"); p != nil {
		in.Set("DataProtectionPolicy", scalarOrJSON(p))
	}
	if _, err := o.call("sns", "CreateTopic", in); err != nil {
		return err
	}
	o.Physical = arn
	o.Attributes["TopicArn"], o.Attributes["TopicName"] = arn, name
	return o.topicSubscriptions(nil)
}

// tagList are the tags as a list.
func tagList(o *Op) any {
	tags := &jsondoc.Array{}
	for k, v := range fit.Map(get(o.properties(), "Tags")).All() {
		tags.Items = append(tags.Items, input("Key", k, "Value", v))
	}
	if len(tags.Items) == 0 {
		return nil
	}
	return tags
}

// feedback is DeliveryStatusLogging as attributes: HTTPSuccessFeedbackRoleArn and so on.
func feedback(p *jsondoc.Object) *jsondoc.Object {
	prefixes := map[string]string{"http/s": "HTTP", "sqs": "SQS", "lambda": "Lambda", "firehose": "Firehose", "application": "Application"}
	out := jsondoc.NewObject()
	for _, v := range list(p, "DeliveryStatusLogging") {
		log, ok := v.(*jsondoc.Object)
		if !ok {
			continue
		}
		for _, n := range []string{"SuccessFeedbackRoleArn", "SuccessFeedbackSampleRate", "FailureFeedbackRoleArn"} {
			if text := textOf(log, n); text != "" {
				out.Set(prefixes[textOf(log, "Protocol")]+n, text)
			}
		}
	}
	return out
}

// topicSubscriptions brings the subscriptions that the topic itself lists from old to what they are.
func (o *Op) topicSubscriptions(old *jsondoc.Object) error {
	keys := func(doc *jsondoc.Object) (out []string) {
		for _, v := range list(doc, "Subscription") {
			if s, ok := v.(*jsondoc.Object); ok {
				out = append(out, textOf(s, "Protocol")+"\n"+textOf(s, "Endpoint"))
			}
		}
		return out
	}
	added, removed := difference(keys(old), keys(o.Properties))
	for _, v := range list(o.Properties, "Subscription") {
		s, ok := v.(*jsondoc.Object)
		if !ok || !slices.Contains(added, textOf(s, "Protocol")+"\n"+textOf(s, "Endpoint")) {
			continue
		}
		if err := o.do("sns", "Subscribe", "TopicArn", o.Physical, "Protocol", textOf(s, "Protocol"), "Endpoint", textOf(s, "Endpoint")); err != nil {
			return err
		}
	}
	if len(removed) == 0 {
		return nil
	}
	token := ""
	for {
		out, err := o.call("sns", "ListSubscriptionsByTopic", input("TopicArn", o.Physical, "NextToken", token))
		if err != nil {
			return err
		}
		for _, v := range list(out, "Subscriptions") {
			s, ok := v.(*jsondoc.Object)
			arn := textOf(s, "SubscriptionArn")
			if !ok || arn == "PendingConfirmation" || !slices.Contains(removed, textOf(s, "Protocol")+"\n"+textOf(s, "Endpoint")) {
				continue
			}
			if err := ignoreGone(o.do("sns", "Unsubscribe", "SubscriptionArn", arn)); err != nil {
				return err
			}
		}
		if token = textOf(out, "NextToken"); token == "" {
			return nil
		}
	}
}

// setChanged calls set for each attribute that changes, with its default when the template does not name it any more.
func setChanged(old, now *jsondoc.Object, defaults map[string]string, set func(name, value string) error) error {
	for _, n := range slices.Sorted(maps.Keys(defaults)) {
		before, after := get(old, n), get(now, n)
		if before == nil && after == nil || jsondoc.Equal(before, after) {
			continue
		}
		value := defaults[n]
		if after != nil {
			value = scalarOrJSON(after)
		}
		if err := set(n, value); err != nil {
			return err
		}
	}
	return nil
}

func updateTopic(o *Op) error {
	set := func(name, value string) error {
		return o.do("sns", "SetTopicAttributes", "TopicArn", o.Physical, "AttributeName", name, "AttributeValue", &value)
	}
	return inSequence(
		func() error { return setChanged(o.Old, o.Properties, topicAttributes, set) },
		func() error {
			before, now := feedback(o.Old), feedback(o.Properties)
			none := map[string]string{}
			for _, doc := range []*jsondoc.Object{before, now} {
				for k := range doc.All() {
					none[k] = ""
				}
			}
			return setChanged(before, now, none, set)
		},
		func() error {
			return o.putOrDelete("DataProtectionPolicy", func(p any) error {
				return o.do("sns", "PutDataProtectionPolicy", "ResourceArn", o.Physical, "DataProtectionPolicy", scalarOrJSON(p))
			}, func() error {
				empty := ""
				return o.do("sns", "PutDataProtectionPolicy", "ResourceArn", o.Physical, "DataProtectionPolicy", &empty)
			})
		},
		func() error { return o.topicSubscriptions(o.Old) },
		func() error {
			return o.retag(
				func(tags *jsondoc.Object) error {
					return o.do("sns", "TagResource", "ResourceArn", o.Physical, "Tags", tags)
				},
				func(keys []any) error {
					return o.do("sns", "UntagResource", "ResourceArn", o.Physical, "TagKeys", &jsondoc.Array{Items: keys})
				})
		})
}

func deleteTopic(o *Op) error {
	return ignoreGone(o.do("sns", "DeleteTopic", "TopicArn", o.Physical))
}

func createSubscription(o *Op) error {
	out, err := o.call("sns", "Subscribe", input("TopicArn", o.text("TopicArn"), "Protocol", o.text("Protocol"), "Endpoint", o.text("Endpoint"),
		"Attributes", given(o.Properties, subscriptionAttributes), "ReturnSubscriptionArn", true))
	if err != nil {
		return err
	}
	o.Physical = textOf(out, "SubscriptionArn")
	o.Attributes["Arn"] = o.Physical
	return nil
}

func updateSubscription(o *Op) error {
	set := func(name, value string) error {
		return o.do("sns", "SetSubscriptionAttributes", "SubscriptionArn", o.Physical, "AttributeName", name, "AttributeValue", value)
	}
	// A policy on the body may be one that the attributes know nothing of: it comes after its scope, and goes before it.
	if o.changed("FilterPolicyScope") && o.text("FilterPolicyScope") == "MessageBody" {
		if err := set("FilterPolicyScope", "MessageBody"); err != nil {
			return err
		}
	}
	return setChanged(o.Old, o.Properties, subscriptionAttributes, set)
}

func deleteSubscription(o *Op) error {
	return ignoreGone(o.do("sns", "Unsubscribe", "SubscriptionArn", o.Physical))
}

// setTopicPolicies gives topics a policy; "" gives each the one that it was made with.
func (o *Op) setTopicPolicies(arns []string, policy string) error {
	return each(arns, func(arn string) error {
		text := policy
		if text == "" {
			text = firstTopicPolicy(arn)
		}
		return o.do("sns", "SetTopicAttributes", "TopicArn", arn, "AttributeName", "Policy", "AttributeValue", text)
	})
}

// firstTopicPolicy is the policy that SNS gives a new topic: a topic cannot be without one.
func firstTopicPolicy(arn string) string {
	a, _ := aws.ParseARN(arn) // a text that is none is refused by the call
	actions := &jsondoc.Array{}
	for _, n := range []string{"GetTopicAttributes", "SetTopicAttributes", "AddPermission", "RemovePermission", "DeleteTopic", "Subscribe",
		"ListSubscriptionsByTopic", "Publish"} {
		actions.Items = append(actions.Items, "SNS:"+n)
	}
	st := input("Sid", "__default_statement_ID", "Effect", "Allow", "Principal", input("AWS", "*"), "Action", actions, "Resource", arn,
		"Condition", input("StringEquals", input("AWS:SourceOwner", a.Account)))
	return jsondoc.Text(input("Version", "2008-10-17", "Id", "__default_policy_ID", "Statement", &jsondoc.Array{Items: []any{st}}))
}

func createTopicPolicy(o *Op) error {
	o.Physical = o.name("", maxTopicName)
	o.Attributes["Id"] = o.Physical
	return o.setTopicPolicies(texts(o.Properties, "Topics"), scalarOrJSON(get(o.Properties, "PolicyDocument")))
}

func updateTopicPolicy(o *Op) error {
	_, leave := difference(texts(o.Old, "Topics"), texts(o.Properties, "Topics"))
	return inSequence(
		func() error {
			return each(leave, func(arn string) error { return ignoreGone(o.setTopicPolicies([]string{arn}, "")) })
		},
		func() error {
			return o.setTopicPolicies(texts(o.Properties, "Topics"), scalarOrJSON(get(o.Properties, "PolicyDocument")))
		})
}

func deleteTopicPolicy(o *Op) error {
	return each(texts(o.Properties, "Topics"), func(arn string) error { return ignoreGone(o.setTopicPolicies([]string{arn}, "")) })
}

func putInlineTopicPolicy(o *Op) error {
	o.Physical = o.text("TopicArn")
	return o.setTopicPolicies([]string{o.Physical}, scalarOrJSON(get(o.Properties, "PolicyDocument")))
}

func deleteInlineTopicPolicy(o *Op) error {
	return ignoreGone(o.setTopicPolicies([]string{o.Physical}, ""))
}
