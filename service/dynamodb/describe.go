package dynamodb

import (
	"context"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/aws"
)

// What clients ask of a table right after they made it, and is always the same here.

// DescribeLimits returns AWS's default quotas.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeLimits.html
func (s *Service) DescribeLimits(context.Context, aws.Identity, *api.DescribeLimitsInput) (*api.DescribeLimitsOutput, error) {
	return &api.DescribeLimitsOutput{
		AccountMaxReadCapacityUnits: new(int64(accountUnits)), AccountMaxWriteCapacityUnits: new(int64(accountUnits)),
		TableMaxReadCapacityUnits: new(int64(tableUnits)), TableMaxWriteCapacityUnits: new(int64(tableUnits))}, nil
}

// DescribeEndpoints returns the name of the region's endpoint.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeEndpoints.html
func (s *Service) DescribeEndpoints(_ context.Context, id aws.Identity, _ *api.DescribeEndpointsRequest) (*api.DescribeEndpointsResponse, error) {
	return &api.DescribeEndpointsResponse{Endpoints: []api.Endpoint{
		{Address: "dynamodb." + id.Region + ".amazonaws.com", CachePeriodInMinutes: 1440}}}, nil
}
