package egress

import (
	"encoding/base64"

	"github.com/brume-dev/brume/api/eventbridgeapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/event/connection"
	"github.com/brume-dev/brume/store/record"
)

// parameter is a header, query parameter or body member that calls carry.
type parameter struct {
	Key    string `cbor:"1,keyasint"`
	Value  string `cbor:"2,keyasint,omitempty"`
	Secret bool   `cbor:"3,keyasint,omitempty"`
}

// parameters are ConnectionHttpParameters.
type parameters struct {
	Header []parameter `cbor:"1,keyasint,omitempty"`
	Query  []parameter `cbor:"2,keyasint,omitempty"`
	Body   []parameter `cbor:"3,keyasint,omitempty"`
}

// auth is how a connection's calls are authorized. Which of the members count, the connection's type says.
type auth struct {
	User     string      `cbor:"1,keyasint,omitempty"`
	Password string      `cbor:"2,keyasint,omitempty"`
	KeyName  string      `cbor:"3,keyasint,omitempty"`
	KeyValue string      `cbor:"4,keyasint,omitempty"`
	Client   string      `cbor:"5,keyasint,omitempty"`
	Secret   string      `cbor:"6,keyasint,omitempty"`
	Endpoint string      `cbor:"7,keyasint,omitempty"`
	Method   string      `cbor:"8,keyasint,omitempty"`
	OAuth    *parameters `cbor:"9,keyasint,omitempty"`
	Calls    *parameters `cbor:"10,keyasint,omitempty"` // InvocationHttpParameters
}

func readParameters(in *eventbridgeapi.ConnectionHttpParameters) *parameters {
	if in == nil {
		return nil
	}
	p := &parameters{}
	for _, h := range in.HeaderParameters {
		p.Header = append(p.Header, parameter{aws.Or(h.Key, ""), aws.Or(h.Value, ""), aws.Or(h.IsValueSecret, false)})
	}
	for _, q := range in.QueryStringParameters {
		p.Query = append(p.Query, parameter{aws.Or(q.Key, ""), aws.Or(q.Value, ""), aws.Or(q.IsValueSecret, false)})
	}
	for _, b := range in.BodyParameters {
		p.Body = append(p.Body, parameter{aws.Or(b.Key, ""), aws.Or(b.Value, ""), aws.Or(b.IsValueSecret, false)})
	}
	return p
}

// shown are the parameters as they are answered: secret values are not.
func (p *parameters) shown() *eventbridgeapi.ConnectionHttpParameters {
	if p == nil {
		return nil
	}
	out := &eventbridgeapi.ConnectionHttpParameters{}
	value := func(v parameter) *string {
		if v.Secret {
			return nil
		}
		return &v.Value
	}
	for _, h := range p.Header {
		out.HeaderParameters = append(out.HeaderParameters, eventbridgeapi.ConnectionHeaderParameter{Key: &h.Key, Value: value(h), IsValueSecret: &h.Secret})
	}
	for _, q := range p.Query {
		out.QueryStringParameters = append(out.QueryStringParameters, eventbridgeapi.ConnectionQueryStringParameter{Key: &q.Key, Value: value(q), IsValueSecret: &q.Secret})
	}
	for _, b := range p.Body {
		out.BodyParameters = append(out.BodyParameters, eventbridgeapi.ConnectionBodyParameter{Key: &b.Key, Value: value(b), IsValueSecret: &b.Secret})
	}
	return out
}

func pairs(list []parameter) (out []connection.Pair) {
	for _, p := range list {
		out = append(out, connection.Pair{Name: p.Key, Value: p.Value})
	}
	return out
}

// authorization is p as calls carry it.
func (p *parameters) authorization() *connection.Authorization {
	if p == nil {
		return &connection.Authorization{}
	}
	return &connection.Authorization{Header: pairs(p.Header), Query: pairs(p.Query), Body: pairs(p.Body)}
}

// set takes over what Update gives; what it does not give stays.
func (a *auth) set(in *eventbridgeapi.UpdateConnectionAuthRequestParameters) {
	if in == nil {
		return
	}
	take := func(to *string, v *string) {
		if v != nil {
			*to = *v
		}
	}
	if b := in.BasicAuthParameters; b != nil {
		take(&a.User, b.Username)
		take(&a.Password, b.Password)
	}
	if k := in.ApiKeyAuthParameters; k != nil {
		take(&a.KeyName, k.ApiKeyName)
		take(&a.KeyValue, k.ApiKeyValue)
	}
	if o := in.OAuthParameters; o != nil {
		if c := o.ClientParameters; c != nil {
			take(&a.Client, c.ClientID)
			take(&a.Secret, c.ClientSecret)
		}
		take(&a.Endpoint, o.AuthorizationEndpoint)
		if o.HttpMethod != "" {
			a.Method = string(o.HttpMethod)
		}
		if o.OAuthHttpParameters != nil {
			a.OAuth = readParameters(o.OAuthHttpParameters)
		}
	}
	if in.InvocationHttpParameters != nil {
		a.Calls = readParameters(in.InvocationHttpParameters)
	}
}

