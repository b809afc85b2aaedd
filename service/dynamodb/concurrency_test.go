package dynamodb

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/item"
	"github.com/brume-dev/brume/service/dynamodb/table"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/memstore"
	"github.com/brume-dev/brume/store/storetest"
)

func shaken(c clock.Clock) store.Store { return storetest.Shaken(memstore.New(c), 7) }

// together runs f n times at once.
func together(n int, f func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}

// Writers on one counter must lose no addition, whichever way they add.
func TestCounter(t *testing.T) {
	const writers, each = 64, 10
	w := newWorld(t, shaken)
	w.must("CreateTable", tableInput("tab", "pk", ""))
	together(writers, func(i int) {
		for range each {
			expr := "ADD n :one"
			if i%2 == 0 {
				expr = "SET n = if_not_exists(n, :zero) + :one"
			}
			values := item.NewMap(item.F(":one", item.Int(1)))
			if i%2 == 0 {
				values.Put(":zero", item.Int(0))
			}
			_, err := w.s.UpdateItem(context.Background(), w.id, &api.UpdateItemInput{TableName: "tab",
				Key: item.NewMap(item.F("pk", item.String("c"))), UpdateExpression: &expr, ExpressionAttributeValues: values})
			if err != nil {
				t.Error(err)
			}
		}
	})
	want := fmt.Sprintf(`{"Item":{"n":{"N":"%d"},"pk":{"S":"c"}}}`, writers*each)
	if got := w.must("GetItem", `{"TableName":"tab","Key":{"pk":{"S":"c"}}}`); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// Of many that create an item only when it is not there, one wins; of many that change a version, each version once.
func TestOptimisticLocks(t *testing.T) {
	w := newWorld(t, shaken)
	w.must("CreateTable", tableInput("tab", "pk", ""))
	var mu sync.Mutex
	winners := map[string]int{}
	together(32, func(i int) {
		cond := "attribute_not_exists(pk)"
		_, err := w.s.PutItem(context.Background(), w.id, &api.PutItemInput{TableName: "tab", ConditionExpression: &cond,
			Item: item.NewMap(item.F("pk", item.String("lock")), item.F("version", item.Int(0)))})
		if _, lost := errors.AsType[*api.ConditionalCheckFailedException](err); err != nil && !lost {
			t.Error(err)
		} else if err == nil {
			mu.Lock()
			winners["create"]++
			mu.Unlock()
		}
		for v := range int64(5) {
			expr, cond := "SET version = version + :one", "version = :v"
			_, err := w.s.UpdateItem(context.Background(), w.id, &api.UpdateItemInput{TableName: "tab", UpdateExpression: &expr,
				ConditionExpression: &cond, Key: item.NewMap(item.F("pk", item.String("lock"))),
				ExpressionAttributeValues: item.NewMap(item.F(":one", item.Int(1)), item.F(":v", item.Int(v)))})
			if err == nil {
				mu.Lock()
				winners[strconv.FormatInt(v, 10)]++
				mu.Unlock()
			}
		}
	})
	for what, n := range winners {
		if n != 1 {
			t.Errorf("%s: %d winners", what, n)
		}
	}
	if len(winners) < 2 {
		t.Errorf("winners: %v", winners)
	}
}

// The counters of a table must agree with its items after any history, and pages with a whole.
func TestAgainstModel(t *testing.T) {
	for seed := range uint64(3) {
		w := newWorld(t, memory)
		rnd := rand.New(rand.NewPCG(seed, 1))
		w.must("CreateTable", tableInput("tab", "pk", "sk"))
		model := map[string]item.Map{}
		for range 600 {
			m := item.NewMap(item.F("pk", item.String(strconv.Itoa(rnd.IntN(4)))), item.F("sk", item.Int(int64(rnd.IntN(40)-20))))
			key := string(m.AppendJSON(nil))
			if rnd.IntN(3) == 0 {
				delete(model, key)
				w.must("DeleteItem", `{"TableName":"tab","Key":`+key+`}`)
				continue
			}
			m.Put("v", item.String(strings.Repeat("x", rnd.IntN(40)*rnd.IntN(40)*rnd.IntN(80))))
			model[key] = m
			w.must("PutItem", `{"TableName":"tab","Item":`+string(m.AppendJSON(nil))+`}`)
		}
		checkModel(t, w, rnd, model)
	}
}

func checkModel(t *testing.T, w *world, rnd *rand.Rand, model map[string]item.Map) {
	size := 0
	for _, m := range model {
		size += m.Size()
	}
	out, err := w.s.DescribeTable(context.Background(), w.id, &api.DescribeTableInput{TableName: "tab"})
	if err != nil || *out.Table.ItemCount != int64(len(model)) || *out.Table.TableSizeBytes != int64(size) {
		t.Errorf("table has %d items of %d bytes, want %d of %d (%v)", *out.Table.ItemCount, *out.Table.TableSizeBytes, len(model), size, err)
	}
	segments := 1 + rnd.IntN(5)
	found := 0
	for s := range segments {
		for _, m := range scanAll(t, w, s, segments, 1+rnd.IntN(7)) {
			found++
			key := item.NewMap(item.F("pk", m.Get("pk")), item.F("sk", m.Get("sk")))
			if !item.EqualMaps(model[string(key.AppendJSON(nil))], m) {
				t.Errorf("scan found %.200s", m.AppendJSON(nil))
			}
		}
	}
	if found != len(model) {
		t.Errorf("%d segments have %d items, want %d", segments, found, len(model))
	}
	for pk := range 4 {
		forth := queryAll(t, w, pk, true, 1+rnd.IntN(7))
		back := queryAll(t, w, pk, false, 1+rnd.IntN(7))
		if len(forth) != len(back) {
			t.Fatalf("partition %d: %d forth, %d back", pk, len(forth), len(back))
		}
		for i := range forth {
			if !item.EqualMaps(forth[i], back[len(back)-1-i]) {
				t.Errorf("partition %d: item %d differs in reverse", pk, i)
			}
			if i > 0 && item.Compare(forth[i-1].Get("sk"), forth[i].Get("sk")) >= 0 {
				t.Errorf("partition %d: %s before %s", pk, forth[i-1].Get("sk").Text(), forth[i].Get("sk").Text())
			}
		}
	}
}

func scanAll(t *testing.T, w *world, segment, segments, limit int) (all []item.Map) {
	in := &api.ScanInput{TableName: "tab", Segment: new(int32(segment)), TotalSegments: new(int32(segments)), Limit: new(int32(limit))}
	for {
		out, err := w.s.Scan(context.Background(), w.id, in)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, out.Items.All()...)
		if in.ExclusiveStartKey = out.LastEvaluatedKey; in.ExclusiveStartKey == nil {
			return all
		}
	}
}

