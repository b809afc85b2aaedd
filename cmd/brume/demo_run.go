package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/brume-dev/brume/aws"
)

// showing is one run of the jobs example.
type showing struct {
	*world
	remote *remote
	app    *application
	stack  *stack
	caller *remote // with the credentials of the role that may call the API
	table  *jobTable
	began  time.Time
}

// patience is how long the demo waits for anything.
const patience = 2 * time.Minute

// all is the whole showing.
func (r *showing) all() error {
	r.began = time.Now()
	fmt.Fprintf(r.out, "\nDeploying examples/jobs …\n")
	var err error
	if r.stack, err = r.remote.deploy(r, r.app, func(e stackEvent) {
		if strings.HasSuffix(e.Status, "FAILED") {
			tellEvent(r.out)(e)
		}
	}); err != nil {
		return err
	}
	fmt.Fprintf(r.out, "%s is %s after %.1f s.\n\n", r.app.stack, r.stack.Status, time.Since(r.began).Seconds())
	if err := r.assume(); err != nil {
		return err
	}
	r.table = newJobTable(r.out)
	if err := r.refused(); err != nil {
		return err
	}
	jobs := []*job{{seconds: 1, want: "Success"}, {seconds: 3, want: "Success"}, {seconds: 301, want: "Failure"}}
	if err := r.post(jobs...); err != nil {
		return err
	}
	if err := r.await(jobs...); err != nil {
		return err
	}
	lost := &job{seconds: 400, want: "Failure"}
	if err := r.outage(lost); err != nil {
		return err
	}
	if err := r.replay(lost); err != nil {
		return err
	}
	r.table.done()
	r.further(jobs[0])
	return nil
}

// assume takes the role that may call the API.
func (r *showing) assume() error {
	var out struct {
		Key    string `xml:"AssumeRoleResult>Credentials>AccessKeyId"`
		Secret string `xml:"AssumeRoleResult>Credentials>SecretAccessKey"`
		Token  string `xml:"AssumeRoleResult>Credentials>SessionToken"`
	}
	form := url.Values{"RoleArn": {r.stack.output("InvokeRoleArn")}, "RoleSessionName": {"demo"}}
	if err := r.remote.query(r, "sts", stsVersion, "AssumeRole", form, &out); err != nil {
		return err
	}
	r.caller = r.remote.as(aws.Credentials{AccessKeyID: out.Key, SecretAccessKey: out.Secret, SessionToken: out.Token})
	return nil
}

// api calls the API.
func (r *showing) api(method, path string, body []byte) (int, []byte, error) {
	base := strings.TrimPrefix(r.remote.local(r.stack.output("ApiUrl")), r.remote.endpoint)
	res, b, err := r.caller.do(r, "execute-api", method, base+path, map[string]string{"Content-Type": "application/json"}, body)
	if err != nil {
		return 0, nil, err
	}
	return res.StatusCode, b, nil
}

// refused shows that the model keeps bad jobs out.
func (r *showing) refused() error {
	status, body, err := r.api(http.MethodPost, "/jobs", []byte(`{"seconds": 0}`))
	if err != nil {
		return err
	}
	if status != http.StatusBadRequest {
		return fmt.Errorf("a job of 0 seconds: %w: %d %s", errUnexpected, status, body)
	}
	fmt.Fprintf(r.out, "POST /jobs {\"seconds\": 0}   %d %s\n\n", status, body)
	return nil
}

func (r *showing) post(jobs ...*job) error {
	for _, j := range jobs {
		status, body, err := r.api(http.MethodPost, "/jobs", fmt.Appendf(nil, `{"seconds": %d}`, j.seconds))
		if err != nil {
			return err
		}
		var answer struct{ ID string }
		if status != http.StatusOK || json.Unmarshal(body, &answer) != nil || answer.ID == "" {
			return fmt.Errorf("a job of %d seconds: %w: %d %s", j.seconds, errUnexpected, status, body)
		}
		j.id, j.posted = answer.ID, time.Now()
		r.table.add(j)
	}
	return nil
}

// await asks how the jobs are until all have ended, and checks how.
func (r *showing) await(jobs ...*job) error {
	return r.until(func() (bool, error) {
		all := true
		for _, j := range jobs {
			if err := r.ask(j); err != nil {
				return false, err
			}
			all = all && j.ended()
		}
		return all, nil
	})
}

