package sns

import (
	"context"
	"slices"
	"strings"

	"github.com/brume-dev/brume/api/snsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/policy"
	"github.com/brume-dev/brume/store"
)

// grantable are the actions that a statement for other accounts may name.
func grantable() []string {
	return []string{"GetTopicAttributes", "SetTopicAttributes", "AddPermission", "RemovePermission", "DeleteTopic", "Subscribe",
		"ListSubscriptionsByTopic", "Publish"}
}

// defaultPolicy is that of a topic when nobody sets one: its owner may do everything.
func defaultPolicy(t ref) string {
	actions := make([]any, 0, len(grantable()))
	for _, a := range grantable() {
		actions = append(actions, "SNS:"+a)
	}
	st := object("Sid", "__default_statement_ID", "Effect", "Allow", "Principal", object("AWS", "*"), "Action", &jsondoc.Array{Items: actions},
		"Resource", t.arn(), "Condition", object("StringEquals", object("AWS:SourceOwner", t.Account)))
	return jsondoc.Text(object("Version", "2008-10-17", "Id", "__default_policy_ID", "Statement", &jsondoc.Array{Items: []any{st}}))
}

// object is the document with these names and values.
func object(pairs ...any) *jsondoc.Object {
	o := jsondoc.NewObject()
	for i := 0; i < len(pairs); i += 2 {
		o.Set(pairs[i].(string), pairs[i+1])
	}
	return o
}

// checkPolicy checks a whole policy. in is where errors say that it stands.
func checkPolicy(text, in string) error {
	if len(text) > maxPolicy {
		return invalid("%sPolicy Error: the policy is longer than %d bytes", in, maxPolicy)
	}
	if _, err := policy.Parse(policy.Resource, text); err != nil {
		return invalid("%sPolicy Error: %v", in, err)
	}
	return nil
}

// statements returns a policy as a document, and its list of statements.
func statements(text string) (*jsondoc.Object, *jsondoc.Array) {
	parsed, err := jsondoc.Parse([]byte(text))
	doc, ok := parsed.(*jsondoc.Object)
	if err != nil || !ok { // it was checked when it was stored
		doc = object("Version", "2008-10-17")
	}
	v, there := doc.Get("Statement")
	list, ok := v.(*jsondoc.Array)
	if !ok {
		list = &jsondoc.Array{}
		if there {
			list.Items = append(list.Items, v)
		}
		doc.Set("Statement", list)
	}
	return doc, list
}

func find(list *jsondoc.Array, sid string) int {
	return slices.IndexFunc(list.Items, func(item any) bool {
		o, ok := item.(*jsondoc.Object)
		if !ok {
			return false
		}
		v, _ := o.Get("Sid")
		return v == any(sid)
	})
}

// changePolicy gives a topic's policy to f, which changes it.
func (s *Service) changePolicy(ctx context.Context, id aws.Identity, arn string, f func(t ref, list *jsondoc.Array) error) error {
	t, err := topicOf(id, "TopicArn", arn)
	if err != nil {
		return err
	}
	_, err = s.shard(t.place).Update(ctx, func(_ context.Context, tx store.Tx) error {
		rec, err := mustTopic(tx, t)
		if err != nil {
			return err
		}
		doc, list := statements(rec.Policy)
		if err := f(t, list); err != nil {
			return err
		}
		text := jsondoc.Text(doc)
		if len(list.Items) == 0 { // a policy without statements is none: nobody but the owner's account has access
			text = ""
		} else if err := checkPolicy(text, ""); err != nil {
			return err
		}
		rec.Policy = text
		write(tx, t.key(), rec)
		changed(tx, t)
		return nil
	})
	return err
}

// AddPermission adds a statement to the topic's policy.
func (s *Service) AddPermission(ctx context.Context, id aws.Identity, in *snsapi.AddPermissionInput) (*snsapi.AddPermissionOutput, error) {
	if in.Label == "" || len(in.Label) > 80 || strings.Trim(in.Label, nameCharacters) != "" {
		return nil, invalid("Label")
	}
	if len(in.AWSAccountId) == 0 {
		return nil, invalid("AWSAccountId")
	}
	if len(in.ActionName) == 0 {
		return nil, invalid("ActionName")
	}
	var principals, actions []any
	for _, account := range in.AWSAccountId {
		if account != "*" && (len(account) != 12 || strings.Trim(account, "0123456789") != "") {
			return nil, invalid("AWSAccountId")
		}
		if account != "*" {
			account = aws.MakeARN("iam", "", account, "root").String()
		}
		principals = append(principals, account)
	}
	for _, name := range in.ActionName {
		if name != "*" && !slices.Contains(grantable(), name) {
			return nil, invalid("Policy statement action out of service scope!")
		}
		actions = append(actions, "SNS:"+name)
	}
	err := s.changePolicy(ctx, id, in.TopicArn, func(t ref, list *jsondoc.Array) error {
		if find(list, in.Label) >= 0 {
			return invalid("Statement already exists")
		}
		list.Items = append(list.Items, object("Sid", in.Label, "Effect", "Allow", "Principal", object("AWS", oneOrAll(principals)),
			"Action", oneOrAll(actions), "Resource", t.arn()))
		return nil
	})
	return &snsapi.AddPermissionOutput{}, err
}

// oneOrAll is the only item, or the list.
func oneOrAll(items []any) any {
	if len(items) == 1 {
		return items[0]
	}
	return &jsondoc.Array{Items: items}
}

// RemovePermission takes a statement from the topic's policy; one that is not there is taken already.
func (s *Service) RemovePermission(ctx context.Context, id aws.Identity, in *snsapi.RemovePermissionInput) (*snsapi.RemovePermissionOutput, error) {
	err := s.changePolicy(ctx, id, in.TopicArn, func(_ ref, list *jsondoc.Array) error {
		if i := find(list, in.Label); i >= 0 {
			list.Items = slices.Delete(list.Items, i, i+1)
		}
		return nil
	})
	return &snsapi.RemovePermissionOutput{}, err
}
