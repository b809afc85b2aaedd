package process

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// start is one environment's processes on their way into their own world. Its methods are called on a thread of its own:
// prepare, then extend, if there are extensions, and begin.
type start struct {
	*launch
	fork                                        func(argv []string, attr *syscall.ProcAttr, function bool) (int, error)
	null                                        int
	stdout, stderr, telemetry, life, extensions int

	groups *groups
	attr   syscall.SysProcAttr
	first  int // first process of the new pid namespace
}

// prepare takes the thread into its new world, and gives the sockets that it has opened there.
func (s *start) prepare() (sockets []int, err error) {
	s.attr = syscall.SysProcAttr{Setsid: true}
	if s.groups, err = s.openGroups(&s.attr); err != nil {
		return nil, err
	}
	if s.Root != nil {
		if sockets, err = s.isolate(); err != nil {
			closeAll(sockets)
			return nil, err
		}
	}
	if s.UID >= 0 {
		s.attr.Credential = &syscall.Credential{Uid: uint32(s.UID), Gid: uint32(s.UID), NoSetGroups: true}
		if unix.Getuid() == 0 {
			s.attr.Credential.NoSetGroups = false
		}
	}
	if err = s.restrict(); err != nil {
		closeAll(sockets)
		return nil, err
	}
	return sockets, nil
}

// extend starts the extensions.
func (s *start) extend() (pids []int, err error) {
	for _, argv := range s.Extensions {
		pid, err := s.spawn(argv, s.extensions, s.extensions)
		if err != nil {
			return pids, err
		}
		pids = append(pids, pid)
	}
	return pids, nil
}

// begin starts the runtime.
func (s *start) begin() (pid int, err error) {
	return s.spawn(s.Argv, s.stdout, s.stderr, s.telemetry)
}

// spawn starts a program whose first descriptors after standard input are out. The thread is in the environment's groups for
// the fork only: what is done to them must not be done to the keeper.
func (s *start) spawn(argv []string, out ...int) (int, error) {
	attr := &syscall.ProcAttr{Dir: s.Dir, Env: s.Env, Sys: &s.attr, Files: []uintptr{uintptr(s.null)}}
	for _, fd := range out {
		attr.Files = append(attr.Files, uintptr(fd))
	}
	if err := s.groups.enter(); err != nil {
		return 0, err
	}
	pid, err := s.fork(argv, attr, true)
	if err := s.groups.leave(); err != nil {
		return 0, err
	}
	if err != nil {
		return 0, fmt.Errorf("%s%s: %w", executeError, argv[0], err)
	}
	return pid, nil
}

// executeError begins the text of an error of the function's program, not of the machine.
const executeError = "execute "

// groups are the control groups of an environment and those above them, open, because a thread in its own root does not
// see them any more.
type groups struct {
	inner, outer []int
	folder       int // of version 2, -1: none
}

