package dynamodb

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/item"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/pebblestore"
)

// Operations at the level of the service, on Pebble with syncs, 32 at a time.
func BenchmarkService(b *testing.B) {
	w := newWorld(b, func(c clock.Clock) store.Store {
		s, err := pebblestore.Open(pebblestore.Options{Dir: b.TempDir(), Clock: c})
		if err != nil {
			b.Fatal(err)
		}
		return s
	})
	ctx := context.Background()
	w.must("CreateTable", tableInput("tab", "pk", "sk"))
	thing := func(pk string, sk int64) item.Map {
		return item.NewMap(item.F("pk", item.String(pk)), item.F("sk", item.Int(sk)), item.F("name", item.String("a thing")),
			item.F("total", item.Int(12995)), item.F("note", item.String(strings.Repeat("n", 120))), item.F("paid", item.Bool(true)))
	}
	var n atomic.Int64
	parallel := func(name string, f func(i int64) error) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetParallelism(16)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := f(n.Add(1)); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
	parallel("PutItem", func(i int64) error {
		_, err := w.s.PutItem(ctx, w.id, &api.PutItemInput{TableName: "tab", Item: thing(fmt.Sprint("c", i%1000), i)})
		return err
	})
	one := item.NewMap(item.F(":one", item.Int(1)))
	expr := "ADD n :one"
	parallel("UpdateItem/counter", func(int64) error {
		_, err := w.s.UpdateItem(ctx, w.id, &api.UpdateItemInput{TableName: "tab", UpdateExpression: &expr, ExpressionAttributeValues: one,
			Key: item.NewMap(item.F("pk", item.String("counter")), item.F("sk", item.Int(0)))})
		return err
	})
	parallel("TransactWrite4", func(i int64) error {
		var in api.TransactWriteItemsInput
		for j := range int64(4) {
			in.TransactItems = append(in.TransactItems, api.TransactWriteItem{Put: &api.Put{TableName: "tab", Item: thing(fmt.Sprint("t", i%1000), j)}})
		}
		_, err := w.s.TransactWriteItems(ctx, w.id, &in)
		return err
	})
	for i := range 100 {
		if _, err := w.s.PutItem(ctx, w.id, &api.PutItemInput{TableName: "tab", Item: thing("hundred", int64(i))}); err != nil {
			b.Fatal(err)
		}
	}
	parallel("GetItem", func(i int64) error {
		_, err := w.s.GetItem(ctx, w.id, &api.GetItemInput{TableName: "tab",
			Key: item.NewMap(item.F("pk", item.String("hundred")), item.F("sk", item.Int(i%100)))})
		return err
	})
	cond := "pk = :p"
	hundred := item.NewMap(item.F(":p", item.String("hundred")))
	parallel("Query100", func(int64) error {
		out, err := w.s.Query(ctx, w.id, &api.QueryInput{TableName: "tab", KeyConditionExpression: &cond, ExpressionAttributeValues: hundred})
		if err == nil && *out.Count != 100 {
			err = fmt.Errorf("%d items", *out.Count)
		}
		return err
	})
}
