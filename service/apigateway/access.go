package apigateway

import (
	"context"
	"net/url"
	"reflect"
	"strings"

	"github.com/brume-dev/brume/api/apigatewayapi"
	"github.com/brume-dev/brume/aws"
)

// Access says what an operation needs: the HTTP method as the action, apigateway:GET, on the path of the resource.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonapigatewaymanagement.html
func (s *Service) Access(_ context.Context, id aws.Identity, op string, in any) ([]aws.Access, error) {
	o := apigatewayapi.Service.Lookup(op)
	if o == nil {
		return nil, bad("unknown operation %s", op)
	}
	path := o.Path
	v := reflect.Indirect(reflect.ValueOf(in))
	for i := range v.NumField() {
		label, value := labelOf(v.Type().Field(i).Tag.Get("aws")), v.Field(i)
		if label == "" || value.Kind() != reflect.String {
			continue
		}
		part := value.String()
		if part == "" {
			part = "*"
		}
		path = strings.ReplaceAll(path, "{"+label+"}", part)
	}
	if rest, ok := strings.CutPrefix(path, "/tags/"); ok {
		path = "/tags/" + url.PathEscape(rest)
	}
	path, _, _ = strings.Cut(path, "?")
	return []aws.Access{{Action: "apigateway:" + o.Method, Resource: "arn:aws:apigateway:" + id.Region + "::" + path}}, nil
}

// labelOf is the URI label in a field's tag.
func labelOf(tag string) string {
	for part := range strings.SplitSeq(tag, ",") {
		if label, ok := strings.CutPrefix(part, "uri="); ok {
			return label
		}
	}
	return ""
}
