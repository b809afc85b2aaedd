package main

import (
	"fmt"

	"github.com/brume-dev/brume/cmd/brume/platform"
)

// clocks shows or moves the time of a running platform.
type clocks struct {
	Show    clockShow    `cmd:"" default:"1" help:"Show the time."`
	Advance clockAdvance `cmd:"" help:"Move the time of a platform that was started with --virtual-clock. Everything that is due on the way is done before it returns."`
}

type clockShow struct{ endpoint }

// Run implements the subcommand.
func (c *clockShow) Run(w *world) error {
	var t platform.Time
	if err := c.ask(w, "/_brume/clock", nil, &t); err != nil {
		return err
	}
	fmt.Fprintln(w.out, describe(t))
	return nil
}

type clockAdvance struct {
	Duration string `arg:"" help:"How far: 21d, 36h, 90s."`
	endpoint
}

// Run implements the subcommand.
func (c *clockAdvance) Run(w *world) error {
	if _, err := platform.ParseDuration(c.Duration); err != nil {
		return err
	}
	var t platform.Time
	if err := c.ask(w, "/_brume/clock/advance", map[string]string{"duration": c.Duration}, &t); err != nil {
		return err
	}
	fmt.Fprintln(w.out, describe(t))
	return nil
}
