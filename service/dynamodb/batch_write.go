package dynamodb

import (
	"context"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/item"
	"github.com/brume-dev/brume/service/dynamodb/table"
	"github.com/brume-dev/brume/store"
)

// batched is one put or delete of a BatchWriteItem.
type batched struct {
	named
	in    api.WriteRequest
	key   item.Map // holds the key: the item of a put
	value table.Encoded
}

// BatchWriteItem puts and deletes up to 25 items. Each of them is done or not; the whole is not one transaction.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
func (s *Service) BatchWriteItem(ctx context.Context, id aws.Identity, in *api.BatchWriteItemInput) (*api.BatchWriteItemOutput, error) {
	asked, err := s.readBatchWrite(id, in)
	if err != nil {
		return nil, refused(err)
	}
	if err := s.checkBatch(ctx, asked); err != nil {
		return nil, refused(err)
	}
	costs := map[string]cost{}
	metrics := map[string][]api.ItemCollectionMetrics{}
	out := &api.BatchWriteItemOutput{UnprocessedItems: map[string][]api.WriteRequest{}}
	for rest := asked; len(rest) > 0; {
		n := groupEnd(rest)
		did, err := update(ctx, s, rest[0].tableName, func(tx store.Tx) ([]written, error) { return s.writeGroup(tx, rest[:n]) })
		if err != nil && len(rest) == len(asked) {
			return nil, refused(err)
		}
		if err != nil { // some of the batch is done: say what is not
			for i := range rest {
				out.UnprocessedItems[rest[i].given] = append(out.UnprocessedItems[rest[i].given], rest[i].in)
			}
			break
		}
		for i := range did {
			name := rest[i].given
			if did[i].t == nil {
				out.UnprocessedItems[name] = append(out.UnprocessedItems[name], rest[i].in)
				continue
			}
			c := costs[name]
			c.add(did[i].cost())
			costs[name] = c
			w := write{kind: writePut, item: rest[i].key}
			if m := w.collectionMetrics(in.ReturnItemCollectionMetrics, &did[i]); m != nil {
				metrics[name] = append(metrics[name], *m)
			}
		}
		rest = rest[n:]
	}
	for _, name := range sortedKeys(costs) {
		c := costs[name]
		if shown := c.consumed(in.ReturnConsumedCapacity, name); shown != nil {
			out.ConsumedCapacity = append(out.ConsumedCapacity, *shown)
		}
	}
	if in.ReturnItemCollectionMetrics == api.ReturnItemCollectionMetricsSize {
		out.ItemCollectionMetrics = metrics
	}
	return out, nil
}

// readBatchWrite checks a BatchWriteItem as far as that goes without the tables.
func (s *Service) readBatchWrite(id aws.Identity, in *api.BatchWriteItemInput) ([]batched, error) {
	var out []batched
	for _, name := range sortedKeys(in.RequestItems) {
		n, err := resolve(id, name)
		if err != nil {
			return nil, err
		}
		for _, w := range in.RequestItems[name] {
			b := batched{named: n, in: w}
			switch {
			case (w.PutRequest == nil) == (w.DeleteRequest == nil):
				return nil, problem("Supplied WriteRequest must contain exactly one of PutRequest and DeleteRequest")
			case w.PutRequest != nil:
				b.key = w.PutRequest.Item
			default:
				b.key = w.DeleteRequest.Key
			}
			if text := b.key.Problem(item.Older); text != "" {
				return nil, problem(text)
			}
			if w.PutRequest != nil {
				if b.value = table.Encode(b.key); b.value.Size > item.MaxSize {
					return nil, problem("Item size has exceeded the maximum allowed size")
				}
			}
			out = append(out, b)
		}
	}
	if len(out) > maxBatchWrite {
		return nil, problem("Too many items requested for the BatchWriteItem call")
	}
	return out, nil
}

// checkBatch checks all keys before anything is written.
func (s *Service) checkBatch(ctx context.Context, asked []batched) error {
	seen := make(map[string]bool, len(asked))
	for i := range asked {
		b := &asked[i]
		_, err := view(ctx, s, b.tableName, func(r store.Reader) (any, error) {
			t, err := s.mustTable(r, b.tableName)
			if err != nil {
				return nil, err
			}
			if err := b.check(t); err != nil {
				return nil, err
			}
			if key := string(t.ItemKey(t.Suffix(b.key))); !seen[key] {
				seen[key] = true
				return nil, nil
			}
			return nil, problem("Provided list of item keys contains duplicates")
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *batched) check(t *table.Table) error {
	if b.in.PutRequest == nil {
		return t.CheckKey(b.key)
	}
	if err := t.CheckBatched(b.key); err != nil {
		return err
	}
	return t.CheckIndexKeys(b.key)
}

// groupEnd returns how many of the writes go into the next transaction: those of one shard, of limited size.
func groupEnd(rest []batched) int {
	size := len(rest[0].value.Value)
	for i := 1; i < len(rest); i++ {
		size += len(rest[i].value.Value)
		if size > batchGroup || rest[i].Account != rest[0].Account || rest[i].Region != rest[0].Region {
			return i
		}
	}
	return len(rest)
}

// writeGroup makes writes in tx and returns what each did. Those whose table is throttled are left out, with a nil table,
// unless that is all of them.
func (s *Service) writeGroup(tx store.Tx, group []batched) ([]written, error) {
	out := make([]written, len(group))
	done, throttled := false, error(nil)
	for i := range group {
		b := &group[i]
		t, err := s.mustTable(tx, b.tableName)
		if err != nil {
			return nil, err
		}
		if err := b.check(t); err != nil { // the table may be another by now
			return nil, err
		}
		c := table.Change{Suffix: t.Suffix(b.key), New: b.value}
		if c.Old, err = t.Load(tx, c.Suffix); err != nil {
			return nil, err
		}
		if b.in.PutRequest != nil {
			c.After = b.key
		}
		if throttled = s.admitWrites(t, tx.Now()); throttled != nil {
			continue
		}
		out[i].t, done = t, true
		if out[i].effects, err = t.Apply(tx, &c); err != nil {
			return nil, err
		}
		if err := s.chargeWrite(tx, &out[i], 1); err != nil {
			return nil, err
		}
	}
	if !done {
		return nil, throttled
	}
	return out, nil
}
