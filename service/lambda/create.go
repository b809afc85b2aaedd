package lambda

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/lambda/code"
	"github.com/brume-dev/brume/service/lambda/fault"
	"github.com/brume-dev/brume/service/lambda/keys"
	"github.com/brume-dev/brume/service/lambda/layer"
	"github.com/brume-dev/brume/store"
)

// CreateFunction creates a function, which is pending for a moment.
// https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
func (s *Service) CreateFunction(ctx context.Context, id aws.Identity, in *lambdaapi.CreateFunctionRequest) (*lambdaapi.FunctionConfiguration, error) {
	p, err := keys.FindFunction(id, in.FunctionName)
	if err != nil {
		return nil, err
	}
	from := code.Source{Zip: in.Code.ZipFile, Bucket: in.Code.S3Bucket, Key: in.Code.S3Key, Version: in.Code.S3ObjectVersion, Image: in.Code.ImageUri,
		Operation: "CreateFunction"}
	if err := s.checkCreate(ctx, id, p, in, from); err != nil {
		return nil, err
	}
	// Found out before the package is kept; the transaction looks again.
	if err := s.Store.Shard(store.Home(p.Account, p.Region)).View(ctx, func(_ context.Context, r store.Reader) error { return absent(r, p) }); err != nil {
		return nil, err
	}
	settings := settingsOfCreate(in)
	if settings.layers, err = s.Layers.Resolve(ctx, p.Space, in.Layers, nil); err != nil {
		return nil, err
	}
	pack, err := s.depot.Keep(ctx, id, p.Space, from)
	if err != nil {
		return nil, err
	}
	if err := layer.CheckSize(*pack, settings.layers); err != nil {
		return nil, errors.Join(err, s.depot.Drop(ctx, p.Space, pack))
	}
	fn := &function{ID: s.newID(), Latest: config{Timeout: defaultTimeout, MemoryMB: defaultMemoryMB, TmpMB: defaultTmpMB,
		Tracing: string(lambdaapi.TracingModePassThrough), Arch: string(lambdaapi.ArchitectureX8664), Package: *pack,
		Logging: logging{Format: string(lambdaapi.LogFormatText), Group: defaultGroup(p.Name)},
		State:   string(lambdaapi.StatePending), StateReason: "The function is being created.", StateCode: "Creating",
		Update: string(lambdaapi.LastUpdateStatusSuccessful)}}
	if len(in.Architectures) > 0 {
		fn.Latest.Arch = string(in.Architectures[0])
	}
	fn.Latest.SourceKey = value(in.Code.SourceKMSKeyArn)
	settings.apply(&fn.Latest, p)
	revision, published := s.newID(), s.newID()
	return update(ctx, s, p.Space, func(tx store.Tx) (*lambdaapi.FunctionConfiguration, error) {
		fn := *fn // a closure that runs again begins anew
		fn.Latest.touch(tx.Now(), revision, true)
		return s.create(tx, p, &fn, in, published)
	})
}

func (s *Service) checkCreate(ctx context.Context, id aws.Identity, p place, in *lambdaapi.CreateFunctionRequest, from code.Source) error {
	if in.PackageType == lambdaapi.PackageTypeImage {
		return fault.Invalid("Brume does not run functions in container images yet: use a zip deployment package")
	}
	if value(in.Runtime) == "" || value(in.Handler) == "" {
		return fault.Invalid("Runtime and Handler are mandatory parameters for functions created with deployment packages.")
	}
	if err := s.Configs.Verify(ctx, p.Space, value(in.CodeSigningConfigArn)); err != nil {
		return err
	}
	if in.PublishTo != "" {
		return noPublishTo()
	}
	if err := checkTags(in.Tags); err != nil {
		return err
	}
	if err := from.Check(); err != nil {
		return err
	}
	return cmp.Or(s.check(ctx, id, p, settingsOfCreate(in)), s.checkDeadLetters(ctx, id, p, in.Role, in.DeadLetterConfig))
}

// noPublishTo refuses what is for functions on managed instances only.
func noPublishTo() error {
	return fault.Invalid("Brume does not have managed instances (PublishTo) yet; docs/COMPATIBILITY.md lists what is there")
}

// absent refuses a name that is taken.
func absent(r store.Reader, p place) error {
	_, taken, err := r.Get(p.Space.Function(p.Name))
	if err == nil && taken {
		err = fault.Conflict("Function already exist: %s", p.Name)
	}
	return err
}

func (s *Service) create(tx store.Tx, p place, fn *function, in *lambdaapi.CreateFunctionRequest, published string) (*lambdaapi.FunctionConfiguration, error) {
	if err := absent(tx, p); err != nil {
		return nil, err
	}
	if err := s.depot.Room(tx.Snapshot(), p.Space, fn.Latest.Package); err != nil {
		return nil, err
	}
	if fn.Signing = value(in.CodeSigningConfigArn); fn.Signing != "" {
		if err := s.Configs.Attach(tx, p, "", fn.Signing); err != nil {
			return nil, err
		}
	}
	s.depot.Use(tx, p.Space, fn.Latest.Package, p.Name, 0)
	if err := s.Layers.Replace(tx, p.Space, p.Name, 0, nil, fn.Latest.Layers); err != nil {
		return nil, err
	}
	tx.Add(p.Count(), 1)
	if len(in.Tags) > 0 {
		tx.Set(p.Space.Tags(p.Name), keys.Encode(in.Tags))
	}
	arn, shown := p.FunctionARN(), &fn.Latest
	if value(in.Publish) {
		shown = s.publish(tx, p, fn, nil, published)
		arn = p.Space.ARN(p.Name, shown.version())
	}
	if err := setPrepare(tx, p, fn); err != nil {
		return nil, err
	}
	tx.Set(p.Space.Function(p.Name), keys.Encode(fn))
	return shown.describe(p, arn), nil
}

