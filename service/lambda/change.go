package lambda

import (
	"context"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/lambda/fleet"
	"github.com/brume-dev/brume/store"
)

// UpdateFunctionCode replaces the code of $LATEST.
// https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionCode.html
func (s *Service) UpdateFunctionCode(ctx context.Context, id aws.Identity, in *lambdaapi.UpdateFunctionCodeRequest) (*lambdaapi.FunctionConfiguration, error) {
	p, err := findFunction(id, in.FunctionName)
	if err != nil {
		return nil, err
	}
	from := source{zip: in.ZipFile, bucket: in.S3Bucket, key: in.S3Key, version: in.S3ObjectVersion, image: in.ImageUri}
	if err := from.check(); err != nil {
		return nil, err
	}
	before, err := view(ctx, s, p.space, func(r store.Reader) (*function, error) { return changeable(r, p, in.RevisionId) })
	if err != nil {
		return nil, err
	}
	pack, err := s.upload(ctx, id, p, from)
	if err != nil {
		return nil, err
	}
	if value(in.DryRun) {
		if err := s.eraseNow(ctx, p, pack); err != nil {
			return nil, err
		}
		before.Latest.Package = *pack
		return before.Latest.describe(p, p.functionARN()), nil
	}
	revision, published := s.newID(), s.newID()
	return update(ctx, s, p.space, func(tx store.Tx) (*lambdaapi.FunctionConfiguration, error) {
		fn, err := changeable(tx, p, in.RevisionId)
		if err != nil {
			return nil, err
		}
		if err := s.endUse(tx, p.space, fn.Latest.Package, p.name, 0); err != nil {
			return nil, err
		}
		p.addUse(tx, *pack, p.name, 0)
		fn.Latest.Package = *pack
		if len(in.Architectures) > 0 {
			fn.Latest.Arch = string(in.Architectures[0])
		}
		if err := begin(tx, p, fn, revision); err != nil {
			return nil, err
		}
		arn, shown := p.functionARN(), &fn.Latest
		if value(in.Publish) {
			shown = publish(tx, p, fn, nil, published)
			arn = p.space.arn(p.name, shown.version())
		}
		tx.Set(p.space.function(p.name), encode(fn))
		return shown.describe(p, arn), nil
	})
}

// UpdateFunctionConfiguration changes the settings of $LATEST.
// https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionConfiguration.html
func (s *Service) UpdateFunctionConfiguration(ctx context.Context, id aws.Identity, in *lambdaapi.UpdateFunctionConfigurationRequest) (*lambdaapi.FunctionConfiguration, error) {
	p, err := findFunction(id, in.FunctionName)
	if err != nil {
		return nil, err
	}
	changes := settingsOfUpdate(in)
	if _, err := view(ctx, s, p.space, func(r store.Reader) (*function, error) { return changeable(r, p, in.RevisionId) }); err != nil {
		return nil, err
	}
	if err := s.check(ctx, id, p, changes); err != nil {
		return nil, err
	}
	revision := s.newID()
	return update(ctx, s, p.space, func(tx store.Tx) (*lambdaapi.FunctionConfiguration, error) {
		fn, err := changeable(tx, p, in.RevisionId)
		if err != nil {
			return nil, err
		}
		changes.apply(&fn.Latest, p)
		if err := begin(tx, p, fn, revision); err != nil {
			return nil, err
		}
		tx.Set(p.space.function(p.name), encode(fn))
		return fn.Latest.describe(p, p.functionARN()), nil
	})
}

// changeable returns a function that may be changed now.
func changeable(r store.Reader, p place, revision *string) (*function, error) {
	fn, err := functionAt(r, p)
	if err != nil {
		return nil, err
	}
	c := &fn.Latest
	switch {
	case c.State == string(lambdaapi.StatePending):
		return nil, conflict("The operation cannot be performed at this time. The function is currently in the following state: Pending")
	case c.Update == string(lambdaapi.LastUpdateStatusInProgress):
		return nil, conflict("The operation cannot be performed at this time. An update is in progress for resource: %s", p.functionARN())
	case revision != nil && *revision != c.Revision:
		return nil, staleRevision("GetFunction/GetAlias")
	}
	return fn, nil
}

// begin starts an update of $LATEST.
func begin(tx store.Tx, p place, fn *function, revision string) error {
	c := &fn.Latest
	c.touch(tx.Now(), revision, true)
	c.Update, c.UpdateReason, c.UpdateCode = string(lambdaapi.LastUpdateStatusInProgress), "The function is being created.", "Creating"
	return setPrepare(tx, p, fn)
}

// eraseNow deletes a package that no version uses.
func (s *Service) eraseNow(ctx context.Context, p place, unused *pack) error {
	_, err := s.home(p.space).Update(ctx, func(_ context.Context, tx store.Tx) error { return setErase(tx, unused.Blob) })
	return err
}

// retire stops the environments of a function, or of one version of it.
func (s *Service) retire(function, version string) {
	s.fleet.Retire(func(k fleet.Key) bool { return k.Function == function && (version == "" || k.Version == version) })
}
