package apigateway

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/brume-dev/brume/api/apigatewayapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/policy"
	"github.com/brume-dev/brume/service/apigateway/execute"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

// ownerRecord says whose API an id is.
type ownerRecord struct {
	Account string `cbor:"1,keyasint"`
	Region  string `cbor:"2,keyasint"`
}

// blank is what a new API is made from.
type blank struct {
	api, root string // ids
	models    [2]string
}

// newAPI finds a free id and reserves it in the directory. An id that was reserved and not used leads nowhere.
func (s *Service) newAPI(ctx context.Context, id aws.Identity) (b blank, err error) {
	for _, p := range []struct {
		to *string
		n  int
	}{{&b.api, idLength}, {&b.root, idLength}, {&b.models[0], shortID}, {&b.models[1], shortID}} {
		if *p.to, err = s.newID(p.n); err != nil {
			return b, err
		}
	}
	key := directory(b.api)
	free, err := store.Update(ctx, s.Store.Shard(store.Global()), func(_ context.Context, tx store.Tx) (bool, error) {
		_, taken, err := tx.Get(store.Key(key))
		if err == nil && !taken {
			tx.Set(store.Key(key), record.Encode(version, ownerRecord{id.Account, id.Region}))
		}
		return !taken, err
	})
	if err == nil && !free {
		return s.newAPI(ctx, id)
	}
	return b, err
}

// forget keeps the promise to take a deleted API out of the directory.
func (s *Service) forget(ctx context.Context, k *timer.Kept) error {
	_, err := s.Store.Shard(store.Global()).Update(ctx, func(_ context.Context, tx store.Tx) error {
		tx.Delete(store.Key(directory(k.ID)))
		return nil
	})
	return err
}

// Owner implements execute.Source.
func (s *Service) Owner(ctx context.Context, api string) (account, region string, err error) {
	o, err := store.View(ctx, s.Store.Shard(store.Global()), func(_ context.Context, r store.Reader) (o ownerRecord, err error) {
		b, ok, err := r.Get(store.Key(directory(api)))
		if err != nil || !ok {
			return o, err
		}
		return o, record.Decode(b, version, &o)
	})
	return o.Account, o.Region, err
}

// CreateRestApi makes an API with its root resource and the models Empty and Error.
func (s *Service) CreateRestApi(ctx context.Context, id aws.Identity, in *apigatewayapi.CreateRestApiRequest) (*apigatewayapi.RestApi, error) {
	a := &apigatewayapi.RestApi{Name: &in.Name, Description: in.Description, Version: in.Version, BinaryMediaTypes: in.BinaryMediaTypes,
		MinimumCompressionSize: in.MinimumCompressionSize, ApiKeySource: in.ApiKeySource, EndpointConfiguration: in.EndpointConfiguration,
		Policy: in.Policy, Tags: in.Tags, DisableExecuteApiEndpoint: in.DisableExecuteApiEndpoint, SecurityPolicy: in.SecurityPolicy,
		EndpointAccessMode: in.EndpointAccessMode}
	if err := checkAPI(a); err != nil {
		return nil, err
	}
	b, err := s.newAPI(ctx, id)
	if err != nil {
		return nil, err
	}
	return store.Update(ctx, s.shard(id.Account, id.Region), func(_ context.Context, tx store.Tx) (*apigatewayapi.RestApi, error) {
		out := *a
		d := &draft{r: tx, tx: tx, id: id, key: placeOf(id.Account, id.Region, b.api), api: &out}
		if err := d.create(b); err != nil {
			return nil, err
		}
		if in.CloneFrom != nil {
			if err := d.clone(*in.CloneFrom); err != nil {
				return nil, err
			}
		}
		return shownAPI(d.api), nil
	})
}

// create writes a new API.
func (d *draft) create(b blank) error {
	n, err := count(d.r, apis(d.id.Account, d.id.Region), maxAPIs)
	if err != nil {
		return err
	}
	if n >= maxAPIs {
		return exceeded("Maximum number of APIs reached: %d", maxAPIs)
	}
	now := d.tx.Now()
	a := d.api
	a.Id, a.RootResourceId, a.CreatedDate = &b.api, &b.root, &now
	if a.ApiKeySource == "" {
		a.ApiKeySource = apigatewayapi.ApiKeySourceTypeHeader
	}
	if a.EndpointConfiguration == nil || len(a.EndpointConfiguration.Types) == 0 {
		a.EndpointConfiguration = &apigatewayapi.EndpointConfiguration{Types: []apigatewayapi.EndpointType{apigatewayapi.EndpointTypeEdge}}
	}
	if a.EndpointConfiguration.IpAddressType == "" {
		a.EndpointConfiguration.IpAddressType = apigatewayapi.IpAddressTypeIpv4
		if a.EndpointConfiguration.Types[0] == apigatewayapi.EndpointTypePrivate {
			a.EndpointConfiguration.IpAddressType = apigatewayapi.IpAddressTypeDualstack
		}
	}
	if a.DisableExecuteApiEndpoint == nil {
		a.DisableExecuteApiEndpoint = new(bool)
	}
	if a.SecurityPolicy == "" {
		a.SecurityPolicy = apigatewayapi.SecurityPolicyTls10
	}
	root := "/"
	d.serving()
	if err := save(d.tx, d.key.resource(b.root), &apigatewayapi.Resource{Id: &b.root, Path: &root}); err != nil {
		return err
	}
	for i, m := range builtinModels() {
		m.Id = &b.models[i]
		if err := save(d.tx, d.key.models().Text(*m.Name), &m); err != nil {
			return err
		}
	}
	return save(d.tx, d.key.record(), a)
}

