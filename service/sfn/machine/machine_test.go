package machine_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/logsapi"
	"github.com/brume-dev/brume/api/sfnapi"
	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/service/sfn/machine"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/storetest"
	"github.com/brume-dev/brume/timer"
)

var me = aws.Identity{Kind: aws.Root, Account: "111122223333", Region: "eu-west-1", ARN: "arn:aws:iam::111122223333:root"}

const (
	role    = "arn:aws:iam::111122223333:role/r"
	base    = "arn:aws:states:eu-west-1:111122223333:stateMachine:"
	pass    = `{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}}`
	succeed = `{"StartAt":"A","States":{"A":{"Type":"Succeed"}}}`
	group   = "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/vendedlogs/states/x:*"
)

// rig is the machines of an account whose log groups are those in groups, and whose role r may be assumed.
type rig struct {
	*machine.Machines
	t      *testing.T
	clock  *clock.Virtual
	store  store.Store
	timer  *timer.Runner
	groups []string

	policies map[string]string
}

func newRig(t *testing.T) *rig {
	t.Helper()
	c := clock.Frozen(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	r := &rig{t: t, clock: c, store: storetest.Split(c, 3), groups: []string{"/aws/vendedlogs/states/x", "own"}, policies: map[string]string{}}
	r.timer = timer.New(timer.Config{Store: r.store, Clock: c})
	var err error
	r.Machines, err = machine.New(machine.Config{Store: r.store, Clock: c, Caller: r, Roles: r, Timer: r.timer, Rand: rand.Reader, Check: check})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.timer.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return r
}

func check(definition string, _ bool) error {
	if _, err := asl.Parse([]byte(definition)); err != nil {
		return &sfnapi.InvalidDefinition{Message: "Invalid State Machine Definition"}
	}
	return nil
}

func (r *rig) Assume(_ context.Context, service aws.Identity, role, session string) (aws.Identity, aws.Credentials, error) {
	if service.Service != "states.amazonaws.com" || !strings.HasSuffix(role, "/r") {
		return aws.Identity{}, aws.Credentials{}, aws.Errorf("AccessDenied", 403, "no")
	}
	return aws.Identity{Kind: aws.AssumedRole, Account: "111122223333", Region: "eu-west-1", RoleARN: role}, aws.Credentials{}, nil
}

func (r *rig) Call(ctx context.Context, id aws.Identity, op aws.Op, in any) (any, error) {
	if aws.InTx(ctx) || id.RoleARN != role {
		r.t.Errorf("%s called by %+v", op, id)
	}
	switch in := in.(type) {
	case *logsapi.DescribeLogGroupsRequest:
		out := &logsapi.DescribeLogGroupsResponse{}
		for _, g := range r.groups {
			if strings.HasPrefix(g, *in.LogGroupNamePrefix) {
				out.LogGroups = append(out.LogGroups, logsapi.LogGroup{LogGroupName: &g})
			}
		}
		return out, nil
	case *logsapi.DescribeResourcePoliciesRequest:
		out := &logsapi.DescribeResourcePoliciesResponse{}
		for name, doc := range r.policies {
			out.ResourcePolicies = append(out.ResourcePolicies, logsapi.ResourcePolicy{PolicyName: &name, PolicyDocument: &doc})
		}
		return out, nil
	case *logsapi.PutResourcePolicyRequest:
		r.policies[*in.PolicyName] = *in.PolicyDocument
		return &logsapi.PutResourcePolicyResponse{}, nil
	}
	return nil, fmt.Errorf("unexpected %s", op)
}

func (r *rig) Document(context.Context, aws.Identity, aws.Op, []byte) ([]byte, error) {
	return nil, fmt.Errorf("not called")
}

func (r *rig) create(name string, f ...func(*sfnapi.CreateStateMachineInput)) (*sfnapi.CreateStateMachineOutput, error) {
	in := &sfnapi.CreateStateMachineInput{Name: name, Definition: pass, RoleArn: role}
	for _, f := range f {
		f(in)
	}
	return r.CreateStateMachine(r.t.Context(), me, in)
}

func published(in *sfnapi.CreateStateMachineInput) { in.Publish = new(true) }

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// refused checks the code of an error and a part of its text.
func (r *rig) refused(err error, code, text string) {
	r.t.Helper()
	if err == nil || aws.CodeOf(err) != code || !strings.Contains(aws.InfoOf(err).Message, text) {
		r.t.Errorf("%v, want %s with %q", err, code, text)
	}
}

func TestCreateIsIdempotent(t *testing.T) {
	r := newRig(t)
	first, err := r.create("m", func(in *sfnapi.CreateStateMachineInput) { in.Tags = []sfnapi.Tag{{Key: new("a"), Value: new("1")}} })
	r.must(err)
	if first.StateMachineArn != base+"m" || first.StateMachineVersionArn != nil {
		t.Errorf("%+v", first)
	}
	r.must(r.advance(time.Hour))
	again, err := r.create("m", func(in *sfnapi.CreateStateMachineInput) { in.RoleArn = "arn:aws:iam::111122223333:role/other/r" })
	r.must(err)
	if !again.CreationDate.Equal(first.CreationDate) {
		t.Errorf("created again at %v", again.CreationDate)
	}
	d, err := r.DescribeStateMachine(t.Context(), me, &sfnapi.DescribeStateMachineInput{StateMachineArn: base + "m"})
	r.must(err)
	if d.RoleArn != role || d.RevisionId != nil || d.Type != "STANDARD" || d.Status != "ACTIVE" || d.LoggingConfiguration.Level != "OFF" {
		t.Errorf("%+v", d)
	}
	for what, f := range map[string]func(*sfnapi.CreateStateMachineInput){
		"definition": func(in *sfnapi.CreateStateMachineInput) { in.Definition = succeed },
		"type":       func(in *sfnapi.CreateStateMachineInput) { in.Type = sfnapi.StateMachineTypeExpress },
		"tracing": func(in *sfnapi.CreateStateMachineInput) {
			in.TracingConfiguration = &sfnapi.TracingConfiguration{Enabled: new(true)}
		},
		"publish": published,
	} {
		if _, err := r.create("m", f); aws.CodeOf(err) != "StateMachineAlreadyExists" {
			t.Errorf("another %s: %v", what, err)
		}
	}
}

func (r *rig) advance(d time.Duration) error {
	if err := r.timer.Settle(context.Background()); err != nil {
		return err
	}
	_, err := r.clock.Advance(context.Background(), d)
	return errors.Join(err, r.timer.Settle(context.Background()))
}

func TestCreateRefuses(t *testing.T) {
	r := newRig(t)
	logging := func(level sfnapi.LogLevel, arns ...string) func(*sfnapi.CreateStateMachineInput) {
		return func(in *sfnapi.CreateStateMachineInput) {
			in.LoggingConfiguration = &sfnapi.LoggingConfiguration{Level: level}
			for _, a := range arns {
				in.LoggingConfiguration.Destinations = append(in.LoggingConfiguration.Destinations, sfnapi.LogDestination{CloudWatchLogsLogGroup: &sfnapi.CloudWatchLogsLogGroup{LogGroupArn: &a}})
			}
		}
	}
	for _, c := range []struct {
		name, code, text string
		f                func(*sfnapi.CreateStateMachineInput)
	}{
		{"a b", "InvalidName", "Invalid Name: 'a b'", nil},
		{"a/b", "InvalidName", "", nil},
		{"a\u0085", "InvalidName", "", nil},
		{"m", "InvalidDefinition", "", func(in *sfnapi.CreateStateMachineInput) { in.Definition = "x" }},
		{"m", "InvalidArn", "Invalid Role Arn: 'r'", func(in *sfnapi.CreateStateMachineInput) { in.RoleArn = "r" }},
		{"m", "AccessDeniedException", "Cross-account", func(in *sfnapi.CreateStateMachineInput) { in.RoleArn = "arn:aws:iam::444455556666:role/r" }},
		{"m", "AccessDeniedException", "Neither the global service principal", func(in *sfnapi.CreateStateMachineInput) { in.RoleArn = role + "x" }},
		{"m", "ValidationException", "publish", func(in *sfnapi.CreateStateMachineInput) { in.VersionDescription = new("v") }},
		{"m", "ValidationException", "tag", func(in *sfnapi.CreateStateMachineInput) { in.Tags = []sfnapi.Tag{{Key: new("aws:x"), Value: new("")}} }},
		{"m", "TooManyTags", "", func(in *sfnapi.CreateStateMachineInput) {
			for i := range 51 {
				in.Tags = append(in.Tags, sfnapi.Tag{Key: new(fmt.Sprint(i)), Value: new("")})
			}
		}},
		{"m", "InvalidLoggingConfiguration", "exactly one", logging("ALL")},
		{"m", "InvalidLoggingConfiguration", "exactly one", logging("ALL", group, group)},
		{"m", "InvalidLoggingConfiguration", "'*' qualifier", logging("ERROR", strings.TrimSuffix(group, ":*"))},
		{"m", "InvalidLoggingConfiguration", "not found", logging("FATAL", strings.Replace(group, "/x:", "/y:", 1))},
		{"m", "InvalidEncryptionConfiguration", "kmsKeyId", func(in *sfnapi.CreateStateMachineInput) {
			in.EncryptionConfiguration = &sfnapi.EncryptionConfiguration{Type: "CUSTOMER_MANAGED_KMS_KEY"}
		}},
	} {
		var f []func(*sfnapi.CreateStateMachineInput)
		if c.f != nil {
			f = append(f, c.f)
		}
		_, err := r.create(c.name, f...)
		r.refused(err, c.code, c.text)
	}
	out, err := r.ListStateMachines(t.Context(), me, &sfnapi.ListStateMachinesInput{})
	if err != nil || len(out.StateMachines) != 0 {
		t.Errorf("there are machines: %+v, %v", out, err)
	}
}

func TestLogDeliveryIsAllowedOnce(t *testing.T) {
	r := newRig(t)
	log := func(arn string) func(*sfnapi.CreateStateMachineInput) {
		return func(in *sfnapi.CreateStateMachineInput) {
			in.LoggingConfiguration = &sfnapi.LoggingConfiguration{Level: "ALL", Destinations: []sfnapi.LogDestination{{CloudWatchLogsLogGroup: &sfnapi.CloudWatchLogsLogGroup{LogGroupArn: &arn}}}}
		}
	}
	own := strings.Replace(group, "/aws/vendedlogs/states/x", "own", 1)
	for _, g := range []struct{ name, arn string }{{"a", group}, {"b", group}, {"c", own}} {
		_, err := r.create(g.name, log(g.arn))
		r.must(err)
	}
	doc := r.policies["AWSLogDeliveryWrite20150319"]
	for _, resource := range []string{"log-group:/aws/vendedlogs/*:log-stream:*", "log-group:own:log-stream:*"} {
		if strings.Count(doc, resource) != 1 {
			t.Errorf("%s is not once in %s", resource, doc)
		}
	}
}

func TestExecutionsRunWhatTheirARNNames(t *testing.T) {
	r := newRig(t)
	_, err := r.create("m", published)
	r.must(err)
	up, err := r.UpdateStateMachine(t.Context(), me, &sfnapi.UpdateStateMachineInput{StateMachineArn: base + "m", Definition: new(succeed), Publish: new(true)})
	r.must(err)
	if *up.StateMachineVersionArn != base+"m:2" || up.RevisionId == nil {
		t.Errorf("%+v", up)
	}
	same, err := r.UpdateStateMachine(t.Context(), me, &sfnapi.UpdateStateMachineInput{StateMachineArn: base + "m", Definition: new(succeed), Publish: new(true)})
	r.must(err)
	if *same.StateMachineVersionArn != base+"m:2" || *same.RevisionId != *up.RevisionId {
		t.Errorf("the same again: %+v", same)
	}
	_, err = r.CreateStateMachineAlias(t.Context(), me, &sfnapi.CreateStateMachineAliasInput{Name: "P", RoutingConfiguration: []sfnapi.RoutingConfigurationListItem{
		{StateMachineVersionArn: base + "m:1", Weight: 70}, {StateMachineVersionArn: base + "m:2", Weight: 30}}})
	r.must(err)
	for arn, want := range map[string]string{"m": succeed, "m:1": pass, "m:2": succeed} {
		got, err := r.Target(t.Context(), base+arn)
		r.must(err)
		if got.Definition != want || string(got.Machine.Blocks[0].States[0].Type) != map[string]string{pass: "Pass", succeed: "Succeed"}[want] || got.Alias != "" {
			t.Errorf("%s runs %s", arn, got.Definition)
		}
	}
	seen := map[int64]int{}
	for range 1000 {
		got, err := r.Target(t.Context(), base+"m:P")
		r.must(err)
		if got.AliasARN() != base+"m:P" || got.VersionARN() != fmt.Sprintf("%sm:%d", base, got.Version) || got.Definition != map[int64]string{1: pass, 2: succeed}[got.Version] {
			t.Fatalf("%+v", got)
		}
		seen[got.Version]++
	}
	if seen[1] < 600 || seen[1] > 800 { // 70 %, give or take seven standard deviations
		t.Errorf("chosen %v", seen)
	}
	one, err := r.Target(t.Context(), base+"m")
	r.must(err)
	if two, err := r.Target(t.Context(), base+"m:2"); err != nil || one.Machine != two.Machine {
		t.Errorf("a definition was parsed again, %v", err)
	}
	for arn, code := range map[string]string{"none": "StateMachineDoesNotExist", "m:3": "StateMachineDoesNotExist", "m:Q": "StateMachineDoesNotExist",
		"m/label": "ValidationException", "m:1:2": "InvalidArn", "": "InvalidArn"} {
		if _, err := r.Target(t.Context(), base+arn); aws.CodeOf(err) != code {
			t.Errorf("%s: %v, want %s", arn, err, code)
		}
	}
	_, err = r.Target(t.Context(), "x")
	r.refused(err, "InvalidArn", "Invalid Arn: 'Invalid ARN prefix: x'")
}

func TestVersions(t *testing.T) {
	r := newRig(t)
	_, err := r.create("m")
	r.must(err)
	_, err = r.PublishStateMachineVersion(t.Context(), me, &sfnapi.PublishStateMachineVersionInput{StateMachineArn: base + "m", RevisionId: new("x")})
	r.refused(err, "ConflictException", "The current State Machine revision is INITIAL.")
	for range 2 {
		out, err := r.PublishStateMachineVersion(t.Context(), me, &sfnapi.PublishStateMachineVersionInput{StateMachineArn: base + "m", RevisionId: new("INITIAL"), Description: new("first")})
		r.must(err)
		if out.StateMachineVersionArn != base+"m:1" {
			t.Errorf("published as %s", out.StateMachineVersionArn)
		}
	}
	for i := range 4 {
		_, err := r.UpdateStateMachine(t.Context(), me, &sfnapi.UpdateStateMachineInput{StateMachineArn: base + "m", Definition: new(strings.Replace(pass, `"A"`, fmt.Sprintf(`"A%d"`, i), 2)), Publish: new(true)})
		r.must(err)
	}
	d, err := r.DescribeStateMachine(t.Context(), me, &sfnapi.DescribeStateMachineInput{StateMachineArn: base + "m:1"})
	r.must(err)
	if d.Definition != pass || *d.Description != "first" || d.StateMachineArn != base+"m:1" || d.Name != "m" {
		t.Errorf("%+v", d)
	}
	_, err = r.DeleteStateMachineVersion(t.Context(), me, &sfnapi.DeleteStateMachineVersionInput{StateMachineVersionArn: base + "m:3"})
	r.must(err)
	var got []string
	for in := (&sfnapi.ListStateMachineVersionsInput{StateMachineArn: base + "m", MaxResults: new(int32(3))}); ; {
		out, err := r.ListStateMachineVersions(t.Context(), me, in)
		r.must(err)
		for _, v := range out.StateMachineVersions {
			got = append(got, strings.TrimPrefix(v.StateMachineVersionArn, base+"m:"))
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			break
		}
	}
	if strings.Join(got, " ") != "5 4 2 1" {
		t.Errorf("versions %v", got)
	}
	_, err = r.ListStateMachineVersions(t.Context(), me, &sfnapi.ListStateMachineVersionsInput{StateMachineArn: base + "m", NextToken: new("x")})
	r.refused(err, "InvalidToken", "Invalid Token: 'x'")
}

func TestAliases(t *testing.T) {
	r := newRig(t)
	_, err := r.create("m", published)
	r.must(err)
	_, err = r.UpdateStateMachine(t.Context(), me, &sfnapi.UpdateStateMachineInput{StateMachineArn: base + "m", Definition: new(succeed), Publish: new(true)})
	r.must(err)
	_, err = r.create("n", published)
	r.must(err)
	item := func(arn string, weight int32) sfnapi.RoutingConfigurationListItem {
		return sfnapi.RoutingConfigurationListItem{StateMachineVersionArn: base + arn, Weight: weight}
	}
	create := func(items ...sfnapi.RoutingConfigurationListItem) error {
		_, err := r.CreateStateMachineAlias(t.Context(), me, &sfnapi.CreateStateMachineAliasInput{Name: "P", RoutingConfiguration: items})
		return err
	}
	r.refused(create(item("m:1", 70), item("m:2", 40)), "ValidationException", "must equal 100")
	r.refused(create(item("m:1", 70), item("m:1", 30)), "ValidationException", "distinct")
	r.refused(create(item("m:1", 70), item("n:1", 30)), "ValidationException", "same state machine")
	r.refused(create(item("m:9", 100)), "ResourceNotFound", "")
	r.refused(create(item("x:1", 100)), "ResourceNotFound", "")
	r.must(create(item("m:1", 100)))
	r.must(create(item("m:1", 100)))
	r.refused(create(item("m:2", 100)), "ConflictException", "different routing configuration")
	_, err = r.DeleteStateMachineVersion(t.Context(), me, &sfnapi.DeleteStateMachineVersionInput{StateMachineVersionArn: base + "m:1"})
	r.refused(err, "ConflictException", "[P]")
	_, err = r.UpdateStateMachineAlias(t.Context(), me, &sfnapi.UpdateStateMachineAliasInput{StateMachineAliasArn: base + "m:P"})
	r.refused(err, "ValidationException", "")
	_, err = r.UpdateStateMachineAlias(t.Context(), me, &sfnapi.UpdateStateMachineAliasInput{StateMachineAliasArn: base + "m:P", Description: new("d"),
		RoutingConfiguration: []sfnapi.RoutingConfigurationListItem{item("m:2", 100)}})
	r.must(err)
	_, err = r.DeleteStateMachineVersion(t.Context(), me, &sfnapi.DeleteStateMachineVersionInput{StateMachineVersionArn: base + "m:1"})
	r.must(err)
	d, err := r.DescribeStateMachineAlias(t.Context(), me, &sfnapi.DescribeStateMachineAliasInput{StateMachineAliasArn: base + "m:P"})
	r.must(err)
	if *d.Name != "P" || *d.Description != "d" || len(d.RoutingConfiguration) != 1 || d.RoutingConfiguration[0] != item("m:2", 100) {
		t.Errorf("%+v", d)
	}
	for arn, want := range map[string]int{"m": 1, "m:2": 1, "n": 0, "m:1": 0} {
		out, err := r.ListStateMachineAliases(t.Context(), me, &sfnapi.ListStateMachineAliasesInput{StateMachineArn: base + arn})
		r.must(err)
		if len(out.StateMachineAliases) != want {
			t.Errorf("aliases of %s: %+v", arn, out.StateMachineAliases)
		}
	}
	_, err = r.DeleteStateMachineAlias(t.Context(), me, &sfnapi.DeleteStateMachineAliasInput{StateMachineAliasArn: base + "m:P"})
	r.must(err)
	_, err = r.DescribeStateMachineAlias(t.Context(), me, &sfnapi.DescribeStateMachineAliasInput{StateMachineAliasArn: base + "m:P"})
	r.refused(err, "ResourceNotFound", "")
}

func TestDeleteWaitsForExecutions(t *testing.T) {
	r := newRig(t)
	_, err := r.create("m", published)
	r.must(err)
	target, err := r.Target(t.Context(), base+"m")
	r.must(err)
	own := r.store.Shard(store.Key(target.Resource()))
	count := func(by int64) {
		_, err := own.Update(t.Context(), func(_ context.Context, tx store.Tx) error { tx.Add(target.Running(), by); return nil })
		r.must(err)
	}
	count(1)
	remove := func() {
		_, err := r.DeleteStateMachine(t.Context(), me, &sfnapi.DeleteStateMachineInput{StateMachineArn: base + "m"})
		r.must(err)
	}
	remove()
	remove()
	r.must(r.advance(time.Minute))
	d, err := r.DescribeStateMachine(t.Context(), me, &sfnapi.DescribeStateMachineInput{StateMachineArn: base + "m"})
	r.must(err)
	if d.Status != sfnapi.StateMachineStatusDeleting {
		t.Errorf("status %s", d.Status)
	}
	_, err = r.Target(t.Context(), base+"m")
	r.refused(err, "StateMachineDeleting", "")
	_, err = r.create("m", published)
	r.refused(err, "StateMachineDeleting", "")
	count(-1)
	r.must(r.advance(time.Minute))
	_, err = r.Target(t.Context(), base+"m")
	r.refused(err, "StateMachineDoesNotExist", "")
	left, err := store.View(t.Context(), own, func(_ context.Context, rd store.Reader) (n int, err error) {
		pairs, done := rd.Scan(target.Resource().Range(), store.ScanOpt{})
		for range pairs {
			n++
		}
		return n, done()
	})
	if err != nil || left != 0 {
		t.Errorf("%d keys are left, %v", left, err)
	}
	_, err = r.create("m")
	r.must(err)
	out, err := r.ListStateMachineVersions(t.Context(), me, &sfnapi.ListStateMachineVersionsInput{StateMachineArn: base + "m"})
	if err != nil || len(out.StateMachineVersions) != 0 {
		t.Errorf("versions of the old machine: %+v, %v", out, err)
	}
}

func FuzzParseARN(f *testing.F) {
	for _, s := range []string{base + "m", base + "m:1", base + "m:P", base + "m/l", base + "m:", "arn:aws:states:::x", "", base} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := machine.ParseARN(s)
		if err != nil {
			if aws.CodeOf(err) != "InvalidArn" {
				t.Errorf("%q: %v", s, err)
			}
			return
		}
		back := n.ARN()
		if n.Label != "" {
			back += "/" + n.Label
		}
		if n.Qualifier != "" {
			back += ":" + n.Qualifier
		}
		if back != s {
			t.Errorf("%q is read as %q", s, back)
		}
	})
}
