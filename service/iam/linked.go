package iam

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"github.com/brume-dev/brume/api/iamapi"
	"github.com/brume-dev/brume/aws"
)

const linkedPath = "/aws-service-role/"

// linkedNames are the names of service-linked roles that do not follow from their service's name.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_aws-services-that-work-with-iam.html
var linkedNames = map[string]string{
	"apidestinations.events.amazonaws.com":           "AmazonEventBridgeApiDestinations",
	"autoscaling.amazonaws.com":                      "AutoScaling",
	"batch.amazonaws.com":                            "Batch",
	"contributorinsights.dynamodb.amazonaws.com":     "DynamoDBCloudWatchContributorInsights",
	"dynamodb.application-autoscaling.amazonaws.com": "ApplicationAutoScaling_DynamoDBTable",
	"ecs.amazonaws.com":                              "ECS",
	"ecs.application-autoscaling.amazonaws.com":      "ApplicationAutoScaling_ECSService",
	"eks.amazonaws.com":                              "AmazonEKS",
	"elasticache.amazonaws.com":                      "ElastiCache",
	"elasticloadbalancing.amazonaws.com":             "ElasticLoadBalancing",
	"email.cognito-idp.amazonaws.com":                "AmazonCognitoIdpEmailService",
	"es.amazonaws.com":                               "AmazonElasticsearchService",
	"events.amazonaws.com":                           "CloudWatchEvents",
	"kinesisreplication.dynamodb.amazonaws.com":      "DynamoDBKinesisDataStreamsReplication",
	"lambda.amazonaws.com":                           "Lambda",
	"lambda.application-autoscaling.amazonaws.com":   "ApplicationAutoScaling_LambdaConcurrency",
	"ops.apigateway.amazonaws.com":                   "APIGateway",
	"organizations.amazonaws.com":                    "Organizations",
	"rds.amazonaws.com":                              "RDS",
	"replication.dynamodb.amazonaws.com":             "DynamoDBReplication",
	"replicator.lambda.amazonaws.com":                "LambdaReplicator",
	"schemas.amazonaws.com":                          "Schemas",
	"spot.amazonaws.com":                             "EC2Spot",
	"support.amazonaws.com":                          "Support",
	"trustedadvisor.amazonaws.com":                   "TrustedAdvisor",
	"xray.amazonaws.com":                             "XRay",
}

// linkedName is the name of the role that is linked to a service; ok is false when it is no service's name.
func linkedName(service, suffix string) (name string, ok bool) {
	label, ok := strings.CutSuffix(service, ".amazonaws.com")
	if !ok || label == "" || strings.ContainsAny(label, "/ *") {
		return "", false
	}
	name, known := linkedNames[service]
	if !known {
		for _, part := range strings.FieldsFunc(label, func(r rune) bool { return r == '.' || r == '-' }) {
			name += strings.ToUpper(part[:1]) + part[1:]
		}
	}
	if suffix != "" {
		name += "_" + suffix
	}
	return "AWSServiceRoleFor" + name, true
}

// CreateServiceLinkedRole makes the role that a service acts with, which only that service may assume.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateServiceLinkedRole.html
func (s *Service) CreateServiceLinkedRole(ctx context.Context, id aws.Identity, in *iamapi.CreateServiceLinkedRoleRequest) (*iamapi.CreateServiceLinkedRoleResponse, error) {
	name, ok := linkedName(in.AWSServiceName, aws.Or(in.CustomSuffix, ""))
	if !ok {
		return nil, &iamapi.InvalidInputException{Message: in.AWSServiceName + " is not a valid AWS service name."}
	}
	e, err := s.newEntity(kindRole, name, new(linkedPath+in.AWSServiceName+"/"), nil)
	if err != nil {
		return nil, err
	}
	e.Description, e.Session = aws.Or(in.Description, ""), defaultSession
	e.Trust = `{"Version":"2012-10-17","Statement":[{"Action":["sts:AssumeRole"],"Effect":"Allow","Principal":{"Service":["` +
		in.AWSServiceName + `"]}}]}`
	return update(ctx, s, id.Account, func(c *scope) (*iamapi.CreateServiceLinkedRoleResponse, error) {
		e := e // the closure may run again
		if found, err := c.load(kindRole, name); err != nil {
			return nil, err
		} else if found != nil {
			return nil, &iamapi.InvalidInputException{Message: fmt.Sprintf(
				"Service role name %s has been taken in this account, please try a different suffix.", name)}
		}
		if err := c.create(kindRole, &e); err != nil {
			return nil, err
		}
		return &iamapi.CreateServiceLinkedRoleResponse{Role: new(c.role(&e, true))}, nil
	})
}

// DeleteServiceLinkedRole deletes a service-linked role. AWS first asks the service whether it still needs the role;
// no service of ours does, so that the deletion has succeeded when its task is returned.
func (s *Service) DeleteServiceLinkedRole(ctx context.Context, id aws.Identity, in *iamapi.DeleteServiceLinkedRoleRequest) (*iamapi.DeleteServiceLinkedRoleResponse, error) {
	b := make([]byte, 16)
	if _, err := io.ReadFull(s.random, b); err != nil {
		return nil, err
	}
	h := hex.EncodeToString(b)
	return update(ctx, s, id.Account, func(c *scope) (*iamapi.DeleteServiceLinkedRoleResponse, error) {
		e, err := c.get(kindRole, in.RoleName)
		if err != nil {
			return nil, err
		}
		if !strings.HasPrefix(e.Path, linkedPath) {
			return nil, &iamapi.NoSuchEntityException{Message: fmt.Sprintf(kindRole.absent, in.RoleName)}
		}
		task := fmt.Sprintf("task%s%s/%s-%s-%s-%s-%s", e.Path, e.Name, h[:8], h[8:12], h[12:16], h[16:20], h[20:])
		return &iamapi.DeleteServiceLinkedRoleResponse{DeletionTaskId: task}, s.deleteRole(c, e)
	})
}

// GetServiceLinkedRoleDeletionStatus says what became of a deletion: it has succeeded when the role is gone.
func (s *Service) GetServiceLinkedRoleDeletionStatus(ctx context.Context, id aws.Identity, in *iamapi.GetServiceLinkedRoleDeletionStatusRequest) (*iamapi.GetServiceLinkedRoleDeletionStatusResponse, error) {
	rest, ok := strings.CutPrefix(in.DeletionTaskId, "task"+linkedPath)
	parts := strings.Split(rest, "/")
	if !ok || len(parts) != 3 {
		return nil, &iamapi.NoSuchEntityException{Message: "The deletion task " + in.DeletionTaskId + " cannot be found."}
	}
	return &iamapi.GetServiceLinkedRoleDeletionStatusResponse{Status: iamapi.DeletionTaskStatusTypeSucceeded}, nil
}
