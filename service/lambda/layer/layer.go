// Package layer is layers: archives with what several functions share, in versions that never change.
//
// https://docs.aws.amazon.com/lambda/latest/dg/chapter-layers.html
package layer

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/lambda/code"
	"github.com/brume-dev/brume/service/lambda/fault"
	"github.com/brume-dev/brume/service/lambda/grant"
	"github.com/brume-dev/brume/service/lambda/keys"
	"github.com/brume-dev/brume/store"
)

// Config is what layers need.
type Config struct {
	Store store.Store
	Depot *code.Depot
	// Link makes the address at which a package can be fetched, "" when there is none.
	Link func(code.Pack) string
	// NewID returns a random UUID.
	NewID func() string
}

// Layers implements the operations on layers.
type Layers struct{ Config }

// New returns the layers of a store.
func New(c Config) *Layers { return &Layers{c} }

// record is a layer.
type record struct {
	Newest int64 `cbor:"1,keyasint"` // number of the version published last: numbers are never used again
	Count  int64 `cbor:"2,keyasint"` // of versions that are there
}

// version is a version of a layer.
type version struct {
	Number        int64        `cbor:"1,keyasint"`
	Package       code.Pack    `cbor:"2,keyasint"`
	Created       time.Time    `cbor:"3,keyasint"`
	Description   string       `cbor:"4,keyasint,omitempty"`
	License       string       `cbor:"5,keyasint,omitempty"`
	Runtimes      []string     `cbor:"6,keyasint,omitempty"`
	Architectures []string     `cbor:"7,keyasint,omitempty"`
	Policy        grant.Policy `cbor:"8,keyasint"`
}

// timeFormat is how the times of layers are written.
const timeFormat = "2006-01-02T15:04:05.000-0700"

// place is a layer as a caller named it, or one of its versions.
type place struct {
	keys.Space
	name   string
	number int64 // 0: the layer
}

func (p place) layerARN() string {
	return aws.MakeARN("lambda", p.Region, p.Account, "layer:"+p.name).String()
}

func (p place) arn() string { return p.layerARN() + ":" + strconv.FormatInt(p.number, 10) }

func (p place) key() store.Key { return p.LayerVersion(p.name, p.number) }

// user is under which name a version uses its package: no function can be called so.
func (p place) user() string { return "layer:" + p.name }

var (
	arnPattern  = regexp.MustCompile(`^arn:aws[a-zA-Z-]*:lambda:([a-z0-9-]+):(\d{12}):layer:([a-zA-Z0-9-_]+)(?::(\d+))?$`)
	namePattern = regexp.MustCompile(`^[a-zA-Z0-9-_]+$`)
)

// find resolves a layer's name or ARN; number is the version, 0 for none.
func find(id aws.Identity, name string, number int64) (place, error) {
	p := place{Space: keys.Of(id.Account, id.Region), name: name, number: number}
	if m := arnPattern.FindStringSubmatch(name); m != nil && m[4] == "" {
		p.Space, p.name = keys.Of(m[2], m[1]), m[3]
	}
	if !namePattern.MatchString(p.name) {
		return p, fault.Invalid("Invalid Layer name: %s", name)
	}
	if p.Region != id.Region {
		return p, fault.Invalid("Invalid Layer ARN: %s is not in region %s", name, id.Region)
	}
	if number < 0 {
		return p, fault.Invalid("Layer Version Cannot be less than 1.")
	}
	return p, nil
}

// parse resolves the ARN of a version.
func parse(arn string) (place, bool) {
	m := arnPattern.FindStringSubmatch(arn)
	if m == nil || m[4] == "" {
		return place{}, false
	}
	n, err := strconv.ParseInt(m[4], 10, 64)
	return place{Space: keys.Of(m[2], m[1]), name: m[3], number: n}, err == nil && n > 0
}

// at returns a version that is there.
func at(r store.Reader, p place) (*version, error) {
	v, err := keys.Get[version](r, p.key())
	if err == nil && v == nil {
		err = fault.NotFound("The resource you requested does not exist.")
	}
	return v, err
}

