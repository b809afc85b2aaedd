package lambda

import (
	"bytes"
	"context"
	"time"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/lambda/fault"
	"github.com/brume-dev/brume/service/lambda/keys"
	"github.com/brume-dev/brume/store"
)

// PublishVersion makes a version of $LATEST as it is; when nothing has changed since the last one, that is the answer.
// https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html
func (s *Service) PublishVersion(ctx context.Context, id aws.Identity, in *lambdaapi.PublishVersionRequest) (*lambdaapi.FunctionConfiguration, error) {
	p, err := keys.FindFunction(id, in.FunctionName)
	if err != nil {
		return nil, err
	}
	revision := s.newID()
	// A version is of code that is there: what is under way comes first, as it does where it takes longer.
	s.settle(ctx, p)
	return update(ctx, s, p.Space, func(tx store.Tx) (*lambdaapi.FunctionConfiguration, error) {
		fn, err := changeable(tx, p, in.RevisionId)
		if err != nil {
			return nil, err
		}
		if sum := value(in.CodeSha256); sum != "" && sum != fn.Latest.Package.SHA256 {
			return nil, fault.Invalid("CodeSHA256 (%s) is different from current CodeSHA256 in $LATEST (%s). "+
				"Please try again with the CodeSHA256 in $LATEST.", sum, fn.Latest.Package.SHA256)
		}
		if fn.Newest > 0 {
			last, err := keys.Get[config](tx, p.Space.Version(p.Name, fn.Newest))
			if err != nil {
				return nil, err
			}
			if last != nil && same(last, &fn.Latest) {
				return last.describe(p, p.Space.ARN(p.Name, last.version())), nil
			}
		}
		c := s.publish(tx, p, fn, in.Description, revision)
		tx.Set(p.Space.Function(p.Name), keys.Encode(fn))
		return c.describe(p, p.Space.ARN(p.Name, c.version())), nil
	})
}

// publish makes the next version of fn, which the caller stores.
func (s *Service) publish(tx store.Tx, p place, fn *function, description *string, revision string) *config {
	fn.Newest++
	c := fn.Latest
	c.Number = fn.Newest
	c.touch(tx.Now(), revision, true)
	put(&c.Description, description)
	c.State, c.StateReason, c.StateCode = string(lambdaapi.StateActive), "", ""
	c.Update, c.UpdateReason, c.UpdateCode = string(lambdaapi.LastUpdateStatusSuccessful), "", ""
	s.depot.Use(tx, p.Space, c.Package, p.Name, c.Number)
	s.Layers.Keep(tx, p.Space, p.Name, c.Number, c.Layers)
	tx.Set(p.Space.Version(p.Name, c.Number), keys.Encode(c))
	return &c
}

// same reports whether two versions have the same code and settings.
func same(a, b *config) bool {
	bare := func(c config) []byte {
		c.Number, c.Revision, c.Epoch, c.Modified, c.Description = 0, "", "", time.Time{}, ""
		c.State, c.StateReason, c.StateCode, c.Update, c.UpdateReason, c.UpdateCode = "", "", "", "", "", ""
		c.Package.Blob = "" // the hash tells packages apart
		return keys.Encode(c)
	}
	return bytes.Equal(bare(*a), bare(*b))
}

// versionsOf returns the published versions of a function, in order.
func versionsOf(r store.Reader, p place) ([]*config, error) {
	var all []*config
	pairs, done := r.Scan(p.Space.Versions(p.Name).Range(), store.ScanOpt{})
	for kv := range pairs {
		c := new(config)
		if err := keys.Decode(kv.Value, c); err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, done()
}

// ListVersionsByFunction lists $LATEST and the published versions.
// https://docs.aws.amazon.com/lambda/latest/api/API_ListVersionsByFunction.html
func (s *Service) ListVersionsByFunction(ctx context.Context, id aws.Identity, in *lambdaapi.ListVersionsByFunctionRequest) (*lambdaapi.ListVersionsByFunctionResponse, error) {
	p, err := keys.FindFunction(id, in.FunctionName)
	if err != nil {
		return nil, err
	}
	return view(ctx, s, p.Space, func(r store.Reader) (*lambdaapi.ListVersionsByFunctionResponse, error) {
		fn, err := functionAt(r, p)
		if err != nil {
			return nil, err
		}
		out := &lambdaapi.ListVersionsByFunctionResponse{Versions: []lambdaapi.FunctionConfiguration{}}
		items := aws.Or(in.MaxItems, maxPage)
		if value(in.Marker) == "" {
			out.Versions = append(out.Versions, fn.Latest.brief(p, p.Space.ARN(p.Name, keys.Latest)))
			items = min(items, maxPage) - 1 // none left: the next page begins with the first version
		}
		out.NextMarker, err = keys.Page(r, p.Space.Versions(p.Name), in.Marker, &items, func(_ *store.Elements, v store.Value) error {
			var c config
			if err := keys.Decode(v, &c); err != nil {
				return err
			}
			out.Versions = append(out.Versions, c.brief(p, p.Space.ARN(p.Name, c.version())))
			return nil
		})
		return out, err
	})
}
