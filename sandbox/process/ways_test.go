package process_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/brume-dev/brume/sandbox"
	"github.com/brume-dev/brume/sandbox/process"
)

// waiting bounds what a test waits for.
const waiting = 3 * time.Minute

func pythonSpec(t testing.TB, r *process.Runner, text string) sandbox.Spec {
	t.Helper()
	if _, err := r.Runtime(context.Background(), "python3.12"); err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	if err := errors.Join(os.Chmod(dir, 0o755), os.WriteFile(filepath.Join(dir, "app.py"), []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
	return sandbox.Spec{ID: strings.ToLower(t.Name()), Runtime: "python3.12", Code: dir, MemoryMB: 256, TmpMB: 512,
		Env: map[string]string{"_HANDLER": "app.handler"}}
}

func python(t testing.TB, r *process.Runner, text string, change func(*sandbox.Spec)) sandbox.Environment {
	t.Helper()
	s := pythonSpec(t, r, text)
	if change != nil {
		change(&s)
	}
	e, err := r.Start(context.Background(), &s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Stop)
	return e
}

func invoke(t testing.TB, e sandbox.Environment) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), waiting)
	defer cancel()
	res, err := e.Invoke(ctx, &sandbox.Invocation{ID: "r", Payload: []byte("{}"), Deadline: time.Now().Add(waiting)})
	if err != nil {
		t.Fatal(err)
	}
	return string(res.Payload)
}

// Inside a function 127.0.0.1 is Brume, on its own port and on that of TLS, and the SDKs find it.
func TestEndpointInside(t *testing.T) {
	r := newRunner(t, nil)
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s", r.Host, r.URL.Path)
	})}
	go func() { _ = srv.Serve(r.Listener()) }()
	defer srv.Close()
	e := python(t, r, `
import os, urllib.request
def handler(e, c):
    a = urllib.request.urlopen(os.environ["AWS_ENDPOINT_URL"] + "/a").read().decode()
    b = urllib.request.urlopen("http://127.0.0.1:443/b").read().decode()
    return a + " " + b
`, nil)
	if got := invoke(t, e); got != `"127.0.0.1:4566 /a 127.0.0.1:443 /b"` {
		t.Errorf("the endpoint answered %s", got)
	}
}

// boto3 is visible where the machine has it for any version of Python.
func TestSDKVisible(t *testing.T) {
	r := newRunner(t, nil)
	e := python(t, r, "def handler(e, c):\n    import boto3\n    return boto3.session.Session(region_name='us-east-1').client('sqs').meta.endpoint_url\n", nil)
	got := invoke(t, e)
	if strings.Contains(got, "No module named") {
		t.Skip("no boto3 on this machine")
	}
	if got != `"http://127.0.0.1:4566"` {
		t.Errorf("the client's endpoint: %s", got)
	}
}

// Certificates: the system's and Brume's are in the bundle that SDKs read.
func TestCertificates(t *testing.T) {
	r := newRunner(t, func(c *process.Config, _ *process.Runner) { c.CA = []byte("-----BRUME-----\n") })
	e := python(t, r, `
import os
def handler(e, c):
    return [open(os.environ[n]).read()[-16:] for n in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")]
`, nil)
	if got, want := invoke(t, e), strings.Repeat(`"-----BRUME-----\n", `, 4); got != "["+strings.TrimSuffix(want, ", ")+"]" {
		t.Errorf("bundles end in %s", got)
	}
}

func TestDatagrams(t *testing.T) {
	r := newRunner(t, nil)
	got := make(chan string, 1)
	e := python(t, r, `
import os, socket
def handler(e, c):
    host, port = os.environ["AWS_XRAY_DAEMON_ADDRESS"].split(":")
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'{"format": "json", "version": 1}\n{}', (host, int(port)))
`, func(s *sandbox.Spec) { s.Datagram = func(b []byte) { got <- string(b) } })
	invoke(t, e)
	select {
	case d := <-got:
		if !strings.HasSuffix(d, "\n{}") {
			t.Errorf("datagram %q", d)
		}
	case <-time.After(waiting):
		t.Error("no datagram")
	}
}

// On the host's network functions reach Brume at its own address.
func TestHostNetwork(t *testing.T) {
	r := newRunner(t, func(c *process.Config, _ *process.Runner) { c.HostNetwork, c.Endpoint = true, "127.0.0.1:7777" })
	e := python(t, r, `
import os
def handler(e, c):
    return [os.environ["AWS_ENDPOINT_URL"], "HTTPS_PROXY" in os.environ, os.environ["AWS_LAMBDA_RUNTIME_API"] != "127.0.0.1:9001"]
`, nil)
	if got := invoke(t, e); got != `["http://127.0.0.1:7777", false, true]` {
		t.Errorf("environment: %s", got)
	}
}

