package process

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/brume-dev/brume/sandbox"
	"github.com/brume-dev/brume/sandbox/process/cgroup"
)

const (
	killSignal = unix.SIGKILL
	termSignal = unix.SIGTERM
	stopSignal = unix.SIGSTOP
	contSignal = unix.SIGCONT
)

// mode is a way to start functions.
type mode struct {
	name    string // for people
	private bool   // namespaces and a root of its own
	users   users
	base    int // of the host's user ids, for manyUsers and hostUsers
}

// users says whom functions run as.
type users int

const (
	manyUsers users = iota // a user namespace with many users: each environment has one of its own
	hostUsers              // no user namespace: each environment has a user id of the host
	oneUser                // a user namespace with one user: Brume's own
	sameUser               // no user namespace: Brume's own
)

// Functions' user ids begin beyond what distributions give out.
const (
	firstHostUser = 0x70000000
	userCount     = 1 << 16
	lambdaUser    = 993 // of sbx_user1051
)

// user is the id, as the keeper knows it, for the environment in a slot; -1 for the keeper's own.
func (m mode) user(slot int) int {
	switch m.users {
	case manyUsers, hostUsers:
		return m.base + slot%userCount
	case oneUser:
		return lambdaUser
	}
	return -1
}

// modes lists the ways to start functions, the best first.
func modes(euid int) []mode {
	bare := mode{name: "processes that share the host's files and network (landlock and limits only)", users: sameUser}
	const isolated = "isolated by namespaces, landlock and a system call filter"
	if euid != 0 {
		return []mode{{name: isolated, private: true, users: oneUser}, bare}
	}
	base := freeUsers(idMap("/proc/self/uid_map"))
	return []mode{{name: isolated, private: true, users: manyUsers, base: base},
		{name: isolated + ", without user namespaces", private: true, users: hostUsers, base: base}, bare}
}

// idMap reads the ids that this user namespace has.
func idMap(path string) []syscall.SysProcIDMap {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	var all []syscall.SysProcIDMap
	for line := range strings.Lines(string(b)) {
		var inside, outside, count int
		if n, _ := fmt.Sscan(line, &inside, &outside, &count); n == 3 {
			all = append(all, syscall.SysProcIDMap{ContainerID: inside, HostID: inside, Size: count})
		}
	}
	return all
}

// freeUsers finds userCount user ids that are there and that nobody else is likely to use.
func freeUsers(ids []syscall.SysProcIDMap) int {
	best := firstHostUser
	for _, m := range ids {
		if m.ContainerID <= firstHostUser && firstHostUser+userCount <= m.ContainerID+m.Size {
			return firstHostUser
		}
		if m.Size > userCount {
			best = m.ContainerID + m.Size - userCount
		}
	}
	return best
}

// openGroups makes the control group of the runner that works in dir.
func openGroups(dir string) (*cgroup.Control, error) {
	h := fnv.New32a()
	_, _ = h.Write([]byte(dir))
	return cgroup.Open(os.Getpid(), strconv.FormatUint(uint64(h.Sum32()), 36))
}

// attributes are those of the keeper's process.
func (m mode) attributes() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{}
	switch m.users {
	case manyUsers:
		attr.Cloneflags = syscall.CLONE_NEWUSER
		// The same ids as outside: so the keeper may read what the host's root may, and functions have users that
		// no file of the host belongs to.
		attr.UidMappings, attr.GidMappings = idMap("/proc/self/uid_map"), idMap("/proc/self/gid_map")
		attr.GidMappingsEnableSetgroups = true
	case oneUser:
		attr.Cloneflags = syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: lambdaUser, HostID: os.Geteuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: lambdaUser, HostID: os.Getegid(), Size: 1}}
		attr.AmbientCaps = []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_NET_ADMIN, unix.CAP_NET_BIND_SERVICE, unix.CAP_SETPCAP,
			unix.CAP_SYS_CHROOT, unix.CAP_SETUID, unix.CAP_SETGID, unix.CAP_DAC_OVERRIDE}
	}
	return attr
}

// exit says how a process ended.
type exit struct {
	code   int
	signal syscall.Signal
	lost   bool // the keeper ended first
}

// reason is the end of AWS's text.
func (x exit) reason() string {
	switch {
	case x.lost:
		return "signal: killed"
	case x.signal != 0:
		return "signal: " + x.signal.String()
	case x.code != 0:
		return fmt.Sprintf("exit status %d", x.code)
	}
	return ""
}

