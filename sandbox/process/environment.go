package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/brume-dev/brume/sandbox"
	"github.com/brume-dev/brume/sandbox/interpreter"
	"github.com/brume-dev/brume/sandbox/process/cgroup"
	"github.com/brume-dev/brume/sandbox/process/output"
	"github.com/brume-dev/brume/sandbox/runtimeapi"
	"github.com/brume-dev/brume/sandbox/telemetry"
)

// environment implements sandbox.Environment.
type environment struct {
	runner   *Runner
	keeper   *keeping
	plan     *plan
	slot     int
	group    *cgroup.Group
	api      *runtimeapi.Server
	hub      *telemetry.Hub
	output   *output.Output
	printed  *output.Output // of extensions; nil: there are none
	gone     chan struct{}  // the runtime's process has ended
	released chan struct{}  // and everything of the environment is removed
	once     sync.Once
	oom      atomic.Bool
	watch    *watch

	mu      sync.Mutex
	pid     int
	first   int // the first process of the pid namespace
	started launched
	others  map[int]int   // processes of extensions that run, by their index
	left    chan struct{} // closed when the last of others has ended
	why     sandbox.Reason
	life    *os.File // the write end of the life line: closing it ends everything in the pid namespace
	sockets []io.Closer
	frozen  bool
	dead    bool // the life line is cut; what would be opened now is closed
}

func newEnvironment(r *Runner, k *keeping, spec *sandbox.Spec, in *interpreter.Interpreter, modules string) (*environment, error) {
	e := &environment{runner: r, keeper: k, gone: make(chan struct{}), released: make(chan struct{}), left: make(chan struct{}),
		others: map[int]int{}, why: sandbox.Failure}
	r.mu.Lock()
	e.slot = r.slots.take()
	r.environments[e] = struct{}{}
	r.mu.Unlock()
	e.plan = &plan{runner: r, spec: spec, lang: in, uid: r.mode.user(e.slot), compiled: modules}
	if in != nil {
		e.plan.compiled = r.compiledFor(in)
	}
	e.hub = telemetry.New(telemetry.Config{Dial: e.dial, Now: r.now, JSON: spec.Env["AWS_LAMBDA_LOG_FORMAT"] == "JSON"})
	e.api = runtimeapi.New(runtimeapi.Config{Function: spec.Env["AWS_LAMBDA_FUNCTION_NAME"], Version: spec.Env["AWS_LAMBDA_FUNCTION_VERSION"],
		Handler: spec.Env["_HANDLER"], Account: spec.Account, InitType: e.plan.initType(), External: e.plan.extensionNames(), Telemetry: e.hub})
	e.watch = newWatch(e)
	if err := e.folders(); err != nil {
		e.discard()
		return nil, err
	}
	var err error
	if e.group, err = r.groups.New(spec.ID, e.limits()); err != nil {
		// A group that cannot be made is a machine that is short of something; the watcher still guards memory.
		r.Log.Warn("sandbox: no control group", "environment", spec.ID, "problem", err)
	}
	return e, nil
}

// limits are those of the control group. Page cache and /tmp count for the kernel but not for Lambda: the group's limit
// leaves room for them, and the watcher holds the function to its own.
func (e *environment) limits() cgroup.Limits {
	spec := e.plan.spec
	mb := spec.MemoryMB
	if e.plan.tmp == "" {
		mb += spec.TmpMB
	}
	return cgroup.Limits{Memory: int64(mb) << 20, Processes: sandbox.MaxProcesses + 1,
		Weight: max(cgroup.WholeCPU, e.weight()), CPUs: max(1, e.cpus())}
}

// cpus are the processors that the function has a right to, in proportion to its memory.
func (e *environment) cpus() float64 { return float64(e.plan.spec.MemoryMB) / sandbox.MemoryPerCPUMB }

func (e *environment) weight() int { return int(cgroup.WholeCPU * e.cpus()) }

// settled waits until the init phase has ended. During it a function has a whole processor whatever its memory is, as on
// Lambda; afterwards its share is in proportion. It leaves the place among those that start at the same time too, or
// before, when it waits for something and computes no more: then it shall not hold up others.
func (e *environment) settled(leave func()) {
	look := time.NewTicker(startHold)
	defer look.Stop()
	for idle := 0; idle >= 0; {
		select {
		case <-look.C:
			if idle++; e.watch.running() {
				idle = 0
			}
			if idle == startIdle {
				leave()
				look.Stop()
			}
		case <-e.api.Ready():
			idle = -1
		case <-e.gone:
			idle = -1
		}
	}
	leave()
	if e.weight() < cgroup.WholeCPU {
		if err := e.group.Weigh(e.weight()); err != nil {
			e.runner.Log.Debug("sandbox: processor share", "environment", e.plan.spec.ID, "problem", err)
		}
	}
}

