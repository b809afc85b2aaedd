// Package target says which stack a request is about, for those who decide whether it is allowed.
package target

import "github.com/brume-dev/brume/api/cloudformationapi"

// Stack is the name or the id that the input of an operation names, "" when it names none.
func Stack(in any) string {
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	switch in := in.(type) {
	case *cloudformationapi.CreateStackInput:
		return in.StackName
	case *cloudformationapi.UpdateStackInput:
		return in.StackName
	case *cloudformationapi.DeleteStackInput:
		return in.StackName
	case *cloudformationapi.CreateChangeSetInput:
		return in.StackName
	case *cloudformationapi.ExecuteChangeSetInput:
		return text(in.StackName)
	case *cloudformationapi.DeleteChangeSetInput:
		return text(in.StackName)
	case *cloudformationapi.DescribeChangeSetInput:
		return text(in.StackName)
	case *cloudformationapi.ListChangeSetsInput:
		return in.StackName
	case *cloudformationapi.DescribeStacksInput:
		return text(in.StackName)
	case *cloudformationapi.DescribeStackEventsInput:
		return in.StackName
	case *cloudformationapi.DescribeStackResourceInput:
		return in.StackName
	case *cloudformationapi.DescribeStackResourcesInput:
		return text(in.StackName)
	case *cloudformationapi.ListStackResourcesInput:
		return in.StackName
	case *cloudformationapi.GetTemplateInput:
		return text(in.StackName)
	case *cloudformationapi.GetTemplateSummaryInput:
		return text(in.StackName)
	case *cloudformationapi.UpdateTerminationProtectionInput:
		return in.StackName
	case *cloudformationapi.SetStackPolicyInput:
		return in.StackName
	case *cloudformationapi.GetStackPolicyInput:
		return in.StackName
	case *cloudformationapi.CancelUpdateStackInput:
		return in.StackName
	case *cloudformationapi.ContinueUpdateRollbackInput:
		return in.StackName
	case *cloudformationapi.RollbackStackInput:
		return in.StackName
	case *cloudformationapi.SignalResourceInput:
		return in.StackName
	}
	return ""
}
