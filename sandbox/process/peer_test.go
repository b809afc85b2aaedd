//go:build linux

package process

import (
	"net"
	"os"
	"testing"
)

func TestPeerUser(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	in, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if uid, ok := peerUser(in); !ok || uid != os.Getuid() {
		t.Errorf("user %d %v, want %d", uid, ok, os.Getuid())
	}
}

func FuzzSocketUser(f *testing.F) {
	f.Add([]byte("  1: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000  1000        0 1 1\n"))
	from, to := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080}, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 50000}
	f.Fuzz(func(t *testing.T, table []byte) { socketUser(table, from, to) })
}
