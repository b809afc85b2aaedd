package sam_test

import (
	"strings"
	"testing"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/deploy/sam"
	"github.com/brume-dev/brume/deploy/template"
)

// TestRefusals are templates that the translator refuses, and those that ask for what is not there: neither is deployed otherwise
// than it says.
func TestRefusals(t *testing.T) {
	const function = "Runtime: python3.13, Handler: i.h, InlineCode: x"
	api := func(rest string) string {
		return "A: {Type: AWS::Serverless::Api, Properties: {StageName: s, " + rest + "}}"
	}
	on := func(bucket string) string {
		return "F: {Type: AWS::Serverless::Function, Properties: {" + function + ", Events: {E: {Type: S3, Properties: {" + bucket + "}}}}}"
	}
	for _, c := range []struct{ in, want string }{
		{api("Cors: [a]"), "Resource with id [A] is invalid. Invalid value for 'Cors' property"},
		{api("Cors: {Nope: a}"), "Invalid key 'Nope' for 'Cors' property."},
		{api("Cors: {AllowCredentials: true}"), "'AllowCredentials' can not be true when 'AllowOrigin' is \"'*'\" or not set"},
		{api(`Cors: "'*'", DefinitionUri: s3://b/k`), "Cors works only with inline Swagger specified in 'DefinitionBody' property."},
		{api(`Cors: "'*'", DefinitionBody: {swagger: '2.0'}`), "'DefinitionBody' does not contain a valid Swagger definition."},
		{api("Auth: {UsagePlan: x}"), "'UsagePlan' must be a dictionary"},
		{api("Auth: {UsagePlan: {Nope: x}}"), "Invalid property for 'UsagePlan'"},
		{api("Auth: {UsagePlan: {Description: x}}"), "'CreateUsagePlan' is a required field for UsagePlan."},
		{api("Auth: {UsagePlan: {CreateUsagePlan: x}}"), "'CreateUsagePlan' accepts one of ['SHARED', 'PER_API', 'NONE']."},
		{api("Auth: {ApiKeyRequired: true}, DefinitionBody: {swagger: '2.0', paths: {}}"), "Brume's transform has ApiKeyRequired only for"},
		{on("Bucket: !Ref Gone, Events: e"), "Event with id [E] is invalid. S3 events must reference an S3 bucket in the same template."},
		{on("Bucket: name, Events: e"), "S3 events must reference an S3 bucket in the same template."},
		{on("Events: e"), "Missing required property 'Bucket'."},
		{"H: {Type: AWS::Serverless::HttpApi}", "Brume's transform does not have AWS::Serverless::HttpApi yet."},
		{"C: {Type: AWS::Serverless::Connector}", "Brume's transform does not have AWS::Serverless::Connector yet."},
		{"F: {Type: AWS::Serverless::Function, Connectors: {C: {}}, Properties: {" + function + "}}", "Brume's transform does not have Connectors yet"},
	} {
		doc, err := template.Read([]byte("Transform: AWS::Serverless-2016-10-31\nResources:\n  " + c.in))
		if err != nil {
			t.Fatal(err)
		}
		_, err = sam.Transform(doc, sam.Options{Region: "us-east-1", Account: "123456789012", Stack: "app"})
		if info := aws.InfoOf(err); info.Code != "ValidationError" || !strings.Contains(info.Message, c.want) {
			t.Errorf("%s\n  gave %v\n  want %s", c.in, err, c.want)
		}
	}
}
