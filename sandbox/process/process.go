// Package process is the runner that starts functions as processes of this machine and lets the kernel part them: user,
// pid, mount, net, ipc and uts namespaces, a private file system with the code read-only, landlock, a system call
// filter, control groups. Everything is probed by doing; what is not there is left out, unless isolation is required.
// It parts the functions of one owner from each other and from the host; it is not meant to hold hostile code.
package process

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/sandbox"
	"github.com/brume-dev/brume/sandbox/bootstrap"
	"github.com/brume-dev/brume/sandbox/interpreter"
	"github.com/brume-dev/brume/sandbox/process/cgroup"
	"github.com/brume-dev/brume/sandbox/process/outside"
	"github.com/brume-dev/brume/sandbox/wasm"
)

// Config is what a Runner needs.
type Config struct {
	// Dir is a folder of the runner's own, for bootstraps, mount points and large /tmp folders.
	Dir string
	// RequireIsolation makes Probe fail where functions could not be parted from each other.
	RequireIsolation bool
	// HostNetwork lets functions share the host's network.
	HostNetwork bool
	// Endpoint is Brume's own address, "127.0.0.1:4566", for functions on the host's network.
	Endpoint string
	// CA is the certificate (PEM) that signs Brume's own, to be trusted by functions; nil when there is none.
	CA []byte
	// ExactRuntimes refuses an interpreter of another version than the runtime id names.
	ExactRuntimes bool
	// Interpreters finds the language runtimes.
	Interpreters *interpreter.Finder
	// Clock stamps output.
	Clock clock.Clock
	Log   *slog.Logger
}

// Runner implements sandbox.Runner.
type Runner struct {
	Config
	doors *doors
	proxy *outside.Proxy
	modes func() []mode

	mu           sync.Mutex
	probed       bool
	failed       error // of the probe
	mode         mode
	groups       *cgroup.Control
	keeping      *keeping
	slots        slots
	environments map[*environment]struct{}
	closed       bool
	tmpfsMax     int           // the largest /tmp that is kept in memory, in megabytes
	starting     chan struct{} // has a place for each environment that may start at the same time

	farewellExternal, farewellInternal time.Duration // how long a shutdown may take, with external and with only internal extensions

	compiling  sync.Mutex
	compiled   map[string]*compilation // by interpreter
	background context.Context         // of compilations
	stop       context.CancelFunc

	bootstraps   string // folder of the installed bootstraps
	mountPoint   string // empty folder
	certificates string // the system's and Brume's, "" when there is no CA
	caFile       string
}

// New returns a runner that has not looked at the machine yet: see Probe.
func New(c Config) *Runner {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	r := &Runner{Config: c, doors: newDoors(), proxy: outside.New(), environments: map[*environment]struct{}{}, compiled: map[string]*compilation{},
		modes:    func() []mode { return modes(os.Geteuid()) },
		tmpfsMax: maxTmpfsMB, starting: make(chan struct{}, startsPerCPU*runtime.NumCPU()),
		farewellExternal: shutdownExternal, farewellInternal: shutdownInternal}
	r.background, r.stop = context.WithCancel(context.Background())
	return r
}

// Listener gives the connections that functions make to Brume's address inside their networks. The gateway serves it
// beside its own.
func (r *Runner) Listener() net.Listener { return r.doors }

// Name implements sandbox.Runner.
func (r *Runner) Name() string { return "process" }

// Probe finds out, once, what the machine offers, by starting a small process in every kind of isolation that there
// may be until one works. It fails when isolation is required and not to be had. Start does it if it is not done.
func (r *Runner) Probe(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.probe(ctx)
}

func (r *Runner) probe(ctx context.Context) error {
	if r.probed {
		return r.failed
	}
	if err := r.prepare(); err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	var problems []error
	for _, m := range r.modes() {
		if r.RequireIsolation && !m.private {
			continue
		}
		k, err := startKeeper(m, r.Log)
		if err == nil {
			if err = k.try(ctx, r.mountPoint); err == nil {
				r.keeping, r.mode, r.probed = k, m, true
				break
			}
			k.close()
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		problems = append(problems, fmt.Errorf("%s: %w", m.name, err))
	}
	if !r.probed {
		r.probed, r.failed = true, fmt.Errorf("sandbox: functions cannot be isolated on this machine: %w", errors.Join(problems...))
		return r.failed
	}
	for _, err := range problems {
		r.Log.Info("sandbox: a kind of isolation is not available", "problem", err)
	}
	return nil
}

// prepare makes the folders and files that all environments share.
func (r *Runner) prepare() error {
	// Functions run as other users, who must get through to what is bound for them; Dir's parent keeps others out.
	if err := os.MkdirAll(r.Dir, 0o755); err != nil {
		return err
	}
	var err error
	if r.bootstraps, err = bootstrap.Install(r.Dir); err != nil {
		return err
	}
	// What an earlier process did not come to remove.
	if err := os.RemoveAll(filepath.Join(r.Dir, "tmp")); err != nil {
		return err
	}
	r.mountPoint = filepath.Join(r.Dir, "root")
	if err := os.MkdirAll(r.mountPoint, 0o755); err != nil {
		return err
	}
	if r.groups == nil {
		if r.groups, err = openGroups(r.Dir); err != nil {
			return err
		}
	}
	return r.writeCertificates()
}

// systemBundles are the places of the system's certificates.
func systemBundles() []string {
	return []string{"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
		"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem"}
}

func (r *Runner) writeCertificates() error {
	if len(r.CA) == 0 {
		return nil
	}
	var bundle []byte
	for _, path := range systemBundles() {
		if b, err := os.ReadFile(path); err == nil {
			bundle = append(b, '\n')
			break
		}
	}
	bundlePath, caPath := filepath.Join(r.Dir, "ca-bundle.pem"), filepath.Join(r.Dir, "ca.pem")
	if err := os.WriteFile(bundlePath, append(bundle, r.CA...), 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(caPath, r.CA, 0o644); err != nil {
		return err
	}
	r.certificates, r.caFile = bundlePath, caPath
	return nil
}

// Describe implements sandbox.Runner.
func (r *Runner) Describe() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.probed || r.failed != nil {
		return "functions: not probed"
	}
	text := "functions: " + r.mode.name
	switch v := r.groups.Version(); {
	case v > 0 && r.groups.Has("memory"):
		text += fmt.Sprintf(", memory limited by control groups v%d", v)
	default:
		text += ", memory watched"
	}
	if r.HostNetwork && r.mode.private {
		text += ", the host's network"
	}
	return text
}

// Isolated reports whether functions have file systems, processes and networks of their own.
func (r *Runner) Isolated() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.probed && r.mode.private
}

