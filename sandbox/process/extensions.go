package process

import (
	"cmp"
	"context"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/brume-dev/brume/sandbox"
	"github.com/brume-dev/brume/sandbox/telemetry"
)

// External extensions are the programs in /opt/extensions. They start before the runtime, in the same isolation, and the
// runtime is started when all of them have registered.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html

// Times of the shutdown phase.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-shutdown
const (
	shutdownExternal = 2 * time.Second        // with external extensions
	shutdownRuntime  = 300 * time.Millisecond // of that, for the runtime
	shutdownInternal = 500 * time.Millisecond // with internal extensions only
)

// extensionNames lists the external extensions of the layers in the order of their names.
func (p *plan) extensionNames() []string {
	var names []string
	for _, layer := range p.spec.Layers {
		entries, err := os.ReadDir(filepath.Join(layer, "extensions"))
		if err != nil {
			continue
		}
		for _, e := range entries {
			if info, err := os.Stat(filepath.Join(layer, "extensions", e.Name())); err == nil && info.Mode().IsRegular() {
				names = append(names, e.Name())
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// extensions are their command lines.
func (p *plan) extensions() [][]string {
	var all [][]string
	for _, name := range p.extensionNames() {
		path := "/opt/extensions/" + name
		if !p.private() {
			for _, layer := range p.spec.Layers { // the last one counts
				if own := filepath.Join(layer, "extensions", name); isFile(own) {
					path = own
				}
			}
		}
		all = append(all, []string{path})
	}
	return all
}

// goOn starts the runtime when all extensions have registered, and ends the environment when one of them fails.
func (e *environment) goOn() {
	select {
	case <-e.api.Registered():
	case err := <-e.api.Failed():
		e.fail(err)
		return
	case <-e.gone:
		return
	}
	e.mu.Lock()
	if !e.dead {
		started, err := e.keeper.goOn(e.started, false, func(who int, x exit) { go e.exited(who, x) })
		if err != nil {
			e.mu.Unlock()
			e.fail(&sandbox.ExitError{Type: "Runtime.InvalidEntrypoint", Reason: err.Error()})
			return
		}
		e.pid = started.pid
		e.watch.pid.Store(int64(started.pid))
	}
	e.mu.Unlock()
	select {
	case err := <-e.api.Failed():
		e.fail(err)
	case <-e.gone:
	}
}

func (e *environment) fail(err error) {
	exit, ok := err.(*sandbox.ExitError)
	if !ok {
		exit = &sandbox.ExitError{Reason: err.Error()}
	}
	e.end(exit, false)
}

// dial connects to a port of the environment, for telemetry.
func (e *environment) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if !e.plan.ownNet() {
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	pid := e.first
	e.mu.Unlock()
	return e.keeper.dial(ctx, pid, n)
}

// farewell gives the external extensions that want it the event of the shutdown, and the time that is left for it.
func (e *environment) farewell() {
	e.mu.Lock()
	dead, why := e.dead, e.why
	others := len(e.others)
	e.mu.Unlock()
	if dead || others == 0 {
		return
	}
	e.hub.Flush()
	deadline := time.Now().Add(e.runner.farewellExternal - shutdownRuntime)
	if len(e.api.Shutdown(why, deadline)) == 0 {
		return
	}
	wait := time.NewTimer(time.Until(deadline))
	defer wait.Stop()
	select {
	case <-e.left:
	case <-wait.C:
	}
	e.printed.Flush()
}

// Settle implements sandbox.Environment.
func (e *environment) Settle(ctx context.Context) error { return e.api.Settle(ctx) }

// Tell implements sandbox.Environment.
func (e *environment) Tell(kind string, record func() map[string]any) {
	if e.hub.Active() {
		e.hub.Publish(telemetry.Platform, kind, record())
	}
}

// Shutdown implements sandbox.Environment.
func (e *environment) Shutdown(why sandbox.Reason) {
	internal, external := e.api.Extensions()
	if !internal && !external {
		e.Stop()
		return
	}
	_ = e.Thaw() // what cannot be thawed does not end in time
	e.mu.Lock()
	e.why = why
	pid := e.pid
	e.mu.Unlock()
	limit := shutdownRuntime
	if !external {
		limit = e.runner.farewellInternal
	}
	if pid != 0 {
		e.keeper.signal(pid, termSignal)
	}
	wait := time.NewTimer(limit)
	defer wait.Stop()
	select {
	case <-e.gone:
	case <-wait.C:
		if !external {
			e.Stop()
			return
		}
		if pid != 0 {
			e.keeper.signal(pid, killSignal)
		} else {
			e.end(&sandbox.ExitError{}, false)
		}
	}
	<-e.released
}

// initType is how the environment came to be started, as Lambda names it.
func (p *plan) initType() string {
	return cmp.Or(p.spec.Env["AWS_LAMBDA_INITIALIZATION_TYPE"], "on-demand")
}

// tellInitStart tells the telemetry of the start.
func (e *environment) tellInitStart() {
	spec := e.plan.spec
	version := spec.Runtime
	if e.plan.lang != nil {
		version = string(e.plan.lang.Language) + ":" + e.plan.lang.Version.String()
	}
	e.hub.Publish(telemetry.Platform, "platform.initStart", map[string]any{"initializationType": e.plan.initType(), "phase": "init",
		"runtimeVersion": version, "functionName": spec.Env["AWS_LAMBDA_FUNCTION_NAME"], "functionVersion": spec.Env["AWS_LAMBDA_FUNCTION_VERSION"],
		"instanceId": spec.ID, "instanceMaxMemory": int64(spec.MemoryMB) << 20})
}
