package xray

import (
	"context"

	"github.com/brume-dev/brume/api/xrayapi"
	"github.com/brume-dev/brume/aws"
)

// defaultName is the name of the group and of the sampling rule that every account has.
const defaultName = "Default"

func groupARN(id aws.Identity) string {
	return aws.MakeARN(service, id.Region, id.Account, "group/"+defaultName).String()
}

func insights() *xrayapi.InsightsConfiguration {
	return &xrayapi.InsightsConfiguration{InsightsEnabled: new(bool), NotificationsEnabled: new(bool)}
}

// GetGroups lists the group that every account has: of all traces.
// https://docs.aws.amazon.com/xray/latest/api/API_GetGroups.html
func (s *Service) GetGroups(_ context.Context, id aws.Identity, in *xrayapi.GetGroupsRequest) (*xrayapi.GetGroupsResult, error) {
	if in.NextToken != nil {
		return nil, badRequest("Invalid NextToken")
	}
	name, arn := defaultName, groupARN(id)
	return &xrayapi.GetGroupsResult{Groups: []xrayapi.GroupSummary{{GroupName: &name, GroupARN: &arn, InsightsConfiguration: insights()}}}, nil
}

// GetGroup describes a group by its name or its ARN.
// https://docs.aws.amazon.com/xray/latest/api/API_GetGroup.html
func (s *Service) GetGroup(_ context.Context, id aws.Identity, in *xrayapi.GetGroupRequest) (*xrayapi.GetGroupResult, error) {
	name, arn := defaultName, groupARN(id)
	switch {
	case in.GroupName == nil && in.GroupARN == nil:
		return nil, badRequest("Either GroupName or GroupARN must be specified")
	case in.GroupName != nil && *in.GroupName != name, in.GroupARN != nil && *in.GroupARN != arn:
		return nil, badRequest("Group not found")
	}
	return &xrayapi.GetGroupResult{Group: &xrayapi.Group{GroupName: &name, GroupARN: &arn, InsightsConfiguration: insights()}}, nil
}

// GetEncryptionConfig says that traces are encrypted as X-Ray does when nobody asks for more.
// https://docs.aws.amazon.com/xray/latest/api/API_GetEncryptionConfig.html
func (s *Service) GetEncryptionConfig(context.Context, aws.Identity, *xrayapi.GetEncryptionConfigRequest) (*xrayapi.GetEncryptionConfigResult, error) {
	return &xrayapi.GetEncryptionConfigResult{EncryptionConfig: &xrayapi.EncryptionConfig{
		Status: xrayapi.EncryptionStatusActive, Type: xrayapi.EncryptionTypeNone}}, nil
}