// DeleteFunction deletes a function, or one of its versions.
// https://docs.aws.amazon.com/lambda/latest/api/API_DeleteFunction.html
func (s *Service) DeleteFunction(ctx context.Context, id aws.Identity, in *lambdaapi.DeleteFunctionRequest) (*lambdaapi.DeleteFunctionResponse, error) {
	p, err := keys.Find(id, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	fn, err := update(ctx, s, p.Space, func(tx store.Tx) (*function, error) {
		fn, err := functionAt(tx, p)
		if err != nil {
			return nil, err
		}
		if p.Qualifier != "" {
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
	if err := s.unuse(tx, p, &fn.Latest); err != nil {
		return err
	}
	versions, done := tx.Scan(p.Space.Versions(p.Name).Range(), store.ScanOpt{})
	for kv := range versions {
		var c config
		if err := keys.Decode(kv.Value, &c); err != nil {
			return err
		}
		if err := s.unuse(tx, p, &c); err != nil {
			return err
		}
	}
	if err := done(); err != nil {
		return err
	}
	if fn.Reserved != nil {
		tx.Add(p.Space.Reserved(), -int64(*fn.Reserved))
	}
	tx.Delete(p.Space.Function(p.Name))
	tx.Delete(p.Space.Tags(p.Name))
	tx.Delete(p.Space.Loops(p.Name))
	for _, t := range []store.Tuple{p.Versions(p.Name), p.Aliases(p.Name), p.Policies(p.Name), p.Asyncs(p.Name)} {
		tx.DeleteRange(t.Range())
	}
	tx.DeleteRange(p.Managements(p.Name).Range())
	if err := cmp.Or(s.URLs.Delete(tx, p), s.Provisions.Delete(tx, p, fn.Reserved), s.Configs.Attach(tx, p, fn.Signing, "")); err != nil {
		return err
	}
	tx.Add(p.Count(), -1)
	tx.Signal(p.Space.Function(p.Name))
	return nil
}

// unuse notes in tx that a version is no more: it uses neither package nor layers.
func (s *Service) unuse(tx store.Tx, p place, c *config) error {
	return errors.Join(s.depot.EndUse(tx, p.Space, c.Package, p.Name, c.Number),
		s.Layers.Replace(tx, p.Space, p.Name, c.Number, c.Layers, nil))
}

func (s *Service) deleteVersion(tx store.Tx, p place, fn *function) error {
	n, ok := keys.Number(p.Qualifier)
	switch {
	case !ok:
		return fault.Invalid("Aliases cannot be deleted by DeleteFunction: use DeleteAlias to delete %s", p.ARN())
	case n == 0:
		return fault.Invalid("$LATEST version cannot be deleted without deleting the function.")
	}
	c, err := versionOf(tx, p, fn, p.Qualifier)
	if err != nil {
		return err
	}
	names, err := aliasesOf(tx, p, p.Qualifier)
	if err != nil {
		return err
	}
	if len(names) > 0 {
		return fault.Conflict("Unable to delete version because the following aliases reference it: %v", names)
	}
	if err := s.unuse(tx, p, c); err != nil {
		return err
	}
	tx.Delete(p.Space.Version(p.Name, n))
	tx.Delete(p.Space.Policy(p.Name, p.Qualifier))
	tx.Delete(p.Space.Async(p.Name, p.Qualifier))
	tx.Delete(p.Management(p.Name, p.Qualifier))
	if err := s.Provisions.Delete(tx, p, fn.Reserved); err != nil {
		return err
	}
	tx.OnCommit(func(store.Commit) { s.retire(fn.ID, p.Qualifier) })
	return nil
}

// settle waits until a function is neither pending nor being updated, or for a while.
func (s *Service) settle(ctx context.Context, p place) {
	ctx, cancel := context.WithTimeout(ctx, prepareWait)
	defer cancel()
	for since := store.Version(0); ; {
		pending := false
		err := p.Space.Shard(s.Store).View(ctx, func(_ context.Context, r store.Reader) error {
			since = r.Version()
			fn, err := keys.Get[function](r, p.Space.Function(p.Name))
			pending = fn != nil && (fn.Latest.State == string(lambdaapi.StatePending) ||
				fn.Latest.Update == string(lambdaapi.LastUpdateStatusInProgress))
			return err
		})
		if err != nil || !pending {
			return
		}
		if _, err := p.Space.Shard(s.Store).Wait(ctx, p.Space.Function(p.Name), since); err != nil {
			return
		}
	}
}

// now is the platform's time.
func (s *Service) now() time.Time { return s.Clock.Now() }
