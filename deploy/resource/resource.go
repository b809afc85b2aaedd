// Package resource knows how each type of CloudFormation resource is made, changed and deleted: by calls through the
// table of operations, the same that a user would make. One file per family.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-template-resource-type-ref.html
package resource

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/deploy/resource/fit"
	"github.com/brume-dev/brume/deploy/resource/outcome"
	"github.com/brume-dev/brume/jsondoc"
)

// Kind is a type of resources. Its functions may run again after a crash: with Op.Retried set they find and go on with
// what an earlier attempt left.
type Kind struct {
	// Create makes the resource and sets Physical and Attributes.
	Create func(*Op) error
	// Update changes the resource from Old to Properties. Nil: whatever changes, the resource is replaced.
	Update func(*Op) error
	// Delete deletes it. What is already gone is no error.
	Delete func(*Op) error
	// Replaces are the properties whose change needs a new resource; those of a nil Update are all.
	Replaces []string
	// Name is the property that gives the resource its name, or "". Two resources cannot have one name, so a named
	// resource that must be replaced is refused unless the name changes too.
	Name string
	// Tags says that the tags of the stack are added to the property Tags.
	Tags bool
}

// Op is one step on one resource. Functions read what they are given and set Physical and Attributes.
type Op struct {
	context.Context
	Caller aws.Caller
	ID     aws.Identity

	Stack, StackID, LogicalID string
	Type                      string
	// Token is the same at every attempt of this step and unlike that of any other.
	Token string
	// Retried says that an earlier attempt may have done a part.
	Retried bool
	// Properties are resolved; Old are those that the resource has, in an update.
	Properties, Old *jsondoc.Object
	// Physical is what Ref gives, unless Ref is set.
	Physical string
	Ref      string
	// Attributes are what Fn::GetAtt gives.
	Attributes map[string]string
	// StackTags are the tags of the stack.
	StackTags map[string]string

	kind *Kind
}

// Pending is returned by a step that is not at its end: it is to be run again after the time, with what it has set.
type Pending struct{ After time.Duration }

func (p *Pending) Error() string { return "not yet" }

// Find returns the kind of a resource type.
func Find(name string) (*Kind, bool) {
	k, ok := kinds[name]
	return k, ok
}

// kinds are all kinds by their type.
var kinds = merge(iamKinds, lambdaKinds, layerKinds, scalingKinds, gatewayKinds, tableKinds, globalTableKinds, eventKinds, logKinds, keyKinds, parameterKinds,
	repositoryKinds, bucketKinds, queueKinds, topicKinds, stateKinds, destinationKinds)

func merge(all ...map[string]*Kind) map[string]*Kind {
	out := map[string]*Kind{}
	for _, m := range all {
		maps.Copy(out, m)
	}
	return out
}

// Run runs one of the functions of kind k on o.
func (o *Op) Run(k *Kind, f func(*Op) error) error {
	o.kind = k
	if o.Attributes == nil {
		o.Attributes = map[string]string{}
	}
	return f(o)
}

// Replacement says whether the change from old to the new properties needs a new resource.
func (k *Kind) Replacement(old, properties *jsondoc.Object) bool {
	if k.Update == nil {
		return !jsondoc.Equal(old, properties)
	}
	for _, name := range k.Replaces {
		a, _ := old.Get(name)
		b, _ := properties.Get(name)
		if !jsondoc.Equal(a, b) {
			return true
		}
	}
	return false
}

// text is a property as text, "" when it is absent.
func (o *Op) text(property string) string { return textOf(o.Properties, property) }

func textOf(doc *jsondoc.Object, name string) string {
	if doc == nil {
		return ""
	}
	v, _ := doc.Get(name)
	return fit.Text(v)
}

// has reports whether a property is there.
func (o *Op) has(property string) bool {
	_, ok := o.Properties.Get(property)
	return ok
}

// changed reports whether one of the properties differs between Old and Properties.
func (o *Op) changed(properties ...string) bool {
	return slices.ContainsFunc(properties, func(p string) bool {
		a, _ := o.Old.Get(p)
		b, _ := o.Properties.Get(p)
		return !jsondoc.Equal(a, b)
	})
}

// list is a property that is a list.
func list(doc *jsondoc.Object, property string) []any {
	if doc == nil {
		return nil
	}
	v, _ := doc.Get(property)
	if a, ok := v.(*jsondoc.Array); ok {
		return a.Items
	}
	return nil
}

// texts is a property that is a list of texts.
func texts(doc *jsondoc.Object, property string) (out []string) {
	for _, v := range list(doc, property) {
		out = append(out, fit.Text(v))
	}
	return out
}

// difference gives what is only in the new and only in the old list.
func difference(old, now []string) (added, removed []string) {
	for _, n := range now {
		if !slices.Contains(old, n) {
			added = append(added, n)
		}
	}
	for _, v := range old {
		if !slices.Contains(now, v) {
			removed = append(removed, v)
		}
	}
	return added, removed
}

// ignoreGone is for deletions: what is gone is deleted.
func ignoreGone(err error) error {
	if outcome.Gone(err) {
		return nil
	}
	return err
}

// made is for the call that creates the resource: in a retry, what is there was made by the attempt before. When the first
// attempt is refused nothing was made: what has the name is somebody else's, and is not deleted when the stack goes back.
func (o *Op) made(err error) error {
	if err != nil && !o.Retried {
		o.Physical, o.Ref = "", ""
	}
	return o.there(err)
}

// there is made for what belongs to the resource.
func (o *Op) there(err error) error {
	if err != nil && o.Retried && outcome.There(err) {
		return nil
	}
	return err
}

// vacant refuses to make what is there already, for APIs that are content with that: look is the operation that finds it.
func (o *Op) vacant(name, service, look string, pairs ...any) error {
	if o.Retried || o.do(service, look, pairs...) != nil {
		return nil
	}
	return aws.Errorf("AlreadyExists", http.StatusBadRequest, "Resource of type '%s' with identifier '%s' already exists.", o.Type, name)
}

// each runs f for every element until one fails.
func each(items []string, f func(string) error) error {
	for _, item := range items {
		if err := f(item); err != nil {
			return err
		}
	}
	return nil
}

// inSequence runs steps until one fails.
func inSequence(steps ...func() error) error {
	for _, s := range steps {
		if err := s(); err != nil {
			return err
		}
	}
	return nil
}

// Missing is the error for a required property that is not there.
func Missing(property string) error {
	return aws.Errorf("ValidationError", 400, "Property %s cannot be empty.", property)
}