func (r *showing) ask(j *job) error {
	if j.ended() {
		return nil
	}
	status, body, err := r.api(http.MethodGet, "/jobs/"+j.id, nil)
	if err != nil {
		return err
	}
	var answer struct{ Status string }
	switch {
	case status == http.StatusNotFound:
		return nil
	case status != http.StatusOK || json.Unmarshal(body, &answer) != nil:
		return fmt.Errorf("job %s: %w: %d %s", j.id, errUnexpected, status, body)
	case answer.Status != j.want:
		return fmt.Errorf("job %s: %w: %s, not %s", j.id, errUnexpected, answer.Status, j.want)
	}
	r.table.set(j, answer.Status, string(body))
	return nil
}

// until looks again and again.
func (r *showing) until(f func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(r, patience)
	defer cancel()
	for {
		if ok, err := f(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			if r.Err() != nil {
				return r.Err()
			}
			return fmt.Errorf("%w: it has taken %v already", errUnexpected, patience)
		case <-time.After(lookAgain):
			r.table.refresh()
		}
	}
}

// configure points the failure function at a table.
func (r *showing) configure(table string) error {
	name := r.stack.output("FailureFunctionName")
	path := "/2015-03-31/functions/" + url.PathEscape(name) + "/configuration"
	in := map[string]any{"Environment": map[string]any{"Variables": map[string]string{"JOBS_TABLE": table}}}
	if err := r.remote.rest(r, "lambda", http.MethodPut, path, in, nil); err != nil {
		return err
	}
	return r.until(func() (bool, error) {
		var c struct{ LastUpdateStatus string }
		err := r.remote.rest(r, "lambda", http.MethodGet, path, nil, &c)
		return c.LastUpdateStatus == "Successful", err
	})
}

// outage posts a job whose failure cannot be recorded: the failure function has lost its table. The event ends in the archive.
func (r *showing) outage(j *job) error {
	r.table.say("The failure function loses its table: what it cannot record goes to the archive.")
	if err := r.configure("no-such-table"); err != nil {
		return err
	}
	if err := r.post(j); err != nil {
		return err
	}
	return r.until(func() (bool, error) {
		var a struct{ EventCount int }
		err := r.remote.json(r, "events", "1.1", "AWSEvents.DescribeArchive", map[string]string{"ArchiveName": r.archive()}, &a)
		if a.EventCount > 0 {
			r.table.set(j, "in the archive", "")
		}
		return a.EventCount > 0, err
	})
}

func (r *showing) archive() string {
	arn := r.stack.output("ArchiveArn")
	return arn[strings.LastIndexByte(arn, '/')+1:]
}

// replay gives the failure function its table back and replays the archive: the job starts again, and ends.
func (r *showing) replay(j *job) error {
	if err := r.configure(r.stack.output("TableName")); err != nil {
		return err
	}
	r.table.say("The table is back: replaying the archive.")
	in := map[string]any{"ReplayName": "demo", "EventSourceArn": r.stack.output("ArchiveArn"),
		"EventStartTime": r.began.Add(-time.Minute).Unix(), "EventEndTime": time.Now().Add(time.Minute).Unix(),
		"Destination": map[string]any{"Arn": r.stack.output("EventBusArn")}}
	if err := r.remote.json(r, "events", "1.1", "AWSEvents.StartReplay", in, nil); err != nil {
		return err
	}
	r.table.set(j, "replayed", "")
	j.state = "replayed"
	return r.await(j)
}

// further tells how to go on.
func (r *showing) further(j *job) {
	here := r.remote.local(r.stack.output("ApiUrl"))
	c := r.caller.creds
	fmt.Fprintf(r.out, `
The API                %s/jobs
Who may call it        %s

export AWS_ENDPOINT_URL=%s AWS_REGION=%s AWS_DEFAULT_REGION=%s AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
aws cloudformation describe-stacks --stack-name jobs
aws dynamodb scan --table-name %s
aws logs tail %s
curl --aws-sigv4 aws:amz:%s:execute-api --user %s:%s \
     -H 'x-amz-security-token: %s' \
     %s/jobs/%s
`, here, r.stack.output("InvokeRoleArn"), r.remote.endpoint, r.remote.region, r.remote.region, r.stack.output("TableName"), r.stack.output("AccessLogGroup"),
		r.remote.region, c.AccessKeyID, c.SecretAccessKey, c.SessionToken, here, j.id)
}
