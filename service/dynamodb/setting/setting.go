// Package setting is the part of DynamoDB about what a table has beside its definition and its items: tags, resource policies,
// contributor insights, destinations of its changes, and replicas in other regions. What cannot be in a platform of one region
// answers as AWS does where there is none.
package setting

import (
	"context"
	"net/http"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/dynamodb/stream"
	"github.com/brume-dev/brume/service/dynamodb/table"
	"github.com/brume-dev/brume/store"
)

// Book implements the operations of dynamodbapi.Handler about these.
type Book struct {
	Store  store.Store
	Tables *table.Cache
}

// Limits. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
const (
	maxTags         = 50
	maxPolicySize   = 20 << 10
	listedInsights  = 100
	contributorRule = "DynamoDBContributorInsights-"
)

func view[T any](ctx context.Context, b *Book, n table.Name, fn func(store.Reader) (T, error)) (T, error) {
	return store.View(ctx, b.Store.Shard(stream.Shard(n.Account, n.Region)), func(_ context.Context, r store.Reader) (T, error) { return fn(r) })
}

func update[T any](ctx context.Context, b *Book, n table.Name, fn func(store.Tx) (T, error)) (T, error) {
	return store.Update(ctx, b.Store.Shard(stream.Shard(n.Account, n.Region)), func(_ context.Context, tx store.Tx) (T, error) { return fn(tx) })
}

// onResource finds the table that an operation names by its ARN.
func (b *Book) onResource(r store.Reader, n table.Name, arn string) (*table.Table, error) {
	t, err := b.Tables.Get(r, n)
	if err == nil && t == nil {
		err = &api.ResourceNotFoundException{Message: "Requested resource not found: ResourcArn: " + arn + " not found"} // sic
	}
	return t, err
}

// named finds the table that an operation names by name or ARN.
func (b *Book) named(r store.Reader, n table.Name) (*table.Table, error) {
	t, err := b.Tables.Get(r, n)
	if err == nil && t == nil {
		err = &api.ResourceNotFoundException{Message: "Requested resource not found: Table: " + n.Name + " not found"}
	}
	return t, err
}

// tableNamed is named in a View of its own.
func (b *Book) tableNamed(ctx context.Context, id aws.Identity, given string) (*table.Table, error) {
	n, err := table.Resolve(id, given)
	if err != nil {
		return nil, err
	}
	return view(ctx, b, n, func(r store.Reader) (*table.Table, error) { return b.named(r, n) })
}

func invalid(text string) error {
	return aws.Errorf("ValidationException", http.StatusBadRequest, "%s", text)
}
