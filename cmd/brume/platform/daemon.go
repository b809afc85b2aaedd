package platform

import (
	"fmt"
	"net"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/xray/daemon"
)

// openDaemon takes the port to which SDKs of X-Ray send segments. A port that is taken is no failure: another Brume, or
// AWS's own daemon, may run on this machine.
func (h *house) openDaemon() {
	if h.XRayListen == "" {
		return
	}
	packets, err := net.ListenPacket("udp", h.XRayListen)
	if err != nil {
		h.notes = append(h.notes, fmt.Sprintf("X-Ray segments of SDKs are not received: %v", err))
		return
	}
	c := daemon.Config{Packets: packets, Caller: h.table, Wire: late{h}, Log: h.Log, Identity: aws.Identity{Kind: aws.Root,
		Account: h.Account, Region: h.Region, ARN: "arn:aws:iam::" + h.Account + ":root", PrincipalID: h.Account}}
	h.closers = append(h.closers, func() error { packets.Close(); return nil }) // closed already when it ran
	if listener, err := net.Listen("tcp", packets.LocalAddr().String()); err != nil {
		h.notes = append(h.notes, fmt.Sprintf("X-Ray sampling rules are not served to SDKs: %v", err))
	} else {
		c.Listener = listener
		h.closers = append(h.closers, func() error { listener.Close(); return nil })
	}
	h.loops = append(h.loops, daemon.New(c).Run)
}
