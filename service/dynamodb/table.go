package dynamodb

import (
	"context"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/dynamodb/table"
	"github.com/brume-dev/brume/store"
)

// standing returns the table n as it stands, nil when there is none.
func (s *Service) standing(ctx context.Context, n tableName) (*table.Standing, error) {
	if st := s.tables.Standing(n); st != nil {
		return st, nil
	}
	shard := s.shardOf(n)
	return s.tables.Learn(n, shard, func(fn func(store.Reader) error) error {
		return shard.View(ctx, func(_ context.Context, r store.Reader) error { return fn(r) })
	})
}

// table returns the table n as r sees it, nil when there is none.
func (s *Service) table(r store.Reader, n tableName) (*table.Table, error) { return s.tables.Get(r, n) }

// mustTable is table for operations on items.
func (s *Service) mustTable(r store.Reader, n tableName) (*table.Table, error) {
	t, err := s.table(r, n)
	if err == nil && (t == nil || t.Restored.Filling) {
		err = noTable()
	}
	return t, err
}

// mustTableNamed is table for operations on tables.
func (s *Service) mustTableNamed(r store.Reader, n tableName) (*table.Table, error) {
	t, err := s.table(r, n)
	if err == nil && t == nil {
		err = noTableNamed(n.Name)
	}
	return t, err
}

// managedKey is the ARN of the key with which AWS encrypts tables of an account that asked for KMS without naming a
// key. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.howitworks.html
func managedKey(n tableName) string {
	return aws.MakeARN("kms", n.Region, n.Account, "key/"+uuidOf("alias/aws/dynamodb", n.Account, n.Region)).String()
}
