package catalogue

import (
	"testing"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/policy"
)

// Every document compiles, and every policy that templates name most is there.
func TestCatalogue(t *testing.T) {
	c, err := Read()
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for i := range c.List {
		p := &c.List[i]
		if n := p.Compiled().Statements(); n == 0 {
			t.Errorf("%s has no statements", p.Name)
		}
		if p.Version == "" || p.Description == "" || len(p.ID()) != 21 || ids[p.ID()] {
			t.Errorf("%s: version %q, description %q, id %q", p.Name, p.Version, p.Description, p.ID())
		}
		ids[p.ID()] = true
	}
	for _, name := range []string{"awslambdabasicexecutionrole", "awslambdavpcaccessexecutionrole", "awsxraydaemonwriteaccess",
		"awsxraywriteonlyaccess", "administratoraccess", "poweruseraccess", "readonlyaccess", "amazondynamodbfullaccess",
		"amazondynamodbreadonlyaccess", "amazons3fullaccess", "amazons3readonlyaccess", "amazonsqsfullaccess",
		"awslambdasqsqueueexecutionrole", "awslambdadynamodbexecutionrole", "awslambdakinesisexecutionrole",
		"amazonapigatewaypushtocloudwatchlogs", "amazonapigatewayinvokefullaccess", "cloudwatchlogsfullaccess",
		"awsstepfunctionsfullaccess", "amazoneventbridgefullaccess", "awslambda_fullaccess", "awslambdarole",
		"iamfullaccess", "cloudwatchfullaccess", "amazonsnsfullaccess", "amazonec2containerregistryreadonly"} {
		if c.Named(name) == nil {
			t.Errorf("%s is missing", name)
		}
	}
	if got := c.Named("awslambdabasicexecutionrole").ARN(); got != "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole" {
		t.Errorf("ARN %s", got)
	}
}

// Some decisions by AWS's policies, as their descriptions promise.
func TestDecisions(t *testing.T) {
	c, err := Read()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []struct {
		name, action string
		allowed      bool
	}{
		{"AdministratorAccess", "iam:CreateUser", true},
		{"PowerUserAccess", "dynamodb:CreateTable", true},
		{"PowerUserAccess", "iam:CreateUser", false},
		{"PowerUserAccess", "iam:ListRoles", true},
		{"ReadOnlyAccess", "lambda:GetFunction", true},
		{"ReadOnlyAccess", "lambda:InvokeFunction", false},
		{"ReadOnlyAccess", "secretsmanager:GetSecretValue", false},
		{"AmazonS3ReadOnlyAccess", "s3:GetObject", true},
		{"AmazonS3ReadOnlyAccess", "s3:PutObject", false},
		{"AWSLambdaBasicExecutionRole", "logs:PutLogEvents", true},
		{"AWSLambdaBasicExecutionRole", "logs:DeleteLogGroup", false},
	} {
		id := aws.Identity{Kind: aws.User, Account: "000000000000"}
		p := policy.Policies{Identity: []*policy.Document{c.Named(lower(d.name)).Compiled()}}
		r := policy.Request{Identity: &id, Action: d.action, Resource: "*"}
		if got := policy.Evaluate(&p, &r).Allowed; got != d.allowed {
			t.Errorf("%s: %s: %v", d.name, d.action, got)
		}
	}
}

func lower(s string) string {
	b := []byte(s)
	for i := range b {
		if 'A' <= b[i] && b[i] <= 'Z' {
			b[i] += 'a' - 'A'
		}
	}
	return string(b)
}
