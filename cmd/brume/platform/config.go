package platform

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Auth says whose requests are believed.
type Auth string

const (
	// Open takes an access key that nobody issued as an administrator of its account. Known keys are verified and
	// limited by their policies.
	Open Auth = "open"
	// Enforce takes known keys only.
	Enforce Auth = "enforce"
)

// Isolation says what to do where the kernel cannot isolate functions.
type Isolation string

const (
	IsolateAuto    Isolation = "auto"    // as well as this machine can
	IsolateRequire Isolation = "require" // not at all, then
)

// Config is what a platform is made from: the flags of brume serve.
type Config struct {
	Listen    string // address and port; port 0 takes any that is free
	Data      string // the folder of all state
	Account   string // 12 digits: of requests that name none
	Region    string // likewise
	Auth      Auth
	Isolation Isolation
	// HostNetwork gives functions the machine's network instead of one of their own.
	HostNetwork bool
	// ExactRuntimes refuses interpreters of another version than runtimes name.
	ExactRuntimes bool
	VirtualClock  bool
	SMTP          string // address and port of the relay that takes SNS's mails; "": they are kept and shown
	MockConfig    string // file of answers for the tasks of state machines, as Step Functions Local takes it; "": none
	XRayListen    string // address and port of the X-Ray daemon; "" for none
	Version       string // of the binary, for status
	// Disk holds the store and the blobs; nil means the machine's. Tests give one that loses power.
	Disk vfs.FS
	Log  *slog.Logger
}

// check returns the first thing that is wrong with c, in words for whoever typed the flags.
func (c *Config) check() error {
	if len(c.Account) != 12 || strings.Trim(c.Account, "0123456789") != "" {
		return fmt.Errorf("--account %q is not a number of 12 digits", c.Account)
	}
	if c.Region == "" || strings.Trim(c.Region, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return fmt.Errorf("--region %q is not the name of a region", c.Region)
	}
	if c.Auth != Open && c.Auth != Enforce {
		return fmt.Errorf("--auth %q is neither open nor enforce", c.Auth)
	}
	if c.Isolation != IsolateAuto && c.Isolation != IsolateRequire {
		return fmt.Errorf("--isolation %q is neither auto nor require", c.Isolation)
	}
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return fmt.Errorf("--listen %q is not of the form address:port", c.Listen)
	}
	if c.Auth == Open && !loopback(host) {
		return fmt.Errorf("--auth open takes anybody who can reach it for an administrator, and %s can be reached from other machines: "+
			"listen on 127.0.0.1, or use --auth enforce", c.Listen)
	}
	if _, _, err := net.SplitHostPort(c.SMTP); c.SMTP != "" && err != nil {
		return fmt.Errorf("--smtp %q is not of the form address:port", c.SMTP)
	}
	if c.Data == "" {
		return fmt.Errorf("--data names no folder")
	}
	if c.Data, err = filepath.Abs(c.Data); err != nil {
		return fmt.Errorf("--data: %w", err)
	}
	return nil
}

// loopback reports whether a host of --listen is reached from this machine only. Names other than localhost may mean
// anything.
func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