// clone copies what another API of the account and region consists of.
func (d *draft) clone(from string) error {
	o := &draft{r: d.r, id: d.id, key: placeOf(d.id.Account, d.id.Region, from)}
	if err := o.open(from); err != nil {
		return err
	}
	pairs, done := d.r.Scan(o.key.inside().Range(), store.ScanOpt{})
	skip := len(o.key.inside())
	for kv := range pairs {
		switch family := store.Decode(kv.Key, skip).Text(); family {
		case "revision", "deployment", "snapshot", "stage":
		default:
			d.tx.Set(store.Key(d.key.inside().Raw(kv.Key[skip:])), kv.Value)
		}
	}
	if err := done(); err != nil {
		return err
	}
	if *d.api.RootResourceId != *o.api.RootResourceId { // resources keep their ids, the root too
		d.tx.Delete(store.Key(d.key.resource(*d.api.RootResourceId)))
		d.api.RootResourceId = o.api.RootResourceId
	}
	if d.api.BinaryMediaTypes == nil {
		d.api.BinaryMediaTypes = o.api.BinaryMediaTypes
	}
	if d.api.Policy == nil {
		d.api.Policy = o.api.Policy
	}
	return save(d.tx, d.key.record(), d.api)
}

// checkAPI checks what the model does not say of an API.
func checkAPI(a *apigatewayapi.RestApi) error {
	if strings.TrimSpace(text(a.Name)) == "" {
		return bad("Invalid name specified: name cannot be empty")
	}
	if len(*a.Name) > maxName {
		return bad("Invalid name specified: name cannot be longer than %d characters", maxName)
	}
	if n := a.MinimumCompressionSize; n != nil && (*n < 0 || *n > maxMinCompression) {
		return bad("Invalid minimum compression size, must be between 0 and %d", maxMinCompression)
	}
	for _, t := range a.BinaryMediaTypes {
		if !strings.Contains(t, "/") {
			return bad("Invalid binary media type %s: media types are of the form type/subtype", t)
		}
	}
	if e := a.EndpointConfiguration; e != nil {
		if len(e.Types) > 1 {
			return bad("Only one endpoint type can be specified")
		}
		if len(e.VpcEndpointIds) > 0 && !slices.Contains(e.Types, apigatewayapi.EndpointTypePrivate) {
			return bad("VPCEndpoints can only be specified with PRIVATE apis.")
		}
	}
	if err := checkTags(a.Tags); err != nil {
		return err
	}
	return checkPolicy(text(a.Policy))
}

// checkPolicy reads a resource policy. Its resources may be written as API Gateway takes them: "execute-api:/stage/GET/path"
// stands for the whole ARN, which the data plane completes.
func checkPolicy(document string) error {
	if document == "" {
		return nil
	}
	if len(document) > maxPolicy {
		return exceeded("Policy document is too large: at most %d bytes", maxPolicy)
	}
	if _, err := policy.Parse(policy.Resource, execute.ExpandPolicy(document, "arn:aws:execute-api:*:*:*/")); err != nil {
		return bad("Invalid policy document. Please check the policy syntax and ensure that Principals are valid.")
	}
	return nil
}

// shownAPI is an API as it is answered: policies come as they would stand in a JSON string.
func shownAPI(a *apigatewayapi.RestApi) *apigatewayapi.RestApi {
	out := *a
	out.ApiStatus = apigatewayapi.ApiStatusAvailable
	if a.Policy != nil {
		b, err := json.Marshal(*a.Policy)
		if err == nil {
			p := string(b[1 : len(b)-1])
			out.Policy = &p
		}
	}
	return &out
}

// GetRestApi describes an API.
func (s *Service) GetRestApi(ctx context.Context, id aws.Identity, in *apigatewayapi.GetRestApiRequest) (*apigatewayapi.RestApi, error) {
	return view(ctx, s, id, in.RestApiId, func(d *draft) (*apigatewayapi.RestApi, error) { return shownAPI(d.api), nil })
}

