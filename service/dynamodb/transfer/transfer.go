// Package transfer is the part of DynamoDB that moves tables to and from Amazon S3: exports of a table as it was at a time,
// or of what has changed in a window of time, and imports into a new table. Both are promises: an export writes one file
// after another and notes each in the store, an import commits the items together with how far it has come, so that
// either goes on where it was after a crash. Neither holds more than a file, or a batch of items, in memory.
//
// What is asked of S3 is asked as who asked for the export or import, by way of DynamoDB.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3forDynamoDB.html
package transfer

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/api/logsapi"
	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/service/dynamodb/stream"
	"github.com/brume-dev/brume/service/dynamodb/table"
	"github.com/brume-dev/brume/shape"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

// The keys of exports and imports, in the shard of the tables.
//
//	"dynamodb" "export" account region table label     an export (exportRecord)
//	"dynamodb" "import" account region table label     an import (importRecord)
//	"dynamodb" "token" account region kind token       a ClientToken that was used (tokenRecord)
//	"dynamodb" copy 21 number                          a file that an export has written (fileRecord)

// The promises of exports and imports. The arguments of the first are a table.Work, of the second a which, of the third
// the key that is to be erased.
const (
	exportKind = "dynamodb.export"
	importKind = "dynamodb.import"
	forgetKind = "dynamodb.transfer.forget"
)

const (
	version    = 1
	kindExport = "export"
	kindImport = "import"

	tokenLife = 8 * time.Hour       // for which a client token is remembered
	keptFor   = 90 * 24 * time.Hour // for which exports and imports are listed
	listed    = 25                  // on a page
)

// Carrier implements the operations of dynamodbapi.Handler about exports and imports.
type Carrier struct {
	store  store.Store
	tables *table.Cache
	clock  clock.Clock
	s3     s3api.Client
	logs   logsapi.Client
	// managedKey is the ARN of the key with which AWS encrypts tables.
	managedKey func(table.Name) string
}

// Config is what exports and imports need.
type Config struct {
	Store      store.Store
	Clock      clock.Clock
	Timer      *timer.Runner
	Tables     *table.Cache
	Caller     aws.Caller
	ManagedKey func(table.Name) string
}

// New returns the Carrier and registers the promises that it keeps.
func New(c Config) *Carrier {
	k := &Carrier{store: c.Store, clock: c.Clock, tables: c.Tables, s3: s3api.NewClient(c.Caller), logs: logsapi.NewClient(c.Caller), managedKey: c.ManagedKey}
	c.Timer.Handle(exportKind, k.keepExport, timer.Policy{})
	c.Timer.Handle(importKind, k.keepImport, timer.Policy{})
	c.Timer.Handle(forgetKind, func(ctx context.Context, p *timer.Kept) error {
		_, err := p.Shard.Update(ctx, func(_ context.Context, tx store.Tx) error {
			tx.Delete(p.Args)
			return p.Done(tx)
		})
		return unlessGone(err)
	}, timer.Policy{})
	return k
}

func unlessGone(err error) error {
	if errors.Is(err, timer.ErrGone) {
		return nil
	}
	return err
}

// which says which export or import is meant.
type which struct {
	Account string `cbor:"1,keyasint"`
	Region  string `cbor:"2,keyasint"`
	Table   string `cbor:"3,keyasint"`
	Label   string `cbor:"4,keyasint"`
}

func (w which) name() table.Name {
	return table.Name{Account: w.Account, Region: w.Region, Name: w.Table}
}

func (w which) arn(kind string) string {
	return aws.MakeARN("dynamodb", w.Region, w.Account, "table/"+w.Table+"/"+kind+"/"+w.Label).String()
}

func directory(kind, account, region string) store.Tuple {
	return store.Tuple(nil).Text("dynamodb").Text(kind).Text(account).Text(region)
}

func (w which) key(kind string) store.Key {
	return directory(kind, w.Account, w.Region).Text(w.Table).Text(w.Label)
}

// parse reads the ARN of an export or import; ok is false when it is none.
func parse(kind, arn string) (w which, ok bool) {
	a, err := aws.ParseARN(arn)
	name, label, found := strings.Cut(strings.TrimPrefix(a.Resource, "table/"), "/"+kind+"/")
	return which{a.Account, a.Region, name, label}, err == nil && a.Service == "dynamodb" && found && label != ""
}

// label names an export or import: by the time of its start, and by its number.
func label(now time.Time, number uint64) string {
	return fmt.Sprintf("%014d-%08x", now.UnixMilli(), number)
}

// noIon is the answer to what asks for Amazon Ion.
func noIon() error {
	return aws.Errorf("NotImplemented", http.StatusNotImplemented,
		"Brume does not implement exports and imports in Amazon Ion; docs/COMPATIBILITY.md lists what is there")
}

