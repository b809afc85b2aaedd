package resource

import (
	"fmt"
	"io"
	"strings"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/jsondoc"
)

// maxDefinition is how large a definition may be.
const maxDefinition = 6 << 20

// defined reports whether an API has a definition, in the template or in S3.
func defined(properties *jsondoc.Object) bool {
	return has(properties, "Body") || has(properties, "BodyS3Location")
}

// definition is what defines an API; nil when nothing does.
func (o *Op) definition() (any, error) {
	if body := get(o.Properties, "Body"); body != nil {
		return blobOf(body), nil
	}
	where, ok := get(o.Properties, "BodyS3Location").(*jsondoc.Object)
	if !ok {
		return nil, nil
	}
	b, err := o.stored(where, maxDefinition)
	if err != nil {
		return nil, err
	}
	return blobOf(string(b)), nil
}

// stored reads an object of at most a number of bytes; where has Bucket, Key and, if need be, Version.
func (o *Op) stored(where *jsondoc.Object, most int64) ([]byte, error) {
	in := &s3api.GetObjectRequest{Bucket: textOf(where, "Bucket"), Key: textOf(where, "Key")}
	if v := textOf(where, "Version"); v != "" {
		in.VersionId = &v
	}
	out, err := s3api.NewClient(o.Caller).GetObject(o, o.ID, in)
	if err != nil {
		return nil, err
	}
	if c, ok := out.Body.(io.Closer); ok {
		defer c.Close()
	}
	b, err := io.ReadAll(io.LimitReader(out.Body, most+1))
	if err != nil {
		return nil, fmt.Errorf("resource: read s3://%s/%s: %w", in.Bucket, in.Key, err)
	}
	if int64(len(b)) > most {
		return nil, aws.Errorf("ValidationError", 400, "The definition at s3://%s/%s is larger than %d bytes.", in.Bucket, in.Key, most)
	}
	return b, nil
}

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
