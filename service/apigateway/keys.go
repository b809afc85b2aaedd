package apigateway

import (
	"bytes"

	"github.com/brume-dev/brume/store"
	pages "github.com/brume-dev/brume/store/page"
	"github.com/brume-dev/brume/store/record"
)

// The keys of API Gateway. All of an account and region lies in its home shard; invoke URLs name neither, so the ids of all
// APIs are in a global directory too. Records are the API's own shapes, under the names of their members, which AWS never
// changes; those that templates and schemas make large are written by store.SetLarge.
//
//	global "apigateway" id                         ownerRecord
//
//	home(account, region) "apigateway" "account"   accountRecord
//	home(account, region) "apigateway" "api" id    RestApi
//	home(account, region) "apigateway" "key" id                   ApiKey
//	home(account, region) "apigateway" "keyvalue" hash            the id of the key with the value
//	home(account, region) "apigateway" "plan" id                  UsagePlan
//	home(account, region) "apigateway" "member" plan key          UsagePlanKey
//	home(account, region) "apigateway" "plansof" key plan         nothing
//	home(account, region) "apigateway" "used" …                   the counts of package usage
//	home(account, region) "apigateway" "in" id …:
//	  "revision"                  counter: changes with what the data plane serves; there as long as the API
//	  "resource" id               Resource without its methods
//	  "child" parent pathpart     the resource's id
//	  "method" resource verb      Method with its responses and integration (large)
//	  "model" name                Model (large)
//	  "validator" id              RequestValidator
//	  "authorizer" id             Authorizer
//	  "response" type             GatewayResponse (large)
//	  "deployment" id             Deployment
//	  "snapshot" deployment       execute.Snapshot (large)
//	  "stage" name                Stage
const service = "apigateway"

const version = 1 // of every record

func directory(api string) store.Tuple { return store.Global().Text(service).Text(api) }

func home(account, region string) store.Tuple       { return store.Home(account, region).Text(service) }
func accountKey(account, region string) store.Tuple { return home(account, region).Text("account") }
func apis(account, region string) store.Tuple       { return home(account, region).Text("api") }

// place is where an API lies.
type place struct {
	account, region, api string
}

func placeOf(account, region, api string) place { return place{account, region, api} }

func (p place) record() store.Tuple { return apis(p.account, p.region).Text(p.api) }
func (p place) inside() store.Tuple { return home(p.account, p.region).Text("in").Text(p.api) }
func (p place) revision() store.Tuple {
	return p.inside().Text("revision")
}
func (p place) resources() store.Tuple              { return p.inside().Text("resource") }
func (p place) resource(id string) store.Tuple      { return p.resources().Text(id) }
func (p place) children(parent string) store.Tuple  { return p.inside().Text("child").Text(parent) }
func (p place) methods(resource string) store.Tuple { return p.inside().Text("method").Text(resource) }
func (p place) models() store.Tuple                 { return p.inside().Text("model") }
func (p place) authorizers() store.Tuple            { return p.inside().Text("authorizer") }
func (p place) validators() store.Tuple             { return p.inside().Text("validator") }
func (p place) responses() store.Tuple              { return p.inside().Text("response") }
func (p place) deployments() store.Tuple            { return p.inside().Text("deployment") }
func (p place) snapshot(id string) store.Tuple      { return p.inside().Text("snapshot").Text(id) }
func (p place) stages() store.Tuple                 { return p.inside().Text("stage") }

// load reads the record at k; nil when there is none.
func load[T any](r store.Reader, k store.Tuple) (*T, error) {
	b, ok, err := store.GetLarge(r, store.Key(k))
	if err != nil || !ok {
		return nil, err
	}
	v := new(T)
	return v, record.Decode(b, version, v)
}

// must is load with the error for what is missing.
func must[T any](r store.Reader, k store.Tuple, missing error) (*T, error) {
	v, err := load[T](r, k)
	if err == nil && v == nil {
		err = missing
	}
	return v, err
}

func save(tx store.Tx, k store.Tuple, v any) error {
	return store.SetLarge(tx, store.Key(k), record.Encode(version, v))
}

// each calls f with the records below prefix in the order of their keys, until f returns false; name is the last element
// of the key.
func each[T any](r store.Reader, prefix store.Tuple, from store.Range, f func(name string, v *T) (bool, error)) error {
	pairs, done := r.Scan(from, store.ScanOpt{})
	var at store.Key
	for kv := range pairs {
		if at != nil && bytes.HasPrefix(kv.Key, at) {
			continue // a further piece of a large record
		}
		at = append(at[:0:0], kv.Key...)
		e := store.Decode(at, len(prefix))
		name := e.Text()
		if e.Err() != nil {
			return e.Err()
		}
		v, err := load[T](r, store.Tuple(at))
		if err != nil {
			return err
		}
		if more, err := f(name, v); err != nil || !more {
			return err
		}
	}
	return done()
}

// all returns the records below prefix.
func all[T any](r store.Reader, prefix store.Tuple) (out []T, err error) {
	err = each(r, prefix, prefix.Range(), func(_ string, v *T) (bool, error) {
		out = append(out, *v)
		return true, nil
	})
	return out, err
}

// newPage is a page of a listing.
func newPage(position *string, limit *int32) (*pages.Page, error) {
	n := pageSize
	if limit != nil && *limit > 0 {
		n = min(int(*limit), maxPage)
	}
	pg, err := pages.New(n, position)
	if err != nil {
		return nil, bad("Invalid position parameter")
	}
	return pg, nil
}

// page returns the records below prefix that come after position, and the position to go on from.
func page[T any](r store.Reader, prefix store.Tuple, position *string, limit *int32) (out []T, next *string, err error) {
	return pageOf(r, prefix, position, limit, func(*T) bool { return true })
}

// pageOf is page for the records that take accepts.
func pageOf[T any](r store.Reader, prefix store.Tuple, position *string, limit *int32, take func(*T) bool) (out []T, next *string, err error) {
	pg, err := newPage(position, limit)
	if err != nil {
		return nil, nil, err
	}
	err = pg.Keys(r, prefix, func(key *store.Elements, _ store.Value) (bool, error) {
		name := key.Text()
		if key.More() {
			return false, nil // a further piece of a large record
		}
		v, err := load[T](r, prefix.Text(name))
		if err != nil || !take(v) {
			return false, err
		}
		out = append(out, *v)
		return true, nil
	})
	return out, pg.Token(), err
}

// count counts the records below prefix, up to limit.
func count(r store.Reader, prefix store.Tuple, limit int) (n int, err error) {
	pairs, done := r.Scan(prefix.Range(), store.ScanOpt{})
	var at store.Key
	for kv := range pairs {
		if at != nil && bytes.HasPrefix(kv.Key, at) {
			continue
		}
		at = append(at[:0:0], kv.Key...)
		if n++; n >= limit {
			break
		}
	}
	return n, done()
}
