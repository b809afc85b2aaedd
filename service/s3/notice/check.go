package notice

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/s3/fault"
)

// maxFilter is how long a prefix or suffix may be, as long as a key.
const maxFilter = 1024

// Check judges a configuration and names those destinations that have no ID.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html
func Check(c *s3api.NotificationConfiguration) error {
	for i := range c.TopicConfigurations {
		t := &c.TopicConfigurations[i]
		if err := checkOne(&t.Id, t.TopicArn, "sns", t.Events, t.Filter); err != nil {
			return err
		}
	}
	for i := range c.QueueConfigurations {
		q := &c.QueueConfigurations[i]
		if err := checkOne(&q.Id, q.QueueArn, "sqs", q.Events, q.Filter); err != nil {
			return err
		}
	}
	for i := range c.LambdaFunctionConfigurations {
		f := &c.LambdaFunctionConfigurations[i]
		if err := checkOne(&f.Id, f.LambdaFunctionArn, "lambda", f.Events, f.Filter); err != nil {
			return err
		}
	}
	all := Destinations(c)
	for i := range all {
		for j := range i {
			if all[i].ID == all[j].ID {
				return fault.InvalidArgument("Same ID used for multiple configurations. IDs must be unique", "Id", all[i].ID)
			}
			if overlap(&all[i], &all[j]) {
				return fault.InvalidArgument("Configurations overlap. Configurations on the same bucket cannot share a common event type.", "Event", "")
			}
		}
	}
	return nil
}

func checkOne(id **string, arn, service string, events []s3api.Event, filter *s3api.NotificationConfigurationFilter) error {
	if aws.Or(*id, "") == "" {
		h := sha256.Sum256(fmt.Appendf(nil, "%s %v %+v", arn, events, affixesOf(filter)))
		*id = new(base64.RawURLEncoding.EncodeToString(h[:18]))
	}
	a, err := aws.ParseARN(arn)
	switch {
	case err != nil || a.Service != service || a.Resource == "":
		return fault.InvalidArgument("The ARN is not well formed", "ARN", arn)
	case service != "lambda" && strings.HasSuffix(arn, ".fifo"):
		return fault.InvalidArgument("Unable to validate the following destination configurations", arn, "FIFO destinations are not supported")
	case len(events) == 0:
		return fault.MalformedXML()
	}
	for _, e := range events {
		if !slices.Contains(e.EnumValues(), string(e)) {
			return fault.InvalidArgument("The event is not supported for notifications", "Event", string(e))
		}
	}
	if filter == nil || filter.Key == nil {
		return nil
	}
	seen := map[string]bool{}
	for _, r := range filter.Key.FilterRules {
		name := strings.ToLower(string(r.Name))
		switch {
		case name != "prefix" && name != "suffix":
			return fault.InvalidArgument("filter rule name must be either prefix or suffix", "FilterRule.Name", string(r.Name))
		case seen[name]:
			return fault.InvalidArgument("Cannot specify more than one "+name+" rule in a filter.", "FilterRule.Name", string(r.Name))
		case len(aws.Or(r.Value, "")) > maxFilter:
			return fault.InvalidArgument("Size of filter rule value cannot exceed 1024 bytes in UTF-8 representation", "FilterRule.Value", *r.Value)
		}
		seen[name] = true
	}
	return nil
}

func affixesOf(f *s3api.NotificationConfigurationFilter) [2]string {
	p, s := (&Destination{Filter: f}).affixes()
	return [2]string{p, s}
}

// overlap reports whether one change could concern both destinations: they share a type of event, and both filters may
// match one key.
func overlap(a, b *Destination) bool {
	shared := slices.ContainsFunc(a.Events, func(x s3api.Event) bool {
		return slices.ContainsFunc(b.Events, func(y s3api.Event) bool { return covers(x, y) || covers(y, x) })
	})
	ap, as := a.affixes()
	bp, bs := b.affixes()
	return shared && (strings.HasPrefix(ap, bp) || strings.HasPrefix(bp, ap)) && (strings.HasSuffix(as, bs) || strings.HasSuffix(bs, as))
}
