package cloudformation

import (
	"fmt"
	"strings"

	"github.com/brume-dev/brume/api/cloudformationapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/deploy/resource"
	"github.com/brume-dev/brume/deploy/template"
	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/service/cloudformation/answer"
	"github.com/brume-dev/brume/store"
)

// A nested stack is a stack of this service whose parent waits for it, looking at it now and then.

func childRequest(o *resource.Op, before *versionRecord) request {
	r := request{before: before, acknowledgesNothing: true}
	if v, _ := o.Properties.Get("TemplateURL"); v != nil {
		where, _ := template.Text(v)
		r.url = &where
	}
	if v, _ := o.Properties.Get("Parameters"); v != nil {
		if params, ok := v.(*jsondoc.Object); ok {
			for k, value := range params.All() {
				r.parameters = append(r.parameters, cloudformationapi.Parameter{ParameterKey: &k, ParameterValue: listText(value)})
			}
		}
	}
	for k, v := range o.StackTags {
		r.tags = append(r.tags, cloudformationapi.Tag{Key: k, Value: v})
	}
	return r
}

// listText is a parameter's value: a list becomes text with commas.
func listText(v any) *string {
	if a, ok := v.(*jsondoc.Array); ok {
		var parts []string
		for _, item := range a.Items {
			t, _ := template.Text(item)
			parts = append(parts, t)
		}
		joined := strings.Join(parts, ",")
		return &joined
	}
	t, _ := template.Text(v)
	return &t
}

func (s *Service) createChild(o *resource.Op) error {
	if o.Physical == "" {
		a := answer.StepOf(o)
		name := fmt.Sprintf("%.60s-%.40s-%.12s", o.Stack, o.LogicalID, strings.ToUpper(strings.ReplaceAll(a.UUID, "-", "")))
		st := &stackRecord{Name: name, Parent: o.StackID, Root: s.rootOf(o), Token: "nested-" + a.UUID + "-" + o.LogicalID}
		if o.Retried {
			if old, err := s.view(o, placeOf(a), name); err == nil && old.Parent == o.StackID {
				o.Physical = old.id(placeOf(a))
				return &resource.Pending{After: childPoll}
			}
		}
		out, err := s.create(o, o.ID, st, childRequest(o, nil))
		if err != nil {
			return err
		}
		o.Physical = *out.StackId
		return &resource.Pending{After: childPoll}
	}
	return s.awaitChild(o, cloudformationapi.StackStatusCreateComplete)
}

func (s *Service) rootOf(o *resource.Op) string {
	parent, err := s.view(o, placeOf(answer.StepOf(o)), o.StackID)
	if err == nil && parent.Root != "" {
		return parent.Root
	}
	return o.StackID
}

// awaitChild waits until the nested stack has come to rest, and takes its outputs.
func (s *Service) awaitChild(o *resource.Op, want cloudformationapi.StackStatus) error {
	st, err := s.view(o, placeOf(answer.StepOf(o)), o.Physical)
	if err != nil {
		return err
	}
	if st.busy() {
		return &resource.Pending{After: childPoll}
	}
	if !st.is(want) {
		return aws.Errorf("NotStabilized", 400, "Embedded stack %s was not successfully created: %s", o.Physical, st.Reason)
	}
	o.Attributes = map[string]string{}
	for _, out := range st.Outputs {
		o.Attributes["Outputs."+out.Key] = out.Value
	}
	return nil
}

// begun is the attribute by which a step knows that it has sent the nested stack on its way.
const begun = "\x00begun"

func (s *Service) updateChild(o *resource.Op) error {
	p := placeOf(answer.StepOf(o))
	if o.Attributes[begun] != "" {
		return s.awaitChild(o, cloudformationapi.StackStatusUpdateComplete)
	}
	st, err := s.view(o, p, o.Physical)
	if err != nil {
		return err
	}
	if st.busy() {
		return &resource.Pending{After: childPoll}
	}
	before, err := s.current(o, p, st)
	if err != nil {
		return err
	}
	bp, err := s.read(o, o.ID, p, st, childRequest(o, before))
	if err != nil {
		return err
	}
	if same(before, bp.version) {
		return nil
	}
	if _, err := s.update(o, o.ID, p, st.UUID, bp, func(store.Tx, *stackRecord) {}); err != nil {
		return err
	}
	o.Attributes[begun] = "true"
	return &resource.Pending{After: childPoll}
}

func (s *Service) deleteChild(o *resource.Op) error {
	p := placeOf(answer.StepOf(o))
	st, err := s.view(o, p, o.Physical)
	switch {
	case aws.CodeOf(err) == "ValidationError", err == nil && st.is(cloudformationapi.StackStatusDeleteComplete):
		return nil
	case err != nil:
		return err
	case st.is(cloudformationapi.StackStatusDeleteFailed) && o.Attributes[begun] != "":
		return aws.Errorf("NotStabilized", 400, "Embedded stack %s was not successfully deleted: %s", o.Physical, st.Reason)
	case !st.busy():
		if _, err := s.DeleteStack(o, o.ID, &cloudformationapi.DeleteStackInput{StackName: o.Physical}); err != nil {
			return err
		}
		o.Attributes[begun] = "true"
	}
	return &resource.Pending{After: childPoll}
}
