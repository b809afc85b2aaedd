package dynamodb

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"strings"
	"time"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/item"
	"github.com/brume-dev/brume/service/dynamodb/expression"
	"github.com/brume-dev/brume/service/dynamodb/table"
	"github.com/brume-dev/brume/shape"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// TransactWriteItems makes up to 100 writes and checks on items of one account and region, all of them or none. The
// whole is one transaction of the store, which runs them one after another: nothing else is ever under way on an item,
// so that no request meets a TransactionConflict.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
func (s *Service) TransactWriteItems(ctx context.Context, id aws.Identity, in *api.TransactWriteItemsInput) (*api.TransactWriteItemsOutput, error) {
	writes, err := s.readTransaction(id, in.TransactItems)
	if err != nil {
		return nil, refused(err)
	}
	tx := transaction{writes: writes}
	without := *in
	without.ClientRequestToken = nil
	if err := tx.identify(in.ClientRequestToken, &without); err != nil {
		return nil, err
	}
	done, err := s.transact(ctx, &tx)
	if err != nil {
		return nil, err
	}
	out := &api.TransactWriteItemsOutput{ConsumedCapacity: done.consumed(in.ReturnConsumedCapacity)}
	if in.ReturnItemCollectionMetrics == api.ReturnItemCollectionMetricsSize {
		out.ItemCollectionMetrics = map[string][]api.ItemCollectionMetrics{}
		for i := range done.did {
			if m := writes[i].collectionMetrics(in.ReturnItemCollectionMetrics, &done.did[i]); m != nil {
				name := writes[i].table.given
				out.ItemCollectionMetrics[name] = append(out.ItemCollectionMetrics[name], *m)
			}
		}
	}
	return out, nil
}

// readTransaction checks the actions of a TransactWriteItems as far as that goes without the tables.
func (s *Service) readTransaction(id aws.Identity, items []api.TransactWriteItem) ([]write, error) {
	writes := make([]write, len(items))
	for i := range items {
		w, err := s.readAction(id, &items[i])
		if err != nil {
			return nil, err
		}
		writes[i] = *w
		writes[i].inTransaction = true
	}
	return writes, nil
}

// readAction reads one action by the reader of the operation that it is like.
func (s *Service) readAction(id aws.Identity, in *api.TransactWriteItem) (*write, error) {
	n := 0
	table := ""
	if in.ConditionCheck != nil {
		n, table = n+1, in.ConditionCheck.TableName
	}
	if in.Put != nil {
		n, table = n+1, in.Put.TableName
	}
	if in.Delete != nil {
		n, table = n+1, in.Delete.TableName
	}
	if in.Update != nil {
		n, table = n+1, in.Update.TableName
	}
	if n != 1 {
		return nil, problem("TransactItems can only contain one of Check, Put, Update or Delete")
	}
	name, err := resolve(id, table)
	if err != nil {
		return nil, err
	}
	switch {
	case in.Put != nil:
		p := in.Put
		names, values, err := placeholders(p.ConditionExpression, p.ExpressionAttributeNames, p.ExpressionAttributeValues)
		if err != nil {
			return nil, err
		}
		return s.readPut(name, &api.PutItemInput{Item: p.Item, ConditionExpression: p.ConditionExpression,
			ExpressionAttributeNames: names, ExpressionAttributeValues: values,
			ReturnValuesOnConditionCheckFailure: p.ReturnValuesOnConditionCheckFailure})
	case in.Delete != nil:
		d := in.Delete
		names, values, err := placeholders(d.ConditionExpression, d.ExpressionAttributeNames, d.ExpressionAttributeValues)
		if err != nil {
			return nil, err
		}
		return s.readDelete(name, &api.DeleteItemInput{Key: d.Key, ConditionExpression: d.ConditionExpression,
			ExpressionAttributeNames: names, ExpressionAttributeValues: values,
			ReturnValuesOnConditionCheckFailure: d.ReturnValuesOnConditionCheckFailure})
	case in.Update != nil:
		u := in.Update
		w, err := s.readUpdate(name, &api.UpdateItemInput{Key: u.Key, UpdateExpression: &u.UpdateExpression, ConditionExpression: u.ConditionExpression,
			ExpressionAttributeNames: u.ExpressionAttributeNames, ExpressionAttributeValues: u.ExpressionAttributeValues,
			ReturnValuesOnConditionCheckFailure: u.ReturnValuesOnConditionCheckFailure})
		if errors.Is(err, problem(item.TooDeep)) { // which cancels the transaction, where everything else refuses the request
			w, err = &write{table: name, kind: writeUpdate, key: u.Key, refusal: err}, nil
		}
		return w, err
	}
	c := in.ConditionCheck
	w, err := s.readDelete(name, &api.DeleteItemInput{Key: c.Key, ConditionExpression: &c.ConditionExpression,
		ExpressionAttributeNames: c.ExpressionAttributeNames, ExpressionAttributeValues: c.ExpressionAttributeValues,
		ReturnValuesOnConditionCheckFailure: c.ReturnValuesOnConditionCheckFailure})
	if err == nil {
		w.kind = writeCheck
	}
	return w, err
}