func (s *start) openGroups(attr *syscall.SysProcAttr) (_ *groups, err error) {
	g := &groups{folder: -1}
	defer func() {
		if err != nil {
			g.close()
		}
	}()
	for _, file := range s.Tasks {
		for _, f := range []struct {
			to   *[]int
			path string
		}{{&g.inner, file}, {&g.outer, filepath.Join(filepath.Dir(filepath.Dir(file)), filepath.Base(file))}} {
			fd, err := unix.Open(f.path, unix.O_WRONLY|unix.O_CLOEXEC, 0)
			if err != nil {
				return nil, fmt.Errorf("control group: %w", err)
			}
			*f.to = append(*f.to, fd)
		}
	}
	if s.CgroupDir == "" {
		return g, nil
	}
	if g.folder, err = unix.Open(s.CgroupDir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err != nil {
		return nil, fmt.Errorf("control group: %w", err)
	}
	attr.UseCgroupFD, attr.CgroupFD = true, g.folder
	return g, nil
}

func (g *groups) enter() error { return moveTo(g.inner) }
func (g *groups) leave() error { return moveTo(g.outer) }

func (g *groups) close() {
	if g == nil {
		return
	}
	closeAll(g.inner)
	closeAll(g.outer)
	if g.folder >= 0 {
		_ = unix.Close(g.folder)
	}
}

// moveTo moves the thread into groups.
func moveTo(files []int) error {
	for _, fd := range files {
		if _, err := unix.Write(fd, []byte("0")); err != nil {
			return fmt.Errorf("control group: %w", err)
		}
	}
	return nil
}

// isolate makes the namespaces, the network, the file system and the first process of the new pid namespace.
func (s *start) isolate() ([]int, error) {
	flags := unix.CLONE_FS | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS
	if s.Net {
		flags |= unix.CLONE_NEWNET
	}
	if err := unix.Unshare(flags); err != nil {
		return nil, fmt.Errorf("namespaces: %w", err)
	}
	if err := unix.Sethostname([]byte(s.Host)); err != nil {
		return nil, fmt.Errorf("host name: %w", err)
	}
	var sockets []int
	if s.Net {
		var err error
		if sockets, err = openSockets(s.Listen); err != nil {
			return sockets, err
		}
	}
	if err := s.Root.build(s.UID); err != nil {
		return sockets, fmt.Errorf("root: %w", err)
	}
	if err := s.pause(); err != nil {
		return sockets, fmt.Errorf("first process: %w", err)
	}
	if err := s.Root.enter(); err != nil {
		return sockets, fmt.Errorf("root: %w", err)
	}
	return sockets, nil
}

// pausePath is where the first process's program lies in a function's root.
const pausePath = "/.pause"

// pause starts the first process of the new pid namespace, which mounts /proc in the new root: inside a user namespace
// the kernel allows that only as long as the host's own /proc is in sight.
func (s *start) pause() error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	argv := []string{s.Root.At + pausePath, "proc", s.Root.At + "/proc"}
	s.first, err = s.fork(argv, &syscall.ProcAttr{Dir: "/", Files: []uintptr{uintptr(s.life), w.Fd()}}, false)
	_ = w.Close()
	if err != nil {
		return err
	}
	var result [8]byte
	if _, err := io.ReadFull(r, result[:]); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	if errno := -int64(binary.NativeEndian.Uint64(result[:])); errno != 0 {
		return fmt.Errorf("mount /proc: %w", syscall.Errno(errno))
	}
	return nil
}

// build puts the root together on its mount point, in the thread's own mount namespace.
func (r *root) build(uid int) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make private: %w", err)
	}
	if err := unix.Mount("brume", r.At, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0755,size=4m,nr_inodes=16k"); err != nil {
		return err
	}
	for _, step := range []func(uid int) error{r.fill, r.seal, r.devices, r.tmp} {
		if err := step(uid); err != nil {
			return err
		}
	}
	return nil
}

// enter makes the root the thread's. The old one is put on top of it and taken away from there, with everything that
// was on it.
func (r *root) enter() error {
	if err := unix.Chdir(r.At); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("pivot: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("leave the old one: %w", err)
	}
	return unix.Chdir("/")
}

