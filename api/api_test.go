package api

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/brume-dev/brume/api/apigatewayapi"
	"github.com/brume-dev/brume/api/applicationautoscalingapi"
	"github.com/brume-dev/brume/api/cloudformationapi"
	"github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/api/dynamodbstreamsapi"
	"github.com/brume-dev/brume/api/ecrapi"
	"github.com/brume-dev/brume/api/eventbridgeapi"
	"github.com/brume-dev/brume/api/iamapi"
	"github.com/brume-dev/brume/api/kmsapi"
	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/api/logsapi"
	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/api/schedulerapi"
	"github.com/brume-dev/brume/api/secretsmanagerapi"
	"github.com/brume-dev/brume/api/sfnapi"
	"github.com/brume-dev/brume/api/snsapi"
	"github.com/brume-dev/brume/api/sqsapi"
	"github.com/brume-dev/brume/api/ssmapi"
	"github.com/brume-dev/brume/api/stsapi"
	"github.com/brume-dev/brume/api/xrayapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/shape"
)

// all are the generated packages.
var all = []*aws.Service{
	apigatewayapi.Service, applicationautoscalingapi.Service, cloudformationapi.Service, dynamodbapi.Service, dynamodbstreamsapi.Service, ecrapi.Service, eventbridgeapi.Service,
	iamapi.Service, kmsapi.Service, lambdaapi.Service, logsapi.Service, s3api.Service, schedulerapi.Service,
	secretsmanagerapi.Service, sfnapi.Service, snsapi.Service, sqsapi.Service, ssmapi.Service, stsapi.Service, xrayapi.Service,
}

func TestEveryPackageIsTested(t *testing.T) {
	folders, err := filepath.Glob("*api")
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, s := range all {
		have = append(have, s.Name+"api")
	}
	slices.Sort(have)
	if !slices.Equal(folders, have) {
		t.Errorf("the folders are %v, this test knows %v", folders, have)
	}
}

// TestOperationsAreThoseOfOpsTxt also compiles the plan of every input and output, and every pattern in it: a tag or a
// pattern that package shape cannot read is found here rather than by a request.
func TestOperationsAreThoseOfOpsTxt(t *testing.T) {
	for _, s := range all {
		want := ops(t, s.Name)
		var have []string
		seen := map[*shape.Shape]bool{}
		for _, op := range s.Ops {
			if op.Service != s || s.Lookup(op.Name) != op || op.Method == "" || !strings.HasPrefix(op.Path, "/") {
				t.Errorf("%v is not described: %+v", op.Op, op)
			}
			if !op.Implemented() {
				continue
			}
			have = append(have, op.Name)
			for _, typ := range []reflect.Type{op.In, op.Out} {
				compile(shape.Of(typ), seen)
			}
			if op.Status < 200 || op.Status > 299 {
				t.Errorf("%v succeeds with %d", op.Op, op.Status)
			}
		}
		slices.Sort(have)
		if !slices.Equal(have, want) {
			t.Errorf("%s: described %v, ops.txt has %v", s.Name, have, want)
		}
	}
}

func compile(s *shape.Shape, seen map[*shape.Shape]bool) {
	if s == nil || seen[s] {
		return
	}
	seen[s] = true
	compile(s.Elem, seen)
	for i := range s.Members {
		m := &s.Members[i]
		for _, c := range []shape.Constraint{m.Own, m.Each, m.Keys} {
			if c.Pattern != nil {
				c.Pattern.Match("")
			}
		}
		compile(m.Shape, seen)
	}
}

func ops(t *testing.T, name string) []string {
	b, err := os.ReadFile(filepath.Join(name+"api", "ops.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for line := range strings.Lines(string(b)) {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	slices.Sort(out)
	return out
}

// TestRoutingFacts holds what the gateway's routing relies on (PROTOCOL.md section 6).
func TestRoutingFacts(t *testing.T) {
	targets, versions, signing := map[string]string{}, map[string]string{}, map[string]string{}
	unique := func(what string, m map[string]string, key, name string) {
		if other, dup := m[key]; dup && key != "" {
			t.Errorf("%s and %s share the %s %q", other, name, what, key)
		}
		m[key] = name
	}
	for _, s := range all {
		unique("target prefix", targets, s.Target, s.Name)
		if s.Target == "" { // those with one are told apart by it: dynamodb and its streams
			unique("signing name", signing, s.Signing, s.Name)
		}
		if s.Protocols.Has(aws.Query) {
			unique("Query version", versions, s.Version, s.Name)
		}
		if s.Protocols.Has(aws.JSON10|aws.JSON11) && s.Target == "" {
			t.Errorf("%s speaks JSON without a target prefix", s.Name)
		}
		if s.Protocols.Has(aws.Query|aws.RestXML) && s.Namespace == "" {
			t.Errorf("%s speaks XML without a namespace", s.Name)
		}
	}
}
