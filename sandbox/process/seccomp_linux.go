package process

import (
	"fmt"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// Offsets in struct seccomp_data.
const (
	dataCall = 0
	dataArch = 4
	dataArg0 = 16 // low half, little endian
)

// forbidden are system calls that no function needs and that reach into the kernel, other processes or the host. They
// answer EPERM, as they do on Lambda.
var forbidden = append([]uint32{
	// Namespaces, mounts, roots.
	unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT, unix.SYS_UNSHARE, unix.SYS_SETNS,
	unix.SYS_OPEN_TREE, unix.SYS_MOVE_MOUNT, unix.SYS_FSOPEN, unix.SYS_FSCONFIG, unix.SYS_FSMOUNT, unix.SYS_FSPICK,
	unix.SYS_MOUNT_SETATTR, unix.SYS_OPEN_BY_HANDLE_AT, unix.SYS_NAME_TO_HANDLE_AT, unix.SYS_QUOTACTL,
	// Other processes.
	unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_KCMP, unix.SYS_PIDFD_GETFD,
	unix.SYS_PROCESS_MADVISE,
	// The kernel itself.
	unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_USERFAULTFD, unix.SYS_KEXEC_LOAD, unix.SYS_INIT_MODULE,
	unix.SYS_FINIT_MODULE, unix.SYS_DELETE_MODULE, unix.SYS_SYSLOG, unix.SYS_ACCT, unix.SYS_REBOOT, unix.SYS_SWAPON,
	unix.SYS_SWAPOFF, unix.SYS_SETTIMEOFDAY, unix.SYS_CLOCK_SETTIME, unix.SYS_CLOCK_ADJTIME, unix.SYS_ADJTIMEX,
	unix.SYS_SETHOSTNAME, unix.SYS_SETDOMAINNAME, unix.SYS_VHANGUP, unix.SYS_LOOKUP_DCOOKIE, unix.SYS_NFSSERVCTL,
	unix.SYS_FANOTIFY_INIT, unix.SYS_FANOTIFY_MARK,
	// Key rings, which no namespace parts.
	unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY, unix.SYS_KEYCTL,
}, forbiddenHere...)

// absent are system calls that programs replace by older ones when the kernel lacks them: clone3 hides its flags from
// the filter, and io_uring does calls that the filter would not see.
var absent = []uint32{unix.SYS_CLONE3, unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER}

// families are the socket families that a function may use.
var families = []uint32{unix.AF_UNIX, unix.AF_INET, unix.AF_INET6, unix.AF_NETLINK}

const newNamespaces = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC |
	unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET

func ret(action uint32) bpf.Instruction { return bpf.RetConstant{Val: action} }

const (
	allowed = unix.SECCOMP_RET_ALLOW
	denied  = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
	lacking = unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)
	fatal   = unix.SECCOMP_RET_KILL_PROCESS
)

// callFilter is the program that judges each system call.
func callFilter() []bpf.Instruction {
	load := func(off uint32) bpf.Instruction { return bpf.LoadAbsolute{Off: off, Size: 4} }
	// unless skips the next n instructions when the value is not v.
	unless := func(v uint32, n uint8) bpf.Instruction {
		return bpf.JumpIf{Cond: bpf.JumpEqual, Val: v, SkipFalse: n}
	}
	p := []bpf.Instruction{load(dataArch), unless(auditArch, 1), bpf.Jump{Skip: 1}, ret(fatal), load(dataCall)}
	p = append(p, foreignCalls()...)
	for _, n := range forbidden {
		p = append(p, unless(n, 1), ret(denied))
	}
	for _, n := range absent {
		p = append(p, unless(n, 1), ret(lacking))
	}
	p = append(p, unless(unix.SYS_CLONE, 4), load(dataArg0),
		bpf.JumpIf{Cond: bpf.JumpBitsSet, Val: newNamespaces, SkipFalse: 1}, ret(denied), ret(allowed))
	p = append(p, unless(unix.SYS_SOCKET, uint8(2+2*len(families))), load(dataArg0))
	for _, f := range families {
		p = append(p, unless(f, 1), ret(allowed))
	}
	return append(p, ret(denied), ret(allowed))
}

// filterCalls puts the filter on the thread.
func filterCalls() error {
	raw, err := bpf.Assemble(callFilter())
	if err != nil {
		return fmt.Errorf("system call filter: %w", err)
	}
	code := make([]unix.SockFilter, len(raw))
	for i, r := range raw {
		code[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	prog := unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&prog)))
	if errno != 0 {
		return fmt.Errorf("system call filter: %w", errno)
	}
	return nil
}
