package resource

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/deploy/template"
	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/shape"
)

var update = flag.Bool("update", false, "write the goldens anew")

// recorder is a Caller that checks every document against the model, writes it down, and answers from a table.
type recorder struct {
	t       *testing.T
	log     strings.Builder
	answers map[string]string // "service:Operation" → JSON, or "error Code"
	exists  bool              // creations say that it is there already
}

func (r *recorder) Call(_ context.Context, _ aws.Identity, op aws.Op, in any) (any, error) {
	b, err := shape.AppendJSON(nil, in)
	fmt.Fprintf(&r.log, "%s:%s %s\n", op.Service, op.Name, b)
	if err != nil {
		return nil, err
	}
	return reflect.New(services[op.Service].Lookup(op.Name).Out).Interface(), nil
}

func (r *recorder) Document(_ context.Context, _ aws.Identity, op aws.Op, in []byte) ([]byte, error) {
	name := op.Service + ":" + op.Name
	fmt.Fprintf(&r.log, "%s %s\n", name, in)
	v := reflect.New(services[op.Service].Lookup(op.Name).In).Interface()
	notes, err := shape.DecodeJSON(in, v)
	if err != nil {
		r.t.Errorf("%s: %v\n%s", name, err, in)
	}
	if bad := shape.Violations(v, notes); len(bad) > 0 {
		r.t.Errorf("%s: %v\n%s", name, bad, in)
	}
	answer, ok := r.answers[name]
	if r.exists && strings.HasPrefix(op.Name, "Create") && !strings.HasPrefix(op.Name, "CreateDeployment") {
		if code, named := alreadyThere[op.Service]; named {
			answer = "error " + code
		}
	}
	if !ok && (name == "s3:HeadBucket" || name == "eventbridge:DescribeRule") && !r.exists {
		answer = "error NotFound"
	}
	if code, failed := strings.CutPrefix(answer, "error "); failed {
		return nil, aws.Errorf(code, 400, "as the test wants")
	}
	if !ok {
		answer = "{}"
	}
	return []byte(answer), nil
}

// alreadyThere is how services say that something is there already.
var alreadyThere = map[string]string{"iam": "EntityAlreadyExists", "dynamodb": "ResourceInUseException", "s3": "BucketAlreadyOwnedByYou",
	"logs": "ResourceAlreadyExistsException", "eventbridge": "ResourceAlreadyExistsException", "ecr": "RepositoryAlreadyExistsException",
	"lambda": "ResourceConflictException"}

// TestGolden runs each kind through create, a second attempt at it, update and delete, and compares the calls. A file has
// the sections properties, next (for the update), answers (lines "service:Operation JSON") and calls, the golden.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	tested := map[string]bool{}
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".txtar")
		kind := "AWS::" + strings.ReplaceAll(strings.SplitN(name, "_", 2)[0], "-", "::")
		tested[kind] = true
		t.Run(name, func(t *testing.T) { golden(t, f, kind) })
	}
	for n := range kinds {
		if !tested[n] {
			t.Errorf("%s has no golden", n)
		}
	}
}

