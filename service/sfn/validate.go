package sfn

import (
	"context"

	"github.com/brume-dev/brume/api/sfnapi"
	"github.com/brume-dev/brume/asl/lint"
	"github.com/brume-dev/brume/aws"
)

// check implements machine.Check.
func (s *Service) check(definition string, express bool) error {
	if why := lint.Refusal(lint.Check(definition, lint.Options{Express: express, Tasks: s.tasks})); why != "" {
		return &sfnapi.InvalidDefinition{Message: why}
	}
	return nil
}

// maxDiagnostics is how many diagnostics there are in one answer.
// https://docs.aws.amazon.com/step-functions/latest/apireference/API_ValidateStateMachineDefinition.html
const maxDiagnostics = 100

// ValidateStateMachineDefinition says what is wrong with a definition.
func (s *Service) ValidateStateMachineDefinition(_ context.Context, _ aws.Identity, in *sfnapi.ValidateStateMachineDefinitionInput) (*sfnapi.ValidateStateMachineDefinitionOutput, error) {
	found := lint.Check(in.Definition, lint.Options{Express: in.Type == sfnapi.StateMachineTypeExpress, Tasks: s.tasks})
	most := int(aws.Or(in.MaxResults, 0))
	if most == 0 {
		most = maxDiagnostics
	}
	out := &sfnapi.ValidateStateMachineDefinitionOutput{Result: sfnapi.ValidateStateMachineDefinitionResultCodeOk,
		Diagnostics: []sfnapi.ValidateStateMachineDefinitionDiagnostic{}, Truncated: new(false)}
	for _, d := range found {
		if d.Severity == lint.Error {
			out.Result = sfnapi.ValidateStateMachineDefinitionResultCodeFail
		} else if in.Severity != sfnapi.ValidateStateMachineDefinitionSeverityWarning {
			continue
		}
		if len(out.Diagnostics) == most {
			out.Truncated = new(true)
			continue
		}
		out.Diagnostics = append(out.Diagnostics, sfnapi.ValidateStateMachineDefinitionDiagnostic{Severity: sfnapi.ValidateStateMachineDefinitionSeverity(d.Severity),
			Code: string(d.Code), Message: d.Message, Location: aws.Some(d.Location)})
	}
	return out, nil
}