// PublishLayerVersion makes a new version, and the layer with its first.
// https://docs.aws.amazon.com/lambda/latest/api/API_PublishLayerVersion.html
func (l *Layers) PublishLayerVersion(ctx context.Context, id aws.Identity, in *lambdaapi.PublishLayerVersionRequest) (*lambdaapi.PublishLayerVersionResponse, error) {
	p, err := find(id, in.LayerName, 0)
	if err != nil {
		return nil, err
	}
	if p.Account != id.Account {
		return nil, aws.Errorf("AccessDeniedException", 403, "Layers of other accounts cannot be published: %s", in.LayerName)
	}
	from := code.Source{Zip: in.Content.ZipFile, Bucket: in.Content.S3Bucket, Key: in.Content.S3Key, Version: in.Content.S3ObjectVersion,
		Operation: "PublishLayerVersion"}
	if err := from.Check(); err != nil {
		return nil, err
	}
	pack, err := l.Depot.Keep(ctx, id, p.Space, from)
	if err != nil {
		return nil, err
	}
	v := version{Package: *pack, Description: value(in.Description), License: value(in.LicenseInfo)}
	for _, r := range in.CompatibleRuntimes {
		v.Runtimes = append(v.Runtimes, string(r))
	}
	for _, a := range in.CompatibleArchitectures {
		v.Architectures = append(v.Architectures, string(a))
	}
	made, err := store.Update(ctx, p.Shard(l.Store), func(_ context.Context, tx store.Tx) (*version, error) {
		v := v
		layer, err := keys.Get[record](tx, p.Layer(p.name))
		if err == nil {
			err = l.Depot.Room(tx.Snapshot(), p.Space, v.Package)
		}
		if err != nil {
			return nil, err
		}
		if layer == nil {
			layer = new(record)
		}
		layer.Newest++
		layer.Count++
		p := p
		v.Number, p.number, v.Created = layer.Newest, layer.Newest, tx.Now()
		l.Depot.Use(tx, p.Space, v.Package, p.user(), v.Number)
		tx.Set(p.Layer(p.name), keys.Encode(layer))
		tx.Set(p.key(), keys.Encode(v))
		return &v, nil
	})
	if err != nil {
		return nil, err
	}
	p.number = made.Number
	out := l.describe(p, made)
	return &lambdaapi.PublishLayerVersionResponse{Content: out.Content, LayerArn: out.LayerArn, LayerVersionArn: out.LayerVersionArn,
		Description: out.Description, CreatedDate: out.CreatedDate, Version: out.Version, CompatibleArchitectures: out.CompatibleArchitectures,
		CompatibleRuntimes: out.CompatibleRuntimes, LicenseInfo: out.LicenseInfo}, nil
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func (l *Layers) describe(p place, v *version) *lambdaapi.GetLayerVersionResponse {
	b := v.brief(p)
	out := &lambdaapi.GetLayerVersionResponse{LayerArn: new(p.layerARN()), LayerVersionArn: b.LayerVersionArn, Description: new(v.Description),
		CreatedDate: b.CreatedDate, Version: b.Version, CompatibleRuntimes: b.CompatibleRuntimes, CompatibleArchitectures: b.CompatibleArchitectures,
		LicenseInfo: b.LicenseInfo, Content: &lambdaapi.LayerVersionContentOutput{CodeSha256: &v.Package.SHA256, CodeSize: &v.Package.Size}}
	out.Content.Location = aws.Some(l.Link(v.Package))
	return out
}

// brief is a version as lists show it.
func (v *version) brief(p place) *lambdaapi.LayerVersionsListItem {
	out := &lambdaapi.LayerVersionsListItem{LayerVersionArn: new(p.arn()), Version: &v.Number, Description: aws.Some(v.Description),
		CreatedDate: new(v.Created.UTC().Format(timeFormat)), LicenseInfo: aws.Some(v.License)}
	for _, r := range v.Runtimes {
		out.CompatibleRuntimes = append(out.CompatibleRuntimes, lambdaapi.Runtime(r))
	}
	for _, a := range v.Architectures {
		out.CompatibleArchitectures = append(out.CompatibleArchitectures, lambdaapi.Architecture(a))
	}
	return out
}

// GetLayerVersion describes a version, with a link to its package.
// https://docs.aws.amazon.com/lambda/latest/api/API_GetLayerVersion.html
func (l *Layers) GetLayerVersion(ctx context.Context, id aws.Identity, in *lambdaapi.GetLayerVersionRequest) (*lambdaapi.GetLayerVersionResponse, error) {
	p, err := find(id, in.LayerName, in.VersionNumber)
	if err != nil {
		return nil, err
	}
	return l.get(ctx, p)
}

// GetLayerVersionByArn is GetLayerVersion by the ARN of the version.
// https://docs.aws.amazon.com/lambda/latest/api/API_GetLayerVersionByArn.html
func (l *Layers) GetLayerVersionByArn(ctx context.Context, id aws.Identity, in *lambdaapi.GetLayerVersionByArnRequest) (*lambdaapi.GetLayerVersionResponse, error) {
	p, ok := parse(in.Arn)
	if !ok || p.Region != id.Region {
		return nil, fault.Invalid("Invalid Layer Version ARN: %s", in.Arn)
	}
	return l.get(ctx, p)
}

func (l *Layers) get(ctx context.Context, p place) (*lambdaapi.GetLayerVersionResponse, error) {
	v, err := store.View(ctx, p.Shard(l.Store), func(_ context.Context, r store.Reader) (*version, error) { return at(r, p) })
	if err != nil {
		return nil, err
	}
	return l.describe(p, v), nil
}

// DeleteLayerVersion deletes a version; functions that have it keep it. One that is not there is no error.
// https://docs.aws.amazon.com/lambda/latest/api/API_DeleteLayerVersion.html
func (l *Layers) DeleteLayerVersion(ctx context.Context, id aws.Identity, in *lambdaapi.DeleteLayerVersionRequest) (*lambdaapi.DeleteLayerVersionOutput, error) {
	p, err := find(id, in.LayerName, in.VersionNumber)
	if err != nil {
		return nil, err
	}
	_, err = p.Shard(l.Store).Update(ctx, func(_ context.Context, tx store.Tx) error {
		v, err := keys.Get[version](tx, p.key())
		if err != nil || v == nil {
			return err
		}
		layer, err := keys.Get[record](tx, p.Layer(p.name))
		if err != nil {
			return err
		}
		layer.Count--
		tx.Set(p.Layer(p.name), keys.Encode(layer))
		tx.Delete(p.key())
		return l.Depot.EndUse(tx, p.Space, v.Package, p.user(), v.Number)
	})
	return new(lambdaapi.DeleteLayerVersionOutput), err
}

// suits reports whether a version is said to fit; one that says nothing of it fits no question.
func (v *version) suits(runtime lambdaapi.Runtime, architecture lambdaapi.Architecture) bool {
	return (runtime == "" || slices.Contains(v.Runtimes, string(runtime))) &&
		(architecture == "" || slices.Contains(v.Architectures, string(architecture)))
}