// folders makes the folder for a /tmp that is not in memory.
func (e *environment) folders() error {
	if e.plan.private() && e.plan.spec.TmpMB <= e.runner.tmpfsMax {
		return nil
	}
	dir := filepath.Join(e.runner.Dir, "tmp", e.plan.spec.ID)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	e.plan.tmp = dir
	if err := os.Chmod(dir, 0o777); err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	return nil
}

// start has the keeper start the process, and begins to serve it.
func (e *environment) start() error {
	var listener net.Listener
	e.plan.api = fmt.Sprintf("%s:%d", loopback, runtimePort)
	if !e.plan.ownNet() {
		l, err := net.Listen("tcp", loopback+":0")
		if err != nil {
			return fmt.Errorf("sandbox: %w", err)
		}
		listener, e.plan.api = e.runner.mode.only(l, e.plan.uid), l.Addr().String()
		e.own(l)
	}
	l, err := e.plan.launch()
	if err != nil {
		return err
	}
	e.tellInitStart()
	l.Tasks, l.CgroupDir = e.group.Tasks(), e.group.Dir()
	begun := time.Now()
	files, err := e.launch(l)
	if err != nil {
		return err
	}
	e.api.Begin(begun)
	if listener != nil {
		go e.serve(func() error { return e.api.Serve(listener) })
	} else if err := e.openDoors(files); err != nil {
		return err
	}
	if e.started.pid == 0 {
		go e.goOn()
	}
	go e.watch.run()
	return nil
}

// launch gives the order, with the descriptors that the process gets.
func (e *environment) launch(l *launch) ([]*os.File, error) {
	var fds [launchFiles]*os.File
	out, stdout, err := output.New(e.print(false), e.runner.now)
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	defer stdout.Close()
	e.output = out
	go out.Follow()
	fds[4] = stdout
	if len(l.Extensions) > 0 {
		out, printed, err := output.New(e.print(true), e.runner.now)
		if err != nil {
			return nil, fmt.Errorf("sandbox: %w", err)
		}
		defer printed.Close()
		e.printed, fds[4] = out, printed
		go out.Follow()
	}
	line, life, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	defer line.Close()
	e.mu.Lock()
	e.life = life
	e.mu.Unlock()
	fds[0], fds[1], fds[2], fds[3] = stdout, stdout, stdout, line
	// Extensions may end before their start is known here.
	e.mu.Lock()
	started, files, err := e.keeper.launch(l, fds, func(who int, x exit) { go e.exited(who, x) })
	if err == nil {
		e.run(started)
	}
	e.mu.Unlock()
	return files, err
}

// run notes what has been started. e.mu is held.
func (e *environment) run(started launched) {
	e.started = started
	if started.init != 0 {
		e.watch.init.Store(int64(started.init))
		e.first = started.init
	}
	for i, pid := range started.others {
		e.others[i] = pid
	}
	if started.pid != 0 {
		e.pid = started.pid
		e.watch.pid.Store(int64(started.pid))
	}
}

// print passes on what the function or its extensions print.
func (e *environment) print(extension bool) func(sandbox.Line) {
	sink := e.plan.spec.Output
	return func(l sandbox.Line) {
		l.Extension = extension
		e.hub.Line(l)
		if sink != nil {
			sink(l)
		}
	}
}

// own notes what is to be closed with the environment.
func (e *environment) own(c io.Closer) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.dead {
		_ = c.Close()
		return
	}
	e.sockets = append(e.sockets, c)
}

// openDoors serves what the function reaches in its own network: sockets in the order of plan.launch's Listen.
func (e *environment) openDoors(files []*os.File) error {
	defer func() {
		for _, f := range files {
			_ = f.Close()
		}
	}()
	if len(files) != 5 {
		return fmt.Errorf("sandbox: %d sockets came from the keeper", len(files))
	}
	var listeners []net.Listener
	for _, f := range files[:4] {
		l, err := net.FileListener(f)
		if err != nil {
			return fmt.Errorf("sandbox: %w", err)
		}
		listeners = append(listeners, l)
		e.own(l)
	}
	daemon, err := net.FilePacketConn(files[4])
	if err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	e.own(daemon)
	proxy := &http.Server{Handler: e.runner.proxy, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)}
	e.own(proxy)
	go e.serve(func() error { return e.api.Serve(listeners[0]) })
	go e.runner.doors.open(listeners[1])
	go e.runner.doors.open(listeners[2])
	go e.serve(func() error { return proxy.Serve(listeners[3]) })
	go e.datagrams(daemon)
	return nil
}

func (e *environment) serve(f func() error) {
	if err := f(); err != nil && !errors.Is(err, net.ErrClosed) && !errors.Is(err, http.ErrServerClosed) {
		e.runner.Log.Warn("sandbox: serve", "environment", e.plan.spec.ID, "problem", err)
	}
}

// maxDatagram is the largest that the X-Ray daemon takes.
const maxDatagram = 64 << 10