// Without control groups a watcher adds up the memory of the process tree.
func TestMemoryWithoutGroups(t *testing.T) {
	r := newRunner(t, func(_ *process.Config, r *process.Runner) { r.WithoutGroups() })
	for name, text := range map[string]string{
		"itself":   "kept = []\ndef handler(e, c):\n    while True:\n        kept.append(bytearray(1 << 20))\n",
		"children": "import subprocess, sys\ndef handler(e, c):\n    subprocess.run([sys.executable, '-c', 'k = []\\nwhile True: k.append(bytearray(1 << 20))'])\n    return 'lived'\n",
	} {
		e := python(t, r, text, func(s *sandbox.Spec) { s.MemoryMB, s.ID = 128, name })
		ctx, cancel := context.WithTimeout(context.Background(), waiting)
		_, err := e.Invoke(ctx, &sandbox.Invocation{ID: "r", Payload: []byte("{}")})
		cancel()
		var exit *sandbox.ExitError
		if !errors.As(err, &exit) || !exit.OutOfMemory {
			t.Errorf("%s: %v, want out of memory", name, err)
		}
	}
}

// A /tmp that is too large for memory is a folder, which is emptied and watched.
func TestLargeTmp(t *testing.T) {
	r := newRunner(t, nil)
	e := python(t, r, "def handler(e, c):\n    open('/tmp/x', 'w').write('y')\n    return open('/tmp/x').read()\n",
		func(s *sandbox.Spec) { s.TmpMB = 10_240 })
	if got := invoke(t, e); got != `"y"` {
		t.Errorf("got %s", got)
	}
	folder := filepath.Join(r.Dir, "tmp", "testlargetmp")
	if _, err := os.Stat(filepath.Join(folder, "x")); err != nil {
		t.Error(err)
	}
	e.Stop()
	if _, err := os.Stat(folder); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder is left: %v", err)
	}
}

// A function that fills a /tmp that is a folder is ended, also when nobody sees the files.
func TestDiskFillers(t *testing.T) {
	for name, text := range map[string]string{
		"seen":   "def handler(e, c):\n    f = open('/tmp/x', 'wb')\n    while True: f.write(bytes(1 << 20))\n",
		"hidden": "import os\ndef handler(e, c):\n    kept = []\n    while True:\n        f = open('/tmp/x', 'wb', 0)\n        os.remove('/tmp/x')\n        f.write(bytes(1 << 20))\n        if len(kept) < 64: kept.append(f)\n",
	} {
		r := newRunner(t, func(_ *process.Config, r *process.Runner) { r.SmallTmp() })
		if !r.Isolated() {
			t.Skip("/tmp is the machine's here")
		}
		e := python(t, r, text, func(s *sandbox.Spec) { s.TmpMB, s.ID = 16, name })
		ctx, cancel := context.WithTimeout(context.Background(), waiting)
		_, err := e.Invoke(ctx, &sandbox.Invocation{ID: "r", Payload: []byte("{}")})
		cancel()
		var exit *sandbox.ExitError
		if !errors.As(err, &exit) {
			t.Errorf("%s: %v, want the end of the environment", name, err)
		}
	}
}

// On the host's network a function gets nothing from the Runtime API of another.
func TestRuntimeAPIOfAnother(t *testing.T) {
	r := newRunner(t, func(c *process.Config, _ *process.Runner) { c.HostNetwork = true })
	if !r.Isolated() || os.Geteuid() != 0 {
		t.Skip("environments have no users of their own here")
	}
	victim := python(t, r, "import os\ndef handler(e, c):\n    return os.environ['AWS_LAMBDA_RUNTIME_API']\n", func(s *sandbox.Spec) { s.ID = "victim" })
	address := invoke(t, victim)
	thief := python(t, r, `
import os, socket
def handler(e, c):
    host, port = os.environ["VICTIM"].split(":")
    s = socket.create_connection((host, int(port)))
    s.sendall(b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n")
    try:
        return s.recv(100).decode()
    except ConnectionResetError:
        return ""
`, func(s *sandbox.Spec) { s.ID, s.Env["VICTIM"] = "thief", strings.Trim(address, `"`) })
	if got := invoke(t, thief); got != `""` {
		t.Errorf("the thief got %s", got)
	}
	if got := invoke(t, victim); got != address {
		t.Errorf("the victim answers %s", got)
	}
}

// Interpreters of another version are refused where exact ones are required.
func TestExactRuntimes(t *testing.T) {
	r := newRunner(t, func(c *process.Config, _ *process.Runner) { c.ExactRuntimes = true })
	_, err := r.Runtime(context.Background(), "python3.199")
	if err == nil || !strings.Contains(err.Error(), "exact versions are required") && !strings.Contains(err.Error(), "no python interpreter") {
		t.Errorf("python3.199: %v", err)
	}
}

