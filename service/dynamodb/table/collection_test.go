package table

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/item"
	"github.com/brume-dev/brume/service/dynamodb/definition"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/memstore"
)

// An item collection holds 10 GB, entries of local indexes included: what makes it grow beyond that is refused, what makes it
// smaller is not.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LSI.html#LSI.ItemCollections.SizeLimit
func TestCollectionLimit(t *testing.T) {
	tab := New(Name{"000000000000", "us-east-1", "tab"}, Record{ID: 1, Hash: "pk", Sort: "sk",
		Attributes: []definition.Attribute{{Name: "pk", Type: "S"}, {Name: "sk", Type: "N"}, {Name: "b", Type: "N"}},
		Locals:     []definition.Index{{ID: 1, Name: "lsi", Hash: []string{"pk"}, Sort: []string{"b"}, Projection: "ALL"}}}, nil)
	shard := memstore.New(clock.Frozen(time.Unix(1e9, 0))).Shard(store.Global())
	made := func(sk int64, size int, b bool) item.Map { // of a size by DynamoDB's rules
		m := item.NewMap(item.F("pk", item.String("p")), item.F("sk", item.Int(sk)))
		if b {
			m.Put("b", item.Int(1))
		}
		m.Put("v", item.String(strings.Repeat("x", size-m.Size()-1)))
		return m
	}
	stored := map[int64]item.Map{}
	write := func(sk int64, m item.Map) (effects Effects, err error) {
		c := Change{Before: stored[sk], After: m}
		key := item.NewMap(item.F("pk", item.String("p")), item.F("sk", item.Int(sk)))
		if c.Suffix = tab.Suffix(key); m != nil {
			c.New = Encode(m)
		}
		_, err = shard.Update(t.Context(), func(_ context.Context, tx store.Tx) error {
			if c.Old, err = tab.Load(tx, c.Suffix); err != nil {
				return err
			}
			effects, err = tab.Apply(tx, &c)
			return err
		})
		if err == nil {
			stored[sk] = m
		}
		return effects, err
	}
	if _, err := shard.Update(t.Context(), func(_ context.Context, tx store.Tx) error {
		tx.Add(store.Key(tab.Data.Uint(familyCollection).Raw(appendPartition(nil, item.String("p")))), maxCollection-1000)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for i, c := range []struct {
		sk   int64
		item item.Map
		left int64 // of the collection; negative: refused
	}{
		{1, made(1, 400, false), 600},
		{2, made(2, 301, true), -1}, // and its entry
		{2, made(2, 300, true), 0},
		{3, made(3, 20, false), -1},
		{2, made(2, 200, true), 200},
		{2, made(2, 300, false), 300},
		{1, nil, 700},
		{3, made(3, 700, false), 0},
		{3, made(3, 701, false), -1},
	} {
		effects, err := write(c.sk, c.item)
		switch {
		case c.left < 0 && aws.CodeOf(err) != "ItemCollectionSizeLimitExceededException":
			t.Errorf("%d: %v", i, err)
		case c.left >= 0 && (err != nil || maxCollection-effects.Collection != c.left):
			t.Errorf("%d: %d bytes left, want %d, %v", i, maxCollection-effects.Collection, c.left, err)
		}
	}
}
