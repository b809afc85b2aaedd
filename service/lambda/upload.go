package lambda

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
	"github.com/brume-dev/brume/service/lambda/code"
	"github.com/brume-dev/brume/store"
)

// source is where a request says that a package comes from.
type source struct {
	zip                  []byte
	bucket, key, version *string
	image                *string
}

func (f source) check() error {
	switch {
	case f.image != nil:
		return invalid("Brume does not run functions in container images yet: use a zip deployment package")
	case f.zip != nil && (f.bucket != nil || f.key != nil):
		return invalid("Please do not provide other FunctionCode parameters when providing a ZipFile.")
	case f.zip == nil && (f.bucket == nil || f.key == nil):
		return invalid("Please provide a source for function code.")
	case len(f.zip) > code.MaxDirect:
		return &lambdaapi.RequestTooLargeException{Type: user(),
			Message: fmt.Sprintf("Request must be smaller than %d bytes for the CreateFunction operation", maxDirectBytes)}
	}
	return nil
}

// upload keeps the package as a blob. Until a transaction names it, it is an orphan.
func (s *Service) upload(ctx context.Context, id aws.Identity, p place, from source) (*pack, error) {
	body := io.Reader(bytes.NewReader(from.zip))
	if from.zip == nil {
		out, err := s.s3.GetObject(ctx, id, &s3api.GetObjectRequest{Bucket: *from.bucket, Key: *from.key, VersionId: from.version})
		if err != nil {
			return nil, objectError(err)
		}
		if c, ok := out.Body.(io.Closer); ok {
			defer c.Close()
		}
		body = io.LimitReader(out.Body, code.MaxUnzipped+1)
	}
	info, err := s.Blobs.Put(ctx, Space, body)
	if err != nil {
		return nil, fmt.Errorf("lambda: package: %w", err)
	}
	if err := s.checkPackage(ctx, info); err != nil {
		return nil, errors.Join(err, s.Blobs.Delete(ctx, info.ID))
	}
	_, err = s.Store.Shard(store.Global()).Update(ctx, func(_ context.Context, tx store.Tx) error {
		tx.Set(ownerKey(string(info.ID)), encode(owner{Account: p.account, Region: p.region}))
		return nil
	})
	if err != nil {
		return nil, errors.Join(err, s.Blobs.Delete(ctx, info.ID))
	}
	return &pack{Blob: string(info.ID), Size: info.Size, SHA256: base64.StdEncoding.EncodeToString(info.SHA256[:])}, nil
}

func (s *Service) checkPackage(ctx context.Context, info blob.Info) error {
	err := code.Check(blob.At(ctx, s.Blobs, info.ID), info.Size)
	switch {
	case errors.Is(err, code.ErrEmpty), errors.Is(err, code.ErrNotZip), errors.Is(err, code.ErrTooBig):
		return invalid("%s", err)
	}
	return err
}

// objectError is what Lambda says when S3 does not give the package.
func objectError(err error) error {
	i, ok := clients(err)
	if !ok {
		return err
	}
	if i.Code == "AccessDenied" {
		return &aws.CodedError{Info: aws.ErrorInfo{Code: "AccessDeniedException", Status: 403,
			Message: "Your access has been denied by S3, please make sure your request credentials have permission to GetObject for " +
				"the bucket and key. S3 Error Code: AccessDenied. S3 Error Message: " + i.Message}}
	}
	return invalid("Error occurred while GetObject. S3 Error Code: %s. S3 Error Message: %s", i.Code, i.Message)
}

// addUse notes in tx that a version uses a package.
func (k space) addUse(tx store.Tx, p pack, name string, n int64) {
	tx.Set(k.use(p.Blob, name, n), store.Value{1})
	tx.Add(k.bytes(), p.Size)
}

// endUse notes in tx that a version does not use a package any more; the last one has it erased.
func (s *Service) endUse(tx store.Tx, k space, p pack, name string, n int64) error {
	tx.Delete(k.use(p.Blob, name, n))
	tx.Add(k.bytes(), -p.Size)
	left, done := tx.Scan(k.uses(p.Blob).Range(), store.ScanOpt{Limit: 1})
	for range left {
		return nil
	}
	if err := done(); err != nil {
		return err
	}
	return setErase(tx, p.Blob)
}

// Live reports which packages some version uses: it is the service's part in the sweep of orphaned blobs.
func (s *Service) Live(ctx context.Context, ids []blob.ID) ([]blob.ID, error) {
	owners := map[blob.ID]owner{}
	err := s.Store.Shard(store.Global()).View(ctx, func(_ context.Context, r store.Reader) error {
		clear(owners)
		for _, id := range ids {
			o, err := get[owner](r, ownerKey(string(id)))
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
		used, err := view(ctx, s, spaceOf(o.Account, o.Region), func(r store.Reader) (bool, error) {
			some, done := r.Scan(spaceOf(o.Account, o.Region).uses(string(id)).Range(), store.ScanOpt{Limit: 1})
			for range some {
				return true, nil
			}
			return false, done()
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