// Runtime implements sandbox.Runner.
func (r *Runner) Runtime(ctx context.Context, id string) (sandbox.Runtime, error) {
	in, exact, err := r.interpreter(ctx, id)
	if err != nil || in == nil {
		return sandbox.Runtime{ID: id, Exact: true}, err
	}
	if in.Language == interpreter.Java {
		r.compilation(in) // takes seconds: it shall have begun before the first start
	}
	return sandbox.Runtime{ID: id, Program: in.Path, Version: in.Version.String(), Exact: exact}, nil
}

// interpreter finds the interpreter of a runtime; nil for those that bring their own bootstrap.
func (r *Runner) interpreter(ctx context.Context, id string) (*interpreter.Interpreter, bool, error) {
	if id == "provided.al2" || id == "provided.al2023" || id == "provided" || id == wasm.Runtime {
		return nil, true, nil
	}
	in, exact, err := r.Interpreters.For(ctx, id)
	if err == nil && !exact && r.ExactRuntimes {
		return nil, false, fmt.Errorf("runtime %s: the nearest interpreter on this machine is %s %s (%s), and exact versions are required",
			id, in.Language, in.Version, in.Path)
	}
	return in, exact, err
}

// Start implements sandbox.Runner.
func (r *Runner) Start(ctx context.Context, spec *sandbox.Spec) (sandbox.Environment, error) {
	k, err := r.keeper(ctx)
	if err != nil {
		return nil, err
	}
	in, _, err := r.interpreter(ctx, spec.Runtime)
	if err != nil {
		return nil, err
	}
	if err := r.compile(ctx, in); err != nil {
		return nil, err
	}
	modules := ""
	if spec.Runtime == wasm.Runtime {
		if modules, err = r.compileModule(ctx, spec); err != nil {
			return nil, err
		}
	}
	leave, err := r.enter(ctx)
	if err != nil {
		return nil, err
	}
	if spec.Turn != nil && !spec.Turn() {
		leave()
		return nil, sandbox.ErrUnwanted
	}
	e, err := newEnvironment(r, k, spec, in, modules)
	if err != nil {
		leave()
		return nil, err
	}
	if err := e.start(); err != nil {
		leave()
		e.discard()
		return nil, err
	}
	go e.settled(leave)
	return e, nil
}

// enter waits for a place among the environments that start at the same time. More of them would not be faster
// together, and all would be as slow as the last one.
func (r *Runner) enter(ctx context.Context) (leave func(), err error) {
	select {
	case r.starting <- struct{}{}:
		return sync.OnceFunc(func() { <-r.starting }), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// keeper returns the running keeper; one that has died is replaced.
func (r *Runner) keeper(ctx context.Context) (*keeping, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, errors.New("sandbox: closed")
	}
	if err := r.probe(ctx); err != nil {
		return nil, err
	}
	select {
	case <-r.keeping.gone:
	default:
		return r.keeping, nil
	}
	r.Log.Warn("sandbox: the process that keeps functions has ended; starting another")
	k, err := startKeeper(r.mode, r.Log)
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	r.keeping = k
	return k, nil
}

// Close implements sandbox.Runner.
func (r *Runner) Close() error {
	r.mu.Lock()
	r.closed = true
	r.stop()
	all := make([]*environment, 0, len(r.environments))
	for e := range r.environments {
		all = append(all, e)
	}
	k, groups := r.keeping, r.groups
	r.mu.Unlock()
	for _, e := range all {
		e.kill()
	}
	for _, e := range all {
		e.Stop()
	}
	_ = r.doors.Close()
	if k != nil {
		k.close()
	}
	if groups != nil {
		return groups.Close()
	}
	return nil
}

func (r *Runner) now() time.Time {
	if r.Clock == nil {
		return time.Now().UTC()
	}
	return r.Clock.Now()
}

// slots gives each environment a number of its own, the smallest that is free: users are numbered by it.
type slots struct{ taken []bool }

func (s *slots) take() int {
	for i, t := range s.taken {
		if !t {
			s.taken[i] = true
			return i
		}
	}
	s.taken = append(s.taken, true)
	return len(s.taken) - 1
}

func (s *slots) free(i int) { s.taken[i] = false }
