package machine

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/brume-dev/brume/api/logsapi"
	"github.com/brume-dev/brume/aws"
)

// Delivery is the service that writes logs on behalf of others.
const Delivery = "delivery.logs.amazonaws.com"

// The resource policy of an account's log groups that lets Delivery write, and the folder of groups of which it needs to
// be told only once. https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-and-resource-policy.html
const (
	deliveryPolicy = "AWSLogDeliveryWrite20150319"
	vended         = "/aws/vendedlogs/"
	tries          = 5 // until a change of the policy is seen that another machine's creation may have undone
)

// letDeliver lets Delivery write to a log group, with the permissions of the role.
func (m *Machines) letDeliver(ctx context.Context, role aws.Identity, at Place, group string) error {
	if strings.HasPrefix(group, vended) {
		group = vended + "*"
	}
	resource := aws.MakeARN("logs", at.Region, at.Account, "log-group:"+group+":log-stream:*").String()
	for range tries {
		groups, err := m.delivered(ctx, role)
		if err != nil {
			return unloggable(err)
		}
		if slices.Contains(groups, resource) {
			return nil
		}
		text := policyText(at, append(groups, resource))
		if _, err := m.logs.PutResourcePolicy(ctx, role, &logsapi.PutResourcePolicyRequest{PolicyName: new(deliveryPolicy), PolicyDocument: &text}); err != nil {
			if code := aws.CodeOf(err); code == "InvalidParameterException" {
				err = aws.Errorf("LimitExceededException", 400, "%w", err)
			}
			return unloggable(err)
		}
	}
	return badLogging("the resource policy of the log groups is changed by others all the time")
}

// delivered are the resources that the policy names.
func (m *Machines) delivered(ctx context.Context, role aws.Identity) ([]string, error) {
	in := &logsapi.DescribeResourcePoliciesRequest{}
	for {
		out, err := m.logs.DescribeResourcePolicies(ctx, role, in)
		if err != nil {
			return nil, err
		}
		for _, p := range out.ResourcePolicies {
			if aws.Or(p.PolicyName, "") == deliveryPolicy {
				return resourcesOf(aws.Or(p.PolicyDocument, "")), nil
			}
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			return nil, nil
		}
	}
}

// resourcesOf reads what policyText wrote.
func resourcesOf(text string) []string {
	var doc struct{ Statement []struct{ Resource []string } }
	if err := json.Unmarshal([]byte(text), &doc); err != nil || len(doc.Statement) == 0 {
		return nil
	}
	return doc.Statement[0].Resource
}

func policyText(at Place, resources []string) string {
	list := make([]string, len(resources))
	for i, r := range resources {
		list[i] = `"` + r + `"`
	}
	return `{"Version":"2012-10-17","Statement":[{"Sid":"AWSLogDeliveryWrite","Effect":"Allow","Principal":{"Service":"` + Delivery +
		`"},"Action":["logs:CreateLogStream","logs:PutLogEvents"],"Resource":[` + strings.Join(list, ",") +
		`],"Condition":{"StringEquals":{"aws:SourceAccount":["` + at.Account + `"]},"ArnLike":{"aws:SourceArn":["` +
		source(at) + `"]}}}]}`
}

// source is what Delivery says it acts for.
func source(at Place) string { return aws.MakeARN("logs", at.Region, at.Account, "*").String() }

// Deliverer is Delivery, acting for an account.
func Deliverer(at Place, r aws.Request) aws.Identity {
	return aws.ForService(Delivery, at.Account, at.Region, source(at), r)
}
