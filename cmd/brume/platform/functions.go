package platform

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"github.com/brume-dev/brume/gateway"
	"github.com/brume-dev/brume/sandbox/interpreter"
	"github.com/brume-dev/brume/sandbox/process"
	"github.com/brume-dev/brume/service/lambda/functionurl"
)

// openRunner makes what runs functions. What the machine offers is found out by trying, which takes longer than all the
// rest of a start: with --isolation=auto it is done once the platform answers, and said in a line if it is less than
// whole; with require it is done before, and less is an error.
func (h *house) openRunner() error {
	home, _ := os.UserHomeDir() // without one, version managers are not searched
	h.runner = process.New(process.Config{
		Dir: filepath.Join(h.Data, "sandbox"), RequireIsolation: h.Isolation == IsolateRequire,
		HostNetwork: h.HostNetwork, ExactRuntimes: h.ExactRuntimes,
		Endpoint: h.listener.Addr().String(), CA: h.authority.PEM(), Clock: h.clock, Log: h.Log,
		Interpreters: &interpreter.Finder{Path: os.Getenv("PATH"), Home: home},
	})
	h.closers = append(h.closers, h.runner.Close)
	h.door(h.runner.Listener())
	if h.Isolation == IsolateRequire {
		if err := h.runner.Probe(context.Background()); err != nil {
			return fmt.Errorf("--isolation=require: %w", err)
		}
		return nil
	}
	h.loops = append(h.loops, h.probe)
	return nil
}

// functionURL is the address of a function URL. Names below localhost are this machine wherever resolvers know them, as
// browsers and curl do; the path /_aws/lambda-url/ID/ at the platform's own address leads there too.
func (h *house) functionURL(id, region string) string {
	_, port, _ := net.SplitHostPort(h.listener.Addr().String()) // a listener's address has one
	return "http://" + id + "." + functionurl.Plane + "." + region + ".localhost:" + port + "/"
}

// probe finds out how well functions are isolated. That it cannot be found out is no reason to end: functions will say so.
func (h *house) probe(ctx context.Context) error {
	switch err := h.runner.Probe(ctx); {
	case ctx.Err() != nil:
	case err != nil:
		h.Log.Error("functions cannot run on this machine", "error", err)
	case !h.runner.Isolated():
		h.Log.Warn("functions are not isolated from each other on this machine (--isolation=require refuses to start then)", "how", h.runner.Describe())
	}
	return nil
}

// door has the gateway answer on l as well: on connections that functions make to Brume's address inside their networks.
func (h *house) door(l net.Listener) {
	server := &gateway.Server{Handler: &h.front, TLS: h.authority.TLS(), Log: h.Log}
	h.loops = append(h.loops, func(ctx context.Context) error { return server.Run(ctx, l) })
}
