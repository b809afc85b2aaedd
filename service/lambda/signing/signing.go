// Package signing is code signing configurations: which publishers' packages functions may run. There is no signer here, so
// no package is signed by one: what enforces signatures refuses every package, and what warns lets every package pass.
//
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-codesigning.html
package signing

import (
	"context"
	"strings"
	"time"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/lambda/fault"
	"github.com/brume-dev/brume/service/lambda/keys"
	"github.com/brume-dev/brume/store"
)

// Functions keeps which configuration a function has.
type Functions interface {
	// Signing returns the ARN of a function's configuration, "" when it has none, or that there is no such function.
	Signing(r store.Reader, p keys.Place) (string, error)
	// SetSigning changes it; "" takes it away.
	SetSigning(tx store.Tx, p keys.Place, arn string) error
}

// Config is what configurations need.
type Config struct {
	Store store.Store
	// NewID returns a random UUID.
	NewID func() string
}

// Configs implements the operations on code signing configurations.
type Configs struct {
	Config
	functions Functions
}

// New returns the configurations of a store.
func New(c Config, functions Functions) *Configs { return &Configs{c, functions} }

// record is a configuration.
type record struct {
	Description string    `cbor:"1,keyasint,omitempty"`
	Publishers  []string  `cbor:"2,keyasint"` // ARNs of versions of signing profiles
	Policy      string    `cbor:"3,keyasint"` // for packages that none of them signed: "Warn", "Enforce"
	Modified    time.Time `cbor:"4,keyasint"`
}

// idLength is the number of characters of an id behind "csc-".
const idLength = 17

func arnOf(k keys.Space, id string) string {
	return aws.MakeARN("lambda", k.Region, k.Account, "code-signing-config:"+id).String()
}

// find resolves the ARN of a configuration in the caller's account and region.
func find(id aws.Identity, arn string) (k keys.Space, name string, err error) {
	a, err := aws.ParseARN(arn)
	kind, name, _ := strings.Cut(a.Resource, ":")
	if err != nil || kind != "code-signing-config" || a.Account != id.Account || a.Region != id.Region {
		return k, "", missing()
	}
	return keys.Of(a.Account, a.Region), name, nil
}

func missing() error {
	return &lambdaapi.CodeSigningConfigNotFoundException{Type: fault.User(), Message: "The specified code signing configuration does not exist."}
}

// at returns a configuration that is there.
func at(r store.Reader, k keys.Space, name string) (*record, error) {
	c, err := keys.Get[record](r, k.Signing(name))
	if err == nil && c == nil {
		err = missing()
	}
	return c, err
}

func (c *record) describe(k keys.Space, name string) *lambdaapi.CodeSigningConfig {
	return &lambdaapi.CodeSigningConfig{CodeSigningConfigId: name, CodeSigningConfigArn: arnOf(k, name), Description: &c.Description,
		AllowedPublishers:   &lambdaapi.AllowedPublishers{SigningProfileVersionArns: c.Publishers},
		CodeSigningPolicies: &lambdaapi.CodeSigningPolicies{UntrustedArtifactOnDeployment: lambdaapi.CodeSigningPolicy(c.Policy)},
		LastModified:        c.Modified.UTC().Format("2006-01-02T15:04:05.000000Z")}
}

// CreateCodeSigningConfig makes a configuration.
// https://docs.aws.amazon.com/lambda/latest/api/API_CreateCodeSigningConfig.html
func (s *Configs) CreateCodeSigningConfig(ctx context.Context, id aws.Identity, in *lambdaapi.CreateCodeSigningConfigRequest) (*lambdaapi.CreateCodeSigningConfigResponse, error) {
	k := keys.Of(id.Account, id.Region)
	name := "csc-" + strings.ReplaceAll(s.NewID(), "-", "")[:idLength]
	c := record{Policy: string(lambdaapi.CodeSigningPolicyWarn), Publishers: in.AllowedPublishers.SigningProfileVersionArns}
	c.change(in.Description, nil, in.CodeSigningPolicies)
	made, err := store.Update(ctx, k.Shard(s.Store), func(_ context.Context, tx store.Tx) (*record, error) {
		c := c
		c.Modified = tx.Now()
		tx.Set(k.Signing(name), keys.Encode(c))
		if len(in.Tags) > 0 {
			tx.Set(k.Tags("code-signing-config:"+name), keys.Encode(in.Tags))
		}
		return &c, nil
	})
	if err != nil {
		return nil, err
	}
	return &lambdaapi.CreateCodeSigningConfigResponse{CodeSigningConfig: made.describe(k, name)}, nil
}

