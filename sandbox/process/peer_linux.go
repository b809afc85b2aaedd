package process

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"strconv"
)

// On the host's network every function could reach every Runtime API, and take another one's events. Where environments
// have users of their own, an API takes connections of its own user only.

// only is a listener that takes the connections of one user, where users tell environments apart.
func (m mode) only(l net.Listener, uid int) net.Listener {
	if !m.private || m.users != manyUsers && m.users != hostUsers {
		return l
	}
	return &ownListener{l, uid}
}

type ownListener struct {
	net.Listener
	uid int
}

// Accept implements net.Listener.
func (l *ownListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if uid, ok := peerUser(c); ok && uid == l.uid {
			return c, nil
		}
		_ = c.Close()
	}
}

// peerUser finds the user whose socket is the other end of a connection over the loopback interface.
func peerUser(c net.Conn) (uid int, ok bool) {
	ours, ok1 := c.LocalAddr().(*net.TCPAddr)
	theirs, ok2 := c.RemoteAddr().(*net.TCPAddr)
	if !ok1 || !ok2 {
		return 0, false
	}
	// A socket of version 6 that speaks version 4, as Java's are, is in the other table.
	for _, t := range []struct{ file, prefix string }{{"/proc/net/tcp", ""}, {"/proc/net/tcp6", "0000000000000000FFFF0000"}} {
		table, err := os.ReadFile(t.file)
		if err != nil {
			continue
		}
		if uid, ok := socketUser(table, t.prefix, theirs, ours); ok {
			return uid, true
		}
	}
	return 0, false
}

// socketUser looks for the socket from one address to another in the kernel's table, in which prefix stands before
// addresses.
func socketUser(table []byte, prefix string, from, to *net.TCPAddr) (uid int, ok bool) {
	local, remote := prefix+tableAddr(from), prefix+tableAddr(to)
	for line := range bytes.Lines(table) {
		f := bytes.Fields(line)
		if len(f) > 7 && string(f[1]) == local && string(f[2]) == remote {
			uid, err := strconv.Atoi(string(f[7]))
			return uid, err == nil
		}
	}
	return 0, false
}

// tableAddr is an address as the table has it: the bytes of the address in the machine's order, which is little-endian
// wherever this runs.
func tableAddr(a *net.TCPAddr) string {
	ip := a.IP.To4()
	if ip == nil {
		return ""
	}
	return fmt.Sprintf("%02X%02X%02X%02X:%04X", ip[3], ip[2], ip[1], ip[0], a.Port)
}
