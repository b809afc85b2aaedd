package cloudformation

import (
	"context"
	"strings"

	"github.com/brume-dev/brume/api/cloudformationapi"
	"github.com/brume-dev/brume/api/ssmapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/deploy"
	"github.com/brume-dev/brume/deploy/intrinsic"
	"github.com/brume-dev/brume/deploy/resource"
	"github.com/brume-dev/brume/deploy/template"
	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/service/cloudformation/admit"
	"github.com/brume-dev/brume/service/cloudformation/bucket"
	"github.com/brume-dev/brume/store"
)

// request is what the operations that take a template have in common.
type request struct {
	name         string
	body, url    *string
	previous     bool // UsePreviousTemplate
	parameters   []cloudformationapi.Parameter
	capabilities []cloudformationapi.Capability
	tags         []cloudformationapi.Tag
	before       *versionRecord // what UsePreviousValue and UsePreviousTemplate mean
	direct       bool           // not by way of a change set: transforms need CAPABILITY_AUTO_EXPAND
	types        []string       // ResourceTypes: those that the caller may work with; nil: all
	policy       string         // of the stack
}

// blueprint is a template that has been read, checked and laid out.
type blueprint struct {
	version *versionRecord
	plan    *deploy.Plan
}

// read fetches the template, gives the parameters their values, runs the transforms and lays the resources out.
func (s *Service) read(ctx context.Context, id aws.Identity, p place, st *stackRecord, r request) (*blueprint, error) {
	text, err := s.fetch(ctx, id, r)
	if err != nil {
		return nil, err
	}
	doc, err := template.Read([]byte(text))
	if err != nil {
		return nil, err
	}
	v := &versionRecord{Original: text, Tags: tagMap(r.tags)}
	if doc, err = s.transform(ctx, id, p, st, doc, r, v); err != nil {
		return nil, err
	}
	v.Processed = jsondoc.Text(doc)
	t, err := template.New(doc)
	if err != nil {
		return nil, err
	}
	if err := s.giveValues(ctx, id, t, r, v); err != nil {
		return nil, err
	}
	if err := admit.Known(t, s.kind); err != nil {
		return nil, err
	}
	if err := admit.Permitted(t, r.types); err != nil {
		return nil, err
	}
	if err := admit.Acknowledged(t, r.capabilities); err != nil {
		return nil, err
	}
	plan, err := deploy.NewPlan(t, scope(p, st, t, v))
	if err != nil {
		return nil, err
	}
	return &blueprint{v, plan}, plan.CheckRules()
}

// lay reads a stored version again, which was checked before it was stored.
func lay(p place, st *stackRecord, v *versionRecord) (*deploy.Plan, error) {
	doc, err := template.Read([]byte(v.Processed))
	if err != nil {
		return nil, err
	}
	t, err := template.New(doc)
	if err != nil {
		return nil, err
	}
	return deploy.Lay(t, scope(p, st, t, v))
}

// scope has what does not depend on the resources.
func scope(p place, st *stackRecord, t *template.Template, v *versionRecord) intrinsic.Scope {
	sc := intrinsic.Scope{Account: p.account, Region: p.region, StackName: st.Name, StackID: st.id(p),
		NotificationARNs: st.Notify, Parameters: map[string]any{}}
	for i := range t.Parameters {
		param := &t.Parameters[i]
		value := v.Parameters[param.ID]
		if resolved, ok := v.Resolved[param.ID]; ok {
			value = resolved
		}
		sc.Parameters[param.ID] = value
		if param.IsList() {
			a := &jsondoc.Array{Items: []any{}}
			for _, item := range template.SplitList(value) {
				a.Items = append(a.Items, item)
			}
			sc.Parameters[param.ID] = a
		}
	}
	return sc
}

