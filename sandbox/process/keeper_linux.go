package process

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// The keeper is Brume's own program, started a second time inside a user namespace in which it may mount, make networks
// and change users. It starts the functions' processes and waits for them. Each start happens on an operating
// system thread of its own that takes itself into new namespaces, puts the function's root together, gives up what
// the function must not have, forks, and ends: so a start costs no second program, and a running function no
// process of ours.
//
// The keeper holds nothing that matters. When it ends, or Brume does, the life lines are cut and every function ends.

// As the only argument, keeperArg makes the program a keeper, and trialArg makes it end at once.
const (
	keeperArg = "sandbox-keeper"
	trialArg  = "sandbox-trial"
)

// maxPacket bounds an order: environment variables are at most 4 KB, paths are short.
const maxPacket = 1 << 20

// Stage turns the process into a keeper if it was started as one, and does not return then. main calls it first.
func Stage() {
	stageModule()
	switch {
	case len(os.Args) != 2:
		return
	case os.Args[1] == trialArg:
		os.Exit(0)
	case os.Args[1] != keeperArg:
		return
	}
	runtime.LockOSThread() // the main thread must not become one of those that change their namespaces
	if err := keep(os.NewFile(3, "runner")); err != nil {
		fmt.Fprintln(os.Stderr, "brume:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// keeper starts and reaps processes on orders from conn.
type keeper struct {
	conn *net.UnixConn
	null int // /dev/null

	mu       sync.Mutex
	children map[int]*child       // not reaped; forks and reaps happen under mu, so that a pid here is what it was
	held     map[uint64]chan bool // launches whose extensions run and whose runtime does not yet; true: go on
}

// child is a process that the keeper forked.
type child struct {
	function bool   // the runner is told of its end
	told     bool   // the runner knows its pid
	ended    bool   // before told
	status   uint32 // of the end
}

func keep(socket *os.File) error {
	c, err := net.FileConn(socket)
	if err != nil {
		return fmt.Errorf("keeper: socket: %w", err)
	}
	_ = socket.Close()
	if err := prepare(); err != nil {
		return err
	}
	null, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("keeper: /dev/null: %w", err)
	}
	k := &keeper{conn: c.(*net.UnixConn), null: null, children: map[int]*child{}, held: map[uint64]chan bool{}}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, unix.SIGCHLD) // before the first child can end
	go k.reap(ended)
	return k.serve()
}

// prepare gives the keeper what its children shall inherit.
func prepare() error {
	// The terminal's interrupt is for Brume, which then stops the functions in order.
	signal.Ignore(unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGTTOU)
	unix.Umask(0o022)
	// The host's out-of-memory killer shall take functions before Brume. Not being allowed to say so is no failure.
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("500"), 0)
	for _, l := range []struct {
		what int
		max  uint64
	}{{unix.RLIMIT_NOFILE, maxDescriptors}, {unix.RLIMIT_CORE, 0}} {
		if err := unix.Setrlimit(l.what, &unix.Rlimit{Cur: l.max, Max: l.max}); err != nil {
			return fmt.Errorf("keeper: limit %d: %w", l.what, err)
		}
	}
	return nil
}