// GetRestApis lists APIs.
func (s *Service) GetRestApis(ctx context.Context, id aws.Identity, in *apigatewayapi.GetRestApisRequest) (*apigatewayapi.RestApis, error) {
	return store.View(ctx, s.shard(id.Account, id.Region), func(_ context.Context, r store.Reader) (*apigatewayapi.RestApis, error) {
		items, next, err := page[apigatewayapi.RestApi](r, apis(id.Account, id.Region), in.Position, in.Limit)
		for i := range items {
			items[i] = *shownAPI(&items[i])
		}
		return &apigatewayapi.RestApis{Items: items, Position: next}, err
	})
}

// DeleteRestApi deletes an API with everything in it.
func (s *Service) DeleteRestApi(ctx context.Context, id aws.Identity, in *apigatewayapi.DeleteRestApiRequest) (*apigatewayapi.DeleteRestApiOutput, error) {
	return update(ctx, s, id, in.RestApiId, func(d *draft) (*apigatewayapi.DeleteRestApiOutput, error) {
		if err := store.DeleteLarge(d.tx, store.Key(d.key.record())); err != nil {
			return nil, err
		}
		d.tx.DeleteRange(d.key.inside().Range())
		return &apigatewayapi.DeleteRestApiOutput{}, timer.Set(d.tx, timer.Promise{Kind: kindForget, ID: in.RestApiId})
	})
}

func apiRules() []rule[apigatewayapi.RestApi] {
	type api = apigatewayapi.RestApi
	endpoint := func(v *api, names []string, value string) error {
		types := apigatewayapi.EndpointType("").EnumValues()
		if !slices.Contains(types, value) {
			return bad("Invalid patch value  '%s' specified for path '/endpointConfiguration/types/%s'. Must be one of: [%s]", value, names[0], strings.Join(types, ", "))
		}
		v.EndpointConfiguration.Types = []apigatewayapi.EndpointType{apigatewayapi.EndpointType(value)}
		return nil
	}
	return []rule[api]{
		textRule("/name", "replace", func(v *api) **string { return &v.Name }),
		textRule("/description", "replace remove", func(v *api) **string { return &v.Description }),
		textRule("/version", "replace remove", func(v *api) **string { return &v.Version }),
		{path: "/policy", ops: "replace remove", set: func(v *api, _ []string, value string) error {
			v.Policy = &value
			if value == "" {
				v.Policy = nil
			}
			return nil
		}, unset: func(v *api, _ []string) error { v.Policy = nil; return nil }},
		enumRule("/apiKeySource", "replace", func(v *api) *apigatewayapi.ApiKeySourceType { return &v.ApiKeySource }),
		enumRule("/securityPolicy", "replace", func(v *api) *apigatewayapi.SecurityPolicy { return &v.SecurityPolicy }),
		enumRule("/endpointAccessMode", "replace", func(v *api) *apigatewayapi.EndpointAccessMode { return &v.EndpointAccessMode }),
		boolRule("/disableExecuteApiEndpoint", func(v *api) **bool { return &v.DisableExecuteApiEndpoint }),
		listRule("/binaryMediaTypes/*", func(v *api) *[]string { return &v.BinaryMediaTypes }),
		{path: "/minimumCompressionSize", ops: "replace remove", set: func(v *api, _ []string, value string) error {
			v.MinimumCompressionSize = nil
			if value == "" {
				return nil
			}
			n, err := readInt("/minimumCompressionSize", value)
			v.MinimumCompressionSize = &n
			return err
		}, unset: func(v *api, _ []string) error { v.MinimumCompressionSize = nil; return nil }},
		{path: "/endpointConfiguration/types/*", ops: "replace", set: endpoint},
		enumRule("/endpointConfiguration/ipAddressType", "replace", func(v *api) *apigatewayapi.IpAddressType { return &v.EndpointConfiguration.IpAddressType }),
		listRule("/endpointConfiguration/vpcEndpointIds/*", func(v *api) *[]string { return &v.EndpointConfiguration.VpcEndpointIds }),
	}
}

// UpdateRestApi changes an API.
func (s *Service) UpdateRestApi(ctx context.Context, id aws.Identity, in *apigatewayapi.UpdateRestApiRequest) (*apigatewayapi.RestApi, error) {
	return update(ctx, s, id, in.RestApiId, func(d *draft) (*apigatewayapi.RestApi, error) {
		if err := patch(d.api, apiRules(), in.PatchOperations); err != nil {
			return nil, err
		}
		if err := checkAPI(d.api); err != nil {
			return nil, err
		}
		return shownAPI(d.api), save(d.tx, d.key.record(), d.api)
	})
}
