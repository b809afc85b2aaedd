package platform_test

import (
	"bytes"
	"net"
	"strings"
	"testing"

	"github.com/brume-dev/brume/cmd/brume/platform"
)

// A port of the X-Ray daemon that is taken is a note at the start, and no failure.
func TestDaemonPortIsTaken(t *testing.T) {
	taken, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	c := config(t)
	c.XRayListen = taken.LocalAddr().String()
	p, err := platform.New(c)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	p.Welcome(&out)
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if !strings.Contains(out.String(), "\nX-Ray segments of SDKs are not received: ") {
		t.Errorf("printed %s", &out)
	}
}