// When the keeper dies its functions die, and the next start makes a new one.
func TestKeeperDies(t *testing.T) {
	r := newRunner(t, nil)
	e := python(t, r, "def handler(e, c):\n    return 1\n", nil)
	invoke(t, e)
	if err := syscall.Kill(r.KeeperPID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	select {
	case <-e.Gone():
	case <-time.After(waiting):
		t.Fatal("the environment outlived its keeper")
	}
	e.Stop()
	again := python(t, r, "def handler(e, c):\n    return 2\n", func(s *sandbox.Spec) { s.ID = "again" })
	if got := invoke(t, again); got != "2" {
		t.Errorf("after the keeper's death: %s", got)
	}
}

// When Brume is killed nothing of its functions is left, not even what left its session.
func TestNothingOutlivesBrume(t *testing.T) {
	if dir := os.Getenv("BRUME_TEST_VICTIM"); dir != "" {
		victim(t)
		return
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestNothingOutlivesBrume$")
	cmd.Env = append(os.Environ(), "BRUME_TEST_VICTIM=yes")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Wait() }()
	defer cmd.Process.Kill()
	var pids []int
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "PIDS "); ok {
			for _, f := range strings.Fields(rest) {
				n, err := strconv.Atoi(f)
				if err != nil {
					t.Fatal(err)
				}
				pids = append(pids, n)
			}
			break
		}
	}
	if len(pids) < 2 {
		t.Skip("the victim could not start functions here")
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(waiting)
	for _, pid := range pids {
		for syscall.Kill(pid, 0) == nil {
			if b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); strings.Contains(string(b), ") Z ") {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("process %d is still there", pid)
			}
			time.Sleep(time.Millisecond)
		}
	}
}

// victim starts functions, one of which has a child in a session of its own, says which processes there are, and waits
// to be killed.
func victim(t *testing.T) {
	r := newRunner(t, nil)
	e := python(t, r, `
import subprocess, sys
def handler(e, c):
    p = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"], start_new_session=True)
    return p.pid
`, nil)
	invoke(t, e)
	pids := []int{r.KeeperPID(), process.Pid(e)}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", process.Pid(e), process.Pid(e)))
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Freeze(); err != nil { // what is frozen dies as well
		t.Fatal(err)
	}
	line, _ := json.Marshal(pids)
	fmt.Printf("PIDS %s %s\n", strings.Trim(strings.ReplaceAll(string(line), ",", " "), "[]"), b)
	_, _ = io.ReadAll(os.Stdin)
	time.Sleep(time.Hour)
}

// An SDK that another version of Python lends is compiled for this one in the background, and then not at every start.
func TestLentSDKIsCompiled(t *testing.T) {
	r := newRunner(t, nil)
	in, _, err := finder.For(context.Background(), "python3.12")
	if err != nil || len(in.SDK) == 0 || !r.Isolated() {
		t.Skip("no SDK is lent to python3.12 here")
	}
	text := `
import sys
compiled = []
def watch(event, args):
    if event == "compile" and str(args[1]).startswith("/var/runtime/"):
        compiled.append(args[1])
def handler(e, c):
    sys.addaudithook(watch)
    import botocore.session, six
    return [len(compiled), sys.pycache_prefix]
`
	invoke(t, python(t, r, text, nil)) // begins the compilation
	deadline := time.Now().Add(2 * waiting)
	for i := 0; ; i++ {
		e := python(t, r, text, func(s *sandbox.Spec) { s.ID = fmt.Sprint("lent-", i) })
		got := invoke(t, e)
		e.Stop()
		if got == "[0, null]" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("files compiled at a start: %s", got)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// Environments that are frozen as soon as they have started hold up neither the keeper nor each other.
func TestFrozenAtOnce(t *testing.T) {
	r := newRunner(t, nil)
	python(t, r, "def handler(e, c):\n    return 1\n", func(s *sandbox.Spec) { s.ID = "first" }) // finds the interpreter
	errs := make(chan error)
	const n = 24
	for i := range n {
		go func() {
			spec := &sandbox.Spec{ID: fmt.Sprint("at-once-", i), Runtime: "python3.12", Code: "/tmp", MemoryMB: 128, TmpMB: 512,
				Env: map[string]string{"_HANDLER": "app.handler"}}
			e, err := r.Start(context.Background(), spec)
			if err == nil {
				err = errors.Join(e.Freeze(), e.Thaw(), e.Freeze())
				e.Stop()
			}
			errs <- err
		}()
	}
	for range n {
		select {
		case err := <-errs:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(waiting):
			t.Fatal("a start or a stop does not end")
		}
	}
}
