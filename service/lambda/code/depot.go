package code

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/blob"
	"github.com/brume-dev/brume/service/lambda/fault"
	"github.com/brume-dev/brume/service/lambda/keys"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/timer"
)

// Space is the blob space of packages.
const Space = "lambda"

const (
	kindErase      = "lambda.erase" // delete a package that nothing uses any more
	maxDirectBytes = 70_167_211     // bytes of a request that carries code
)

// Pack is a package that is kept: the zip of a function or of a layer.
type Pack struct {
	Blob     string `cbor:"1,keyasint"`
	Size     int64  `cbor:"2,keyasint"`
	SHA256   string `cbor:"3,keyasint"`           // in base64
	Unzipped int64  `cbor:"4,keyasint,omitempty"` // bytes
}

// owner says whose a package is.
type owner struct {
	Account string `cbor:"1,keyasint"`
	Region  string `cbor:"2,keyasint"`
}

// Source is where a request says that a package comes from.
type Source struct {
	Zip                  []byte
	Bucket, Key, Version *string
	Image                *string
	Operation            string // for messages
}

// Check refuses what Lambda refuses of a source.
func (f Source) Check() error {
	switch {
	case f.Image != nil:
		return fault.Invalid("Brume does not run functions in container images yet: use a zip deployment package")
	case f.Zip != nil && (f.Bucket != nil || f.Key != nil || f.Version != nil):
		return fault.Invalid("Please do not provide other FunctionCode parameters when providing a ZipFile.")
	case f.Zip == nil && (f.Bucket == nil || f.Key == nil):
		return fault.Invalid("Please provide a source for function code.")
	case len(f.Zip) > MaxDirect:
		return &lambdaapi.RequestTooLargeException{Type: fault.User(),
			Message: fmt.Sprintf("Request must be smaller than %d bytes for the %s operation", maxDirectBytes, f.Operation)}
	}
	return nil
}

// Depot keeps packages as blobs, and knows who uses them: what nobody uses any more is erased.
type Depot struct {
	store store.Store
	blobs blob.Store
	cache *Cache
	s3    s3api.Client
}

// NewDepot returns a depot and registers its promises.
func NewDepot(st store.Store, blobs blob.Store, cache *Cache, caller aws.Caller, promises *timer.Runner) *Depot {
	d := &Depot{store: st, blobs: blobs, cache: cache, s3: s3api.NewClient(caller)}
	promises.Handle(kindErase, d.erase, timer.Policy{})
	return d
}

// Keep makes a blob of the package. Until a transaction names it, it is an orphan. An object is read in the caller's name.
func (d *Depot) Keep(ctx context.Context, id aws.Identity, k keys.Space, from Source) (*Pack, error) {
	body := io.Reader(bytes.NewReader(from.Zip))
	if from.Zip == nil {
		out, err := d.s3.GetObject(ctx, id, &s3api.GetObjectRequest{Bucket: *from.Bucket, Key: *from.Key, VersionId: from.Version})
		if err != nil {
			return nil, objectError(err)
		}
		if c, ok := out.Body.(io.Closer); ok {
			defer c.Close()
		}
		body = io.LimitReader(out.Body, MaxUnzipped+1)
	}
	return d.put(ctx, k, body)
}

// Copy keeps the package of another account as one of k's own: what its owner does with it is nothing to k any more.
func (d *Depot) Copy(ctx context.Context, k keys.Space, p Pack) (*Pack, error) {
	id, err := blob.ParseID(p.Blob)
	if err != nil {
		return nil, fmt.Errorf("lambda: %w", err)
	}
	body, err := d.blobs.Open(ctx, id, 0, -1)
	if err != nil {
		return nil, fmt.Errorf("lambda: package: %w", err)
	}
	defer body.Close()
	return d.put(ctx, k, body)
}

func (d *Depot) put(ctx context.Context, k keys.Space, body io.Reader) (*Pack, error) {
	info, err := d.blobs.Put(ctx, Space, body)
	if err != nil {
		return nil, fmt.Errorf("lambda: package: %w", err)
	}
	unzipped, err := Check(blob.At(ctx, d.blobs, info.ID), info.Size)
	if errors.Is(err, ErrEmpty) || errors.Is(err, ErrNotZip) || errors.Is(err, ErrTooBig) {
		err = fault.Invalid("%s", err)
	}
	if err == nil {
		_, err = d.store.Shard(store.Global()).Update(ctx, func(_ context.Context, tx store.Tx) error {
			tx.Set(keys.Owner(string(info.ID)), keys.Encode(owner{Account: k.Account, Region: k.Region}))
			return nil
		})
	}
	if err != nil {
		return nil, errors.Join(err, d.blobs.Delete(ctx, info.ID))
	}
	return &Pack{Blob: string(info.ID), Size: info.Size, SHA256: base64.StdEncoding.EncodeToString(info.SHA256[:]), Unzipped: unzipped}, nil
}

