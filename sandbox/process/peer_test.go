//go:build linux

package process

import (
	"net"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

func TestPeerUser(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, network := range []string{"tcp4", "mapped"} {
		kind := unix.AF_INET
		var to unix.Sockaddr = &unix.SockaddrInet4{Port: l.Addr().(*net.TCPAddr).Port, Addr: [4]byte{127, 0, 0, 1}}
		if network == "mapped" { // as Java does it
			kind = unix.AF_INET6
			to = &unix.SockaddrInet6{Port: l.Addr().(*net.TCPAddr).Port, Addr: [16]byte{10: 0xff, 11: 0xff, 12: 127, 15: 1}}
		}
		fd, err := unix.Socket(kind, unix.SOCK_STREAM, 0)
		if err != nil {
			t.Skip(err)
		}
		if err := unix.Connect(fd, to); err != nil {
			t.Fatal(err)
		}
		in, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if uid, ok := peerUser(in); !ok || uid != os.Getuid() {
			t.Errorf("%s: user %d %v, want %d", network, uid, ok, os.Getuid())
		}
		_, _ = in.Close(), unix.Close(fd)
	}
}

func FuzzSocketUser(f *testing.F) {
	f.Add([]byte("  1: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000  1000        0 1 1\n"))
	from, to := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080}, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 50000}
	f.Fuzz(func(t *testing.T, table []byte) { socketUser(table, "", from, to) })
}
