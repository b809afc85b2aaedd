package cloudformation

import (
	"context"
	"strings"

	"github.com/brume-dev/brume/api/cloudformationapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// exportRecord is a value that other stacks may import.
type exportRecord struct {
	Stack string `cbor:"1,keyasint"` // UUID of the stack
	ID    string `cbor:"2,keyasint"` // its id
	Value string `cbor:"3,keyasint"`
}

const exportVersion = 1

func readExport(r store.Reader, p place, name string) (*exportRecord, error) {
	v, ok, err := r.Get(p.exports().Text(name))
	if err != nil || !ok {
		return nil, err
	}
	e := new(exportRecord)
	return e, record.Decode(v, exportVersion, e)
}

// importers are the UUIDs of the stacks that import a value.
func importers(r store.Reader, p place, name string) (uuids []string, err error) {
	prefix := p.imports(name)
	pairs, end := r.Scan(prefix.Range(), store.ScanOpt{})
	for kv := range pairs {
		uuids = append(uuids, store.Decode(kv.Key, len(prefix)).Text())
	}
	return uuids, end()
}

// exportsInUse refuses to delete a stack whose exports others import.
func exportsInUse(r store.Reader, p place, st *stackRecord) error {
	for _, o := range st.Outputs {
		if o.Export == "" {
			continue
		}
		if err := exportInUse(r, p, o.Export, "deleted"); err != nil {
			return err
		}
	}
	return nil
}

func exportInUse(r store.Reader, p place, name, what string) error {
	users, err := importers(r, p, name)
	if err != nil || len(users) == 0 {
		return err
	}
	st, err := readStack(r, p, users[0])
	if err != nil || st == nil {
		return err
	}
	return invalid("Export %s cannot be %s as it is in use by %s", name, what, st.Name)
}

// publish brings the exports of a stack to its outputs.
func publish(tx store.Tx, p place, st *stackRecord, before []outputRecord) error {
	now := map[string]string{}
	for _, o := range st.Outputs {
		if o.Export == "" {
			continue
		}
		e, err := readExport(tx, p, o.Export)
		if err != nil {
			return err
		}
		if e != nil && e.Stack != st.UUID {
			return invalid("Export with name %s is already exported by stack %s. Rename the export or remove it from one of the stacks.", o.Export, stackNameOf(e.ID))
		}
		if e != nil && e.Value != o.Value {
			if err := exportInUse(tx, p, o.Export, "updated"); err != nil {
				return err
			}
		}
		now[o.Export] = o.Value
		tx.Set(p.exports().Text(o.Export), record.Encode(exportVersion, exportRecord{st.UUID, st.id(p), o.Value}))
	}
	for _, o := range before {
		if _, stays := now[o.Export]; o.Export == "" || stays {
			continue
		}
		if err := exportInUse(tx, p, o.Export, "deleted"); err != nil {
			return err
		}
		tx.Delete(p.exports().Text(o.Export))
	}
	return nil
}

func stackNameOf(id string) string {
	parts := strings.Split(id, "/")
	if len(parts) < 2 {
		return id
	}
	return parts[1]
}

// ListExports lists the values that stacks may import.
func (s *Service) ListExports(ctx context.Context, id aws.Identity, in *cloudformationapi.ListExportsInput) (*cloudformationapi.ListExportsOutput, error) {
	p := at(id)
	pg, err := newPage(in.NextToken)
	if err != nil {
		return nil, err
	}
	return store.View(ctx, s.shard(p), func(_ context.Context, r store.Reader) (*cloudformationapi.ListExportsOutput, error) {
		out := &cloudformationapi.ListExportsOutput{Exports: []cloudformationapi.Export{}}
		err := pg.Each(r, p.exports(), func(name string, v store.Value) (bool, error) {
			var e exportRecord
			err := record.Decode(v, exportVersion, &e)
			out.Exports = append(out.Exports, cloudformationapi.Export{ExportingStackId: &e.ID, Name: &name, Value: &e.Value})
			return true, err
		})
		out.NextToken = pg.Token()
		return out, err
	})
}

// ListImports lists the names of the stacks that import a value.
func (s *Service) ListImports(ctx context.Context, id aws.Identity, in *cloudformationapi.ListImportsInput) (*cloudformationapi.ListImportsOutput, error) {
	p := at(id)
	return store.View(ctx, s.shard(p), func(_ context.Context, r store.Reader) (*cloudformationapi.ListImportsOutput, error) {
		users, err := importers(r, p, in.ExportName)
		if err != nil {
			return nil, err
		}
		if len(users) == 0 {
			return nil, invalid("Export '%s' is not imported by any stack.", in.ExportName)
		}
		out := &cloudformationapi.ListImportsOutput{}
		for _, u := range users {
			st, err := readStack(r, p, u)
			if err != nil {
				return nil, err
			}
			if st != nil {
				out.Imports = append(out.Imports, st.Name)
			}
		}
		return out, nil
	})
}
