package resource

import "strings"

// Validators and authorizers of APIs: parts of an API with an id of their own and nothing below them.

// createPart makes a part; its id is the one that the answer has, and an attribute.
func createPart(o *Op, operation, attribute string) error {
	out, err := o.call("apigateway", operation, o.properties())
	if err != nil {
		return err
	}
	o.Physical = textOf(out, "id")
	o.Attributes[attribute] = o.Physical
	return nil
}

// deletePart deletes a part; name is the member that holds its id.
func deletePart(o *Op, operation, name string) error {
	return ignoreGone(o.do("apigateway", operation, "restApiId", o.text("RestApiId"), name, o.Physical))
}

func createValidator(o *Op) error {
	return createPart(o, "CreateRequestValidator", "RequestValidatorId")
}

func updateValidator(o *Op) error {
	var p patches
	p.set(o, "ValidateRequestBody", "/validateRequestBody", "false")
	p.set(o, "ValidateRequestParameters", "/validateRequestParameters", "false")
	return p.send(o, "UpdateRequestValidator", "restApiId", o.text("RestApiId"), "requestValidatorId", o.Physical)
}

func deleteValidator(o *Op) error {
	return deletePart(o, "DeleteRequestValidator", "requestValidatorId")
}

func createAuthorizer(o *Op) error { return createPart(o, "CreateAuthorizer", "AuthorizerId") }

func updateAuthorizer(o *Op) error {
	var p patches
	for _, property := range []string{"Name", "Type", "AuthType", "AuthorizerUri", "AuthorizerCredentials", "IdentitySource", "IdentityValidationExpression"} {
		p.set(o, property, "/"+strings.ToLower(property[:1])+property[1:], "")
	}
	p.set(o, "AuthorizerResultTtlInSeconds", "/authorizerResultTtlInSeconds", "300")
	return p.send(o, "UpdateAuthorizer", "restApiId", o.text("RestApiId"), "authorizerId", o.Physical)
}

func deleteAuthorizer(o *Op) error { return deletePart(o, "DeleteAuthorizer", "authorizerId") }
