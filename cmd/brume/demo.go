package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/brume-dev/brume/cmd/brume/platform"
	"github.com/brume-dev/brume/examples/jobs"
)

// demo runs the jobs example from its template to its archive, on a platform and in a folder of its own.
type demo struct {
	Exit    bool   `help:"End when the jobs have ended."`
	Runtime string `help:"Runtime of the functions: python, go, or what is there." enum:"auto,python,go" default:"auto"`
	Listen  string `help:"Address and port." default:"127.0.0.1:4566" placeholder:"ADDRESS"`
}

// Run implements the subcommand. The exit status is 0 only if every job ended as it should.
func (d *demo) Run(w *world) error {
	data, err := os.MkdirTemp("", "brume-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(data)
	files, parameters, err := d.functions(w, filepath.Join(data, "jobs"))
	if err != nil {
		return err
	}
	s := &serve{Listen: d.free(), Data: filepath.Join(data, "state"), Account: "000000000000", Region: "us-east-1",
		Auth: string(platform.Open), Isolation: string(platform.IsolateAuto), Log: "error"}
	return s.during(w, func(w *world, p *platform.Platform) error {
		p.Welcome(w.out)
		show := &showing{world: w, remote: (&endpoint{Endpoint: p.URL()}).remote(),
			app: &application{files: os.DirFS(files), template: "template.yaml", stack: "jobs", parameters: parameters}}
		if err := show.all(); err != nil {
			return err
		}
		if d.Exit {
			return nil
		}
		fmt.Fprintln(w.out, "\nThe platform goes on until Ctrl-C.")
		<-w.Done()
		return nil
	})
}

// free is the address of the flag, or another port when that one is taken and nobody asked for it.
func (d *demo) free() string {
	l, err := net.Listen("tcp", d.Listen)
	if err != nil && d.Listen == "127.0.0.1:4566" {
		return "127.0.0.1:0"
	}
	if err == nil {
		l.Close()
	}
	return d.Listen
}

// functions lays the example's files out and picks what its functions are written in: Python where boto3 is there, else Go,
// built from the repository.
func (d *demo) functions(w *world, folder string) (files string, parameters map[string]string, err error) {
	if err := os.CopyFS(folder, jobs.Files); err != nil {
		return "", nil, err
	}
	if d.Runtime == "python" || d.Runtime == "auto" && hasBoto3(w) {
		return folder, nil, nil
	}
	why := ""
	if d.Runtime == "auto" {
		why = "Python with boto3 is not there: "
	}
	fmt.Fprintln(w.out, why+"building the functions in Go.")
	for _, f := range []string{"processing", "failure"} {
		out := filepath.Join(folder, "functions", f, "bootstrap")
		build := exec.CommandContext(w, "go", "build", "-o", out, "github.com/brume-dev/brume/examples/jobs/functions/"+f)
		build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOFLAGS=-mod=mod -buildvcs=false")
		if text, err := build.CombinedOutput(); err != nil {
			return "", nil, fmt.Errorf("build the functions (run the demo in a clone of the repository, or install Python with boto3): %w\n%s", err, text)
		}
	}
	return folder, map[string]string{"Runtime": "provided.al2023", "Handler": "bootstrap"}, removeSources(folder)
}

func hasBoto3(ctx context.Context) bool {
	return exec.CommandContext(ctx, "python3", "-c", "import boto3").Run() == nil
}

// removeSources leaves only the built programs in the functions' folders.
func removeSources(folder string) error {
	return filepath.WalkDir(filepath.Join(folder, "functions"), func(path string, entry fs.DirEntry, err error) error {
		if err == nil && (strings.HasSuffix(path, ".go") || strings.HasSuffix(path, ".py")) {
			err = os.Remove(path)
		}
		return err
	})
}

// errUnexpected says that the demo saw something else than it should.
var errUnexpected = errors.New("not as it should be")