// words are how an extension's end is told.
func (x exit) words() string {
	if x.lost || x.signal != 0 {
		return x.reason()
	}
	return fmt.Sprintf("exit code %d", x.code)
}

// keeping is the runner's hold on its keeper.
type keeping struct {
	cmd  *exec.Cmd
	conn *net.UnixConn
	log  *slog.Logger
	mode mode
	gone chan struct{}

	mu      sync.Mutex
	seq     uint64
	waiting map[uint64]*waiting
	running map[int]running
}

// running is a process whose end somebody wants to know of.
type running struct {
	who    int
	exited func(who int, x exit)
}

// waiting is an order that has not been answered.
type waiting struct {
	exited func(who int, x exit)
	answer chan answer // has room for every answer that there may be
}

type answer struct {
	launched
	files []*os.File
	err   error
}

// launched is what an order of launch has started.
type launched struct {
	seq    uint64
	pid    int   // of the runtime; 0: it waits for goOn
	others []int // of the extensions
	init   int   // the first process of the pid namespace
}

// theRuntime is who ended, when it is no extension: those have their index.
const theRuntime = -1

func startKeeper(m mode, log *slog.Logger) (*keeping, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("keeper: %w", err)
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "keeper"), os.NewFile(uintptr(pair[1]), "runner")
	defer ours.Close()
	defer theirs.Close()
	conn, err := net.FileConn(ours)
	if err != nil {
		return nil, fmt.Errorf("keeper: %w", err)
	}
	cmd := exec.Command("/proc/self/exe", keeperArg)
	cmd.Args[0] = "brume-keeper"
	cmd.Env = []string{"GOMAXPROCS=2"}
	cmd.ExtraFiles = []*os.File{theirs}
	cmd.Stderr = os.Stderr
	cmd.Dir = "/"
	cmd.SysProcAttr = m.attributes()
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("keeper: %w", err), conn.Close())
	}
	k := &keeping{cmd: cmd, conn: conn.(*net.UnixConn), log: log, mode: m, gone: make(chan struct{}),
		waiting: map[uint64]*waiting{}, running: map[int]running{}}
	go k.listen()
	return k, nil
}

// ask sends an order that will be answered.
func (k *keeping) ask(w *waiting, o func(seq uint64) order, fds []int) error {
	k.mu.Lock()
	k.seq++
	seq := k.seq
	k.waiting[seq] = w
	k.mu.Unlock()
	err := k.send(o(seq), fds)
	if err != nil {
		k.mu.Lock()
		delete(k.waiting, seq)
		k.mu.Unlock()
	}
	return err
}

// launch gives the order l. exited is called once for each process that has ended, one call at a time.
func (k *keeping) launch(l *launch, fds [launchFiles]*os.File, exited func(who int, x exit)) (launched, []*os.File, error) {
	w := &waiting{exited: exited, answer: make(chan answer, 2)}
	numbers := make([]int, len(fds))
	for i, f := range fds {
		numbers[i] = int(f.Fd())
	}
	if err := k.ask(w, func(seq uint64) order { return order{Seq: seq, Launch: l} }, numbers); err != nil {
		return launched{}, nil, err
	}
	return k.wait(w)
}

// goOn lets a launch with extensions start the runtime, or gives it up.
func (k *keeping) goOn(of launched, cancel bool, exited func(who int, x exit)) (launched, error) {
	w := &waiting{exited: exited, answer: make(chan answer, 1)}
	if !cancel {
		k.mu.Lock()
		k.waiting[of.seq] = w
		k.mu.Unlock()
	}
	if err := k.send(order{GoOn: &goOn{Launch: of.seq, Cancel: cancel}}, nil); err != nil || cancel {
		return launched{}, err
	}
	l, _, err := k.wait(w)
	return l, err
}

func (k *keeping) wait(w *waiting) (launched, []*os.File, error) {
	select {
	case a := <-w.answer:
		return a.launched, a.files, a.err
	case <-k.gone:
		return launched{}, nil, errors.New("keeper: ended")
	}
}

func (k *keeping) send(o order, fds []int) error {
	b, err := json.Marshal(o)
	if err != nil {
		return fmt.Errorf("keeper: %w", err)
	}
	var oob []byte
	if len(fds) > 0 {
		oob = unix.UnixRights(fds...)
	}
	if _, _, err := k.conn.WriteMsgUnix(b, oob, nil); err != nil {
		return fmt.Errorf("keeper: %w", err)
	}
	return nil
}

