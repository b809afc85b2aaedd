package lambda

import (
	"context"
	"time"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
)

// CreateFunction creates a function, which is pending for a moment.
// https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
func (s *Service) CreateFunction(ctx context.Context, id aws.Identity, in *lambdaapi.CreateFunctionRequest) (*lambdaapi.FunctionConfiguration, error) {
	p, err := findFunction(id, in.FunctionName)
	if err != nil {
		return nil, err
	}
	from := source{zip: in.Code.ZipFile, bucket: in.Code.S3Bucket, key: in.Code.S3Key, version: in.Code.S3ObjectVersion, image: in.Code.ImageUri}
	if err := s.checkCreate(ctx, id, p, in, from); err != nil {
		return nil, err
	}
	// Found out before the package is kept; the transaction looks again.
	if err := s.Store.Shard(store.Home(p.account, p.region)).View(ctx, func(_ context.Context, r store.Reader) error { return absent(r, p) }); err != nil {
		return nil, err
	}
	pack, err := s.upload(ctx, id, p, from)
	if err != nil {
		return nil, err
	}
	fn := &function{ID: s.newID(), Latest: config{Timeout: defaultTimeout, MemoryMB: defaultMemoryMB, TmpMB: defaultTmpMB,
		Tracing: string(lambdaapi.TracingModePassThrough), Arch: string(lambdaapi.ArchitectureX8664), Package: *pack,
		Logging: logging{Format: string(lambdaapi.LogFormatText), Group: defaultGroup(p.name)},
		State:   string(lambdaapi.StatePending), StateReason: "The function is being created.", StateCode: "Creating",
		Update: string(lambdaapi.LastUpdateStatusSuccessful)}}
	if len(in.Architectures) > 0 {
		fn.Latest.Arch = string(in.Architectures[0])
	}
	settingsOfCreate(in).apply(&fn.Latest, p)
	revision, published := s.newID(), s.newID()
	return update(ctx, s, p.space, func(tx store.Tx) (*lambdaapi.FunctionConfiguration, error) {
		fn := *fn // a closure that runs again begins anew
		fn.Latest.touch(tx.Now(), revision, true)
		return create(tx, p, &fn, in, published)
	})
}

func (s *Service) checkCreate(ctx context.Context, id aws.Identity, p place, in *lambdaapi.CreateFunctionRequest, from source) error {
	if in.PackageType == lambdaapi.PackageTypeImage {
		return invalid("Brume does not run functions in container images yet: use a zip deployment package")
	}
	if in.Runtime == "" || value(in.Handler) == "" {
		return invalid("Runtime and Handler are mandatory parameters for functions created with deployment packages.")
	}
	if in.CodeSigningConfigArn != nil {
		return &lambdaapi.CodeSigningConfigNotFoundException{Type: user(), Message: "The specified code signing configuration does not exist."}
	}
	if len(in.Tags) > maxTags {
		return invalid("The number of tags exceeds the limit of %d.", maxTags)
	}
	if err := from.check(); err != nil {
		return err
	}
	return s.check(ctx, id, p, settingsOfCreate(in))
}

// absent refuses a name that is taken.
func absent(r store.Reader, p place) error {
	_, taken, err := r.Get(p.space.function(p.name))
	if err == nil && taken {
		err = conflict("Function already exist: %s", p.name)
	}
	return err
}

func create(tx store.Tx, p place, fn *function, in *lambdaapi.CreateFunctionRequest, published string) (*lambdaapi.FunctionConfiguration, error) {
	if err := absent(tx, p); err != nil {
		return nil, err
	}
	used, _, err := tx.Snapshot().Get(p.space.bytes())
	if err != nil {
		return nil, err
	}
	if store.ReadCounter(used)+fn.Latest.Package.Size > maxCodeBytes {
		return nil, &lambdaapi.CodeStorageExceededException{Type: user(), Message: "Code storage limit exceeded."}
	}
	p.addUse(tx, fn.Latest.Package, p.name, 0)
	tx.Add(p.count(), 1)
	if len(in.Tags) > 0 {
		tx.Set(p.space.tags(p.name), encode(in.Tags))
	}
	arn, shown := p.functionARN(), &fn.Latest
	if value(in.Publish) {
		shown = publish(tx, p, fn, nil, published)
		arn = p.space.arn(p.name, shown.version())
	}
	if err := setPrepare(tx, p, fn); err != nil {
		return nil, err
	}
	tx.Set(p.space.function(p.name), encode(fn))
	return shown.describe(p, arn), nil
}

