package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func fetch(t testing.TB, method, url, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

func TestHealth(t *testing.T) {
	b := start(t)
	if code, body := fetch(t, "GET", b.URL+"/_brume/health", ""); code != 200 || !strings.Contains(body, `"ready"`) {
		t.Errorf("%d %s", code, body)
	}
	out, err := run(t, append(cleanEnv(), "BRUME_ENDPOINT="+b.URL), binary, "status")
	if err != nil || !strings.Contains(out, "at "+b.URL) || !strings.Contains(out, b.Data) {
		t.Errorf("status: %v\n%s", err, out)
	}
}

// What cannot be started says why, in one line, with exit status 1.
func TestServeRefuses(t *testing.T) {
	b := start(t)
	addr := strings.TrimPrefix(b.URL, "http://")
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		args []string
		want string // regular expression
	}{
		{"port", []string{"--listen", addr, "--data", t.TempDir()}, "^brume: " + regexp.QuoteMeta(addr) + " is taken by another program"},
		{"folder", []string{"--listen", "127.0.0.1:0", "--data", b.Data}, "^brume: the folder " + regexp.QuoteMeta(b.Data) + " is in use by another Brume"},
		{"a file", []string{"--listen", "127.0.0.1:0", "--data", file}, "^brume: .*" + regexp.QuoteMeta(file)},
		{"open to all", []string{"--listen", "0.0.0.0:0", "--data", t.TempDir()}, "^brume: --auth open .*--auth enforce"},
		{"account", []string{"--account", "123", "--data", t.TempDir()}, "^brume: --account"},
	} {
		out, err := run(t, cleanEnv(), binary, append([]string{"serve"}, c.args...)...)
		if e, ok := err.(*exec.ExitError); !ok || e.ExitCode() != 1 {
			t.Errorf("%s: %v", c.name, err)
		}
		if !regexp.MustCompile(c.want).MatchString(out) || strings.Count(out, "\n") != 1 {
			t.Errorf("%s: %q does not match %s in one line", c.name, out, c.want)
		}
	}
}

func TestInterruptEndsCleanly(t *testing.T) {
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		b := start(t)
		if err := b.cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		b.wait()
		if b.err != nil || b.stderr.String() != "" {
			t.Errorf("%v: %v\n%s", sig, b.err, b.stderr)
		}
		startOn(t, b.Data) // the folder is free again
	}
}

func TestVirtualClock(t *testing.T) {
	data := t.TempDir()
	b := startOn(t, data, "--virtual-clock")
	ahead := func() time.Duration {
		var now struct {
			Now     time.Time
			Virtual bool
		}
		_, body := fetch(t, "GET", b.URL+"/_brume/clock", "")
		if err := json.Unmarshal([]byte(body), &now); err != nil || !now.Virtual {
			t.Fatalf("%v %s", err, body)
		}
		return time.Until(now.Now).Round(time.Hour)
	}
	out, err := run(t, append(cleanEnv(), "BRUME_ENDPOINT="+b.URL), binary, "clock", "advance", "21d")
	if err != nil || ahead() != 21*24*time.Hour {
		t.Errorf("%v %s: %v ahead", err, out, ahead())
	}
	b.kill()
	if b = startOn(t, data, "--virtual-clock"); ahead() != 21*24*time.Hour {
		t.Errorf("after a restart %v ahead", ahead())
	}
	for _, body := range []string{`{"duration":"x"}`, `{"duration":"-1h"}`, `nonsense`, ``} {
		if code, answer := fetch(t, "POST", b.URL+"/_brume/clock/advance", body); code != 400 {
			t.Errorf("%s: %d %s", body, code, answer)
		}
	}
	b.stop()
	b = startOn(t, data)
	if code, answer := fetch(t, "POST", b.URL+"/_brume/clock/advance", `{"duration":"1h"}`); code != 409 {
		t.Errorf("a clock that is not virtual: %d %s", code, answer)
	}
}

// BenchmarkReady measures from the start of the process to the line "Ready." on a cleanly closed folder, and the memory
// that an idle platform holds.
func BenchmarkReady(b *testing.B) {
	data := b.TempDir()
	startOn(b, data).stop()
	var ready time.Duration
	var rss float64
	for b.Loop() {
		s := startOn(b, data)
		ready += s.ready
		rss = residentMB(b, s.cmd.Process.Pid)
		s.stop()
	}
	b.ReportMetric(float64(ready.Milliseconds())/float64(b.N), "ms-to-ready")
	b.ReportMetric(rss, "MB-idle")
	b.ReportMetric(0, "ns/op")
}

func residentMB(b *testing.B, pid int) float64 {
	out, err := exec.Command("ps", "-o", "rss=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		b.Fatal(err)
	}
	var kb float64
	if err := json.Unmarshal([]byte(strings.TrimSpace(string(out))), &kb); err != nil {
		b.Fatal(err)
	}
	return kb / 1024
}
