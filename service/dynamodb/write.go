package dynamodb

import (
	"cmp"
	"context"
	"maps"
	"slices"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/item"
	"github.com/brume-dev/brume/service/dynamodb/expression"
	"github.com/brume-dev/brume/service/dynamodb/table"
	"github.com/brume-dev/brume/store"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// write is a put, update or delete of one item, parsed and checked as far as that goes without the table.
type write struct {
	table named
	kind  writeKind
	key   item.Map      // of an update or delete
	item  item.Map      // of a put
	value table.Encoded // of a put

	update *expression.Update    // nil: nothing but the key
	cond   *expression.Condition // nil: none
	// oldOnFailure says that the error of a condition that fails shows the item.
	oldOnFailure bool
	// wantOld says that the answer shows the item as it was.
	wantOld bool
	// insert says that it is an error of its own when the item is there.
	insert bool
	// refusal is what is wrong with an action of a transaction that is cancelled for it.
	refusal error
	// inTransaction says that the write is one of several; lean that these are too large to write items more than once.
	inTransaction, lean bool
}

type writeKind uint8

const (
	writePut writeKind = iota
	writeUpdate
	writeDelete
	writeCheck // of a transaction: only the condition
)

// written is what a write did.
type written struct {
	t        *table.Table
	effects  table.Effects
	old, new item.Map
}

// run makes the write in tx. Like other writes it is only begun when nothing can be wrong with it any more but the
// condition.
func (w *write) run(s *Service, tx store.Tx) (written, error) {
	t, err := s.mustTable(tx, w.table.tableName)
	if err != nil {
		return written{}, err
	}
	out := written{t: t}
	if w.refusal != nil {
		return out, w.refusal
	}
	key := w.key
	if w.kind == writePut {
		key = w.item
		if err = t.CheckItem(w.item); err == nil {
			err = t.CheckIndexKeys(w.item)
		}
	} else if err = t.CheckKey(key); err == nil {
		err = w.checkUntouched(t)
	}
	if err != nil {
		return out, err
	}
	suffix := t.Suffix(key)
	old, err := t.Load(tx, suffix)
	if err != nil {
		return out, err
	}
	if t.Derived || w.cond != nil || w.wantOld || w.kind == writeUpdate {
		if out.old, err = old.Decode(); err != nil {
			return out, err
		}
	}
	if w.insert && old.There {
		return out, &api.DuplicateItemException{Message: "Duplicate primary key exists in table"}
	}
	if w.cond != nil && !w.cond.Holds(out.old) {
		failed := &api.ConditionalCheckFailedException{Message: "The conditional request failed"}
		if w.oldOnFailure {
			failed.Item = out.old
		}
		return out, failed
	}
	c := table.Change{Suffix: suffix, Old: old, Before: out.old, Lean: w.lean}
	switch w.kind {
	case writePut:
		out.new, c.After, c.New = w.item, w.item, w.value
	case writeUpdate:
		nothing, err := w.runUpdate(&out, old, &c)
		if err != nil || nothing {
			out.effects.Units = table.WriteUnits(0, 0)
			return out, cmp.Or(err, s.chargeWrite(tx, &out, w.factor()))
		}
	case writeCheck:
		out.effects.Units, out.effects.Size = table.WriteUnits(old.Size, 0), old.Size
		return out, s.chargeWrite(tx, &out, w.factor())
	}
	if out.effects, err = t.Apply(tx, &c); err != nil {
		return out, err
	}
	return out, s.chargeWrite(tx, &out, w.factor())
}

// factor is what the write costs the table for each unit.
func (w *write) factor() float64 {
	if w.inTransaction {
		return transactionFactor
	}
	return 1
}

// checkUntouched refuses an update that would change the key.
func (w *write) checkUntouched(t *table.Table) error {
	if w.update == nil {
		return nil
	}
	for _, name := range w.update.Attributes() {
		if t.IsKey(name) {
			return problem(invalidValues + "Cannot update attribute " + name + ". This attribute is part of the key")
		}
	}
	return nil
}

// runUpdate applies the update to the item that was loaded as old. nothing says that there is nothing to write.
func (w *write) runUpdate(out *written, old table.Stored, c *table.Change) (nothing bool, err error) {
	out.new = out.old
	bytes := 0
	if !old.There {
		if w.update != nil && w.update.OnlyRemoves() {
			return true, nil // nothing to take away, and nothing to create
		}
		out.new = w.key
	}
	if w.update != nil {
		if out.new, bytes, err = w.update.Apply(out.new); err != nil {
			return false, err
		}
		for _, name := range w.update.Attributes() {
			if out.new.Get(name).Depth() > item.MaxDepth {
				return false, problem(item.TooDeep)
			}
		}
	}
	c.After, c.New = out.new, table.Encode(out.new)
	if c.New.Size > item.MaxSize || bytes > item.MaxSize {
		return false, problem("Item size to update has exceeded the maximum allowed size")
	}
	return false, out.t.CheckIndexUpdate(out.old, out.new)
}

// do runs one write in a transaction of its own.
func (s *Service) do(ctx context.Context, w *write) (written, error) {
	out, err := update(ctx, s, w.table.tableName, func(tx store.Tx) (written, error) { return w.run(s, tx) })
	return out, refused(err)
}

// PutItem stores an item in place of what has its key.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutItem.html
func (s *Service) PutItem(ctx context.Context, id aws.Identity, in *api.PutItemInput) (*api.PutItemOutput, error) {
	n, err := resolve(id, in.TableName)
	if err != nil {
		return nil, err
	}
	w, err := s.readPut(n, in)
	if err != nil {
		return nil, refusedOne(err)
	}
	done, err := s.do(ctx, w)
	if err != nil {
		return nil, err
	}
	out := &api.PutItemOutput{ConsumedCapacity: done.consumed(in.ReturnConsumedCapacity, n.given),
		ItemCollectionMetrics: w.collectionMetrics(in.ReturnItemCollectionMetrics, &done)}
	if w.wantOld {
		out.Attributes = done.old
	}
	return out, nil
}

// readPut checks a PutItem and makes its write.
func (s *Service) readPut(n named, in *api.PutItemInput) (*write, error) {
	w := &write{table: n, kind: writePut, item: in.Item, wantOld: in.ReturnValues == api.ReturnValueAllOld,
		oldOnFailure: in.ReturnValuesOnConditionCheckFailure == api.ReturnValuesOnConditionCheckFailureAllOld}
	if err := oldOrNone(in.ReturnValues); err != nil {
		return nil, err
	}
	if err := s.readCondition(w, in.ConditionExpression, in.Expected, in.ConditionalOperator, in.ExpressionAttributeNames,
		in.ExpressionAttributeValues, in.Item); err != nil {
		return nil, err
	}
	if w.value = table.Encode(in.Item); w.value.Size > item.MaxSize {
		return nil, invalid("Item size has exceeded the maximum allowed size") // without the envelope
	}
	return w, nil
}

func oldOrNone(v api.ReturnValue) error {
	if v != "" && v != api.ReturnValueNone && v != api.ReturnValueAllOld {
		return problem("ReturnValues can only be ALL_OLD or NONE")
	}
	return nil
}

// readCondition reads the condition of a put or delete, whose item or key is attributes.
func (s *Service) readCondition(w *write, expr *string, legacy map[string]api.ExpectedAttributeValue, op api.ConditionalOperator,
	names map[string]string, values, attributes item.Map) error {
	if expr == nil && legacy == nil && op == "" && names == nil && values == nil {
		if text := attributes.Problem(item.Current); text != "" {
			return problem(text)
		}
		return nil
	}
	r, err := s.request(parameters{
		expressions: []parameter{{"ConditionExpression", expr != nil}},
		legacy:      []parameter{{"Expected", legacy != nil}, {"ConditionalOperator", op != ""}}}, names, values)
	if err != nil {
		return err
	}
	if text := attributes.Problem(item.Current); text != "" {
		return problem(text)
	}
	if expr == nil {
		w.cond, err = expected(legacy, op)
		return err
	}
	if w.cond, err = r.Condition(expression.ConditionKind, *expr); err != nil {
		return err
	}
	return r.Unused()
}

// DeleteItem deletes an item, if it is there.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DeleteItem.html
func (s *Service) DeleteItem(ctx context.Context, id aws.Identity, in *api.DeleteItemInput) (*api.DeleteItemOutput, error) {
	n, err := resolve(id, in.TableName)
	if err != nil {
		return nil, err
	}
	w, err := s.readDelete(n, in)
	if err != nil {
		return nil, refusedOne(err)
	}
	done, err := s.do(ctx, w)
	if err != nil {
		return nil, err
	}
	out := &api.DeleteItemOutput{ConsumedCapacity: done.consumed(in.ReturnConsumedCapacity, n.given),
		ItemCollectionMetrics: w.collectionMetrics(in.ReturnItemCollectionMetrics, &done)}
	if w.wantOld {
		out.Attributes = done.old
	}
	return out, nil
}

// readDelete checks a DeleteItem and makes its write.
func (s *Service) readDelete(n named, in *api.DeleteItemInput) (*write, error) {
	w := &write{table: n, kind: writeDelete, key: in.Key, wantOld: in.ReturnValues == api.ReturnValueAllOld,
		oldOnFailure: in.ReturnValuesOnConditionCheckFailure == api.ReturnValuesOnConditionCheckFailureAllOld}
	if err := oldOrNone(in.ReturnValues); err != nil {
		return nil, err
	}
	return w, s.readCondition(w, in.ConditionExpression, in.Expected, in.ConditionalOperator, in.ExpressionAttributeNames,
		in.ExpressionAttributeValues, in.Key)
}

// UpdateItem changes attributes of an item, which it creates if it is not there.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateItem.html
func (s *Service) UpdateItem(ctx context.Context, id aws.Identity, in *api.UpdateItemInput) (*api.UpdateItemOutput, error) {
	n, err := resolve(id, in.TableName)
	if err != nil {
		return nil, err
	}
	w, err := s.readUpdate(n, in)
	if err != nil {
		return nil, refusedOne(err)
	}
	done, err := s.do(ctx, w)
	if err != nil {
		return nil, err
	}
	return &api.UpdateItemOutput{
		ConsumedCapacity:      done.consumed(in.ReturnConsumedCapacity, n.given),
		ItemCollectionMetrics: w.collectionMetrics(in.ReturnItemCollectionMetrics, &done),
		Attributes:            w.returned(in.ReturnValues, done),
	}, nil
}

// returned chooses what an UpdateItem returns of the item.
func (w *write) returned(asked api.ReturnValue, done written) item.Map {
	var out item.Map
	switch asked {
	case api.ReturnValueAllOld:
		return done.old
	case api.ReturnValueAllNew:
		return done.new
	case api.ReturnValueUpdatedOld:
		if w.update != nil && done.old != nil {
			out = w.update.Changed(done.old)
		}
	case api.ReturnValueUpdatedNew:
		if w.update != nil && done.new != nil {
			out = w.update.Changed(done.new)
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// readUpdate checks an UpdateItem and makes its write.
func (s *Service) readUpdate(n named, in *api.UpdateItemInput) (*write, error) {
	w := &write{table: n, kind: writeUpdate, key: in.Key,
		oldOnFailure: in.ReturnValuesOnConditionCheckFailure == api.ReturnValuesOnConditionCheckFailureAllOld}
	r, err := s.request(parameters{
		expressions: []parameter{{"UpdateExpression", in.UpdateExpression != nil}, {"ConditionExpression", in.ConditionExpression != nil}},
		legacy: []parameter{{"AttributeUpdates", in.AttributeUpdates != nil}, {"Expected", in.Expected != nil},
			{"ConditionalOperator", in.ConditionalOperator != ""}}}, in.ExpressionAttributeNames, in.ExpressionAttributeValues)
	if err != nil {
		return nil, err
	}
	if text := in.Key.Problem(item.Current); text != "" {
		return nil, problem(text)
	}
	if in.UpdateExpression != nil {
		if w.update, err = r.Update(*in.UpdateExpression); err != nil {
			return nil, err
		}
	}
	if in.ConditionExpression != nil {
		if w.cond, err = r.Condition(expression.ConditionKind, *in.ConditionExpression); err != nil {
			return nil, err
		}
	}
	if err := r.Unused(); err != nil {
		return nil, err
	}
	if in.AttributeUpdates != nil {
		if w.update, err = attributeUpdates(in.AttributeUpdates); err != nil {
			return nil, err
		}
	}
	if w.cond == nil {
		w.cond, err = expected(in.Expected, in.ConditionalOperator)
	}
	return w, err
}

func attributeUpdates(updates map[string]api.AttributeValueUpdate) (*expression.Update, error) {
	for _, name := range sortedKeys(updates) {
		if v := updates[name].Value; v != nil {
			if text := v.Problem(item.Current); text != "" {
				return nil, problem(text)
			}
		}
	}
	return expression.AttributeUpdates(updates)
}
