package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// Numbers of system calls that package syscall does not name; those after 424 are the same on every machine.
const (
	ioURingSetup = 425
	clone3       = 435
	pidfdGetfd   = 438
)

// attack tries what a function must not be able to do.
func attack(e event) (any, error) {
	switch e.Text {
	case "descriptors": // what they lead to
		var out []string
		links, err := filepath.Glob("/proc/self/fd/*")
		for _, l := range links {
			if to, err := os.Readlink(l); err == nil {
				out = append(out, to)
			}
		}
		return out, err
	case "killall":
		return nil, syscall.Kill(-1, syscall.SIGKILL)
	case "setns":
		fd, err := syscall.Open(e.Path, syscall.O_RDONLY, 0)
		if err != nil {
			return nil, err
		}
		return nil, errors.Join(call3(308, uintptr(fd), 0, 0), syscall.Close(fd))
	case "keys":
		kind, name := []byte("user\x00"), []byte("x\x00")
		_, _, errno := syscall.Syscall6(248, uintptr(unsafe.Pointer(&kind[0])), uintptr(unsafe.Pointer(&name[0])), 0, 0, ^uintptr(2), 0)
		return nil, none(errno)
	case "io_uring":
		var params [256]byte
		return nil, call3(ioURingSetup, 8, uintptr(unsafe.Pointer(&params[0])), 0)
	case "clone3":
		return nil, call3(clone3, 0, 0, 0)
	case "pidfd":
		return nil, call3(pidfdGetfd, 0, 0, 0)
	case "vm":
		return nil, call3(310, 1, 0, 0)
	case "userns":
		cmd := exec.Command(self(), "orphan")
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER}
		return nil, cmd.Run()
	case "raw":
		_, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_RAW, syscall.IPPROTO_ICMP)
		return nil, err
	case "unix":
		c, err := net.DialTimeout("unix", e.Path, time.Second)
		if err != nil {
			return nil, err
		}
		return "connected", c.Close()
	case "remount":
		return nil, syscall.Mount("", e.Path, "", syscall.MS_REMOUNT|syscall.MS_BIND, "")
	case "unmount":
		return nil, syscall.Unmount(e.Path, syscall.MNT_DETACH)
	case "setuid":
		return nil, syscall.Setuid(0)
	case "flood": // prints for ever, in the background
		go func() {
			line := []byte(strings.Repeat("x", 2<<20))
			for {
				_, _ = os.Stdout.Write(line)
			}
		}()
		return "flooding", nil
	case "deleted": // fills files that nobody sees
		for i := range e.N {
			f, err := os.Create(filepath.Join(e.Path, fmt.Sprint("hidden", i)))
			if err != nil {
				return nil, err
			}
			hidden = append(hidden, f)
			if err := errors.Join(os.Remove(f.Name()), write(f)); err != nil {
				return nil, err
			}
		}
		time.Sleep(time.Minute)
		return nil, nil
	}
	return nil, fmt.Errorf("attack how? %q", e.Text)
}

var hidden []*os.File

func write(f *os.File) error {
	_, err := f.Write(make([]byte, 1<<20))
	return err
}

func call3(n, a, b, c uintptr) error {
	_, _, errno := syscall.Syscall(n, a, b, c)
	return none(errno)
}

func none(errno syscall.Errno) error {
	if errno == 0 {
		return nil
	}
	return errno
}
