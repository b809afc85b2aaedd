package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// haveCDK installs the CDK of testdata/cdk into a folder of its own, once.
var haveCDK = sync.OnceValues(func() (string, error) { return installed("testdata/cdk") })

// installed copies a folder with a package-lock.json and installs in the copy what that names.
func installed(from string) (string, error) {
	dir, err := os.MkdirTemp("", "brume-npm-")
	if err != nil {
		return "", err
	}
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		return "", err
	}
	cmd := exec.Command("npm", "ci", "--no-audit", "--no-fund", "--prefer-offline")
	cmd.Dir = dir
	return dir, cmd.Run()
}

// TestCDK bootstraps an account, deploys an app with a function whose code is a file asset, and destroys it.
func TestCDK(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: installing the CDK takes a minute")
	}
	dir, err := haveCDK()
	need(t, "the CDK (npm ci)", func() error { return err })
	t.Cleanup(func() { os.RemoveAll(dir) })
	b := start(t)
	env := append(b.env("test"), "AWS_ENDPOINT_URL_S3="+b.URL, "CI=true", "HOME="+t.TempDir())
	cdk := func(args ...string) string {
		t.Helper()
		cmd := exec.Command(filepath.Join(dir, "node_modules/.bin/cdk"), args...)
		cmd.Dir, cmd.Env = dir, env
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("cdk %s: %v\n%s\n%s", strings.Join(args, " "), err, out, b.stderr)
		}
		return string(out)
	}
	cdk("bootstrap", "aws://000000000000/us-east-1")
	if out := cdk("deploy", "--require-approval", "never"); !strings.Contains(out, "Minimal.Name = Minimal-Hello") {
		t.Errorf("no output:\n%s", out)
	}
	cdk("destroy", "--force")
}

// TestJobsTemplate packages, deploys and deletes the example with the AWS CLI.
func TestJobsTemplate(t *testing.T) {
	need(t, "the AWS CLI", haveCLI)
	b := start(t)
	account := newAccount()
	env := b.env(account)
	packaged := filepath.Join(t.TempDir(), "packaged.yaml")
	for _, args := range [][]string{
		{"s3", "mb", "s3://packages-of-jobs"},
		{"cloudformation", "package", "--template-file", "../examples/jobs/template.yaml", "--s3-bucket", "packages-of-jobs", "--output-template-file", packaged},
		{"cloudformation", "deploy", "--template-file", packaged, "--stack-name", "jobs", "--capabilities", "CAPABILITY_IAM"},
		{"cloudformation", "delete-stack", "--stack-name", "jobs"},
	} {
		if out, err := run(t, env, "aws", args...); err != nil {
			events, _ := run(t, env, "aws", "cloudformation", "describe-stack-events", "--stack-name", "jobs", "--output", "text")
			t.Fatalf("aws %s: %v\n%s\n%s", strings.Join(args, " "), err, out, events)
		}
	}
	stackBecomes(t, b, account, "DELETE_COMPLETE")
	for _, c := range [][]string{{"lambda", "list-functions"}, {"dynamodb", "list-tables"}, {"iam", "list-roles"}} {
		if out, err := run(t, env, "aws", c...); err != nil || strings.Contains(out, "jobs-") {
			t.Errorf("aws %s: something is left (%v)\n%s", strings.Join(c, " "), err, out)
		}
	}
}

// TestStackGoesOnAfterCrash kills the platform while it makes a stack of resources that each need the one before; the stack
// comes to its end on the same data.
func TestStackGoesOnAfterCrash(t *testing.T) {
	need(t, "the AWS CLI", haveCLI)
	var template strings.Builder
	template.WriteString("Resources:\n  G0: {Type: AWS::Logs::LogGroup}\n")
	for i := 1; i < 150; i++ {
		fmt.Fprintf(&template, "  G%d: {Type: AWS::Logs::LogGroup, DependsOn: G%d}\n", i, i-1)
	}
	data := t.TempDir()
	b := startOn(t, data)
	account := newAccount()
	aws := func(args ...string) string {
		t.Helper()
		out, err := run(t, b.env(account), "aws", append([]string{"cloudformation"}, args...)...)
		if err != nil {
			t.Fatalf("aws cloudformation %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return out
	}
	aws("create-stack", "--stack-name", "long", "--template-body", template.String())
	b.kill()
	b = startOn(t, data)
	stackBecomes(t, b, account, "CREATE_COMPLETE")
	out, err := run(t, b.env(account), "aws", "logs", "describe-log-groups", "--query", "length(logGroups)")
	if err != nil || strings.TrimSpace(out) != "150" {
		t.Errorf("%s groups, %v", out, err)
	}
	aws("delete-stack", "--stack-name", "long")
	b.kill()
	b = startOn(t, data)
	stackBecomes(t, b, account, "DELETE_COMPLETE")
}

// stackBecomes asks until the only stack of an account has a status; the CLI's own waiter asks every 30 seconds.
func stackBecomes(t *testing.T, b *brume, account, status string) {
	t.Helper()
	out := ""
	for until := time.Now().Add(patience); time.Now().Before(until); {
		var err error
		out, err = run(t, b.env(account), "aws", "cloudformation", "list-stacks", "--query", "StackSummaries[0].StackStatus", "--output", "text")
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if strings.TrimSpace(out) == status {
			return
		}
	}
	t.Fatalf("the stack is %s, want %s", out, status)
}
