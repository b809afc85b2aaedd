package process

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// insideTimeout bounds, in milliseconds, how long a connection inside a function's network may take.
const insideTimeout = 1000

// dial makes a connection inside the network of a process, on a thread that ends with it.
func (k *keeper) dial(seq uint64, d *dialing) {
	runtime.LockOSThread()
	fd, err := dialInside(d)
	if err != nil {
		k.tell(notice{Seq: seq, Err: err.Error()}, nil)
		return
	}
	k.tell(notice{Seq: seq, Pid: d.Pid}, []int{fd})
	_ = unix.Close(fd)
}

func dialInside(d *dialing) (int, error) {
	space, err := unix.Open("/proc/"+strconv.Itoa(d.Pid)+"/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, fmt.Errorf("dial: network: %w", err)
	}
	err = unix.Setns(space, unix.CLONE_NEWNET)
	_ = unix.Close(space)
	if err != nil {
		return 0, fmt.Errorf("dial: network: %w", err)
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return 0, fmt.Errorf("dial: %w", err)
	}
	err = unix.Connect(fd, &unix.SockaddrInet4{Port: d.Port, Addr: [4]byte{127, 0, 0, 1}})
	if errors.Is(err, unix.EINPROGRESS) {
		err = connected(fd)
	}
	if err != nil {
		return 0, errors.Join(fmt.Errorf("dial: %w", err), unix.Close(fd))
	}
	return fd, nil
}

// connected waits until a connection is made.
func connected(fd int) error {
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, insideTimeout)
	if err != nil {
		return err
	}
	if n == 0 {
		return unix.ETIMEDOUT
	}
	code, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && code != 0 {
		err = unix.Errno(code)
	}
	return err
}

// dial connects to a port of 127.0.0.1 in the network of the process pid.
func (k *keeping) dial(ctx context.Context, pid, port int) (net.Conn, error) {
	w := &waiting{answer: make(chan answer, 1)}
	if err := k.ask(w, func(seq uint64) order { return order{Seq: seq, Dial: &dialing{Pid: pid, Port: port}} }, nil); err != nil {
		return nil, err
	}
	select {
	case a := <-w.answer:
		if a.err != nil || len(a.files) != 1 {
			return nil, errors.Join(errors.New("keeper: no connection"), a.err)
		}
		defer a.files[0].Close()
		return net.FileConn(a.files[0])
	case <-k.gone:
		return nil, errors.New("keeper: ended")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
