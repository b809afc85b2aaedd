package cloudformation

import (
	"cmp"
	"context"
	"slices"

	"github.com/brume-dev/brume/api/cloudformationapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/deploy"
	"github.com/brume-dev/brume/deploy/template"
	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/service/cloudformation/admit"
	"github.com/brume-dev/brume/store"
)

// readAgain takes a stored template apart.
func readAgain(v *versionRecord) (*template.Template, error) {
	doc, err := template.Read([]byte(v.Processed))
	if err != nil {
		return nil, err
	}
	return template.New(doc)
}

// GetTemplate returns the template of a stack or of a change set, as it was sent or after its transforms.
func (s *Service) GetTemplate(ctx context.Context, id aws.Identity, in *cloudformationapi.GetTemplateInput) (*cloudformationapi.GetTemplateOutput, error) {
	p := at(id)
	v, err := store.View(ctx, s.shard(p), func(_ context.Context, r store.Reader) (*versionRecord, error) {
		if in.ChangeSetName != nil {
			_, c, err := findChange(r, p, in.StackName, *in.ChangeSetName)
			if err != nil {
				return nil, err
			}
			return &c.Version, nil
		}
		if in.StackName == nil {
			return nil, invalid("StackName must be specified.")
		}
		st, err := findStack(r, p, *in.StackName)
		if err != nil {
			return nil, err
		}
		return readVersion(r, p, st.UUID, max(st.Target, 1))
	})
	if err != nil {
		return nil, err
	}
	body := v.Original
	if in.TemplateStage == cloudformationapi.TemplateStageProcessed {
		body = v.Processed
	}
	return &cloudformationapi.GetTemplateOutput{TemplateBody: &body,
		StagesAvailable: []cloudformationapi.TemplateStage{cloudformationapi.TemplateStageOriginal, cloudformationapi.TemplateStageProcessed}}, nil
}

// look reads a template without a stack.
func (s *Service) look(ctx context.Context, id aws.Identity, body, url *string) (*jsondoc.Object, *template.Template, error) {
	text, err := s.fetch(ctx, id, request{body: body, url: url})
	if err != nil {
		return nil, nil, err
	}
	doc, err := template.Read([]byte(text))
	if err != nil {
		return nil, nil, err
	}
	t, err := template.New(doc)
	return doc, t, err
}

func transformNames(t *template.Template) (names []string) {
	for _, n := range t.Transforms {
		if s, ok := n.(string); ok {
			names = append(names, s)
		}
	}
	return names
}

// ValidateTemplate checks a template and tells its parameters.
func (s *Service) ValidateTemplate(ctx context.Context, id aws.Identity, in *cloudformationapi.ValidateTemplateInput) (*cloudformationapi.ValidateTemplateOutput, error) {
	where := in.TemplateURL
	if in.TemplateBody != nil { // if both are passed, only the body is used
		where = nil
	}
	doc, t, err := s.look(ctx, id, in.TemplateBody, where)
	if err != nil {
		return nil, err
	}
	if !admit.Transforms(doc) { // else its names are not known yet
		if err := cmp.Or(admit.Known(t, s.kind), deploy.Check(t)); err != nil {
			return nil, err
		}
	}
	out := &cloudformationapi.ValidateTemplateOutput{Description: aws.Some(t.Description), Parameters: []cloudformationapi.TemplateParameter{},
		DeclaredTransforms: transformNames(t)}
	out.Capabilities, out.CapabilitiesReason = admit.Needs(t)
	for i := range t.Parameters {
		param := &t.Parameters[i]
		out.Parameters = append(out.Parameters, cloudformationapi.TemplateParameter{ParameterKey: &param.ID, DefaultValue: param.Default, NoEcho: &param.NoEcho,
			Description: aws.Some(param.Description)})
	}
	return out, nil
}

// GetTemplateSummary tells what a template, or that of a stack, is made of.
func (s *Service) GetTemplateSummary(ctx context.Context, id aws.Identity, in *cloudformationapi.GetTemplateSummaryInput) (*cloudformationapi.GetTemplateSummaryOutput, error) {
	body := in.TemplateBody
	if in.StackSetName != nil {
		return nil, invalid("Brume has no stack sets yet: StackSetName must be left out.")
	}
	if in.StackName != nil {
		out, err := s.GetTemplate(ctx, id, &cloudformationapi.GetTemplateInput{StackName: in.StackName})
		if err != nil {
			return nil, err
		}
		body = out.TemplateBody
	}
	doc, t, err := s.look(ctx, id, body, in.TemplateURL)
	if err != nil {
		return nil, err
	}
	warnings, err := admit.Warnings(doc, t, s.kind, in.TemplateSummaryConfig)
	if err != nil {
		return nil, err
	}
	out := &cloudformationapi.GetTemplateSummaryOutput{Warnings: warnings, Description: aws.Some(t.Description), Parameters: []cloudformationapi.ParameterDeclaration{},
		DeclaredTransforms: transformNames(t), ResourceTypes: []string{}}
	out.Capabilities, out.CapabilitiesReason = admit.Needs(t)
	if v, ok := doc.Get("AWSTemplateFormatVersion"); ok {
		version, _ := template.Text(v)
		out.Version = &version
	}
	if t.Metadata.Len() > 0 {
		metadata := jsondoc.Text(t.Metadata)
		out.Metadata = &metadata
	}
	for _, r := range t.Resources {
		if !slices.Contains(out.ResourceTypes, r.Type) {
			out.ResourceTypes = append(out.ResourceTypes, r.Type)
		}
	}
	for i := range t.Parameters {
		param := &t.Parameters[i]
		out.Parameters = append(out.Parameters, cloudformationapi.ParameterDeclaration{ParameterKey: &param.ID, DefaultValue: param.Default,
			ParameterType: &param.Type, NoEcho: &param.NoEcho, Description: aws.Some(param.Description),
			ParameterConstraints: &cloudformationapi.ParameterConstraints{AllowedValues: param.AllowedValues}})
	}
	return out, nil
}
