package resource

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"slices"

	"github.com/brume-dev/brume/api/apigatewayapi"
	"github.com/brume-dev/brume/api/applicationautoscalingapi"
	"github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/api/ecrapi"
	"github.com/brume-dev/brume/api/eventbridgeapi"
	"github.com/brume-dev/brume/api/iamapi"
	"github.com/brume-dev/brume/api/kmsapi"
	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/api/logsapi"
	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/api/sfnapi"
	"github.com/brume-dev/brume/api/snsapi"
	"github.com/brume-dev/brume/api/sqsapi"
	"github.com/brume-dev/brume/api/ssmapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/deploy/resource/fit"
	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/shape"
)

// services are the APIs that resources are made of.
var services = func() map[string]*aws.Service {
	all := map[string]*aws.Service{}
	for _, s := range []*aws.Service{apigatewayapi.Service, applicationautoscalingapi.Service, dynamodbapi.Service, ecrapi.Service, eventbridgeapi.Service,
		iamapi.Service, kmsapi.Service, lambdaapi.Service, logsapi.Service, s3api.Service, sfnapi.Service, snsapi.Service, sqsapi.Service, ssmapi.Service} {
		all[s.Name] = s
	}
	return all
}()

// input is the document of a call: names and values in turn. Absent values (nil) are left out, and empty texts unless
// they are given by a pointer.
func input(pairs ...any) *jsondoc.Object {
	o := jsondoc.NewObject()
	return with(o, pairs...)
}

// with adds pairs to a copy of doc.
func with(doc *jsondoc.Object, pairs ...any) *jsondoc.Object {
	out := jsondoc.NewObject()
	for k, v := range doc.All() {
		out.Set(k, v)
	}
	for i := 0; i < len(pairs); i += 2 {
		switch v := pairs[i+1].(type) {
		case nil:
		case *string: // an empty text that counts
			out.Set(pairs[i].(string), *v)
		default:
			if v != "" {
				out.Set(pairs[i].(string), v)
			}
		}
	}
	return out
}

// properties are the resource's, with the tags of the stack when the kind has tags. Calls leave out the members that their
// input does not have, so most calls take them as they are.
func (o *Op) properties(pairs ...any) *jsondoc.Object {
	doc := with(o.Properties, pairs...)
	if o.kind == nil || !o.kind.Tags || len(o.StackTags) == 0 {
		return doc
	}
	own, _ := doc.Get("Tags")
	tags := fit.Map(own)
	for k, v := range o.StackTags {
		if _, there := tags.Get(k); !there {
			tags.Set(k, v)
		}
	}
	doc.Set("Tags", tags)
	return doc
}

// call makes a call: "iam", "CreateRole". The document is fitted to the operation's input first.
func (o *Op) call(service, operation string, in *jsondoc.Object) (*jsondoc.Object, error) {
	op := services[service].Lookup(operation)
	if op == nil || !op.Implemented() {
		return nil, aws.NotImplemented(service, operation)
	}
	fitted := fit.Input(in, shape.Of(op.In))
	out, err := o.Caller.Document(o, o.ID, op.Op, jsondoc.Append(nil, fitted))
	if err != nil {
		return nil, err
	}
	if len(out) == 0 {
		return jsondoc.NewObject(), nil
	}
	doc, err := jsondoc.Parse(out)
	if err != nil {
		return nil, fmt.Errorf("%s: answer: %w", op.Op, err)
	}
	answer, ok := doc.(*jsondoc.Object)
	if !ok {
		return jsondoc.NewObject(), nil
	}
	return answer, nil
}

// do is call for those who need no answer.
func (o *Op) do(service, operation string, pairs ...any) error {
	_, err := o.call(service, operation, input(pairs...))
	return err
}

// suffixSize is the length of the random end of a generated name.
const suffixSize = 12

// suffix is random-looking, and the same at every attempt of a step.
func (o *Op) suffix() string {
	h := sha256.Sum256([]byte(o.Token))
	return base32.StdEncoding.EncodeToString(h[:])[:suffixSize]
}

// name is the one that the property gives, or stack-logicalid-SUFFIX of at most max characters, as CloudFormation makes
// them: the logical id is cut before the stack's name.
func (o *Op) name(property string, max int) string {
	if n := o.text(property); n != "" {
		return n
	}
	room := max - suffixSize - 2
	stack, logical := o.Stack, o.LogicalID
	if len(stack)+len(logical) > room {
		logical = logical[:min(len(logical), 24, room/2)]
		stack = stack[:min(len(stack), room-len(logical))]
	}
	return stack + "-" + logical + "-" + o.suffix()
}

// without is doc less some members.
func without(doc *jsondoc.Object, names ...string) *jsondoc.Object {
	out := jsondoc.NewObject()
	for k, v := range doc.All() {
		if !slices.Contains(names, k) {
			out.Set(k, v)
		}
	}
	return out
}

// retag brings the tags of a resource from what they were to what they are: set and unset get what is new or changed, and
// the keys of what is gone.
func (o *Op) retag(set func(*jsondoc.Object) error, unset func(keys []any) error) error {
	before, now := fit.Map(get(o.Old, "Tags")), fit.Map(get(o.properties(), "Tags"))
	var remove []any
	for k := range before.All() {
		if _, stays := now.Get(k); !stays {
			remove = append(remove, k)
		}
	}
	add := jsondoc.NewObject()
	for k, v := range now.All() {
		if old, ok := before.Get(k); !ok || old != v {
			add.Set(k, v)
		}
	}
	if len(remove) > 0 {
		if err := unset(remove); err != nil {
			return err
		}
	}
	if add.Len() > 0 {
		return set(add)
	}
	return nil
}

func get(doc *jsondoc.Object, name string) any {
	if doc == nil {
		return nil
	}
	v, _ := doc.Get(name)
	return v
}

// inside walks to a member of members.
func inside(doc *jsondoc.Object, path ...string) *jsondoc.Object {
	for _, p := range path {
		o, ok := get(doc, p).(*jsondoc.Object)
		if !ok {
			return nil
		}
		doc = o
	}
	return doc
}