func golden(t *testing.T, file, kind string) {
	ar, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	part := func(name string) []byte {
		for _, f := range ar.Files {
			if f.Name == name {
				return f.Data
			}
		}
		return nil
	}
	r := &recorder{t: t, answers: map[string]string{}}
	for _, line := range strings.Split(string(part("answers")), "\n") {
		if name, answer, ok := strings.Cut(line, " "); ok {
			r.answers[name] = answer
		}
	}
	k, ok := Find(kind)
	if !ok {
		t.Fatalf("no kind %s", kind)
	}
	first, next := document(t, part("properties")), document(t, part("next"))
	var out strings.Builder
	out.WriteString("# create\n" + life(r, k, kind, first, nil, k.Create))
	physical, attributes := r.last(first, k, kind)
	r.exists = true
	out.WriteString("# create, retried\n" + life(r, k, kind, first, nil, k.Create))
	r.exists = false
	if next != nil {
		fmt.Fprintf(&out, "# update, replaces: %v\n", k.Replacement(first, next))
		if k.Update != nil {
			out.WriteString(r.step(&Op{Properties: next, Old: first, Physical: physical, Attributes: attributes}, k, kind, k.Update))
		}
	}
	out.WriteString("# delete\n" + r.step(&Op{Properties: first, Old: first, Physical: physical, Attributes: attributes}, k, kind, k.Delete))
	if *update {
		i := slices.IndexFunc(ar.Files, func(f txtar.File) bool { return f.Name == "calls" })
		if i < 0 {
			ar.Files = append(ar.Files, txtar.File{Name: "calls"})
			i = len(ar.Files) - 1
		}
		ar.Files[i].Data = []byte(out.String())
		if err := os.WriteFile(file, txtar.Format(ar), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want := part("calls"); !bytes.Equal(want, []byte(out.String())) {
		t.Errorf("calls are\n%s\nwanted\n%s", out.String(), want)
	}
}

func document(t *testing.T, text []byte) *jsondoc.Object {
	if text == nil {
		return nil
	}
	o, err := template.Read(text)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// life is a first attempt of a creation, or a later one when r says that things exist.
func life(r *recorder, k *Kind, kind string, properties, old *jsondoc.Object, f func(*Op) error) string {
	if old == nil {
		old = jsondoc.NewObject()
	}
	return r.step(&Op{Properties: properties, Old: old, Retried: r.exists}, k, kind, f)
}

// last is what a creation gives the resource.
func (r *recorder) last(properties *jsondoc.Object, k *Kind, kind string) (string, map[string]string) {
	o := &Op{Properties: properties, Old: jsondoc.NewObject()}
	r.step(o, k, kind, k.Create)
	return o.Physical, o.Attributes
}

func (r *recorder) step(o *Op, k *Kind, kind string, f func(*Op) error) string {
	o.Context, o.Caller, o.ID = r.t.Context(), r, aws.Identity{Account: "111122223333", Region: "eu-west-1"}
	o.Stack, o.StackID, o.LogicalID, o.Type, o.Token = "app", "arn:aws:cloudformation:eu-west-1:111122223333:stack/app/u", "Thing", kind, "u/Thing/1"
	o.StackTags = map[string]string{"team": "x"}
	o.Attributes = maps.Clone(o.Attributes)
	r.log.Reset()
	if err := o.Run(k, f); err != nil {
		fmt.Fprintf(&r.log, "error: %v\n", err)
	}
	var attributes []string
	for _, name := range slices.Sorted(maps.Keys(o.Attributes)) {
		attributes = append(attributes, name+"="+o.Attributes[name])
	}
	return fmt.Sprintf("%sRef %s%s, %s\n", r.log.String(), o.Physical, o.Ref, strings.Join(attributes, " "))
}

// TestInlineCode: inline code is a zip with the module that answers CloudFormation.
func TestInlineCode(t *testing.T) {
	for _, c := range []struct{ runtime, handler, want string }{
		{"python3.13", "index.handler", "index.py cfnresponse.py"},
		{"nodejs22.x", "app.handler", "app.js node_modules/cfn-response/index.js"},
	} {
		b, err := inlineZip(c.runtime, c.handler, "x")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range strings.Fields(c.want) {
			if !bytes.Contains(b, []byte(name)) {
				t.Errorf("%s has no %s", c.runtime, name)
			}
		}
	}
	if _, err := inlineZip("java21", "a.b", "x"); err == nil {
		t.Error("inline Java")
	}
}

// TestNames: generated names keep to their limits and differ by step.
func TestNames(t *testing.T) {
	o := &Op{Stack: strings.Repeat("s", 128), LogicalID: strings.Repeat("l", 255), Token: "a", Properties: jsondoc.NewObject()}
	for _, limit := range []int{48, 63, 64, 100, 512} {
		n := o.name("X", limit)
		if len(n) > limit || !strings.Contains(n, "-") {
			t.Errorf("%q of at most %d", n, limit)
		}
	}
	one := o.name("X", 64)
	if o.Token = "b"; o.name("X", 64) == one {
		t.Error("two steps, one name")
	}
}
