package layer

import (
	"context"
	"slices"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/service/lambda/code"
	"github.com/brume-dev/brume/service/lambda/fault"
	"github.com/brume-dev/brume/service/lambda/keys"
	"github.com/brume-dev/brume/store"
)

// maxLayers is how many layers a function has at most.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const maxLayers = 5

// Ref is a layer of a function. Its package is the function's own: it stays when the version is deleted.
type Ref struct {
	ARN     string    `cbor:"1,keyasint"`
	Package code.Pack `cbor:"2,keyasint"`
}

// Resolve finds the layers that a function of k is to have, in the order of their names. Those that it has already (have)
// are taken as they are; packages of other accounts are copied.
func (l *Layers) Resolve(ctx context.Context, k keys.Space, arns []string, have []Ref) ([]Ref, error) {
	if len(arns) > maxLayers {
		return nil, fault.Invalid("Cannot reference more than %d layers.", maxLayers)
	}
	layers := map[string]string{}
	var out []Ref
	for _, arn := range arns {
		p, ok := parse(arn)
		if !ok {
			return nil, fault.Invalid("Layer version %s does not exist.", arn)
		}
		if p.Region != k.Region {
			return nil, fault.Invalid("Layers are not in the same region as the function. Layers are expected to be in region %s.", k.Region)
		}
		if other, twice := layers[p.layerARN()]; twice {
			return nil, fault.Invalid("Two different versions of the same layer are not allowed to be referenced in the same function. "+
				"%s and %s are versions of the same layer.", other, arn)
		}
		layers[p.layerARN()] = arn
		if i := slices.IndexFunc(have, func(r Ref) bool { return r.ARN == arn }); i >= 0 {
			out = append(out, have[i])
			continue
		}
		v, err := store.View(ctx, p.Shard(l.Store), func(_ context.Context, r store.Reader) (*version, error) { return l.there(r, p) })
		if err != nil {
			return nil, err
		}
		pack := &v.Package
		if p.Account != k.Account {
			if pack, err = l.Depot.Copy(ctx, k, v.Package); err != nil {
				return nil, err
			}
		}
		out = append(out, Ref{ARN: arn, Package: *pack})
	}
	return out, nil
}

func (l *Layers) there(r store.Reader, p place) (*version, error) {
	v, err := keys.Get[version](r, p.key())
	if err == nil && v == nil {
		err = fault.Invalid("Layer version %s does not exist.", p.arn())
	}
	return v, err
}

// CheckSize refuses a package and layers that are too large together.
func CheckSize(pack code.Pack, layers []Ref) error {
	size := pack.Unzipped
	for _, r := range layers {
		size += r.Package.Unzipped
	}
	if size > code.MaxUnzipped && len(layers) > 0 {
		return fault.Invalid("Function code combined with layers exceeds the maximum allowed size of %d bytes. The actual size is %d bytes.",
			code.MaxUnzipped, size)
	}
	return nil
}

// Replace notes in tx that version n of a function has other layers than before. Layers of k's account that are new must
// still be there.
func (l *Layers) Replace(tx store.Tx, k keys.Space, function string, n int64, before, now []Ref) error {
	for _, r := range now {
		if p, ok := parse(r.ARN); ok && p.Account == k.Account && !slices.Contains(before, r) {
			if _, err := l.there(tx, p); err != nil {
				return err
			}
		}
		l.Depot.Share(tx, k, r.Package, function, n)
	}
	for _, r := range before {
		if slices.Contains(now, r) {
			continue
		}
		if err := l.Depot.Unshare(tx, k, r.Package, function, n); err != nil {
			return err
		}
	}
	return nil
}

// Keep notes in tx that a version that is published now has the layers of the one that it is made from.
func (l *Layers) Keep(tx store.Tx, k keys.Space, function string, n int64, layers []Ref) {
	for _, r := range layers {
		l.Depot.Share(tx, k, r.Package, function, n)
	}
}

// Describe lists layers as the API shows them.
func Describe(layers []Ref) []lambdaapi.Layer {
	var out []lambdaapi.Layer
	for _, r := range layers {
		out = append(out, lambdaapi.Layer{Arn: new(r.ARN), CodeSize: new(r.Package.Size)})
	}
	return out
}
