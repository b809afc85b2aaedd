package lambda

import (
	"context"
	"errors"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/lambda/code"
	"github.com/brume-dev/brume/service/lambda/fault"
	"github.com/brume-dev/brume/service/lambda/fleet"
	"github.com/brume-dev/brume/service/lambda/keys"
	"github.com/brume-dev/brume/service/lambda/layer"
	"github.com/brume-dev/brume/store"
)

// UpdateFunctionCode replaces the code of $LATEST.
// https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionCode.html
func (s *Service) UpdateFunctionCode(ctx context.Context, id aws.Identity, in *lambdaapi.UpdateFunctionCodeRequest) (*lambdaapi.FunctionConfiguration, error) {
	p, err := keys.FindFunction(id, in.FunctionName)
	if err != nil {
		return nil, err
	}
	from := code.Source{Zip: in.ZipFile, Bucket: in.S3Bucket, Key: in.S3Key, Version: in.S3ObjectVersion, Image: in.ImageUri,
		Operation: "UpdateFunctionCode"}
	if err := from.Check(); err != nil {
		return nil, err
	}
	if in.PublishTo != "" {
		return nil, noPublishTo()
	}
	before, err := view(ctx, s, p.Space, func(r store.Reader) (*function, error) { return changeable(r, p, in.RevisionId) })
	if err != nil {
		return nil, err
	}
	if err := s.Configs.Verify(ctx, p.Space, before.Signing); err != nil {
		return nil, err
	}
	pack, err := s.depot.Keep(ctx, id, p.Space, from)
	if err != nil {
		return nil, err
	}
	if err := layer.CheckSize(*pack, before.Latest.Layers); err != nil {
		return nil, errors.Join(err, s.depot.Drop(ctx, p.Space, pack))
	}
	if value(in.DryRun) {
		if err := s.depot.Drop(ctx, p.Space, pack); err != nil {
			return nil, err
		}
		before.Latest.Package = *pack
		return before.Latest.describe(p, p.FunctionARN()), nil
	}
	revision, published := s.newID(), s.newID()
	return update(ctx, s, p.Space, func(tx store.Tx) (*lambdaapi.FunctionConfiguration, error) {
		fn, err := changeable(tx, p, in.RevisionId)
		if err != nil {
			return nil, err
		}
		if err := s.depot.EndUse(tx, p.Space, fn.Latest.Package, p.Name, 0); err != nil {
			return nil, err
		}
		s.depot.Use(tx, p.Space, *pack, p.Name, 0)
		fn.Latest.Package, fn.Latest.SourceKey = *pack, value(in.SourceKMSKeyArn)
		if len(in.Architectures) > 0 {
			fn.Latest.Arch = string(in.Architectures[0])
		}
		if err := begin(tx, p, fn, revision); err != nil {
			return nil, err
		}
		arn, shown := p.FunctionARN(), &fn.Latest
		if value(in.Publish) {
			shown = s.publish(tx, p, fn, nil, published)
			arn = p.Space.ARN(p.Name, shown.version())
		}
		tx.Set(p.Space.Function(p.Name), keys.Encode(fn))
		return shown.describe(p, arn), nil
	})
}

// UpdateFunctionConfiguration changes the settings of $LATEST.
// https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionConfiguration.html
func (s *Service) UpdateFunctionConfiguration(ctx context.Context, id aws.Identity, in *lambdaapi.UpdateFunctionConfigurationRequest) (*lambdaapi.FunctionConfiguration, error) {
	p, err := keys.FindFunction(id, in.FunctionName)
	if err != nil {
		return nil, err
	}
	changes := settingsOfUpdate(in)
	before, err := view(ctx, s, p.Space, func(r store.Reader) (*function, error) { return changeable(r, p, in.RevisionId) })
	if err != nil {
		return nil, err
	}
	if err := s.check(ctx, id, p, changes); err != nil {
		return nil, err
	}
	if err := s.checkDeadLetters(ctx, id, p, aws.Or(in.Role, before.Latest.Role), in.DeadLetterConfig); err != nil {
		return nil, err
	}
	if changes.layers, err = s.Layers.Resolve(ctx, p.Space, in.Layers, before.Latest.Layers); err != nil {
		return nil, err
	}
	if err := layer.CheckSize(before.Latest.Package, changes.layers); err != nil {
		return nil, err
	}
	revision := s.newID()
	return update(ctx, s, p.Space, func(tx store.Tx) (*lambdaapi.FunctionConfiguration, error) {
		fn, err := changeable(tx, p, in.RevisionId)
		if err != nil {
			return nil, err
		}
		layers := fn.Latest.Layers
		changes.apply(&fn.Latest, p)
		if err := s.Layers.Replace(tx, p.Space, p.Name, 0, layers, fn.Latest.Layers); err != nil {
			return nil, err
		}
		if err := begin(tx, p, fn, revision); err != nil {
			return nil, err
		}
		tx.Set(p.Space.Function(p.Name), keys.Encode(fn))
		return fn.Latest.describe(p, p.FunctionARN()), nil
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
		return nil, fault.Conflict("The operation cannot be performed at this time. The function is currently in the following state: Pending")
	case c.Update == string(lambdaapi.LastUpdateStatusInProgress):
		return nil, fault.Conflict("The operation cannot be performed at this time. An update is in progress for resource: %s", p.FunctionARN())
	case revision != nil && *revision != c.Revision:
		return nil, fault.StaleRevision("GetFunction/GetAlias")
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

// retire stops the environments of a function, or of one version of it.
func (s *Service) retire(function, version string) {
	s.fleet.Retire(func(k fleet.Key) bool { return k.Function == function && (version == "" || k.Version == version) })
}