func (k *Carrier) shard(account, region string) store.Shard {
	return k.store.Shard(stream.Shard(account, region))
}

func update[T any](ctx context.Context, k *Carrier, n table.Name, fn func(store.Tx) (T, error)) (T, error) {
	return store.Update(ctx, k.shard(n.Account, n.Region), func(_ context.Context, tx store.Tx) (T, error) { return fn(tx) })
}

func view[T any](ctx context.Context, k *Carrier, n table.Name, fn func(store.Reader) (T, error)) (T, error) {
	return store.View(ctx, k.shard(n.Account, n.Region), func(_ context.Context, r store.Reader) (T, error) { return fn(r) })
}

// next gives the id of a new table or copy.
func (k *Carrier) next(ctx context.Context) (uint64, error) {
	return store.Update(ctx, k.store.Shard(store.Global()), func(_ context.Context, tx store.Tx) (uint64, error) {
		return store.NextID(tx, table.Next())
	})
}

// tokenRecord is a request that was made with a client token.
type tokenRecord struct {
	At   time.Time `cbor:"1,keyasint"`
	Hash []byte    `cbor:"2,keyasint"` // of the request
	Made which     `cbor:"3,keyasint"`
}

// request is what makes a call the same as another one.
type request struct {
	key  store.Key // of the token; nil: there is none
	hash []byte
}

// requestOf reads the client token of a call and hashes the call. It may make up a token: then the call is not remembered.
func requestOf(id aws.Identity, kind string, token *string, in any) (request, error) {
	b, err := shape.AppendJSON(nil, in)
	if err != nil || token == nil {
		return request{}, err
	}
	sum := sha256.Sum256(b)
	return request{directory("token", id.Account, id.Region).Text(kind).Text(*token), sum[:]}, nil
}

// done finds what was made by the same call before. conflict is the error of another call with the token.
func (q request) done(tx store.Tx, conflict error) (which, bool, error) {
	if q.key == nil {
		return which{}, false, nil
	}
	v, ok, err := tx.Get(q.key)
	if err != nil || !ok {
		return which{}, false, err
	}
	var rec tokenRecord
	switch err := record.Decode(v, version, &rec); {
	case err != nil:
		return which{}, false, err
	case tx.Now().Sub(rec.At) >= tokenLife:
		return which{}, false, nil
	case string(rec.Hash) != string(q.hash):
		return which{}, false, conflict
	}
	return rec.Made, true, nil
}

// remember writes down what the call made, and makes the promises to forget both.
func (q request) remember(tx store.Tx, kind string, made which) error {
	if err := forgetLater(tx, made.key(kind), keptFor); err != nil || q.key == nil {
		return err
	}
	tx.Set(q.key, record.Encode(version, tokenRecord{tx.Now(), q.hash, made}))
	return forgetLater(tx, q.key, tokenLife)
}

func forgetLater(tx store.Tx, k store.Key, after time.Duration) error {
	return timer.Set(tx, timer.Promise{Kind: forgetKind, ID: fmt.Sprintf("%x", sha256.Sum256(k)), Due: tx.Now().Add(after), Args: k})
}

// state is how far an export or import is; failure says why it has failed.
type state struct {
	Start   time.Time `cbor:"1,keyasint"`
	End     time.Time `cbor:"2,keyasint,omitzero"`
	Code    string    `cbor:"3,keyasint,omitempty"` // "" unless it has failed
	Message string    `cbor:"4,keyasint,omitempty"`
}

func (s *state) status() string {
	switch {
	case s.End.IsZero():
		return string(api.ExportStatusInProgress)
	case s.Code != "":
		return string(api.ExportStatusFailed)
	}
	return string(api.ExportStatusCompleted)
}

func (s *state) end() *time.Time {
	if s.End.IsZero() {
		return nil
	}
	return &s.End
}

// failure is an error that ends an export or import.
type failure struct{ code, message string }

func (f *failure) Error() string { return f.code + ": " + f.message }

// ofS3 makes a failure of an error of S3 that is no fault of ours: another attempt would meet it too.
func ofS3(err error) error {
	if info := aws.InfoOf(err); err != nil && info.Status >= 400 && info.Status < 500 && info.Status != http.StatusTooManyRequests {
		return &failure{"S3" + info.Code, info.Message}
	}
	return err
}

// by is who asks S3 for an export or import.
func by(as aws.Identity) aws.Identity {
	as.ViaService = "dynamodb.amazonaws.com"
	return as
}

func uuidOf(words ...string) string {
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte(strings.Join(words, "\x00"))).String()
}