func (s *Service) fetch(ctx context.Context, id aws.Identity, r request) (string, error) {
	given := 0
	for _, there := range []bool{r.body != nil, r.url != nil, r.previous} {
		if there {
			given++
		}
	}
	switch {
	case given == 0:
		return "", invalid("Either Template URL or Template Body must be specified.")
	case given > 1:
		return "", invalid("You must specify only one of TemplateBody, TemplateURL and UsePreviousTemplate.")
	case r.previous && r.before == nil:
		return "", invalid("There is no previous template to use.")
	case r.previous:
		return r.before.Original, nil
	case r.url != nil:
		return s.download(ctx, id, *r.url)
	}
	if len(*r.body) > template.MaxBody {
		return "", invalid("1 validation error detected: Value at 'templateBody' failed to satisfy constraint: "+
			"Member must have length less than or equal to %d", template.MaxBody)
	}
	return *r.body, nil
}

// download reads a template from S3: whatever host of S3 the URL names, it is the platform's own.
func (s *Service) download(ctx context.Context, id aws.Identity, where string) (string, error) {
	from, key, ok := bucket.Locate(where)
	if !ok {
		return "", invalid("TemplateURL must be a supported URL.")
	}
	return bucket.Read(ctx, s.Caller, id, from, key, "S3 error: ")
}

// giveValues works out the value of every parameter.
func (s *Service) giveValues(ctx context.Context, id aws.Identity, t *template.Template, r request, v *versionRecord) error {
	given := map[string]string{}
	for _, p := range r.parameters {
		switch {
		case p.ParameterKey == nil:
			return invalid("Parameter key must be specified")
		case p.UsePreviousValue != nil && *p.UsePreviousValue:
			if r.before == nil {
				return invalid("Invalid input for parameter key %s. Cannot specify usePreviousValue as true for a parameter key not in the previous template", *p.ParameterKey)
			}
			old, ok := r.before.Parameters[*p.ParameterKey]
			if !ok {
				return invalid("Invalid input for parameter key %s. Cannot specify usePreviousValue as true for a parameter key not in the previous template", *p.ParameterKey)
			}
			given[*p.ParameterKey] = old
		case p.ParameterValue == nil:
			return invalid("Parameter value for parameter name %s must be specified", *p.ParameterKey)
		default:
			given[*p.ParameterKey] = *p.ParameterValue
		}
	}
	values, err := t.Values(given)
	if err != nil {
		return err
	}
	v.Parameters, v.Resolved = values, map[string]string{}
	for i := range t.Parameters {
		param := &t.Parameters[i]
		if _, ssm := param.SSM(); !ssm {
			continue
		}
		value, err := s.parameter(ctx, id, values[param.ID])
		if err != nil {
			return err
		}
		v.Resolved[param.ID] = value
	}
	return nil
}

// parameter reads a parameter of Systems Manager.
func (s *Service) parameter(ctx context.Context, id aws.Identity, name string) (string, error) {
	out, err := ssmapi.NewClient(s.Caller).GetParameters(ctx, id, &ssmapi.GetParametersRequest{Names: []string{name}})
	if err != nil {
		return "", err
	}
	if len(out.Parameters) == 0 {
		return "", invalid("Unable to fetch parameters [%s] from parameter store for this account.", name)
	}
	if out.Parameters[0].Type == ssmapi.ParameterTypeSecureString {
		return "", invalid("Parameters [%s] referenced by template have types not supported by CloudFormation.", name)
	}
	return *out.Parameters[0].Value, nil
}

// kind finds what knows a resource type: a room of package resource, or this service for its own.
func (s *Service) kind(name string) (*resource.Kind, bool) {
	if strings.HasPrefix(name, "Custom::") {
		name = customType
	}
	if k, ok := s.own[name]; ok {
		return k, true
	}
	return resource.Find(name)
}

func tagMap(tags []cloudformationapi.Tag) map[string]string {
	out := map[string]string{}
	for _, t := range tags {
		out[t.Key] = t.Value
	}
	return out
}

// imports finds exported values; what it finds is remembered in used.
func imports(r store.Reader, p place, used map[string]bool, failed *error) func(string) (string, bool) {
	return func(name string) (string, bool) {
		e, err := readExport(r, p, name)
		if err != nil {
			*failed = err
		}
		if e == nil {
			return "", false
		}
		used[name] = true
		return e.Value, true
	}
}