// given turns what Create takes into what Update takes.
func given(in *eventbridgeapi.CreateConnectionAuthRequestParameters) *eventbridgeapi.UpdateConnectionAuthRequestParameters {
	out := &eventbridgeapi.UpdateConnectionAuthRequestParameters{InvocationHttpParameters: in.InvocationHttpParameters, ConnectivityParameters: in.ConnectivityParameters}
	if b := in.BasicAuthParameters; b != nil {
		out.BasicAuthParameters = &eventbridgeapi.UpdateConnectionBasicAuthRequestParameters{Username: &b.Username, Password: &b.Password}
	}
	if k := in.ApiKeyAuthParameters; k != nil {
		out.ApiKeyAuthParameters = &eventbridgeapi.UpdateConnectionApiKeyAuthRequestParameters{ApiKeyName: &k.ApiKeyName, ApiKeyValue: &k.ApiKeyValue}
	}
	if o := in.OAuthParameters; o != nil {
		out.OAuthParameters = &eventbridgeapi.UpdateConnectionOAuthRequestParameters{AuthorizationEndpoint: &o.AuthorizationEndpoint, HttpMethod: o.HttpMethod,
			OAuthHttpParameters: o.OAuthHttpParameters}
		if c := o.ClientParameters; c != nil {
			out.OAuthParameters.ClientParameters = &eventbridgeapi.UpdateConnectionOAuthClientRequestParameters{ClientID: &c.ClientID, ClientSecret: &c.ClientSecret}
		}
	}
	return out
}

// check says what kind of authorization lacks.
func (a *auth) check(kind string) error {
	missing := ""
	switch kind {
	case string(eventbridgeapi.ConnectionAuthorizationTypeBasic):
		if a.User == "" || a.Password == "" {
			missing = "BasicAuthParameters"
		}
	case string(eventbridgeapi.ConnectionAuthorizationTypeApiKey):
		if a.KeyName == "" || a.KeyValue == "" {
			missing = "ApiKeyAuthParameters"
		}
	default:
		if a.Client == "" || a.Secret == "" || a.Endpoint == "" || a.Method == "" {
			missing = "OAuthParameters"
		} else if !callable(a.Endpoint) {
			return invalid("Parameter AuthorizationEndpoint is not valid. Reason: it is not an HTTPS endpoint.")
		}
	}
	if missing != "" {
		return invalid("Parameter AuthParameters.%s is required for authorization type %s.", missing, kind)
	}
	if len(record.Encode(version, a)) > maxSecret {
		return invalid("Parameter AuthParameters is not valid. Reason: it is larger than %d bytes.", maxSecret)
	}
	return nil
}

// shown is a as Describe answers it: names, never secrets.
func (a *auth) shown(kind string) *eventbridgeapi.ConnectionAuthResponseParameters {
	out := &eventbridgeapi.ConnectionAuthResponseParameters{InvocationHttpParameters: a.Calls.shown()}
	switch kind {
	case string(eventbridgeapi.ConnectionAuthorizationTypeBasic):
		out.BasicAuthParameters = &eventbridgeapi.ConnectionBasicAuthResponseParameters{Username: aws.Some(a.User)}
	case string(eventbridgeapi.ConnectionAuthorizationTypeApiKey):
		out.ApiKeyAuthParameters = &eventbridgeapi.ConnectionApiKeyAuthResponseParameters{ApiKeyName: aws.Some(a.KeyName)}
	default:
		out.OAuthParameters = &eventbridgeapi.ConnectionOAuthResponseParameters{AuthorizationEndpoint: aws.Some(a.Endpoint),
			ClientParameters: &eventbridgeapi.ConnectionOAuthClientResponseParameters{ClientID: aws.Some(a.Client)},
			HttpMethod:       eventbridgeapi.ConnectionOAuthHttpMethod(a.Method), OAuthHttpParameters: a.OAuth.shown()}
	}
	return out
}

// basic is the Authorization header of user and password.
func basic(user, password string) connection.Pair {
	return connection.Pair{Name: "Authorization", Value: "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))}
}
