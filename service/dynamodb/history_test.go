package dynamodb

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/item"
)

// deed is an operation on three numbers, and what it told.
type deed struct {
	kind     string // move, add, read, readAll
	from, to int
	ok       bool
	value    int64
	all      [3]int64
}

// numbers is the specification of the three numbers.
var numbers = porcupine.Model{
	Init: func() any { return [3]int64{} },
	Step: func(state, input, output any) (bool, any) {
		s, d := state.([3]int64), output.(deed)
		switch d.kind {
		case "move":
			if (s[d.from] > 0) != d.ok {
				return false, s
			}
			if d.ok {
				s[d.from]--
				s[d.to]++
			}
			return true, s
		case "add":
			s[d.to]++
			return s[d.to] == d.value, s
		case "read":
			return s[d.from] == d.value, s
		}
		return s == d.all, s
	},
	DescribeOperation: func(_, output any) string { return fmt.Sprintf("%+v", output) },
}

func number(i int) item.Map { return item.NewMap(item.F("pk", item.String(strconv.Itoa(i)))) }

// act does a random deed.
func (w *world) act(rnd *rand.Rand) (deed, error) {
	ctx := context.Background()
	d := deed{kind: []string{"move", "move", "add", "read", "readAll"}[rnd.IntN(5)], from: rnd.IntN(3)}
	d.to = (d.from + 1 + rnd.IntN(2)) % 3
	one := item.NewMap(item.F(":one", item.Int(1)))
	value := func(m item.Map) int64 {
		n, _ := strconv.ParseInt(m.Get("n").Text(), 10, 64)
		return n
	}
	switch d.kind {
	case "move":
		cond := "n >= :one"
		_, err := w.s.TransactWriteItems(ctx, w.id, &api.TransactWriteItemsInput{TransactItems: []api.TransactWriteItem{
			{Update: &api.Update{TableName: "tab", Key: number(d.from), UpdateExpression: "SET n = n - :one", ConditionExpression: &cond, ExpressionAttributeValues: one}},
			{Update: &api.Update{TableName: "tab", Key: number(d.to), UpdateExpression: "ADD n :one", ExpressionAttributeValues: one}},
		}})
		if _, cancelled := errors.AsType[*api.TransactionCanceledException](err); cancelled {
			return d, nil
		}
		d.ok = true
		return d, err
	case "add":
		expr := "ADD n :one"
		out, err := w.s.UpdateItem(ctx, w.id, &api.UpdateItemInput{TableName: "tab", Key: number(d.to), UpdateExpression: &expr,
			ExpressionAttributeValues: one, ReturnValues: api.ReturnValueUpdatedNew})
		if err == nil {
			d.value = value(out.Attributes)
		}
		return d, err
	case "read":
		out, err := w.s.GetItem(ctx, w.id, &api.GetItemInput{TableName: "tab", Key: number(d.from)})
		if err == nil {
			d.value = value(out.Item)
		}
		return d, err
	}
	out, err := w.s.TransactGetItems(ctx, w.id, &api.TransactGetItemsInput{TransactItems: []api.TransactGetItem{
		{Get: &api.Get{TableName: "tab", Key: number(0)}}, {Get: &api.Get{TableName: "tab", Key: number(1)}}, {Get: &api.Get{TableName: "tab", Key: number(2)}}}})
	if err == nil {
		for i := range out.Responses {
			d.all[i] = value(out.Responses[i].Item)
		}
	}
	return d, err
}

// Transactions and single operations together are strictly serialisable.
func TestTransactionHistories(t *testing.T) {
	for seed := range uint64(6) {
		w := newWorld(t, shaken)
		w.must("CreateTable", tableInput("tab", "pk", ""))
		var mu sync.Mutex
		var ops []porcupine.Operation
		start := time.Now()
		together(6, func(id int) {
			rnd := rand.New(rand.NewPCG(seed, uint64(id)))
			for range 12 {
				call := time.Since(start).Nanoseconds()
				d, err := w.act(rnd)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				ops = append(ops, porcupine.Operation{ClientId: id, Call: call, Output: d, Return: time.Since(start).Nanoseconds()})
				mu.Unlock()
			}
		})
		slices.SortFunc(ops, func(a, b porcupine.Operation) int { return int(a.Call - b.Call) })
		if res := porcupine.CheckOperationsTimeout(numbers, ops, time.Minute); res != porcupine.Ok {
			t.Fatalf("seed %d: %v", seed, res)
		}
	}
}
