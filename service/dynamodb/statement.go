package dynamodb

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/item"
	"github.com/brume-dev/brume/service/dynamodb/expression"
	"github.com/brume-dev/brume/service/dynamodb/partiql"
	"github.com/brume-dev/brume/service/dynamodb/table"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// A statement of PartiQL is taken apart into what the operations with expressions are asked for, and done as they are.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html

// statement is a statement and the table that it is on.
type statement struct {
	*partiql.Statement
	named
	src       string
	params    []item.Value
	onFailure api.ReturnValuesOnConditionCheckFailure
}

func readStatement(id aws.Identity, src string, params []item.Value, onFailure api.ReturnValuesOnConditionCheckFailure) (*statement, error) {
	st, err := partiql.Parse(src, params)
	if err != nil {
		return nil, err
	}
	n, err := resolve(id, st.Table)
	return &statement{st, n, src, params, onFailure}, err
}

// hash tells the statement with its parameters from others.
func (st *statement) hash() []byte {
	sum := sha256.Sum256(append(item.List(st.params...).AppendJSON(nil), st.src...))
	return sum[:16]
}

// reads reports whether the statement only reads.
func (st *statement) reads() bool { return st.Kind == partiql.Select }

// keyNames are the names of the key attributes.
func keyNames(t *table.Table) []string {
	var names []string
	for _, a := range t.KeyAttributes() {
		names = append(names, a.Name)
	}
	return names
}

// write makes a write of the statement.
func (s *Service) write(t *table.Table, st *statement) (*write, error) {
	exists := "attribute_exists(#pk)"
	if st.Kind == partiql.Insert {
		m, err := st.Item()
		if err != nil {
			return nil, err
		}
		cond := "attribute_not_exists(#pk)"
		w, err := s.readPut(st.named, &api.PutItemInput{Item: m, ConditionExpression: &cond, ExpressionAttributeNames: map[string]string{"#pk": t.Hash}})
		if err == nil {
			w.insert = true
		}
		return w, err
	}
	key, e, err := st.Key(keyNames(t)...)
	if err != nil {
		return nil, err
	}
	if st.Kind == partiql.Delete {
		w, err := s.readDelete(st.named, &api.DeleteItemInput{Key: key, ConditionExpression: e.Condition, ExpressionAttributeNames: e.Names,
			ExpressionAttributeValues: e.Values, ReturnValues: api.ReturnValue(st.Returning), ReturnValuesOnConditionCheckFailure: st.onFailure})
		return w, err
	}
	if e.Condition != nil {
		exists += " AND (" + *e.Condition + ")"
	}
	if e.Names == nil {
		e.Names = map[string]string{}
	}
	e.Names["#pk"] = t.Hash
	if st.Kind == partiql.Exists {
		w, err := s.readDelete(st.named, &api.DeleteItemInput{Key: key, ConditionExpression: &exists, ExpressionAttributeNames: e.Names,
			ExpressionAttributeValues: e.Values, ReturnValuesOnConditionCheckFailure: st.onFailure})
		if err == nil {
			w.kind = writeCheck
		}
		return w, err
	}
	return s.readUpdate(st.named, &api.UpdateItemInput{Key: key, UpdateExpression: e.Update, ConditionExpression: &exists,
		ExpressionAttributeNames: e.Names, ExpressionAttributeValues: e.Values, ReturnValuesOnConditionCheckFailure: st.onFailure})
}

// tableOf finds the table of a statement, to take the statement apart by its keys.
func (s *Service) tableOf(ctx context.Context, st *statement) (*table.Table, error) {
	return view(ctx, s, st.tableName, func(r store.Reader) (*table.Table, error) { return s.mustTable(r, st.tableName) })
}

