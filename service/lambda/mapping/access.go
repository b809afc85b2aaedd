package mapping

import (
	"context"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
)

// Access says which action on which mapping an operation needs; ok is false for operations that are about something else.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html
func (m *Mappings) Access(ctx context.Context, id aws.Identity, op string, in any) (access []aws.Access, ok bool, err error) {
	switch op {
	case "CreateEventSourceMapping", "ListEventSourceMappings", "GetEventSourceMapping", "UpdateEventSourceMapping",
		"DeleteEventSourceMapping", "TagResource", "UntagResource", "ListTags":
	default:
		return nil, false, nil
	}
	a := aws.Access{Action: "lambda:" + op, Resource: "*", Context: map[string][]string{}}
	k := spaceOf(id.Account, id.Region)
	uuid := ""
	switch in := in.(type) {
	case *lambdaapi.CreateEventSourceMappingRequest:
		if fn, err := m.function(ctx, id, in.FunctionName); err == nil {
			a.Context["lambda:FunctionArn"] = []string{fn.ARN}
		}
		for name, v := range in.Tags {
			a.Context["aws:RequestTag/"+name] = []string{v}
			a.Context["aws:TagKeys"] = append(a.Context["aws:TagKeys"], name)
		}
		return []aws.Access{a}, true, nil
	case *lambdaapi.ListEventSourceMappingsRequest:
		return []aws.Access{a}, true, nil
	case *lambdaapi.GetEventSourceMappingRequest:
		uuid = in.UUID
	case *lambdaapi.UpdateEventSourceMappingRequest:
		uuid = in.UUID
	case *lambdaapi.DeleteEventSourceMappingRequest:
		uuid = in.UUID
	case *lambdaapi.TagResourceRequest:
		uuid, ok = tagged(id, in.Resource)
		for name, v := range in.Tags {
			a.Context["aws:RequestTag/"+name] = []string{v}
			a.Context["aws:TagKeys"] = append(a.Context["aws:TagKeys"], name)
		}
	case *lambdaapi.UntagResourceRequest:
		uuid, ok = tagged(id, in.Resource)
		a.Context["aws:TagKeys"] = in.TagKeys
	case *lambdaapi.ListTagsRequest:
		uuid, ok = tagged(id, in.Resource)
	}
	if uuid == "" {
		return nil, false, nil
	}
	p := k.at(uuid)
	a.Resource = arnOf(p.Account, p.Region, uuid)
	rec, err := store.View(ctx, m.home(k), func(_ context.Context, r store.Reader) (*mapping, error) { return at(r, p) })
	if err != nil {
		return nil, true, err
	}
	if rec != nil {
		a.Context["lambda:FunctionArn"] = []string{rec.Function}
		for name, v := range rec.Tags {
			a.Context["aws:ResourceTag/"+name] = []string{v}
		}
	}
	return []aws.Access{a}, true, nil
}

// tagged is the mapping that a tagging operation is about.
func tagged(id aws.Identity, arn string) (uuid string, ok bool) {
	p, ok := fromARN(id, arn)
	return p.UUID, ok
}