func (c *record) change(description *string, publishers *lambdaapi.AllowedPublishers, policies *lambdaapi.CodeSigningPolicies) {
	if description != nil {
		c.Description = *description
	}
	if publishers != nil {
		c.Publishers = publishers.SigningProfileVersionArns
	}
	if policies != nil && policies.UntrustedArtifactOnDeployment != "" {
		c.Policy = string(policies.UntrustedArtifactOnDeployment)
	}
}

// UpdateCodeSigningConfig changes what it names.
// https://docs.aws.amazon.com/lambda/latest/api/API_UpdateCodeSigningConfig.html
func (s *Configs) UpdateCodeSigningConfig(ctx context.Context, id aws.Identity, in *lambdaapi.UpdateCodeSigningConfigRequest) (*lambdaapi.UpdateCodeSigningConfigResponse, error) {
	k, name, err := find(id, in.CodeSigningConfigArn)
	if err != nil {
		return nil, err
	}
	c, err := store.Update(ctx, k.Shard(s.Store), func(_ context.Context, tx store.Tx) (*record, error) {
		c, err := at(tx, k, name)
		if err != nil {
			return nil, err
		}
		c.change(in.Description, in.AllowedPublishers, in.CodeSigningPolicies)
		c.Modified = tx.Now()
		tx.Set(k.Signing(name), keys.Encode(c))
		return c, nil
	})
	if err != nil {
		return nil, err
	}
	return &lambdaapi.UpdateCodeSigningConfigResponse{CodeSigningConfig: c.describe(k, name)}, nil
}

// GetCodeSigningConfig describes a configuration.
// https://docs.aws.amazon.com/lambda/latest/api/API_GetCodeSigningConfig.html
func (s *Configs) GetCodeSigningConfig(ctx context.Context, id aws.Identity, in *lambdaapi.GetCodeSigningConfigRequest) (*lambdaapi.GetCodeSigningConfigResponse, error) {
	k, name, err := find(id, in.CodeSigningConfigArn)
	if err != nil {
		return nil, err
	}
	c, err := store.View(ctx, k.Shard(s.Store), func(_ context.Context, r store.Reader) (*record, error) { return at(r, k, name) })
	if err != nil {
		return nil, err
	}
	return &lambdaapi.GetCodeSigningConfigResponse{CodeSigningConfig: c.describe(k, name)}, nil
}

// ListCodeSigningConfigs lists the configurations of the account and region.
// https://docs.aws.amazon.com/lambda/latest/api/API_ListCodeSigningConfigs.html
func (s *Configs) ListCodeSigningConfigs(ctx context.Context, id aws.Identity, in *lambdaapi.ListCodeSigningConfigsRequest) (*lambdaapi.ListCodeSigningConfigsResponse, error) {
	k := keys.Of(id.Account, id.Region)
	return store.View(ctx, k.Shard(s.Store), func(_ context.Context, r store.Reader) (*lambdaapi.ListCodeSigningConfigsResponse, error) {
		out := &lambdaapi.ListCodeSigningConfigsResponse{CodeSigningConfigs: []lambdaapi.CodeSigningConfig{}}
		var err error
		out.NextMarker, err = keys.Page(r, k.Signings(), in.Marker, in.MaxItems, func(key *store.Elements, b store.Value) error {
			var c record
			if err := keys.Decode(b, &c); err != nil {
				return err
			}
			out.CodeSigningConfigs = append(out.CodeSigningConfigs, *c.describe(k, key.Text()))
			return nil
		})
		return out, err
	})
}

// DeleteCodeSigningConfig deletes a configuration that no function has.
// https://docs.aws.amazon.com/lambda/latest/api/API_DeleteCodeSigningConfig.html
func (s *Configs) DeleteCodeSigningConfig(ctx context.Context, id aws.Identity, in *lambdaapi.DeleteCodeSigningConfigRequest) (*lambdaapi.DeleteCodeSigningConfigResponse, error) {
	k, name, err := find(id, in.CodeSigningConfigArn)
	if err != nil {
		return nil, err
	}
	_, err = k.Shard(s.Store).Update(ctx, func(_ context.Context, tx store.Tx) error {
		if _, err := at(tx, k, name); err != nil {
			return notThere(err)
		}
		used, err := store.Any(tx, k.Signed(name).Range())
		if err != nil {
			return err
		}
		if used {
			return fault.Conflict("Cannot delete the code signing configuration %s: functions are using it.", in.CodeSigningConfigArn)
		}
		tx.Delete(k.Signing(name))
		tx.Delete(k.Tags("code-signing-config:" + name))
		return nil
	})
	return new(lambdaapi.DeleteCodeSigningConfigResponse), err
}

// notThere says of a configuration that is to be deleted what the API has for it.
func notThere(err error) error {
	if aws.CodeOf(err) == "CodeSigningConfigNotFoundException" {
		return fault.NotFound("The specified code signing configuration does not exist.")
	}
	return err
}