// ExecuteStatement runs one statement.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ExecuteStatement.html
func (s *Service) ExecuteStatement(ctx context.Context, id aws.Identity, in *api.ExecuteStatementInput) (*api.ExecuteStatementOutput, error) {
	st, err := readStatement(id, in.Statement, in.Parameters, in.ReturnValuesOnConditionCheckFailure)
	if err != nil {
		return nil, refused(err)
	}
	switch {
	case st.reads():
		out, err := s.selectPage(ctx, st, in)
		return out, refused(err)
	case st.Kind == partiql.Exists:
		return nil, invalid("EXISTS is not a valid statement outside of a transaction")
	case in.NextToken != nil || in.Limit != nil:
		return nil, invalid("Limit and NextToken are only supported for SELECT statements")
	}
	done, w, err := s.runStatement(ctx, st)
	if err != nil {
		return nil, refused(err)
	}
	out := &api.ExecuteStatementOutput{ConsumedCapacity: done.consumed(in.ReturnConsumedCapacity, st.given)}
	var shown []item.Map
	if m := w.shown(st, done); m != nil {
		shown = append(shown, m)
	}
	out.Items = item.ItemsOf(shown)
	return out, nil
}

// runStatement runs a statement that writes.
func (s *Service) runStatement(ctx context.Context, st *statement) (written, *write, error) {
	t, err := s.tableOf(ctx, st)
	if err != nil {
		return written{}, nil, err
	}
	w, err := s.write(t, st)
	if err != nil {
		return written{}, nil, err
	}
	done, err := s.do(ctx, w)
	return done, w, err
}

// shown is what RETURNING shows.
func (w *write) shown(st *statement, done written) item.Map {
	if w.kind == writeDelete && w.wantOld {
		return done.old
	}
	return w.returned(api.ReturnValue(st.Returning), done)
}

// place is where a SELECT goes on: in which of its partitions, after which key. It belongs to the statement, by a hash of this
// and its parameters.
type place struct {
	Statement []byte `cbor:"1,keyasint"`
	Partition int    `cbor:"2,keyasint,omitempty"`
	Key       []byte `cbor:"3,keyasint,omitempty"`
}

const placeVersion = 1

var errToken = problem("Given NextToken isn't valid for the statement")

// readPlace reads the NextToken of a SELECT.
func (st *statement) readPlace(token *string) (place, item.Map, error) {
	if token == nil {
		return place{}, nil, nil
	}
	var p place
	b, err := base64.StdEncoding.DecodeString(*token)
	if err != nil || record.Decode(b, placeVersion, &p) != nil || !bytes.Equal(p.Statement, st.hash()) || p.Partition < 0 {
		return p, nil, errToken
	}
	if p.Key == nil {
		return p, nil, nil
	}
	key, err := item.Decode(p.Key)
	if err != nil {
		return p, nil, errToken
	}
	return p, key, nil
}

// selectPage reads a page of a SELECT.
func (s *Service) selectPage(ctx context.Context, st *statement, in *api.ExecuteStatementInput) (*api.ExecuteStatementOutput, error) {
	at, start, err := st.readPlace(in.NextToken)
	if err != nil {
		return nil, err
	}
	p := &pager{table: st.named, consistent: aws.Or(in.ConsistentRead, false), start: start}
	if st.Index != "" {
		p.index = &st.Index
	}
	if in.Limit != nil {
		p.limit = int(*in.Limit)
	}
	out := &api.ExecuteStatementOutput{}
	var items []item.Map
	var total cost
	size, last := 0, at.Partition+partiql.PagePartitions
	for {
		got, parts, err := s.selectSome(ctx, p, st, at.Partition)
		if err != nil {
			return nil, err
		}
		page, err := p.page(&got.src, got.raw)
		if err != nil {
			return nil, err
		}
		items = append(items, page.items...)
		total.add(got.src.cost(got.raw, p.consistent))
		if size += got.raw.size; p.limit > 0 {
			p.limit -= page.scanned
		}
		if out.LastEvaluatedKey = page.last; page.last != nil {
			at.Key = page.last.Append(nil)
		} else {
			at.Partition, at.Key, p.start = at.Partition+1, nil, nil
			if at.Partition >= parts {
				break
			}
		}
		if page.last != nil || in.Limit != nil && p.limit <= 0 || size >= maxPage || at.Partition == last {
			at.Statement = st.hash()
			token := base64.StdEncoding.EncodeToString(record.Encode(placeVersion, at))
			out.NextToken = &token
			break
		}
	}
	out.Items = item.ItemsOf(items)
	out.ConsumedCapacity = total.consumed(in.ReturnConsumedCapacity, st.given)
	return out, nil
}