// DeleteFunction deletes a function, or one of its versions.
// https://docs.aws.amazon.com/lambda/latest/api/API_DeleteFunction.html
func (s *Service) DeleteFunction(ctx context.Context, id aws.Identity, in *lambdaapi.DeleteFunctionRequest) (*lambdaapi.DeleteFunctionResponse, error) {
	p, err := find(id, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	fn, err := update(ctx, s, p.space, func(tx store.Tx) (*function, error) {
		fn, err := functionAt(tx, p)
		if err != nil {
			return nil, err
		}
		if p.qualifier != "" {
			return nil, s.deleteVersion(tx, p, fn)
		}
		return fn, s.deleteFunction(tx, p, fn)
	})
	if err != nil {
		return nil, err
	}
	if fn != nil {
		s.retire(fn.ID, "")
	}
	status := int32(204)
	return &lambdaapi.DeleteFunctionResponse{StatusCode: &status}, nil
}

// deleteFunction removes everything of a function. Events that wait for it find it gone.
func (s *Service) deleteFunction(tx store.Tx, p place, fn *function) error {
	if err := s.endUse(tx, p.space, fn.Latest.Package, p.name, 0); err != nil {
		return err
	}
	versions, done := tx.Scan(p.space.versions(p.name).Range(), store.ScanOpt{})
	for kv := range versions {
		var c config
		if err := decode(kv.Value, &c); err != nil {
			return err
		}
		if err := s.endUse(tx, p.space, c.Package, p.name, c.Number); err != nil {
			return err
		}
	}
	if err := done(); err != nil {
		return err
	}
	if fn.Reserved != nil {
		tx.Add(p.space.reserved(), -int64(*fn.Reserved))
	}
	tx.Delete(p.space.function(p.name))
	tx.Delete(p.space.tags(p.name))
	for _, t := range []store.Tuple{p.versions(p.name), p.aliases(p.name), p.policies(p.name), p.asyncs(p.name)} {
		tx.DeleteRange(t.Range())
	}
	tx.Add(p.count(), -1)
	tx.Signal(p.space.function(p.name))
	return nil
}

func (s *Service) deleteVersion(tx store.Tx, p place, fn *function) error {
	n, ok := versionNumber(p.qualifier)
	switch {
	case !ok:
		return invalid("Aliases cannot be deleted by DeleteFunction: use DeleteAlias to delete %s", p.arn())
	case n == 0:
		return invalid("$LATEST version cannot be deleted without deleting the function.")
	}
	c, err := versionOf(tx, p, fn, p.qualifier)
	if err != nil {
		return err
	}
	names, err := aliasesOf(tx, p, p.qualifier)
	if err != nil {
		return err
	}
	if len(names) > 0 {
		return conflict("Unable to delete version because the following aliases reference it: %v", names)
	}
	if err := s.endUse(tx, p.space, c.Package, p.name, n); err != nil {
		return err
	}
	tx.Delete(p.space.version(p.name, n))
	tx.Delete(p.space.policy(p.name, p.qualifier))
	tx.Delete(p.space.async(p.name, p.qualifier))
	tx.OnCommit(func(store.Commit) { s.retire(fn.ID, p.qualifier) })
	return nil
}

// settle waits until a function is neither pending nor being updated, or for a while.
func (s *Service) settle(ctx context.Context, p place) {
	ctx, cancel := context.WithTimeout(ctx, prepareWait)
	defer cancel()
	for since := store.Version(0); ; {
		pending := false
		err := s.home(p.space).View(ctx, func(_ context.Context, r store.Reader) error {
			since = r.Version()
			fn, err := get[function](r, p.space.function(p.name))
			pending = fn != nil && (fn.Latest.State == string(lambdaapi.StatePending) ||
				fn.Latest.Update == string(lambdaapi.LastUpdateStatusInProgress))
			return err
		})
		if err != nil || !pending {
			return
		}
		if _, err := s.home(p.space).Wait(ctx, p.space.function(p.name), since); err != nil {
			return
		}
	}
}

// now is the platform's time.
func (s *Service) now() time.Time { return s.Clock.Now() }