// placeholders returns those of an action, none when it has no expression: they are checked, but unlike outside of a
// transaction they may be there.
func placeholders(expr *string, names map[string]string, values item.Map) (map[string]string, item.Map, error) {
	if expr != nil {
		return names, values, nil
	}
	r := expression.Request{Names: names, Values: values}
	return nil, nil, r.Check()
}

// transaction is what is done together.
type transaction struct {
	writes []write
	token  string // "" : none
	hash   []byte // of the request
}

// identify gives the transaction the client token of a request, if it has one, and the hash of the request without it.
func (t *transaction) identify(token *string, without any) error {
	if token == nil {
		return nil
	}
	b, err := shape.AppendJSON(nil, without)
	sum := sha256.Sum256(b)
	t.token, t.hash = *token, sum[:]
	return err
}

// transacted is what a transaction did. did is nil when it had been done before.
type transacted struct {
	did   []written
	costs []tableCost // by table, in their order
}

// tableCost is what a transaction cost of one table.
type tableCost struct {
	Table string  `cbor:"1,keyasint"` // as it was given
	Read  float64 `cbor:"2,keyasint"` // what reading its items costs
	cost  cost
}

// consumed renders the costs, if that was asked for.
func (d *transacted) consumed(asked api.ReturnConsumedCapacity) []api.ConsumedCapacity {
	var out []api.ConsumedCapacity
	for i := range d.costs {
		if c := d.costs[i].cost.consumed(asked, d.costs[i].Table); c != nil {
			out = append(out, *c)
		}
	}
	return out
}

// transact does a transaction, or finds that it has been done.
func (s *Service) transact(ctx context.Context, t *transaction) (transacted, error) {
	n := t.writes[0].table.tableName
	for i := range t.writes {
		if o := t.writes[i].table; o.Account != n.Account || o.Region != n.Region {
			return transacted{}, invalid("All tables of a transaction must be in one account and region")
		}
	}
	out, err := s.attempt(ctx, n, t)
	if errors.Is(err, store.ErrTooLarge) { // with all that follows from the items
		for i := range t.writes {
			t.writes[i].lean = true
		}
		out, err = s.attempt(ctx, n, t)
	}
	if errors.Is(err, store.ErrTooLarge) {
		err = tooLargeTogether
	}
	return out, refused(err)
}

// attempt does the transaction in one of the store.
func (s *Service) attempt(ctx context.Context, n tableName, t *transaction) (transacted, error) {
	return update(ctx, s, n, func(tx store.Tx) (transacted, error) {
		if t.token != "" {
			done, ok, err := t.remembered(tx)
			if err != nil || ok {
				return done, err
			}
		}
		if err := s.checkDistinct(tx, t.writes); err != nil {
			return transacted{}, err
		}
		out, err := s.runAll(tx, t.writes)
		if err != nil || t.token == "" {
			return out, err
		}
		return out, t.remember(tx, out.costs)
	})
}

const tooLargeTogether = problem("Aggregate size of the items in the transaction cannot exceed 4 MB")

// checkDistinct refuses two actions on one item, and items that are together too large. What is wrong with a key is
// found when its action is run.
func (s *Service) checkDistinct(r store.Reader, writes []write) error {
	seen := make(map[string]bool, len(writes))
	size := 0
	for i := range writes {
		w := &writes[i]
		t, err := s.mustTable(r, w.table.tableName)
		if err != nil {
			return err
		}
		key := w.key
		if w.kind == writePut {
			key = w.item
		}
		size += key.Size()
		if err := w.checkKeys(t, key); table.IsEmptyKey(err) {
			return err
		} else if err != nil {
			continue
		}
		at := string(t.ItemKey(t.Suffix(key)))
		if seen[at] {
			return problem("Transaction request cannot include multiple operations on one item")
		}
		seen[at] = true
	}
	if size > maxTransactionSize {
		return tooLargeTogether
	}
	return nil
}

// checkKeys checks the keys of an action.
func (w *write) checkKeys(t *table.Table, key item.Map) error {
	if w.kind != writePut {
		return t.CheckKey(key)
	}
	if err := t.CheckItem(key); err != nil {
		return err
	}
	if err := t.CheckIndexKeys(key); table.IsEmptyKey(err) {
		return err
	}
	return nil
}

// runAll runs the actions one after another. When one fails all are cancelled, and each says why.
func (s *Service) runAll(tx store.Tx, writes []write) (transacted, error) {
	out := transacted{did: make([]written, len(writes))}
	failures := make([]error, len(writes))
	failed := false
	for i := range writes {
		var err error
		if out.did[i], err = writes[i].run(s, tx); err != nil {
			if failures[i], failed = err, true; !cancels(err) {
				return out, err
			}
		}
	}
	if failed {
		return out, cancelled(failures)
	}
	size := 0
	for i := range writes {
		size += out.did[i].effects.Size
		out.add(writes[i].table.given, &out.did[i])
	}
	if size > maxTransactionSize {
		return out, tooLargeTogether
	}
	return out, nil
}