// fill puts folders, files, links and views of the host's files into the new root.
func (r *root) fill(int) error {
	for _, d := range []string{"/proc", "/tmp", "/dev", "/etc", "/opt", "/var/task", "/var/runtime"} {
		if err := os.MkdirAll(filepath.Join(r.At, d), 0o755); err != nil {
			return err
		}
	}
	files := append([]file{{Path: pausePath, Text: string(pauseProgram())}}, r.Files...)
	for _, d := range deviceFiles() {
		files = append(files, file{Path: d}) // to be mounted on
	}
	for _, f := range files {
		path := filepath.Join(r.At, f.Path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := writeFile(path, f.Text); err != nil {
			return err
		}
	}
	for _, l := range r.Links {
		path := filepath.Join(r.At, l.Path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.Symlink(l.To, path); err != nil {
			return err
		}
	}
	for _, b := range r.Binds {
		if err := r.view(b.Source, b.Target, unix.MS_REC); err != nil {
			return err
		}
	}
	if len(r.Layers) > 1 {
		options := "lowerdir=" + strings.Join(r.Layers, ":")
		if err := unix.Mount("overlay", filepath.Join(r.At, "/opt"), "overlay", unix.MS_RDONLY, options); err != nil {
			return fmt.Errorf("layers: %w", err)
		}
	}
	return nil
}

// writeFile writes a file while no other thread forks: a child that still had it open for writing would keep its file
// system from becoming read-only.
func writeFile(path, text string) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	return os.WriteFile(path, []byte(text), 0o755)
}

// view binds a file or folder of the host into the root.
func (r *root) view(source, target string, flags uintptr) error {
	path := filepath.Join(r.At, target)
	info, err := os.Stat(source)
	if err != nil {
		return err
	}
	if info.IsDir() {
		err = os.MkdirAll(path, 0o755)
	} else if err = os.MkdirAll(filepath.Dir(path), 0o755); err == nil {
		err = writeFile(path, "")
	}
	if err != nil {
		return err
	}
	if err := unix.Mount(source, path, "", unix.MS_BIND|flags, ""); err != nil {
		return fmt.Errorf("view of %s: %w", source, err)
	}
	return nil
}

// seal makes everything that is there read-only and powerless.
func (r *root) seal(int) error {
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV}
	if err := unix.MountSetattr(unix.AT_FDCWD, r.At, unix.AT_RECURSIVE, &attr); err != nil {
		return fmt.Errorf("seal: %w", err)
	}
	return nil
}

func deviceFiles() []string {
	return []string{"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"}
}

// devices gives the root the device files that programs expect. They are opened for writing, so they come after seal.
func (r *root) devices(int) error {
	for _, d := range deviceFiles() {
		err := unix.Mount(d, filepath.Join(r.At, d), "", unix.MS_BIND, "")
		if err != nil {
			return fmt.Errorf("device %s: %w", d, err)
		}
	}
	return nil
}

// tmp gives the root its /tmp.
func (r *root) tmp(uid int) error {
	at := filepath.Join(r.At, "/tmp")
	if r.TmpMB == 0 {
		if err := unix.Mount(r.TmpDir, at, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("/tmp: %w", err)
		}
		return nil
	}
	options := fmt.Sprintf("mode=0700,size=%dm", r.TmpMB)
	if uid >= 0 {
		options += fmt.Sprintf(",uid=%d,gid=%d", uid, uid)
	}
	if err := unix.Mount("tmp", at, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, options); err != nil {
		return fmt.Errorf("/tmp: %w", err)
	}
	return nil
}

// openSockets brings the loopback interface up and opens sockets on it.
func openSockets(listens []listen) ([]int, error) {
	ctl, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("network: %w", err)
	}
	defer unix.Close(ctl)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return nil, fmt.Errorf("network: %w", err)
	}
	lo.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(ctl, unix.SIOCSIFFLAGS, lo); err != nil {
		return nil, fmt.Errorf("network: loopback: %w", err)
	}
	var fds []int
	for _, l := range listens {
		fd, err := openSocket(l)
		if err != nil {
			return fds, fmt.Errorf("network: port %d: %w", l.Port, err)
		}
		fds = append(fds, fd)
	}
	return fds, nil
}

func openSocket(l listen) (int, error) {
	kind := unix.SOCK_STREAM
	if l.UDP {
		kind = unix.SOCK_DGRAM
	}
	fd, err := unix.Socket(unix.AF_INET, kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return 0, err
	}
	err = unix.Bind(fd, &unix.SockaddrInet4{Port: l.Port, Addr: [4]byte{127, 0, 0, 1}})
	if err == nil && !l.UDP {
		err = unix.Listen(fd, 128)
	}
	if err != nil {
		return 0, errors.Join(err, unix.Close(fd))
	}
	return fd, nil
}

func closeAll(fds []int) {
	for _, fd := range fds {
		_ = unix.Close(fd)
	}
}