func queryAll(t *testing.T, w *world, pk int, forward bool, limit int) (all []item.Map) {
	expr := "pk = :p"
	in := &api.QueryInput{TableName: "tab", KeyConditionExpression: &expr, ScanIndexForward: &forward, Limit: new(int32(limit)),
		ExpressionAttributeValues: item.NewMap(item.F(":p", item.String(strconv.Itoa(pk))))}
	for {
		out, err := w.s.Query(context.Background(), w.id, in)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, out.Items.All()...)
		if in.ExclusiveStartKey = out.LastEvaluatedKey; in.ExclusiveStartKey == nil {
			return all
		}
	}
}

// A page ends with the item that brings it to 1 MB, large items in pieces included, forth and back.
func TestPagesOfOneMegabyte(t *testing.T) {
	w := newWorld(t, memory)
	w.must("CreateTable", tableInput("tab", "pk", "sk"))
	for i := range 8 {
		w.must("PutItem", fmt.Sprintf(`{"TableName":"tab","Item":{"pk":{"S":"0"},"sk":{"N":"%d"},"v":{"S":"%s"}}}`, i, strings.Repeat("x", 250_000)))
	}
	for _, forward := range []bool{true, false} {
		if n := len(queryAll(t, w, 0, forward, 100)); n != 8 {
			t.Errorf("%d items", n)
		}
	}
	got := w.must("Query", `{"TableName":"tab","KeyConditionExpression":"pk = :p","ExpressionAttributeValues":{":p":{"S":"0"}},"Select":"COUNT","ReturnConsumedCapacity":"TOTAL"}`)
	want := `{"Count":5,"ScannedCount":5,"LastEvaluatedKey":{"pk":{"S":"0"},"sk":{"N":"4"}},"ConsumedCapacity":{"TableName":"tab","CapacityUnits":153.0}}`
	if got != want {
		t.Errorf("first page\n got %s\nwant %s", got, want)
	}
}

// A batch is cut at 16 MB; what is left comes back to be asked for again.
func TestBatchGetOfSixteenMegabytes(t *testing.T) {
	w := newWorld(t, memory)
	w.must("CreateTable", tableInput("tab", "pk", ""))
	in := &api.BatchGetItemInput{RequestItems: map[string]api.KeysAndAttributes{}}
	var keys []item.Map
	for i := range 50 {
		pk := item.F("pk", item.String(strconv.Itoa(i)))
		m := item.NewMap(pk, item.F("v", item.String(strings.Repeat("x", 399_000))))
		if _, err := w.s.PutItem(context.Background(), w.id, &api.PutItemInput{TableName: "tab", Item: m}); err != nil {
			t.Fatal(err)
		}
		keys = append(keys, item.NewMap(pk))
	}
	in.RequestItems["tab"] = api.KeysAndAttributes{Keys: keys}
	total := 0
	for rounds := 0; len(in.RequestItems) > 0; rounds++ {
		if rounds > 2 {
			t.Fatal("more than two rounds")
		}
		out, err := w.s.BatchGetItem(context.Background(), w.id, in)
		if err != nil {
			t.Fatal(err)
		}
		total += out.Responses["tab"].Len()
		in.RequestItems = out.UnprocessedKeys
	}
	if total != 50 {
		t.Errorf("%d items", total)
	}
}

// The data of a deleted table goes, that of its successor with the same name stays.
func TestDeletedDataGoes(t *testing.T) {
	w := newWorld(t, memory)
	w.must("CreateTable", tableInput("tab", "pk", ""))
	w.must("PutItem", `{"TableName":"tab","Item":{"pk":{"S":"old"},"v":{"S":"`+strings.Repeat("x", 200_000)+`"}}}`)
	w.must("DeleteTable", `{"TableName":"tab"}`)
	w.must("CreateTable", tableInput("tab", "pk", ""))
	w.must("PutItem", `{"TableName":"tab","Item":{"pk":{"S":"new"}}}`)
	if err := w.timer.Settle(context.Background()); err != nil {
		t.Fatal(err)
	}
	err := w.s.shard(w.id.Account, w.id.Region).View(context.Background(), func(_ context.Context, r store.Reader) error {
		pairs, done := r.Scan(table.DataOf(1).Range(), store.ScanOpt{})
		for kv := range pairs {
			t.Errorf("%x is left", kv.Key)
		}
		return done()
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := w.must("Scan", `{"TableName":"tab"}`); got != `{"Items":[{"pk":{"S":"new"}}],"Count":1,"ScannedCount":1}` {
		t.Error(got)
	}
}
