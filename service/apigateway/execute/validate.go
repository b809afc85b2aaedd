package execute

import (
	"net/http"
	"strings"

	"github.com/brume-dev/brume/api/apigatewayapi"
	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/service/apigateway/violation"
)

// check is the request validation that the method asks for.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-request-validation.html
func (c *call) check() *failure {
	m := c.method
	if m.checkParameters {
		var missing []string
		for _, name := range m.required {
			if v := c.requested(name); len(v) == 0 || v[0] == "" {
				_, short, _ := strings.Cut(name, ".")
				missing = append(missing, short)
			}
		}
		if len(missing) > 0 {
			text := "Missing required request parameters: [" + strings.Join(missing, ", ") + "]"
			return &failure{kind: apigatewayapi.GatewayResponseTypeBadRequestParameters, status: http.StatusBadRequest, message: text,
				errorType: "BadRequestException", validation: text, detail: text}
		}
	}
	if m.checkBody && len(m.schemas) > 0 {
		return c.checkBody()
	}
	return nil
}

func (c *call) checkBody() *failure {
	contentType := mediaType(c.header.Get("Content-Type"))
	if contentType == "" {
		contentType = "application/json"
	}
	s, ok := c.method.schemas[contentType]
	if !ok {
		if s, ok = c.method.schemas["$default"]; !ok {
			return nil // no model for this content type: nothing to hold it against
		}
	}
	if s.err != nil {
		return configuration("invalid model: %v", s.err)
	}
	if s.compiled == nil {
		return nil
	}
	wrong := func(detail string) *failure {
		return &failure{kind: apigatewayapi.GatewayResponseTypeBadRequestBody, status: http.StatusBadRequest, message: "Invalid request body",
			errorType: "BadRequestException", validation: "[" + detail + "]", detail: "Request body does not match model schema for content type " + contentType + ": [" + detail + "]"}
	}
	if len(c.body) == 0 {
		return wrong("Invalid JSON")
	}
	doc, ok := c.doc()
	if !ok {
		return wrong("Unable to parse JSON")
	}
	plain := jsondoc.Plain(doc)
	if err := s.compiled.Validate(plain); err != nil {
		return wrong(strings.Join(violation.Reasons(err, plain), ", "))
	}
	return nil
}
