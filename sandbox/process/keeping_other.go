//go:build !linux

package process

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"

	"github.com/brume-dev/brume/sandbox"
	"github.com/brume-dev/brume/sandbox/process/cgroup"
)

// Where the kernel has no namespaces a function is a child of Brume itself, in a process group of its own.

const (
	killSignal = syscall.SIGKILL
	termSignal = syscall.SIGTERM
	stopSignal = syscall.SIGSTOP
	contSignal = syscall.SIGCONT
)

type mode struct {
	name    string
	private bool
}

func (mode) user(int) int { return -1 }

func (mode) only(l net.Listener, _ int) net.Listener { return l }

func modes(int) []mode {
	return []mode{{name: "processes that share the host's files and network (this system has no namespaces)"}}
}

func openGroups(string) (*cgroup.Control, error) { return &cgroup.Control{}, nil }

// Stage turns the process into the runtime of a WebAssembly module if it was started as one. There is no keeper here.
func Stage() { stageModule() }

// exit says how a process ended.
type exit struct {
	code   int
	signal syscall.Signal
}

func (x exit) reason() string {
	switch {
	case x.signal != 0:
		return "signal: " + x.signal.String()
	case x.code != 0:
		return fmt.Sprintf("exit status %d", x.code)
	}
	return ""
}

func (x exit) words() string { return x.reason() }

// theRuntime is who ended, when it is no extension: those have their index.
const theRuntime = -1

// launched is what an order of launch has started.
type launched struct {
	seq    uint64
	pid    int
	others []int
	init   int
}

// keeping starts processes.
type keeping struct {
	gone chan struct{}
	mu   sync.Mutex
	live map[int]bool
}

func startKeeper(mode, *slog.Logger) (*keeping, error) {
	return &keeping{gone: make(chan struct{}), live: map[int]bool{}}, nil
}

func (k *keeping) launch(l *launch, fds [launchFiles]*os.File, exited func(int, exit)) (launched, []*os.File, error) {
	if len(l.Extensions) > 0 {
		return launched{}, nil, errors.New("sandbox: extensions are not run on this system")
	}
	cmd := exec.Command(l.Argv[0], l.Argv[1:]...)
	cmd.Args, cmd.Env, cmd.Dir = l.Argv, l.Env, l.Dir
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = fds[0], fds[1], []*os.File{fds[2]}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		var path *os.PathError
		if errors.As(err, &path) {
			return launched{}, nil, &sandbox.EntrypointError{Message: "fork/exec " + path.Path + ": " + path.Err.Error()}
		}
		return launched{}, nil, err
	}
	pid := cmd.Process.Pid
	k.mu.Lock()
	k.live[pid] = true
	k.mu.Unlock()
	go func() {
		_ = cmd.Wait()
		k.mu.Lock()
		delete(k.live, pid)
		k.mu.Unlock()
		ws, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
		if ws.Signaled() {
			exited(theRuntime, exit{signal: ws.Signal()})
			return
		}
		exited(theRuntime, exit{code: ws.ExitStatus()})
	}()
	return launched{pid: pid}, nil, nil
}

// goOn and dial belong to what is not there on this system.
func (k *keeping) goOn(launched, bool, func(int, exit)) (launched, error) {
	return launched{}, errors.ErrUnsupported
}

func (k *keeping) dial(context.Context, int, int) (net.Conn, error) {
	return nil, errors.ErrUnsupported
}

func (k *keeping) pid() int { return os.Getpid() }

func (k *keeping) signal(pid int, sig syscall.Signal) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.live[pid] {
		_ = syscall.Kill(-pid, sig)
	}
}

func (k *keeping) try(context.Context, string) error { return nil }

func (k *keeping) close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for pid := range k.live {
		_ = syscall.Kill(-pid, syscall.SIGKILL)
	}
}
