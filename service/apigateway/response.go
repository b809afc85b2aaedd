package apigateway

import (
	"context"
	"slices"
	"strings"

	"github.com/brume-dev/brume/api/apigatewayapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/apigateway/execute"
	"github.com/brume-dev/brume/store"
	pages "github.com/brume-dev/brume/store/page"
)

// gatewayResponse is the response of a type: the one that was put, or what API Gateway has for it.
func (d *draft) gatewayResponse(t apigatewayapi.GatewayResponseType) (*apigatewayapi.GatewayResponse, error) {
	if !slices.Contains(t.EnumValues(), string(t)) {
		return nil, notFound("Invalid gateway response type specified")
	}
	own, err := load[apigatewayapi.GatewayResponse](d.r, d.key.responses().Text(string(t)))
	if err != nil || own != nil {
		return own, err
	}
	return execute.DefaultResponse(t), nil
}

func (d *draft) saveGatewayResponse(g *apigatewayapi.GatewayResponse) error {
	if g.StatusCode != nil {
		if err := checkStatus(*g.StatusCode); err != nil {
			return err
		}
	}
	for to, from := range g.ResponseParameters {
		if !strings.HasPrefix(to, "gatewayresponse.header.") {
			return bad("Invalid parameter mapping specified: %s", to)
		}
		if err := execute.CheckGatewayMapping(from); err != nil {
			return bad("Invalid mapping expression specified: Validation Result: warnings : [], errors : [%v]", err)
		}
	}
	if err := checkTemplates(g.ResponseTemplates); err != nil {
		return err
	}
	g.DefaultResponse = new(bool)
	return save(d.tx, d.key.responses().Text(string(g.ResponseType)), g)
}

// PutGatewayResponse customizes what API Gateway itself answers.
func (s *Service) PutGatewayResponse(ctx context.Context, id aws.Identity, in *apigatewayapi.PutGatewayResponseRequest) (*apigatewayapi.GatewayResponse, error) {
	return update(ctx, s, id, in.RestApiId, func(d *draft) (*apigatewayapi.GatewayResponse, error) {
		g := &apigatewayapi.GatewayResponse{ResponseType: in.ResponseType, StatusCode: in.StatusCode, ResponseParameters: in.ResponseParameters,
			ResponseTemplates: in.ResponseTemplates}
		if g.ResponseTemplates == nil {
			g.ResponseTemplates = execute.DefaultResponse(in.ResponseType).ResponseTemplates
		}
		if g.ResponseParameters == nil {
			g.ResponseParameters = map[string]string{}
		}
		if g.StatusCode == nil {
			g.StatusCode = execute.DefaultResponse(in.ResponseType).StatusCode
		}
		return g, d.saveGatewayResponse(g)
	})
}

// GetGatewayResponse describes a gateway response.
func (s *Service) GetGatewayResponse(ctx context.Context, id aws.Identity, in *apigatewayapi.GetGatewayResponseRequest) (*apigatewayapi.GatewayResponse, error) {
	return view(ctx, s, id, in.RestApiId, func(d *draft) (*apigatewayapi.GatewayResponse, error) { return d.gatewayResponse(in.ResponseType) })
}

// GetGatewayResponses lists the gateway responses of all types.
func (s *Service) GetGatewayResponses(ctx context.Context, id aws.Identity, in *apigatewayapi.GetGatewayResponsesRequest) (*apigatewayapi.GatewayResponses, error) {
	return view(ctx, s, id, in.RestApiId, func(d *draft) (*apigatewayapi.GatewayResponses, error) {
		types := apigatewayapi.GatewayResponseType("").EnumValues()
		slices.Sort(types)
		pg, err := newPage(in.Position, in.Limit)
		if err != nil {
			return nil, err
		}
		out := &apigatewayapi.GatewayResponses{}
		for _, t := range pages.Slice(pg, types, func(t string) string { return t }) {
			g, err := d.gatewayResponse(apigatewayapi.GatewayResponseType(t))
			if err != nil {
				return nil, err
			}
			out.Items = append(out.Items, *g)
		}
		out.Position = pg.Token()
		return out, nil
	})
}

// DeleteGatewayResponse gives a gateway response its default back.
func (s *Service) DeleteGatewayResponse(ctx context.Context, id aws.Identity, in *apigatewayapi.DeleteGatewayResponseRequest) (*apigatewayapi.DeleteGatewayResponseOutput, error) {
	return update(ctx, s, id, in.RestApiId, func(d *draft) (*apigatewayapi.DeleteGatewayResponseOutput, error) {
		g, err := d.gatewayResponse(in.ResponseType)
		if err != nil {
			return nil, err
		}
		if truth(g.DefaultResponse) {
			return nil, notFound("Gateway response type not defined on api")
		}
		return &apigatewayapi.DeleteGatewayResponseOutput{}, store.DeleteLarge(d.tx, store.Key(d.key.responses().Text(string(in.ResponseType))))
	})
}

// UpdateGatewayResponse changes a gateway response, which is then no longer the default one.
func (s *Service) UpdateGatewayResponse(ctx context.Context, id aws.Identity, in *apigatewayapi.UpdateGatewayResponseRequest) (*apigatewayapi.GatewayResponse, error) {
	type response = apigatewayapi.GatewayResponse
	rules := []rule[response]{
		textRule("/statusCode", "replace", func(v *response) **string { return &v.StatusCode }),
		mapRule("/responseParameters/*", func(v *response) *map[string]string { return &v.ResponseParameters }),
		mapRule("/responseTemplates/*", func(v *response) *map[string]string { return &v.ResponseTemplates }),
	}
	return update(ctx, s, id, in.RestApiId, func(d *draft) (*response, error) {
		g, err := d.gatewayResponse(in.ResponseType)
		if err != nil {
			return nil, err
		}
		if err := patch(g, rules, in.PatchOperations); err != nil {
			return nil, err
		}
		return g, d.saveGatewayResponse(g)
	})
}