// objectError is what Lambda says when S3 does not give the package.
func objectError(err error) error {
	i, ok := fault.Of(err)
	if !ok {
		return err
	}
	if i.Code == "AccessDenied" {
		return &aws.CodedError{Info: aws.ErrorInfo{Code: "AccessDeniedException", Status: 403,
			Message: "Your access has been denied by S3, please make sure your request credentials have permission to GetObject for " +
				"the bucket and key. S3 Error Code: AccessDenied. S3 Error Message: " + i.Message}}
	}
	return fault.Invalid("Error occurred while GetObject. S3 Error Code: %s. S3 Error Message: %s", i.Code, i.Message)
}

// Room refuses a package for which the account has no room in the region.
func (d *Depot) Room(r store.Reader, k keys.Space, p Pack) error {
	used, _, err := r.Get(k.Bytes())
	if err == nil && store.ReadCounter(used)+p.Size > MaxStored {
		err = &lambdaapi.CodeStorageExceededException{Type: fault.User(), Message: "Code storage limit exceeded."}
	}
	return err
}

// Use notes in tx that name's version n uses a package; its bytes count against the account.
func (d *Depot) Use(tx store.Tx, k keys.Space, p Pack, name string, n int64) {
	tx.Set(k.Use(p.Blob, name, n), store.Value{1})
	tx.Add(k.Bytes(), p.Size)
}

// EndUse notes in tx that it does not any more; the last one has the package erased.
func (d *Depot) EndUse(tx store.Tx, k keys.Space, p Pack, name string, n int64) error {
	tx.Add(k.Bytes(), -p.Size)
	return d.Unshare(tx, k, p, name, n)
}

// Share notes in tx that name's version n uses a package that counts elsewhere.
func (d *Depot) Share(tx store.Tx, k keys.Space, p Pack, name string, n int64) {
	tx.Set(k.Use(p.Blob, name, n), store.Value{1})
}

// Unshare ends what Share began.
func (d *Depot) Unshare(tx store.Tx, k keys.Space, p Pack, name string, n int64) error {
	tx.Delete(k.Use(p.Blob, name, n))
	if used, err := store.Any(tx, k.Uses(p.Blob).Range()); err != nil || used {
		return err
	}
	return setErase(tx, p.Blob)
}

// Drop erases a package that nothing uses.
func (d *Depot) Drop(ctx context.Context, k keys.Space, unused *Pack) error {
	_, err := k.Shard(d.store).Update(ctx, func(_ context.Context, tx store.Tx) error { return setErase(tx, unused.Blob) })
	return err
}

// erasure is the promise to delete a package.
type erasure struct {
	Blob string `cbor:"1,keyasint"`
}

func setErase(tx store.Tx, blob string) error {
	return timer.Set(tx, timer.Promise{Kind: kindErase, ID: blob, Args: keys.Encode(erasure{Blob: blob})})
}

// erase keeps it: first the bytes, then the note of whose they were.
func (d *Depot) erase(ctx context.Context, k *timer.Kept) error {
	var a erasure
	if err := keys.Decode(k.Args, &a); err != nil {
		return err
	}
	id, err := blob.ParseID(a.Blob)
	if err != nil {
		return err
	}
	d.cache.Forget(id)
	if err := d.blobs.Delete(ctx, id); err != nil {
		return err
	}
	_, err = d.store.Shard(store.Global()).Update(ctx, func(_ context.Context, tx store.Tx) error {
		tx.Delete(keys.Owner(a.Blob))
		return nil
	})
	return err
}

// Folder returns the folder with the unpacked package, and a function by which the caller lets go of it.
func (d *Depot) Folder(ctx context.Context, p Pack) (dir string, done func(), err error) {
	id, err := blob.ParseID(p.Blob)
	if err != nil {
		return "", nil, fmt.Errorf("lambda: %w", err)
	}
	return d.cache.Get(ctx, id, p.Size)
}

// Live reports which packages are used: it is the service's part in the sweep of orphaned blobs.
func (d *Depot) Live(ctx context.Context, ids []blob.ID) ([]blob.ID, error) {
	owners := map[blob.ID]owner{}
	err := d.store.Shard(store.Global()).View(ctx, func(_ context.Context, r store.Reader) error {
		clear(owners)
		for _, id := range ids {
			o, err := keys.Get[owner](r, keys.Owner(string(id)))
			if err != nil {
				return err
			}
			if o != nil {
				owners[id] = *o
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var live []blob.ID
	for id, o := range owners {
		k := keys.Of(o.Account, o.Region)
		used, err := store.View(ctx, k.Shard(d.store), func(_ context.Context, r store.Reader) (bool, error) {
			return store.Any(r, k.Uses(string(id)).Range())
		})
		if err != nil {
			return nil, err
		}
		if used {
			live = append(live, id)
		}
	}
	return live, nil
}
