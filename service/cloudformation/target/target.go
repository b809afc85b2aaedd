// Package target says which stack a request is about, for those who decide whether it is allowed.
package target

import (
	"github.com/brume-dev/brume/api/cloudformationapi"
	"github.com/brume-dev/brume/aws"
)

// Stack is the name or the id that the input of an operation names, "" when it names none.
func Stack(in any) string {
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
		return aws.Or(in.StackName, "")
	case *cloudformationapi.DeleteChangeSetInput:
		return aws.Or(in.StackName, "")
	case *cloudformationapi.DescribeChangeSetInput:
		return aws.Or(in.StackName, "")
	case *cloudformationapi.ListChangeSetsInput:
		return in.StackName
	case *cloudformationapi.DescribeStacksInput:
		return aws.Or(in.StackName, "")
	case *cloudformationapi.DescribeStackEventsInput:
		return in.StackName
	case *cloudformationapi.DescribeStackResourceInput:
		return in.StackName
	case *cloudformationapi.DescribeStackResourcesInput:
		return aws.Or(in.StackName, "")
	case *cloudformationapi.ListStackResourcesInput:
		return in.StackName
	case *cloudformationapi.GetTemplateInput:
		return aws.Or(in.StackName, "")
	case *cloudformationapi.GetTemplateSummaryInput:
		return aws.Or(in.StackName, "")
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