func (e *environment) datagrams(conn net.PacketConn) {
	buf := make([]byte, maxDatagram)
	for {
		n, _, err := conn.ReadFrom(buf)
		if err != nil {
			return
		}
		if f := e.plan.spec.Datagram; f != nil {
			f(buf[:n])
		}
	}
}

// exited is told of the end of a process: the runtime's or that of an extension.
func (e *environment) exited(who int, status exit) {
	if who == theRuntime {
		e.end(&sandbox.ExitError{Reason: status.reason()}, status.signal == killSignal)
		return
	}
	e.mu.Lock() // launch has noted it
	delete(e.others, who)
	last := len(e.others) == 0
	e.mu.Unlock()
	if last {
		close(e.left)
	}
	select {
	case <-e.gone: // the environment ends
	default:
		e.end(&sandbox.ExitError{Type: "Extension.Crash", Reason: status.words()}, false)
	}
}

// end is the end of the environment's work, once. The function's process may have been killed for its memory.
func (e *environment) end(err *sandbox.ExitError, killed bool) {
	e.once.Do(func() {
		if e.output != nil {
			e.output.Flush()
		}
		if killed && e.group.OutOfMemory() {
			e.oom.Store(true)
		}
		err.OutOfMemory = err.Type == "" && e.oom.Load()
		e.api.Exit(err)
		close(e.gone)
		go func() {
			e.farewell()
			e.release()
		}()
	})
}

// discard removes an environment that never came to run.
func (e *environment) discard() {
	e.kill()
	e.end(&sandbox.ExitError{}, false)
}

// release removes everything that the environment left.
func (e *environment) release() {
	e.kill()
	e.api.Close()
	e.hub.Close()
	e.mu.Lock()
	sockets := e.sockets
	e.mu.Unlock()
	for _, s := range sockets {
		_ = s.Close()
	}
	e.watch.close()
	if err := e.group.Remove(); err != nil {
		e.runner.Log.Warn("sandbox: left behind", "environment", e.plan.spec.ID, "problem", err)
	}
	for _, o := range []*output.Output{e.output, e.printed} {
		if o != nil {
			o.Close()
		}
	}
	if e.plan.tmp != "" {
		if err := os.RemoveAll(e.plan.tmp); err != nil {
			e.runner.Log.Warn("sandbox: left behind", "environment", e.plan.spec.ID, "problem", err)
		}
	}
	e.runner.mu.Lock()
	e.runner.slots.free(e.slot)
	delete(e.runner.environments, e)
	e.runner.mu.Unlock()
	close(e.released)
}

// kill ends the processes, without waiting.
func (e *environment) kill() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.dead {
		return
	}
	e.dead = true
	if e.life != nil {
		_ = e.life.Close()
	}
	if e.started.seq != 0 && e.pid == 0 {
		_, _ = e.keeper.goOn(e.started, true, nil) // nothing answers that
	}
	if !e.plan.private() {
		e.signalAll(killSignal)
		e.group.Kill()
	}
}

// signalAll signals the processes that were started, each with its group. e.mu is held.
func (e *environment) signalAll(sig syscall.Signal) {
	if e.pid != 0 {
		e.keeper.signal(e.pid, sig)
	}
	for _, pid := range e.others {
		e.keeper.signal(pid, sig)
	}
}

// Init implements sandbox.Environment.
func (e *environment) Init(ctx context.Context) (sandbox.Init, error) { return e.api.Init(ctx) }

// Invoke implements sandbox.Environment.
func (e *environment) Invoke(ctx context.Context, in *sandbox.Invocation) (*sandbox.Result, error) {
	return e.api.Invoke(ctx, in)
}

// Freeze implements sandbox.Environment.
func (e *environment) Freeze() error { return e.freeze(true) }

// Thaw implements sandbox.Environment.
func (e *environment) Thaw() error { return e.freeze(false) }

func (e *environment) freeze(frozen bool) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.frozen == frozen || e.dead {
		return nil
	}
	ok, err := e.group.Freeze(frozen)
	if err != nil {
		return fmt.Errorf("sandbox: freeze: %w", err)
	}
	if !ok {
		sig := contSignal
		if frozen {
			sig = stopSignal
		}
		e.signalAll(sig)
	}
	e.frozen = frozen
	e.watch.pause(frozen)
	e.hub.Pause(frozen)
	return nil
}

// Usage implements sandbox.Environment.
func (e *environment) Usage() sandbox.Usage { return sandbox.Usage{MaxMemory: e.watch.peak()} }

// Flush implements sandbox.Environment.
func (e *environment) Flush() {
	e.output.Flush()
	if e.printed != nil {
		e.printed.Flush()
	}
}

// Gone implements sandbox.Environment.
func (e *environment) Gone() <-chan struct{} { return e.gone }

// Stop implements sandbox.Environment.
func (e *environment) Stop() {
	e.kill()
	<-e.released
}
