package resource

import (
	"github.com/brume-dev/brume/jsondoc"
)

// What templates say of a bucket in other words than the API does:
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucket.html

// notifications tells S3 who is told of changes to objects.
func (o *Op) notifications() error {
	put := func(c *jsondoc.Object) error {
		return o.do("s3", "PutBucketNotificationConfiguration", "Bucket", o.Physical, "NotificationConfiguration", c)
	}
	return o.putOrDelete("NotificationConfiguration", func(v any) error {
		p, ok := v.(*jsondoc.Object)
		if !ok {
			return Missing("NotificationConfiguration")
		}
		return put(notificationOf(p))
	}, func() error { return put(jsondoc.NewObject()) })
}

func notificationOf(p *jsondoc.Object) *jsondoc.Object {
	out := jsondoc.NewObject()
	for _, kind := range []struct{ property, destination, member, arn string }{
		{"LambdaConfigurations", "Function", "LambdaFunctionConfigurations", "LambdaFunctionArn"},
		{"QueueConfigurations", "Queue", "QueueConfigurations", "QueueArn"},
		{"TopicConfigurations", "Topic", "TopicConfigurations", "TopicArn"},
	} {
		all := &jsondoc.Array{}
		for _, v := range list(p, kind.property) {
			r, ok := v.(*jsondoc.Object)
			if !ok {
				continue
			}
			one := input(kind.arn, textOf(r, kind.destination), "Events", &jsondoc.Array{Items: []any{textOf(r, "Event")}})
			if rules := list(inside(r, "Filter", "S3Key"), "Rules"); len(rules) > 0 {
				one.Set("Filter", input("Key", input("FilterRules", &jsondoc.Array{Items: rules})))
			}
			all.Items = append(all.Items, one)
		}
		if len(all.Items) > 0 {
			out.Set(kind.member, all)
		}
	}
	if e := inside(p, "EventBridgeConfiguration"); e != nil && textOf(e, "EventBridgeEnabled") != "false" && get(e, "EventBridgeEnabled") != false {
		out.Set("EventBridgeConfiguration", jsondoc.NewObject())
	}
	return out
}

// websiteOf writes a website, whose documents are texts in templates.
func websiteOf(p *jsondoc.Object) any {
	out := jsondoc.NewObject()
	if s := textOf(p, "IndexDocument"); s != "" {
		out.Set("IndexDocument", input("Suffix", s))
	}
	if s := textOf(p, "ErrorDocument"); s != "" {
		out.Set("ErrorDocument", input("Key", s))
	}
	if to := inside(p, "RedirectAllRequestsTo"); to != nil {
		out.Set("RedirectAllRequestsTo", to)
	}
	rules := &jsondoc.Array{}
	for _, v := range list(p, "RoutingRules") {
		if r, ok := v.(*jsondoc.Object); ok {
			rules.Items = append(rules.Items, input("Redirect", get(r, "RedirectRule"), "Condition", get(r, "RoutingRuleCondition")))
		}
	}
	if len(rules.Items) > 0 {
		out.Set("RoutingRules", rules)
	}
	return out
}

// objectLock says for how long new objects are kept; a bucket that locks objects does so for good.
func (o *Op) objectLock() error {
	put := func(c any) error {
		return o.do("s3", "PutObjectLockConfiguration", "Bucket", o.Physical, "ObjectLockConfiguration", c)
	}
	return o.putOrDelete("ObjectLockConfiguration", put, func() error { return put(input("ObjectLockEnabled", "Enabled")) })
}
