package main

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/brume-dev/brume/bench"
)

// benchmark measures a platform.
type benchmark struct {
	Cases       []string      `arg:"" optional:"" name:"case" help:"What to measure; all without. See below."`
	Endpoint    string        `help:"Measure what answers here, instead of platforms that are started for it." placeholder:"URL"`
	Connections int           `short:"c" help:"Connections that are kept busy." default:"32"`
	Duration    time.Duration `help:"How long each is measured, all rounds together." default:"5s"`
	Rounds      int           `help:"In how many rounds platform and ceilings take turns." default:"5"`
	Items       int           `help:"How many items the case load writes." default:"1000000"`
	Folder      string        `help:"Where temporary folders are made: on the disk to be measured." default:"${temporary}" type:"existingdir"`
}

// Help implements kong.HelpProvider.
func (b *benchmark) Help() string {
	var s strings.Builder
	s.WriteString("The cases:\n")
	for _, c := range bench.Cases() {
		fmt.Fprintf(&s, "\n  %-11s %s", c.Name, c.About)
	}
	s.WriteString("\n\nBeside each stand its ceilings, measured by the same client in turns with it: bare is a net/http handler that answers a fixed body, " +
		"synced one that first appends the request's body to a file and shares one fdatasync among those who wait.")
	return s.String()
}

// Run implements the subcommand.
func (b *benchmark) Run(w *world) error {
	if b.Connections < 1 || b.Rounds < 1 || b.Duration < time.Millisecond || b.Items < 1 {
		return errors.New("connections, rounds, duration and items are at least 1, 1, 1ms and 1")
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp(b.Folder, "brume-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	debug.SetGCPercent(gcPercent)
	r := (&endpoint{Endpoint: b.Endpoint}).remote()
	run := &bench.Bench{Target: bench.Target{Endpoint: r.endpoint, Region: r.region, Credentials: r.creds}, Program: program, Folder: folder,
		Connections: b.Connections, Duration: b.Duration, Rounds: b.Rounds, Items: b.Items, Out: w.out}
	return run.Run(w, b.Cases)
}

// ceilings is what brume bench compares with, in a process of its own as the platform is.
type ceilings struct {
	Size int    `help:"Of the answers' bodies."`
	File string `help:"To append to."`
}

// Run implements the subcommand.
func (c *ceilings) Run(w *world) error {
	tune()
	return (&bench.Ceilings{Size: c.Size, File: c.File}).Serve(w, w.out)
}