func (k *keeping) pid() int { return k.cmd.Process.Pid }

func (k *keeping) signal(pid int, sig syscall.Signal) {
	if err := k.send(order{Signal: &sending{Pid: pid, Signal: int(sig)}}, nil); err != nil {
		k.log.Debug("sandbox: signal", "problem", err)
	}
}

// listen takes notices until the keeper is gone; then everything that ran is gone too.
func (k *keeping) listen() {
	buf, oob := make([]byte, maxPacket), make([]byte, unix.CmsgSpace(16*4))
	for {
		n, oobn, _, _, err := k.conn.ReadMsgUnix(buf, oob)
		if err != nil || n == 0 {
			break
		}
		fds, err := descriptors(oob[:oobn])
		if err != nil {
			k.log.Error("sandbox: keeper", "problem", err)
			continue
		}
		var note notice
		if err := json.Unmarshal(buf[:n], &note); err != nil {
			k.log.Error("sandbox: keeper", "problem", err)
			closeAll(fds)
			continue
		}
		k.note(note, fds)
	}
	_ = k.conn.Close()
	_ = k.cmd.Wait() // whatever its status: it is gone
	close(k.gone)
	k.mu.Lock()
	all := k.running
	k.running = nil
	k.mu.Unlock()
	for _, r := range all {
		r.exited(r.who, exit{lost: true})
	}
}

func (k *keeping) note(n notice, fds []int) {
	if n.Seq == 0 {
		k.mu.Lock()
		r := k.running[n.Pid]
		delete(k.running, n.Pid)
		k.mu.Unlock()
		if r.exited != nil {
			r.exited(r.who, exitOf(unix.WaitStatus(n.Status)))
		}
		return
	}
	k.mu.Lock()
	w := k.waiting[n.Seq]
	delete(k.waiting, n.Seq)
	if w != nil && w.exited != nil {
		if n.Pid != 0 {
			k.running[n.Pid] = running{theRuntime, w.exited}
		}
		for i, pid := range n.Others {
			k.running[pid] = running{i, w.exited}
		}
	}
	k.mu.Unlock()
	if w == nil {
		closeAll(fds)
		return
	}
	a := answer{launched: launched{seq: n.Seq, pid: n.Pid, others: n.Others, init: n.Init}}
	for _, fd := range fds {
		a.files = append(a.files, os.NewFile(uintptr(fd), "function"))
	}
	if n.Err != "" {
		a.err = startError(n.Err)
	}
	w.answer <- a
}

// startError tells a function that cannot be executed from a machine that does not work.
func startError(text string) error {
	if what, ok := strings.CutPrefix(text, executeError); ok {
		if path, _, _ := strings.Cut(what, ":"); filepath.Base(filepath.Dir(path)) == "extensions" {
			return &sandbox.ExitError{Type: "Extension.LaunchError", Reason: "fork/exec " + what}
		}
		return &sandbox.EntrypointError{Message: "fork/exec " + what}
	}
	return fmt.Errorf("keeper: %s", text)
}

func exitOf(ws unix.WaitStatus) exit {
	if ws.Signaled() {
		return exit{signal: ws.Signal()}
	}
	return exit{code: ws.ExitStatus()}
}

// try starts a process that ends at once, in the keeper's mode.
func (k *keeping) try(ctx context.Context, mountPoint string) error {
	l := &launch{Argv: []string{"/proc/self/exe", trialArg}, Dir: "/", UID: k.mode.user(0)}
	if k.mode.private {
		l.Argv = []string{pausePath}
		l.Root = &root{At: mountPoint, TmpMB: 1, Binds: []bind{{"/usr", "/usr"}}}
		l.Net, l.Host = true, "trial"
		l.Listen = []listen{{Port: tlsPort}}
		l.Read, l.Write = []string{"/"}, []string{"/tmp"}
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	line, life, err := os.Pipe()
	if err != nil {
		return err
	}
	defer life.Close()
	defer line.Close()
	ended := make(chan exit, 1)
	_, files, err := k.launch(l, [launchFiles]*os.File{null, null, null, line, null}, func(_ int, x exit) { ended <- x })
	for _, f := range files {
		_ = f.Close()
	}
	if err != nil {
		return err
	}
	select {
	case x := <-ended:
		if x != (exit{}) {
			return fmt.Errorf("trial: %s", x.reason())
		}
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// close ends the keeper and with it every function.
func (k *keeping) close() {
	_ = k.conn.CloseWrite()
	<-k.gone
}