// serve takes orders until the runner is gone, and then kills what still runs: processes with a life line end by
// themselves.
func (k *keeper) serve() error {
	buf, oob := make([]byte, maxPacket), make([]byte, unix.CmsgSpace(2*launchFiles*4))
	for {
		n, oobn, _, _, err := k.conn.ReadMsgUnix(buf, oob)
		if err != nil || n == 0 {
			break
		}
		fds, err := descriptors(oob[:oobn])
		if err != nil {
			return fmt.Errorf("keeper: order: %w", err)
		}
		var o order
		if err := json.Unmarshal(buf[:n], &o); err != nil {
			return fmt.Errorf("keeper: order: %w", err)
		}
		switch {
		case o.Launch != nil:
			go k.launch(o.Seq, o.Launch, fds)
		case o.GoOn != nil:
			k.goOn(o.GoOn)
		case o.Dial != nil:
			go k.dial(o.Seq, o.Dial)
		case o.Signal != nil:
			k.signal(o.Signal.Pid, syscall.Signal(o.Signal.Signal))
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for pid, c := range k.children {
		if c.function {
			_ = unix.Kill(-pid, unix.SIGKILL)
		}
	}
	return nil
}

// launch runs on a goroutine that never gives its thread back: the thread ends with it.
func (k *keeper) launch(seq uint64, l *launch, fds []int) {
	runtime.LockOSThread()
	if len(fds) != launchFiles {
		k.tell(notice{Seq: seq, Err: fmt.Sprintf("%d descriptors", len(fds))}, nil)
		closeAll(fds)
		return
	}
	defer closeAll(fds)
	st := &start{launch: l, fork: k.fork, null: k.null, stdout: fds[0], stderr: fds[1], telemetry: fds[2], life: fds[3], extensions: fds[4]}
	defer func() { st.groups.close() }()
	sockets, err := st.prepare()
	n := notice{Seq: seq, Init: st.first}
	var wait chan bool
	if err == nil && len(l.Extensions) > 0 {
		wait = k.hold(seq)
		n.Others, err = st.extend()
	} else if err == nil {
		n.Pid, err = st.begin()
	}
	if err != nil {
		n.Err = err.Error()
	}
	k.tell(n, sockets)
	closeAll(sockets)
	k.told(append(n.Others, n.Pid)...)
	if err != nil {
		for _, pid := range n.Others {
			k.signal(pid, syscall.SIGKILL)
		}
		return
	}
	if wait == nil || !<-wait {
		return
	}
	n = notice{Seq: seq}
	if n.Pid, err = st.begin(); err != nil {
		n.Err = err.Error()
	}
	k.tell(n, nil)
	k.told(n.Pid)
}

// hold notes that a launch waits for the order to go on.
func (k *keeper) hold(seq uint64) chan bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	wait := make(chan bool, 1)
	k.held[seq] = wait
	return wait
}

func (k *keeper) goOn(g *goOn) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if wait := k.held[g.Launch]; wait != nil {
		wait <- !g.Cancel
		delete(k.held, g.Launch)
	}
}

// fork starts a program and remembers the process.
func (k *keeper) fork(argv []string, attr *syscall.ProcAttr, function bool) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	pid, err := syscall.ForkExec(argv[0], argv, attr)
	if err != nil {
		return 0, err
	}
	k.children[pid] = &child{function: function}
	return pid, nil
}

// told notes that the runner knows of processes, and tells of the end of those that have ended already.
func (k *keeper) told(pids ...int) {
	for _, pid := range pids {
		k.mu.Lock()
		c := k.children[pid]
		if c == nil { // none was started
			k.mu.Unlock()
			continue
		}
		c.told = true
		if c.ended {
			delete(k.children, pid)
		}
		k.mu.Unlock()
		if c.ended {
			k.tell(notice{Pid: pid, Status: c.status}, nil)
		}
	}
}

func (k *keeper) tell(n notice, fds []int) {
	b, err := json.Marshal(n)
	if err != nil {
		panic(err)
	}
	var oob []byte
	if len(fds) > 0 {
		oob = unix.UnixRights(fds...)
	}
	_, _, _ = k.conn.WriteMsgUnix(b, oob, nil) // a runner that is gone needs no answer
}

func (k *keeper) signal(pid int, sig syscall.Signal) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if c := k.children[pid]; c != nil && !c.ended {
		_ = unix.Kill(-pid, sig)
	}
}

// reap waits for children, functions and pauses alike, and tells of the functions.
func (k *keeper) reap(ended <-chan os.Signal) {
	for range ended {
		for k.reapOne() {
		}
	}
}

// reapOne reaps one child if one has ended.
func (k *keeper) reapOne() bool {
	k.mu.Lock()
	var status unix.WaitStatus
	pid, err := unix.Wait4(-1, &status, unix.WNOHANG, nil)
	for errors.Is(err, unix.EINTR) {
		pid, err = unix.Wait4(-1, &status, unix.WNOHANG, nil)
	}
	if err != nil || pid <= 0 {
		k.mu.Unlock()
		return false
	}
	c := k.children[pid]
	tell := c != nil && c.function && c.told
	if c != nil && c.function && !c.told {
		c.ended, c.status = true, uint32(status)
	} else {
		delete(k.children, pid)
	}
	k.mu.Unlock()
	if tell {
		k.tell(notice{Pid: pid, Status: uint32(status)}, nil)
	}
	return true
}

// descriptors reads the descriptors that came with a packet. They do not pass to children.
func descriptors(oob []byte) ([]int, error) {
	if len(oob) == 0 {
		return nil, nil
	}
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, err
	}
	var fds []int
	for i := range msgs {
		f, err := unix.ParseUnixRights(&msgs[i])
		if err != nil {
			return nil, err
		}
		fds = append(fds, f...)
	}
	for _, fd := range fds {
		unix.CloseOnExec(fd)
	}
	return fds, nil
}
