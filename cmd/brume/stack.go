package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/brume-dev/brume/deploy/artifact"
	"github.com/brume-dev/brume/deploy/template"
	"github.com/brume-dev/brume/jsondoc"
)

const (
	cloudFormation = "cloudformation"
	cfnVersion     = "2010-05-15"
	stsVersion     = "2011-06-15"
	// lookAgain is how often a stack that is on its way is looked at.
	lookAgain = 100 * time.Millisecond
)

// application is a template with the files that it names, and what is given for it.
type application struct {
	files      fs.FS
	template   string // the template's path in files
	stack      string
	parameters map[string]string
}

// templateNames are what a template may be called in a folder.
var templateNames = []string{"template.yaml", "template.yml", "template.json"}

// open finds the application that a path means: a template, or a folder with one. The stack takes the folder's name.
func open(where string) (*application, error) {
	info, err := os.Stat(where)
	if err != nil {
		return nil, err
	}
	folder, name := filepath.Dir(where), filepath.Base(where)
	if info.IsDir() {
		folder, name = where, ""
		for _, n := range templateNames {
			if _, err := os.Stat(filepath.Join(where, n)); err == nil {
				name = n
				break
			}
		}
		if name == "" {
			return nil, fmt.Errorf("%s has none of %s", where, strings.Join(templateNames, ", "))
		}
	}
	full, err := filepath.Abs(folder)
	if err != nil {
		return nil, err
	}
	return &application{files: os.DirFS("/"), template: strings.TrimPrefix(filepath.ToSlash(filepath.Join(full, name)), "/"), stack: stackName(filepath.Base(full)), parameters: map[string]string{}}, nil
}

var notInNames = regexp.MustCompile(`[^a-zA-Z0-9]+`)

// stackName makes a name that CloudFormation takes.
func stackName(s string) string {
	s = strings.Trim(notInNames.ReplaceAllString(s, "-"), "-")
	if s == "" || s[0] >= '0' && s[0] <= '9' {
		s = "stack-" + s
	}
	return strings.Trim(s, "-")
}

// stack is what DescribeStacks tells.
type stack struct {
	ID      string   `xml:"StackId"`
	Status  string   `xml:"StackStatus"`
	Reason  string   `xml:"StackStatusReason"`
	Outputs []output `xml:"Outputs>member"`
}

type output struct {
	Key         string `xml:"OutputKey"`
	Value       string `xml:"OutputValue"`
	Description string `xml:"Description"`
}

func (s *stack) output(key string) string {
	for _, o := range s.Outputs {
		if o.Key == key {
			return o.Value
		}
	}
	return ""
}

// failed says where a stack has come to rest instead of where it should.
func (s *stack) failed(name string) error {
	if s.Reason == "" {
		return fmt.Errorf("%s is %s", name, s.Status)
	}
	return fmt.Errorf("%s is %s: %s", name, s.Status, s.Reason)
}

type stackEvent struct {
	ID       string    `xml:"EventId"`
	Time     time.Time `xml:"Timestamp"`
	Logical  string    `xml:"LogicalResourceId"`
	Type     string    `xml:"ResourceType"`
	Status   string    `xml:"ResourceStatus"`
	Reason   string    `xml:"ResourceStatusReason"`
	Physical string    `xml:"PhysicalResourceId"`
}

func (r *remote) describe(ctx context.Context, name string) (*stack, error) {
	var out struct {
		Stacks []stack `xml:"DescribeStacksResult>Stacks>member"`
	}
	if err := r.query(ctx, cloudFormation, cfnVersion, "DescribeStacks", url.Values{"StackName": {name}}, &out); err != nil {
		return nil, err
	}
	if len(out.Stacks) == 0 {
		return nil, fmt.Errorf("there is no stack %s", name)
	}
	return &out.Stacks[0], nil
}

// deploy packages the application, creates or updates its stack, tells what happens, and waits for the end.
func (r *remote) deploy(ctx context.Context, app *application, tell func(stackEvent)) (*stack, error) {
	body, err := r.pack(ctx, app)
	if err != nil {
		return nil, err
	}
	form := url.Values{"StackName": {app.stack}, "Capabilities.member.1": {"CAPABILITY_NAMED_IAM"}, "Capabilities.member.2": {"CAPABILITY_AUTO_EXPAND"}}
	if len(body) <= template.MaxBody {
		form.Set("TemplateBody", string(body))
	} else {
		where, err := r.store(ctx, "template", body)
		if err != nil {
			return nil, err
		}
		form.Set("TemplateURL", where)
	}
	i := 0
	for k, v := range app.parameters {
		i++
		form.Set(fmt.Sprintf("Parameters.member.%d.ParameterKey", i), k)
		form.Set(fmt.Sprintf("Parameters.member.%d.ParameterValue", i), v)
	}
	before, err := r.describe(ctx, app.stack)
	action := "UpdateStack"
	if isCode(err, "ValidationError") {
		action = "CreateStack"
	} else if err != nil {
		return nil, err
	}
	seen, err := r.eventsSoFar(ctx, app.stack, before != nil)
	if err != nil {
		return nil, err
	}
	err = r.query(ctx, cloudFormation, cfnVersion, action, form, nil)
	if action == "UpdateStack" && isCode(err, "ValidationError") && strings.Contains(err.Error(), "No updates are to be performed") {
		return before, nil
	}
	if err != nil && before != nil && before.Status == "ROLLBACK_COMPLETE" {
		return nil, fmt.Errorf("%w (brume delete %s, then deploy again)", err, app.stack)
	}
	if err != nil {
		return nil, err
	}
	st, err := r.follow(ctx, app.stack, seen, tell)
	if err == nil && st.Status != "CREATE_COMPLETE" && st.Status != "UPDATE_COMPLETE" {
		err = st.failed(app.stack)
	}
	return st, err
}

