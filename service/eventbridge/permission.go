package eventbridge

import (
	"context"
	"encoding/json"

	"github.com/brume-dev/brume/api/eventbridgeapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/policy"
	"github.com/brume-dev/brume/store"
)

// statement is a statement of a bus's policy as PutPermission writes it.
type statement struct {
	Sid       string                       `json:"Sid"`
	Effect    string                       `json:"Effect"`
	Principal any                          `json:"Principal"`
	Action    string                       `json:"Action"`
	Resource  string                       `json:"Resource"`
	Condition map[string]map[string]string `json:"Condition,omitempty"`
}

// PutPermission adds a statement to a bus's policy, or replaces the whole policy.
func (s *Service) PutPermission(ctx context.Context, id aws.Identity, in *eventbridgeapi.PutPermissionRequest) (*eventbridgeapi.PutPermissionOutput, error) {
	b, err := own(id, in.EventBusName)
	if err != nil {
		return nil, err
	}
	if in.Policy != nil {
		if in.Action != nil || in.Principal != nil || in.StatementId != nil || in.Condition != nil {
			return nil, invalid("Parameter Policy is not valid. Reason: Policy cannot be used together with Action, Principal, StatementId or Condition.")
		}
		if err := checkPolicy(*in.Policy); err != nil {
			return nil, err
		}
		_, err = s.changeBus(ctx, b, func(_ store.Tx, rec *busRecord) error { rec.Policy = *in.Policy; return nil })
		return &eventbridgeapi.PutPermissionOutput{}, err
	}
	st, err := makeStatement(b, in)
	if err != nil {
		return nil, err
	}
	_, err = s.changeBus(ctx, b, func(_ store.Tx, rec *busRecord) error {
		doc, list, err := statements(rec.Policy)
		if err != nil {
			return err
		}
		if i := find(list, *in.StatementId); i >= 0 {
			list.Items[i] = st
		} else {
			list.Items = append(list.Items, st)
		}
		changed := jsondoc.Text(doc)
		rec.Policy = changed
		return checkPolicy(changed)
	})
	return &eventbridgeapi.PutPermissionOutput{}, err
}

// makeStatement is the statement that a request describes.
func makeStatement(b ref, in *eventbridgeapi.PutPermissionRequest) (any, error) {
	for _, p := range []struct {
		name  string
		value *string
	}{{"Action", in.Action}, {"Principal", in.Principal}, {"StatementId", in.StatementId}} {
		if p.value == nil {
			return nil, invalid("Parameter %s is not valid. Reason: %s is a required argument.", p.name, p.name)
		}
	}
	if *in.Action != "events:PutEvents" {
		return nil, invalid("Provided value in parameter 'action' is not supported.")
	}
	st := statement{Sid: *in.StatementId, Effect: "Allow", Principal: *in.Principal, Action: *in.Action, Resource: b.arn()}
	if *in.Principal != "*" {
		st.Principal = map[string]string{"AWS": "arn:" + aws.Partition + ":iam::" + *in.Principal + ":root"}
	}
	if c := in.Condition; c != nil {
		if c.Type != "StringEquals" || c.Key != "aws:PrincipalOrgID" {
			return nil, invalid("Parameter Condition is not valid. Reason: Only the type StringEquals and the key aws:PrincipalOrgID are supported.")
		}
		st.Condition = map[string]map[string]string{c.Type: {c.Key: c.Value}}
	}
	text, err := json.Marshal(st)
	if err != nil {
		return nil, err
	}
	return jsondoc.Parse(text)
}

// checkPolicy checks a whole policy.
func checkPolicy(text string) error {
	if len(text) > maxPolicy {
		return &eventbridgeapi.PolicyLengthExceededException{Message: "The policy length exceeds the maximum limit of 10240."}
	}
	if _, err := policy.Parse(policy.Resource, text); err != nil {
		return invalid("Parameter Policy is not valid. Reason: %v", err)
	}
	return nil
}

// statements returns a policy as a document, and its list of statements.
func statements(text string) (*jsondoc.Object, *jsondoc.Array, error) {
	if text == "" {
		doc, list := jsondoc.NewObject(), &jsondoc.Array{}
		doc.Set("Version", "2012-10-17")
		doc.Set("Statement", list)
		return doc, list, nil
	}
	parsed, err := jsondoc.Parse([]byte(text))
	if err != nil {
		return nil, nil, err
	}
	doc, ok := parsed.(*jsondoc.Object)
	if !ok {
		return nil, nil, invalid("The policy is not an object.")
	}
	v, _ := doc.Get("Statement")
	list, ok := v.(*jsondoc.Array)
	if !ok {
		list = &jsondoc.Array{Items: []any{v}}
		doc.Set("Statement", list)
	}
	return doc, list, nil
}

// find returns the index of the statement with a Sid, or -1.
func find(list *jsondoc.Array, sid string) int {
	for i, item := range list.Items {
		if o, ok := item.(*jsondoc.Object); ok {
			if v, _ := o.Get("Sid"); v == any(sid) {
				return i
			}
		}
	}
	return -1
}

// RemovePermission takes a statement, or all of them, from a bus's policy.
func (s *Service) RemovePermission(ctx context.Context, id aws.Identity, in *eventbridgeapi.RemovePermissionRequest) (*eventbridgeapi.RemovePermissionOutput, error) {
	b, err := own(id, in.EventBusName)
	if err != nil {
		return nil, err
	}
	all := in.RemoveAllPermissions != nil && *in.RemoveAllPermissions
	if !all && in.StatementId == nil {
		return nil, invalid("Parameter StatementId is not valid. Reason: StatementId is a required argument.")
	}
	_, err = s.changeBus(ctx, b, func(_ store.Tx, rec *busRecord) error {
		if all {
			rec.Policy = ""
			return nil
		}
		if rec.Policy == "" {
			return notFound("EventBus does not have a policy.")
		}
		doc, list, err := statements(rec.Policy)
		if err != nil {
			return err
		}
		i := find(list, *in.StatementId)
		if i < 0 {
			return notFound("Statement with the provided id does not exist.")
		}
		list.Items = append(list.Items[:i], list.Items[i+1:]...)
		if rec.Policy = ""; len(list.Items) > 0 {
			rec.Policy = jsondoc.Text(doc)
		}
		return nil
	})
	return &eventbridgeapi.RemovePermissionOutput{}, err
}
