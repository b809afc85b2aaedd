package dynamodb

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/dynamodb/definition"
	"github.com/brume-dev/brume/service/dynamodb/setting"
	"github.com/brume-dev/brume/service/dynamodb/table"
	"github.com/brume-dev/brume/store"
)

// CreateTable makes a table. The answer says CREATING, as AWS's does; the table is there when it arrives.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html
func (s *Service) CreateTable(ctx context.Context, id aws.Identity, in *api.CreateTableInput) (*api.CreateTableOutput, error) {
	if err := table.CheckName(in.TableName, table.MinName); err != nil {
		return nil, err
	}
	n := tableName{Account: id.Account, Region: id.Region, Name: in.TableName}
	rec, err := definition.New(in, definition.Place{Account: n.Account, Region: n.Region}, managedKey(n))
	if err != nil {
		return nil, refused(err)
	}
	tags, err := setting.Tags(in.Tags)
	if err != nil {
		return nil, err
	}
	if in.ResourcePolicy != nil {
		if _, err := setting.CheckPolicy(*in.ResourcePolicy); err != nil {
			return nil, err
		}
	}
	if _, err := view(ctx, s, n, func(r store.Reader) (any, error) { return nil, s.mustBeFree(r, n) }); err != nil {
		return nil, err // before an id is spent on it
	}
	next, err := store.Update(ctx, s.store.Shard(store.Global()), func(_ context.Context, tx store.Tx) (uint64, error) {
		return store.NextID(tx, table.Next())
	})
	if err != nil {
		return nil, err
	}
	d, err := update(ctx, s, n, func(tx store.Tx) (*api.TableDescription, error) {
		if err := s.mustBeFree(tx, n); err != nil {
			return nil, err
		}
		rec := rec
		rec.ID, rec.Created = next, tx.Now().Truncate(time.Millisecond)
		rec.UUID = uuidOf("table", n.Account, n.Region, fmt.Sprint(next, rec.Created.UnixMilli()))
		if err := table.StartStream(tx, n, &rec); err != nil {
			return nil, err
		}
		s.tables.Put(tx, n, &rec)
		t := table.New(n, rec, nil)
		for k, v := range tags {
			tx.Set(t.TagKey(k), []byte(v))
		}
		if in.ResourcePolicy != nil {
			t.SetPolicy(tx, table.Policy{}, *in.ResourcePolicy)
		}
		d, err := t.Describe(tx, api.TableStatusCreating)
		for i := range d.GlobalSecondaryIndexes {
			d.GlobalSecondaryIndexes[i].IndexStatus = api.IndexStatusCreating
		}
		return d, err
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateTableOutput{TableDescription: d}, nil
}

func (s *Service) mustBeFree(r store.Reader, n tableName) error {
	t, err := s.table(r, n)
	if err == nil && t != nil {
		err = &api.ResourceInUseException{Message: "Table already exists: " + n.Name}
	}
	return err
}

// uuidOf returns the UUID that stands for the given words.
func uuidOf(words ...string) string {
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte(strings.Join(words, "\x00"))).String()
}
