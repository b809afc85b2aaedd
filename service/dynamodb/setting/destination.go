package setting

import (
	"context"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/aws"
)

// There is no Kinesis: no stream can be the destination of a table's changes.

// stateOf is the answer of AWS to an action on a destination that there is not.
func stateOf(action string) error {
	return invalid("Table is not in a valid state to " + action + " Kinesis Streaming Destination: KinesisStreamingDestination must be ACTIVE to perform " +
		map[string]string{"disable": "DISABLE", "update": "UPDATE"}[action] + " operation.")
}

// checkStream refuses what is no ARN of a Kinesis stream.
func checkStream(arn string) error {
	if a, err := aws.ParseARN(arn); err != nil || a.Service != "kinesis" {
		return invalid("Invalid StreamArn: " + arn)
	}
	return nil
}

// EnableKinesisStreamingDestination finds no stream of that ARN.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_EnableKinesisStreamingDestination.html
func (b *Book) EnableKinesisStreamingDestination(ctx context.Context, id aws.Identity, in *api.KinesisStreamingDestinationInput) (*api.KinesisStreamingDestinationOutput, error) {
	if _, err := b.tableNamed(ctx, id, in.TableName); err != nil {
		return nil, err
	}
	if err := checkStream(in.StreamArn); err != nil {
		return nil, err
	}
	return nil, &api.ResourceNotFoundException{Message: "Requested resource not found: Stream: " + in.StreamArn + " not found"}
}

// DisableKinesisStreamingDestination finds no destination that is active.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DisableKinesisStreamingDestination.html
func (b *Book) DisableKinesisStreamingDestination(ctx context.Context, id aws.Identity, in *api.KinesisStreamingDestinationInput) (*api.KinesisStreamingDestinationOutput, error) {
	if _, err := b.tableNamed(ctx, id, in.TableName); err != nil {
		return nil, err
	}
	return nil, stateOf("disable")
}

// UpdateKinesisStreamingDestination finds no destination that is active.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateKinesisStreamingDestination.html
func (b *Book) UpdateKinesisStreamingDestination(ctx context.Context, id aws.Identity, in *api.UpdateKinesisStreamingDestinationInput) (*api.UpdateKinesisStreamingDestinationOutput, error) {
	if _, err := b.tableNamed(ctx, id, in.TableName); err != nil {
		return nil, err
	}
	return nil, stateOf("update")
}

// DescribeKinesisStreamingDestination lists no destinations.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeKinesisStreamingDestination.html
func (b *Book) DescribeKinesisStreamingDestination(ctx context.Context, id aws.Identity, in *api.DescribeKinesisStreamingDestinationInput) (*api.DescribeKinesisStreamingDestinationOutput, error) {
	t, err := b.tableNamed(ctx, id, in.TableName)
	if err != nil {
		return nil, err
	}
	return &api.DescribeKinesisStreamingDestinationOutput{TableName: &t.Name.Name, KinesisDataStreamDestinations: []api.KinesisDataStreamDestination{}}, nil
}
