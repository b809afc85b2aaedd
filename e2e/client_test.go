package e2e

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestBoto3 runs each script of testdata/boto3 against one platform, in an account of its own. A script fails by an
// exception; client.py has what they share.
func TestBoto3(t *testing.T) {
	need(t, "boto3", haveBoto3)
	scripts, err := filepath.Glob("testdata/boto3/*.py")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("%d scripts, %v", len(scripts), err)
	}
	daemon := freePort(t)
	b := start(t, "--xray", daemon, "--sfn-mock-config", "testdata/sfn_mocks.json")
	for _, script := range scripts {
		name := strings.TrimSuffix(filepath.Base(script), ".py")
		if name == "client" { // what the others import
			continue
		}
		t.Run(name, func(t *testing.T) {
			if out, err := run(t, append(b.env(newAccount()), "AWS_XRAY_DAEMON_ADDRESS="+daemon), "python3", script); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// freePort returns an address that nothing listens on, neither over TCP nor over UDP.
func freePort(t testing.TB) string {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		u, err := net.ListenPacket("udp", l.Addr().String())
		if err == nil {
			defer u.Close()
			return l.Addr().String()
		}
	}
	t.Fatal("no port is free over TCP and UDP")
	return ""
}

// TestCLI runs each script of testdata/cli (see package testscript) with the AWS CLI, in an account of its own.
func TestCLI(t *testing.T) {
	need(t, "the AWS CLI", haveCLI)
	b := start(t)
	testscript.Run(t, testscript.Params{
		Dir:  "testdata/cli",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"until": until},
		Setup: func(e *testscript.Env) error {
			account := newAccount()
			for _, v := range b.env(account) {
				if strings.HasPrefix(v, "AWS_") || strings.HasPrefix(v, "PATH=") || strings.HasPrefix(v, "PYENV_") {
					e.Vars = append(e.Vars, v)
				}
			}
			e.Vars = append(e.Vars, "ACCOUNT="+account, "URL="+b.URL, "HOME="+os.Getenv("HOME"),
				"TLS_URL="+strings.Replace(b.URL, "http:", "https:", 1), "CA="+filepath.Join(b.Data, "tls", "ca.pem"))
			return nil
		},
	})
}

// haveJS installs the SDK of testdata/js into a folder of its own, once.
var haveJS = sync.OnceValues(func() (string, error) { return installed("testdata/js") })

// TestJS runs the scripts of testdata/js with the AWS SDK for JavaScript, each in an account of its own.
func TestJS(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: installing the SDK takes half a minute")
	}
	dir, err := haveJS()
	need(t, "the SDK for JavaScript (npm ci)", func() error { return err })
	t.Cleanup(func() { os.RemoveAll(dir) })
	b := start(t)
	scripts, err := filepath.Glob(filepath.Join(dir, "*.js"))
	if err != nil || len(scripts) == 0 {
		t.Fatalf("%d scripts, %v", len(scripts), err)
	}
	for _, script := range scripts {
		t.Run(filepath.Base(script), func(t *testing.T) {
			if out, err := run(t, b.env(newAccount()), "node", script); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