// selected is a page as it was read, and from what.
type selected struct {
	src source
	raw raw
}

// selectSome reads from one of the partitions that a SELECT names, and says how many these are.
func (s *Service) selectSome(ctx context.Context, p *pager, st *statement, partition int) (out selected, parts int, err error) {
	out, err = view(ctx, s, st.tableName, func(r store.Reader) (selected, error) {
		t, err := s.mustTable(r, st.tableName)
		if err != nil {
			return selected{}, err
		}
		if err := s.setSelect(p, t, st); err != nil {
			return selected{}, err
		}
		src, err := p.source(t)
		if err != nil {
			return selected{}, err
		}
		q, err := st.Query(namesOf(src.Hash), namesOf(src.Sort))
		if err != nil {
			return selected{}, err
		}
		parts, p.reverse = max(1, len(q.Hash)), q.Desc
		within := src.All()
		if partition >= parts {
			return selected{}, errToken
		}
		if q.Hash == nil {
			within, err = p.scanRange(&src, &api.ScanInput{})
		} else {
			within, err = p.queryRange(&src, conditionsOf(src.Hash, q.Hash[partition], q.Sort))
		}
		if err != nil {
			return selected{}, err
		}
		raw, err := p.read(r, &src, within)
		if err == nil {
			err = s.chargePage(&src, raw, p.consistent)
		}
		return selected{src, raw}, err
	})
	return out, parts, err
}

func namesOf(as []table.Attribute) []string {
	var names []string
	for _, a := range as {
		names = append(names, a.Name)
	}
	return names
}

// conditionsOf is the key condition of one partition.
func conditionsOf(hash []table.Attribute, values []item.Value, sort expression.KeyCondition) expression.KeyCondition {
	var out expression.KeyCondition
	for i, a := range hash {
		out = append(out, expression.KeyPart{Attribute: a.Name, Op: "=", Values: []item.Value{values[i]}})
	}
	return append(out, sort...)
}

// setSelect gives the pager the filter and the projection of a SELECT.
func (s *Service) setSelect(p *pager, t *table.Table, st *statement) error {
	space := &t.Own
	if p.index != nil {
		x, err := t.IndexNamed(*p.index)
		if err != nil {
			return err
		}
		space = &x.Space
	}
	q, err := st.Query(namesOf(space.Hash), namesOf(space.Sort))
	if err != nil {
		return err
	}
	r := &expression.Request{Names: q.Names, Values: q.Values, Cache: &s.expressions}
	if q.Condition != nil {
		if p.filter, err = r.Condition(expression.FilterKind, *q.Condition); err != nil {
			return err
		}
	}
	p.chosen, err = columns(r, q.Projection)
	return err
}

// columns reads what a SELECT chooses; nil chooses everything.
func columns(r *expression.Request, projection *string) (*expression.Projection, error) {
	if projection == nil {
		return nil, nil
	}
	chosen, err := r.Projection(*projection)
	if err != nil {
		return nil, err
	}
	return chosen.Columns(), nil
}

// codeOf is the code of an error of one statement of a batch.
func codeOf(err error) (api.BatchStatementErrorCodeEnum, string, item.Map) {
	if code, message, shown, ok := reasonOf(err); ok {
		return api.BatchStatementErrorCodeEnum(code), message, shown
	}
	if gone, ok := errors.AsType[*api.ResourceNotFoundException](err); ok {
		return api.BatchStatementErrorCodeEnumResourceNotFound, gone.Message, nil
	}
	if known, ok := errors.AsType[aws.Error](err); ok {
		switch info := known.ErrorInfo(); info.Code {
		case "ValidationException":
			return api.BatchStatementErrorCodeEnumValidationError, info.Message, nil
		case "AccessDeniedException":
			return api.BatchStatementErrorCodeEnumAccessDenied, info.Message, nil
		}
	}
	return "", "", nil
}