// add counts what an action cost.
func (d *transacted) add(table string, w *written) {
	for i := range d.costs {
		if d.costs[i].Table == table {
			d.costs[i].addWrite(w)
			return
		}
	}
	c := tableCost{Table: table, cost: cost{kind: costWrite}}
	c.addWrite(w)
	d.costs = append(d.costs, c)
}

func (c *tableCost) addWrite(w *written) {
	once := w.cost()
	once.table *= transactionFactor
	c.cost.add(once)
	c.Read += transactionFactor * table.ReadUnits(w.effects.Size, true)
}

// cancels reports whether an error is one that cancels a transaction, rather than one of the request or of ours.
func cancels(err error) bool {
	_, _, _, ok := reasonOf(err)
	return ok
}

// reasonOf is the reason for which an action cancels its transaction.
func reasonOf(err error) (code, message string, shown item.Map, ok bool) {
	if failed, ok := errors.AsType[*api.ConditionalCheckFailedException](err); ok {
		return "ConditionalCheckFailed", failed.Message, failed.Item, true
	}
	if p, ok := errors.AsType[problem](err); ok {
		return "ValidationError", string(p), nil, true
	}
	if large, ok := errors.AsType[*api.ItemCollectionSizeLimitExceededException](err); ok {
		return "ItemCollectionSizeLimitExceeded", large.Message, nil, true
	}
	if slow, ok := errors.AsType[*api.ProvisionedThroughputExceededException](err); ok {
		return "ProvisionedThroughputExceeded", slow.Message, nil, true
	}
	if slow, ok := errors.AsType[*api.ThrottlingException](err); ok {
		return "ThrottlingError", slow.Message, nil, true
	}
	if double, ok := errors.AsType[*api.DuplicateItemException](err); ok {
		return "DuplicateItem", double.Message, nil, true
	}
	return "", "", nil, false
}

// cancelled is the error that tells the reason of each action, "None" for those that nothing was wrong with.
func cancelled(failures []error) error {
	out := &api.TransactionCanceledException{CancellationReasons: make([]api.CancellationReason, len(failures))}
	codes := make([]string, len(failures))
	for i, err := range failures {
		codes[i] = "None"
		if err != nil {
			code, message, shown, _ := reasonOf(err)
			codes[i] = code
			out.CancellationReasons[i].Message, out.CancellationReasons[i].Item = &message, shown
		}
		out.CancellationReasons[i].Code = &codes[i]
	}
	out.Message = "Transaction cancelled, please refer cancellation reasons for specific reasons [" + strings.Join(codes, ", ") + "]"
	return out
}

// Tokens lie in windows of time, so that those of old are erased together.

const tokenVersion = 1

// tokenRecord is a transaction that was done.
type tokenRecord struct {
	At    time.Time   `cbor:"1,keyasint"`
	Hash  []byte      `cbor:"2,keyasint"`
	Costs []tableCost `cbor:"3,keyasint"`
}

func windowOf(t time.Time) uint64 { return uint64(t.Unix()) / (60 * tokenMinutes) }

// remembered finds the transaction with the token, when it was done in the last ten minutes.
func (t *transaction) remembered(tx store.Tx) (transacted, bool, error) {
	now := tx.Now()
	for _, window := range []uint64{windowOf(now), windowOf(now) - 1} {
		v, ok, err := tx.Get(table.Tokens().Uint(window).Text(t.token))
		if err != nil || !ok {
			if err != nil {
				return transacted{}, false, err
			}
			continue
		}
		var rec tokenRecord
		if err := record.Decode(v, tokenVersion, &rec); err != nil {
			return transacted{}, false, err
		}
		if now.Sub(rec.At) >= tokenMinutes*time.Minute {
			continue
		}
		if string(rec.Hash) != string(t.hash) {
			return transacted{}, false, &api.IdempotentParameterMismatchException{
				Message: "Request parameters differ from those that were used with the client request token before"}
		}
		out := transacted{costs: rec.Costs}
		for i := range out.costs {
			out.costs[i].cost = cost{table: out.costs[i].Read, kind: costRead}
		}
		return out, true, nil
	}
	return transacted{}, false, nil
}

// remember writes the token down and erases windows that have passed.
func (t *transaction) remember(tx store.Tx, costs []tableCost) error {
	window := windowOf(tx.Now())
	tx.Set(table.Tokens().Uint(window).Text(t.token), record.Encode(tokenVersion, tokenRecord{tx.Now(), t.hash, costs}))
	oldest := table.Forgotten()
	v, ok, err := tx.Get(oldest)
	if err != nil || ok && binary.BigEndian.Uint64(v) >= window-1 {
		return err
	}
	tx.DeleteRange(store.Range{Begin: table.Tokens().Range().Begin, End: table.Tokens().Uint(window - 1)})
	tx.Set(oldest, binary.BigEndian.AppendUint64(nil, window-1))
	return nil
}
