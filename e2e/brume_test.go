package e2e

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/brume-dev/brume/sandbox/process"
)

// binary is the brume that all tests start, built once.
var binary string

func TestMain(m *testing.M) {
	process.Stage() // a platform in this process starts processes of its own program
	dir, err := os.MkdirTemp("", "brume-e2e-")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "brume")
	if out, err := exec.Command("go", "build", "-o", binary, "../cmd/brume").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// patience is how long a test waits for something that must come: it bounds a hang, and measures nothing.
const patience = 5 * time.Minute

// brume is a running binary.
type brume struct {
	URL  string
	Data string

	t      testing.TB
	cmd    *exec.Cmd
	stderr *lockedBuffer
	ended  chan struct{}
	err    error // of Wait, after ended
	ready  time.Duration
}

// start runs "brume serve" on a free port with a folder of its own, and without the X-Ray daemon's, of which there is one.
// It returns when it is ready, and ends with the test.
func start(t testing.TB, flags ...string) *brume {
	t.Helper()
	return startOn(t, t.TempDir(), flags...)
}

// startOn is start on the folder that an earlier one has left.
func startOn(t testing.TB, data string, flags ...string) *brume {
	t.Helper()
	b := &brume{t: t, Data: data, stderr: &lockedBuffer{}, ended: make(chan struct{})}
	b.cmd = exec.Command(binary, append([]string{"serve", "--listen", "127.0.0.1:0", "--xray=", "--data", data}, flags...)...)
	b.cmd.Env = cleanEnv()
	b.cmd.Stderr = b.stderr
	stdout, err := b.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := b.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan string, 100)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(stdout); s.Scan(); {
			select {
			case lines <- s.Text():
			default:
			}
		}
	}()
	go func() {
		b.err = b.cmd.Wait()
		close(b.ended)
	}()
	t.Cleanup(b.stop)
	select {
	case line := <-lines:
		b.ready = time.Since(began)
		m := regexp.MustCompile(`^Ready\. .*(http://[0-9.:]+)`).FindStringSubmatch(line)
		if m == nil {
			t.Fatalf("brume printed %q\n%s", line, b.stderr)
		}
		b.URL = m[1]
	case <-time.After(patience):
		t.Fatalf("brume is not ready\n%s", b.stderr)
	}
	return b
}

// stop ends the process as Ctrl-C does, and waits for it.
func (b *brume) stop() {
	_ = b.cmd.Process.Signal(syscall.SIGTERM) // it may be gone
	b.wait()
}

// kill ends the process as a power cut would, for all that it can do about it.
func (b *brume) kill() {
	_ = b.cmd.Process.Kill()
	b.wait()
}

func (b *brume) wait() {
	b.t.Helper()
	select {
	case <-b.ended:
	case <-time.After(patience):
		_ = b.cmd.Process.Signal(syscall.SIGQUIT)
		<-b.ended
		b.t.Errorf("brume did not end\n%s", b.stderr)
	}
}

// env are the variables with which clients find b. accessKey "" is test/test.
func (b *brume) env(accessKey string) []string {
	if accessKey == "" {
		accessKey = "test"
	}
	return append(cleanEnv(), "AWS_ENDPOINT_URL="+b.URL, "AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID="+accessKey, "AWS_SECRET_ACCESS_KEY=test", "AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=", "PYTHONDONTWRITEBYTECODE=1",
		"AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull)
}

// cleanEnv is the environment without what would point clients elsewhere.
func cleanEnv() []string {
	var out []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "AWS_") && !strings.HasPrefix(v, "BRUME_") {
			out = append(out, v)
		}
	}
	return out
}

// accounts counts the accounts that tests have been given.
var accounts atomic.Int64

// newAccount returns an account of the caller's own, whose id is also an access key that an open platform takes.
func newAccount() string { return fmt.Sprintf("1%011d", accounts.Add(1)) }

// Clients are probed once.
var (
	haveBoto3 = sync.OnceValue(func() error { return exec.Command("python3", "-c", "import boto3").Run() })
	haveCLI   = sync.OnceValue(func() error { return exec.Command("aws", "--version").Run() })
)

// need skips the test when a client is not on this machine; in CI, where it must be, it fails.
func need(t testing.TB, what string, have func() error) {
	t.Helper()
	switch err := have(); {
	case err == nil:
	case os.Getenv("CI") == "true":
		t.Fatalf("%s is not here: %v", what, err)
	default:
		t.Skipf("%s is not here: %v", what, err)
	}
}

// run runs a command and returns what it printed on either output.
func run(t testing.TB, env []string, name string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = env
	out, err := cmd.CombinedOutput()
	if e := (*exec.ExitError)(nil); err != nil && !errors.As(err, &e) {
		t.Fatalf("%s: %v", name, err)
	}
	return string(out), err
}

// lockedBuffer is a buffer that a process writes while a test reads.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

var _ io.Writer = (*lockedBuffer)(nil)

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
