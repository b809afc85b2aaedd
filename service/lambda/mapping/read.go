package mapping

import (
	"context"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/lambda/fault"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/page"
)

// GetEventSourceMapping describes a mapping.
// https://docs.aws.amazon.com/lambda/latest/api/API_GetEventSourceMapping.html
func (m *Mappings) GetEventSourceMapping(ctx context.Context, id aws.Identity, in *lambdaapi.GetEventSourceMappingRequest) (*lambdaapi.EventSourceMappingConfiguration, error) {
	k := spaceOf(id.Account, id.Region)
	p := k.at(in.UUID)
	return store.View(ctx, m.home(k), func(_ context.Context, r store.Reader) (*lambdaapi.EventSourceMappingConfiguration, error) {
		rec, err := mustAt(r, p)
		if err != nil {
			return nil, err
		}
		return m.describe(p, rec), nil
	})
}

// ListEventSourceMappings lists the mappings of the account and region, or of a function, or of a source.
// https://docs.aws.amazon.com/lambda/latest/api/API_ListEventSourceMappings.html
func (m *Mappings) ListEventSourceMappings(ctx context.Context, id aws.Identity, in *lambdaapi.ListEventSourceMappingsRequest) (*lambdaapi.ListEventSourceMappingsResponse, error) {
	k := spaceOf(id.Account, id.Region)
	function, from := "", aws.Or(in.EventSourceArn, "")
	if name := aws.Or(in.FunctionName, ""); name != "" {
		fn, err := m.function(ctx, id, name)
		if err != nil {
			return nil, err
		}
		function = fn.ARN
	}
	t := k.mappings()
	switch {
	case function != "":
		t = k.ofFunction(function)
	case from != "":
		t = k.ofSource(from)
	}
	return store.View(ctx, m.home(k), func(_ context.Context, r store.Reader) (*lambdaapi.ListEventSourceMappingsResponse, error) {
		pg, err := page.New(min(page.Size(in.MaxItems, maxPage), maxPage), in.Marker)
		if err != nil {
			return nil, fault.Invalid("Invalid marker: %s", *in.Marker)
		}
		out := &lambdaapi.ListEventSourceMappingsResponse{EventSourceMappings: []lambdaapi.EventSourceMappingConfiguration{}}
		err = pg.Each(r, t, func(uuid string, _ store.Value) (bool, error) {
			p := k.at(uuid)
			rec, err := at(r, p)
			if err != nil || rec == nil || from != "" && rec.Source != from {
				return false, err
			}
			out.EventSourceMappings = append(out.EventSourceMappings, *m.describe(p, rec))
			return true, nil
		})
		out.NextMarker = pg.Token()
		return out, err
	})
}

// Tags returns the tags of the mapping that an ARN names; ok is false when it names something else.
func (m *Mappings) Tags(ctx context.Context, id aws.Identity, arn string) (tags map[string]string, ok bool, err error) {
	p, ok := fromARN(id, arn)
	if !ok {
		return nil, false, nil
	}
	rec, err := store.View(ctx, m.home(p.space()), func(_ context.Context, r store.Reader) (*mapping, error) { return mustAt(r, p) })
	if err != nil {
		return nil, true, err
	}
	if rec.Tags == nil {
		rec.Tags = map[string]string{}
	}
	return rec.Tags, true, nil
}

// Tag changes the tags of the mapping that an ARN names; ok is false when it names something else.
func (m *Mappings) Tag(ctx context.Context, id aws.Identity, arn string, change func(map[string]string)) (ok bool, err error) {
	p, ok := fromARN(id, arn)
	if !ok {
		return false, nil
	}
	_, err = m.home(p.space()).Update(ctx, func(_ context.Context, tx store.Tx) error {
		rec, err := mustAt(tx, p)
		if err != nil {
			return err
		}
		if rec.Tags == nil {
			rec.Tags = map[string]string{}
		}
		if change(rec.Tags); len(rec.Tags) > maxTags {
			return tooManyTags()
		}
		put(tx, p, rec)
		return nil
	})
	return true, err
}
