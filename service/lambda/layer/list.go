package layer

import (
	"context"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/lambda/keys"
	"github.com/brume-dev/brume/store"
)

// ListLayers lists the layers of the account and region, each with its newest version that fits.
// https://docs.aws.amazon.com/lambda/latest/api/API_ListLayers.html
func (l *Layers) ListLayers(ctx context.Context, id aws.Identity, in *lambdaapi.ListLayersRequest) (*lambdaapi.ListLayersResponse, error) {
	k := keys.Of(id.Account, id.Region)
	return store.View(ctx, k.Shard(l.Store), func(_ context.Context, r store.Reader) (*lambdaapi.ListLayersResponse, error) {
		out := &lambdaapi.ListLayersResponse{Layers: []lambdaapi.LayersListItem{}}
		var err error
		out.NextMarker, err = keys.Page(r, k.Layers(), in.Marker, in.MaxItems, func(key *store.Elements, b store.Value) error {
			var layer record
			if err := keys.Decode(b, &layer); err != nil || layer.Count == 0 {
				return err
			}
			p := place{Space: k, name: key.Text()}
			v, err := newest(r, p, in.CompatibleRuntime, in.CompatibleArchitecture)
			if err != nil || v == nil {
				return err
			}
			p.number = v.Number
			out.Layers = append(out.Layers, lambdaapi.LayersListItem{LayerName: &p.name, LayerArn: new(p.layerARN()), LatestMatchingVersion: v.brief(p)})
			return nil
		})
		return out, err
	})
}

// newest returns the newest version that fits, nil when none does.
func newest(r store.Reader, p place, runtime lambdaapi.Runtime, architecture lambdaapi.Architecture) (*version, error) {
	pairs, done := r.Scan(p.LayerVersions(p.name).Range(), store.ScanOpt{Reverse: true})
	for kv := range pairs {
		v := new(version)
		if err := keys.Decode(kv.Value, v); err != nil {
			return nil, err
		}
		if v.suits(runtime, architecture) {
			return v, nil
		}
	}
	return nil, done()
}

// ListLayerVersions lists the versions of a layer that fit, the newest first.
// https://docs.aws.amazon.com/lambda/latest/api/API_ListLayerVersions.html
func (l *Layers) ListLayerVersions(ctx context.Context, id aws.Identity, in *lambdaapi.ListLayerVersionsRequest) (*lambdaapi.ListLayerVersionsResponse, error) {
	p, err := find(id, in.LayerName, 0)
	if err != nil {
		return nil, err
	}
	return store.View(ctx, p.Shard(l.Store), func(_ context.Context, r store.Reader) (*lambdaapi.ListLayerVersionsResponse, error) {
		out := &lambdaapi.ListLayerVersionsResponse{LayerVersions: []lambdaapi.LayerVersionsListItem{}}
		var err error
		out.NextMarker, err = keys.PageBack(r, p.LayerVersions(p.name), in.Marker, in.MaxItems, func(_ *store.Elements, b store.Value) error {
			var v version
			if err := keys.Decode(b, &v); err != nil {
				return err
			}
			if v.suits(in.CompatibleRuntime, in.CompatibleArchitecture) {
				q := p
				q.number = v.Number
				out.LayerVersions = append(out.LayerVersions, *v.brief(q))
			}
			return nil
		})
		return out, err
	})
}
