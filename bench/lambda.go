package bench

import (
	"archive/zip"
	"bytes"
	"context"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

// The functions that are measured.
var (
	//go:embed function/app.py
	pythonCode []byte
	//go:embed function/echo.go.txt
	goCode []byte
)

const functionsPath = "/2015-03-31/functions"

// pythons are the runtimes to try: one that the endpoint can run on its machine is taken.
func pythons() []string {
	return []string{"python3.13", "python3.12", "python3.14", "python3.11", "python3.10"}
}

// payload is what functions are called with.
func payload(i int) document {
	return document{"id": fmt.Sprintf("job-%04d", i), "parameters": document{"seconds": 1, "of": "brume bench"}}
}

func invokePath(function string) string { return functionsPath + "/" + function + "/invocations" }

// function makes a function and waits until it can be invoked.
func (r *rig) function(ctx context.Context, name, runtime, handler, file string, code []byte) error {
	if err := r.functionRole(ctx); err != nil {
		return err
	}
	var z bytes.Buffer
	w := zip.NewWriter(&z)
	h := &zip.FileHeader{Name: file, Method: zip.Deflate}
	h.SetMode(0o755)
	f, err := w.CreateHeader(h)
	if err == nil {
		_, err = f.Write(code)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		return err
	}
	create := document{"FunctionName": name, "Runtime": runtime, "Handler": handler, "Role": r.role, "MemorySize": 256, "Timeout": 20,
		"Code": document{"ZipFile": base64.StdEncoding.EncodeToString(z.Bytes())}}
	if _, err := r.call(ctx, rest("lambda", http.MethodPost, functionsPath, create)); err != nil {
		return err
	}
	r.later(func(ctx context.Context) error {
		_, err := r.call(ctx, rest("lambda", http.MethodDelete, functionsPath+"/"+name, nil))
		group := document{"logGroupName": "/aws/lambda/" + name}
		if gone := r.json(ctx, awsJSON("logs", "1.1", "Logs_20140328.DeleteLogGroup", group), nil); gone != nil && !isStatus(gone, 400) {
			err = errors.Join(err, gone)
		}
		return err
	})
	return r.settled(ctx, name)
}

func isStatus(err error, status int) bool {
	var f *refused
	return errors.As(err, &f) && f.status == status
}

// settled waits until a function is made or changed.
func (r *rig) settled(ctx context.Context, name string) error {
	return until(ctx, func() (bool, error) {
		var c struct{ State, StateReason, LastUpdateStatus, LastUpdateStatusReason string }
		err := r.json(ctx, rest("lambda", http.MethodGet, functionsPath+"/"+name+"/configuration", nil), &c)
		if c.State == "Failed" || c.LastUpdateStatus == "Failed" {
			err = fmt.Errorf("function %s: %s %s", name, c.StateReason, c.LastUpdateStatusReason)
		}
		return c.State == "Active" && c.LastUpdateStatus != "InProgress", err
	})
}

// python makes a Python function in the first runtime that works.
func (r *rig) python(ctx context.Context, handler, event string) (name string, err error) {
	var errs []error
	for _, runtime := range pythons() {
		name := r.name + "-" + handler[len("app."):] + runtime[len("python3."):]
		if err := r.function(ctx, name, runtime, handler, "app.py", pythonCode); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", runtime, err))
			if isStatus(err, http.StatusNotImplemented) {
				break
			}
			continue
		}
		if _, err := r.invokeOnce(ctx, name, event); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", runtime, err))
			continue
		}
		fmt.Fprintf(r.Out, "  in %s\n", runtime)
		return name, nil
	}
	return "", fmt.Errorf("no Python function runs: %w", errors.Join(errs...))
}

// invokeOnce invokes a function over a new connection of the lean client, and returns how long the exchange took. Connecting is left out.
func (r *rig) invokeOnce(ctx context.Context, name, event string) (time.Duration, error) {
	c, err := dial(ctx, r.Target.Endpoint)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	q := rest("lambda", http.MethodPost, invokePath(name), nil)
	q.body = []byte(event)
	wire, err := q.bytes(&r.Target, time.Now())
	if err != nil {
		return 0, err
	}
	began := time.Now()
	a, err := c.exchange(wire)
	took := time.Since(began)
	if err == nil && !a.ok() {
		err = &refused{a.status, string(a.body)}
	}
	return took, err
}

func invoke(ctx context.Context, r *rig) error {
	name, err := r.python(ctx, "app.handler", "{}")
	if err != nil {
		return err
	}
	calls := make([]*request, 256)
	for i := range calls {
		calls[i] = rest("lambda", http.MethodPost, invokePath(name), payload(i))
	}
	if err := r.measure(ctx, measurement{label: "invoke", requests: calls, connections: 1, synced: false}); err != nil {
		return err
	}
	return r.measure(ctx, measurement{label: "invoke", requests: calls, connections: r.Connections, synced: false})
}

// coldStarts is how many cold starts are measured.
const coldStarts = 25

func coldStart(ctx context.Context, r *rig) error {
	name, err := r.python(ctx, "app.handler", "{}")
	if err != nil {
		return err
	}
	if err := r.coldStarts(ctx, name, "python"); err != nil {
		return err
	}
	program, err := buildGo(ctx, r.Folder)
	if err != nil {
		return fmt.Errorf("the Go function cannot be built: %w", err)
	}
	name = r.name + "-go"
	if err := r.function(ctx, name, "provided.al2023", "bootstrap", "bootstrap", program); err != nil {
		return err
	}
	return r.coldStarts(ctx, name, "go")
}

// buildGo builds the Go function with the Go that there is, of the standard library alone.
func buildGo(ctx context.Context, folder string) ([]byte, error) {
	dir, err := os.MkdirTemp(folder, "go-")
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "main.go"), goCode, 0o600); err != nil {
		return nil, err
	}
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", "bootstrap", "main.go")
	build.Dir, build.Env = dir, append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	return os.ReadFile(filepath.Join(dir, "bootstrap"))
}

// coldStarts changes the environment variables of a function again and again, which throws its environments away, and
// measures the invocation that follows, one at a time.
func (r *rig) coldStarts(ctx context.Context, name, label string) error {
	var cold, warm sample
	for i := range coldStarts + 1 {
		change := document{"Environment": document{"Variables": document{"ROUND": fmt.Sprint(i)}}}
		if _, err := r.call(ctx, rest("lambda", http.MethodPut, functionsPath+"/"+name+"/configuration", change)); err != nil {
			return err
		}
		if err := r.settled(ctx, name); err != nil {
			return err
		}
		for _, s := range []*sample{&cold, &warm} {
			took, err := r.invokeOnce(ctx, name, string(text(payload(i))))
			if err != nil {
				return err
			}
			if i > 0 { // the first finds code that was never unpacked
				s.took = append(s.took, took)
			}
		}
	}
	for _, s := range []*sample{&cold, &warm} {
		slices.Sort(s.took)
		fmt.Fprintf(r.Out, "  %-16s %3d starts   %s", label, len(s.took), quantiles(s))
		label = "  invoked again"
		fmt.Fprintf(r.Out, "   least %s   load %s\n", short(s.took[0]), machineLoad())
	}
	return nil
}

// functionARN is the ARN of a function of the target.
func (r *rig) functionARN(ctx context.Context, name string) (string, error) {
	var c struct{ FunctionArn string }
	err := r.json(ctx, rest("lambda", http.MethodGet, functionsPath+"/"+url.PathEscape(name)+"/configuration", nil), &c)
	return c.FunctionArn, err
}