// pack uploads the files that the template names and returns the template with what stands for them.
func (r *remote) pack(ctx context.Context, app *application) ([]byte, error) {
	text, err := fs.ReadFile(app.files, app.template)
	if err != nil {
		return nil, err
	}
	doc, err := template.Read(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", app.template, err)
	}
	bucket := ""
	packed, err := artifact.Package(doc, app.files, path.Dir(app.template), func(key string, body []byte) (string, error) {
		if bucket == "" {
			if bucket, err = r.artifacts(ctx); err != nil {
				return "", err
			}
		}
		return bucket, r.put(ctx, bucket, key, body)
	})
	if err != nil {
		return nil, err
	}
	return jsondoc.Append(nil, packed), nil
}

// artifacts makes sure of the bucket for what is deployed.
func (r *remote) artifacts(ctx context.Context) (string, error) {
	var who struct {
		Account string `xml:"GetCallerIdentityResult>Account"`
	}
	if err := r.query(ctx, "sts", stsVersion, "GetCallerIdentity", url.Values{}, &who); err != nil {
		return "", err
	}
	bucket := "brume-artifacts-" + who.Account + "-" + r.region
	var body []byte
	if r.region != "us-east-1" {
		body = []byte(`<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><LocationConstraint>` + r.region + `</LocationConstraint></CreateBucketConfiguration>`)
	}
	res, b, err := r.s3(ctx, http.MethodPut, "/"+bucket, body)
	if err != nil {
		return "", err
	}
	if res.StatusCode/100 != 2 && !strings.Contains(string(b), "BucketAlreadyOwnedByYou") {
		return "", fmt.Errorf("bucket %s: %s: %s", bucket, res.Status, b)
	}
	return bucket, nil
}

func (r *remote) s3(ctx context.Context, method, path string, body []byte) (*http.Response, []byte, error) {
	sum := sha256.Sum256(body)
	return r.do(ctx, "s3", method, path, map[string]string{"X-Amz-Content-Sha256": hex.EncodeToString(sum[:])}, body)
}

func (r *remote) put(ctx context.Context, bucket, key string, body []byte) error {
	res, b, err := r.s3(ctx, http.MethodPut, "/"+bucket+"/"+key, body)
	if err == nil && res.StatusCode/100 != 2 {
		err = fmt.Errorf("s3://%s/%s: %s: %s", bucket, key, res.Status, b)
	}
	return err
}

func (r *remote) store(ctx context.Context, name string, body []byte) (string, error) {
	bucket, err := r.artifacts(ctx)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(body)
	key := hex.EncodeToString(sum[:16]) + "." + name
	return "https://s3.amazonaws.com/" + bucket + "/" + key, r.put(ctx, bucket, key, body)
}

// eventsSoFar are the ids of what has happened to a stack before.
func (r *remote) eventsSoFar(ctx context.Context, name string, there bool) (map[string]bool, error) {
	seen := map[string]bool{}
	if !there {
		return seen, nil
	}
	events, err := r.events(ctx, name)
	for _, e := range events {
		seen[e.ID] = true
	}
	return seen, err
}

// events are the latest events of a stack, the oldest first.
func (r *remote) events(ctx context.Context, name string) ([]stackEvent, error) {
	var out struct {
		Events []stackEvent `xml:"DescribeStackEventsResult>StackEvents>member"`
	}
	if err := r.query(ctx, cloudFormation, cfnVersion, "DescribeStackEvents", url.Values{"StackName": {name}}, &out); err != nil {
		return nil, err
	}
	for i, j := 0, len(out.Events)-1; i < j; i, j = i+1, j-1 {
		out.Events[i], out.Events[j] = out.Events[j], out.Events[i]
	}
	return out.Events, nil
}

// follow tells the events of a stack until it has come to rest.
func (r *remote) follow(ctx context.Context, name string, seen map[string]bool, tell func(stackEvent)) (*stack, error) {
	for {
		st, err := r.describe(ctx, name)
		if err != nil {
			return nil, err
		}
		events, err := r.events(ctx, name)
		if err != nil {
			return nil, err
		}
		for _, e := range events {
			if !seen[e.ID] {
				seen[e.ID] = true
				tell(e)
			}
		}
		if !strings.HasSuffix(st.Status, "_IN_PROGRESS") {
			return st, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(lookAgain):
		}
	}
}

// remove deletes a stack and waits until it is gone.
func (r *remote) remove(ctx context.Context, name string, tell func(stackEvent)) error {
	st, err := r.describe(ctx, name)
	if err != nil {
		return err
	}
	seen, err := r.eventsSoFar(ctx, st.ID, true)
	if err != nil {
		return err
	}
	if err := r.query(ctx, cloudFormation, cfnVersion, "DeleteStack", url.Values{"StackName": {name}}, nil); err != nil {
		return err
	}
	st, err = r.follow(ctx, st.ID, seen, tell)
	if err == nil && st.Status != "DELETE_COMPLETE" {
		err = st.failed(name)
	}
	return err
}
