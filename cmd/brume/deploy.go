package main

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"text/tabwriter"
)

// settings are the flags of what deploys.
type settings struct {
	Path      string            `arg:"" help:"A template, or a folder with one." type:"path"`
	Stack     string            `help:"Name of the stack; the folder's by default." placeholder:"NAME"`
	Parameter map[string]string `help:"A parameter of the template." placeholder:"NAME=VALUE" short:"p"`
}

func (s *settings) application() (*application, error) {
	app, err := open(s.Path)
	if err != nil {
		return nil, err
	}
	if s.Stack != "" {
		app.stack = s.Stack
	}
	app.parameters = s.Parameter
	return app, nil
}

// deploys is the subcommand deploy: it creates or updates the stack of a template.
type deploys struct {
	endpoint
	settings
}

// Run implements the subcommand.
func (d *deploys) Run(w *world) error {
	app, err := d.application()
	if err != nil {
		return err
	}
	return deployTo(w, d.here(w), app)
}

func deployTo(w *world, r *remote, app *application) error {
	st, err := r.deploy(w, app, tellEvent(w.out))
	if err != nil {
		return err
	}
	fmt.Fprintf(w.out, "%s is %s\n", app.stack, st.Status)
	showOutputs(w.out, r, st)
	return nil
}

// tellEvent writes an event of a stack on a line.
func tellEvent(out io.Writer) func(stackEvent) {
	return func(e stackEvent) {
		fmt.Fprintf(out, "%s  %-22s %-32s %s", e.Time.Local().Format("15:04:05"), e.Status, e.Type, e.Logical)
		if e.Reason != "" && e.Reason != "User Initiated" {
			fmt.Fprintf(out, "  %s", e.Reason)
		}
		fmt.Fprintln(out)
	}
}

// showOutputs lists the outputs of a stack, with the local address beside AWS host names.
func showOutputs(out io.Writer, r *remote, st *stack) {
	t := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	for _, o := range st.Outputs {
		fmt.Fprintf(t, "%s\t%s\n", o.Key, o.Value)
		if here := r.local(o.Value); here != o.Value {
			fmt.Fprintf(t, "\t%s\n", here)
		}
	}
	_ = t.Flush() // the terminal has gone: nobody is left to tell
}

var apiHost = regexp.MustCompile(`https://([a-z0-9]+)\.execute-api\.[a-z0-9-]+\.amazonaws\.com(/[^/\s]+)?`)

// local writes the invoke URL of an API in the form that this platform answers on any machine.
func (r *remote) local(s string) string {
	return apiHost.ReplaceAllStringFunc(s, func(m string) string {
		parts := apiHost.FindStringSubmatch(m)
		return r.endpoint + "/restapis/" + parts[1] + "/" + strings.TrimPrefix(parts[2], "/") + "/_user_request_"
	})
}

// deletes is the subcommand delete: it deletes a stack.
type deletes struct {
	endpoint
	Stack string `arg:"" help:"Name of the stack."`
}

// Run implements the subcommand.
func (d *deletes) Run(w *world) error {
	if err := d.here(w).remove(w, d.Stack, tellEvent(w.out)); err != nil {
		return err
	}
	fmt.Fprintf(w.out, "%s is deleted\n", d.Stack)
	return nil
}
