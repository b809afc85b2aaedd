package cloudformation

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/brume-dev/brume/api/cloudformationapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/deploy/resource"
	"github.com/brume-dev/brume/deploy/resource/fit"
	"github.com/brume-dev/brume/deploy/template"
	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/service/cloudformation/answer"
	"github.com/brume-dev/brume/store"
)

// A nested stack is a stack of this service whose parent waits for it, looking at it now and then.

// childRequest is what the properties say; a nested stack may do what its parent was allowed to.
func childRequest(o *resource.Op, parent *stackRecord, before *versionRecord) request {
	r := request{before: before, direct: true}
	for _, c := range parent.Capable {
		r.capabilities = append(r.capabilities, cloudformationapi.Capability(c))
	}
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
	tags := maps.Clone(o.StackTags)
	own, _ := o.Properties.Get("Tags")
	for k, v := range fit.Map(own).All() {
		if tags == nil {
			tags = map[string]string{}
		}
		tags[k] = fit.Text(v)
	}
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		r.tags = append(r.tags, cloudformationapi.Tag{Key: k, Value: tags[k]})
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
		parent, err := s.view(o, placeOf(a), o.StackID)
		if err != nil {
			return err
		}
		st := &stackRecord{Name: name, Parent: o.StackID, Root: cmp.Or(parent.Root, o.StackID), Token: "nested-" + a.UUID + "-" + o.LogicalID,
			Capable: parent.Capable}
		takeSettings(o, st)
		if o.Retried {
			if old, err := s.view(o, placeOf(a), name); err == nil && old.Parent == o.StackID {
				o.Physical = old.id(placeOf(a))
				return &resource.Pending{After: childPoll}
			}
		}
		r := childRequest(o, parent, nil)
		st.Tags = tagMap(r.tags)
		out, err := s.create(o, o.ID, st, r)
		if err != nil {
			return err
		}
		o.Physical = *out.StackId
		return &resource.Pending{After: childPoll}
	}
	return s.awaitChild(o, cloudformationapi.StackStatusCreateComplete)
}

// takeSettings gives the nested stack what its resource says beside the template.
func takeSettings(o *resource.Op, st *stackRecord) {
	st.Notify = nil
	topics, _ := o.Properties.Get("NotificationARNs")
	if a, ok := topics.(*jsondoc.Array); ok {
		for _, t := range a.Items {
			st.Notify = append(st.Notify, fit.Text(t))
		}
	}
	limit, _ := o.Properties.Get("TimeoutInMinutes")
	if n, err := strconv.ParseInt(fit.Text(limit), 10, 32); err == nil {
		st.Timeout = int32(n)
	}
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
	parent, err := s.view(o, p, o.StackID)
	if err != nil {
		return err
	}
	bp, err := s.read(o, o.ID, p, st, childRequest(o, parent, before))
	if err != nil {
		return err
	}
	if same(before, bp.version) {
		return nil
	}
	if _, err := s.update(o, o.ID, p, st.UUID, bp, func(_ store.Tx, st *stackRecord) { takeSettings(o, st) }); err != nil {
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
