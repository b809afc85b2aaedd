package platform_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/cmd/brume/platform"
	"github.com/brume-dev/brume/gateway/sigv4"
	"github.com/brume-dev/brume/sandbox/process"
)

// The platform starts processes of its own program.
func TestMain(m *testing.M) {
	process.Stage()
	os.Exit(m.Run())
}

func config(t testing.TB) platform.Config {
	return platform.Config{Listen: "127.0.0.1:0", Data: t.TempDir(), Account: "000000000000", Region: "us-east-1",
		Auth: platform.Open, Isolation: platform.IsolateAuto, Version: "test", Log: slog.New(slog.DiscardHandler)}
}

// run runs a platform until the end of the test, or stop.
func run(t testing.TB, c platform.Config) (p *platform.Platform, stop func()) {
	t.Helper()
	p, err := platform.New(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error("run:", err)
		}
		if err := p.Close(); err != nil {
			t.Error("close:", err)
		}
	})
	t.Cleanup(stop)
	return p, stop
}

// call makes a call of a JSON 1.1 service and returns status and body.
func call(t testing.TB, p *platform.Platform, service, target, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequest("POST", p.URL(), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", target)
	sigv4.Sign(r, aws.Credentials{AccessKeyID: "111122223333", SecretAccessKey: "any"}, "us-east-1", service, []byte(body), time.Now())
	return do(t, r)
}

func do(t testing.TB, r *http.Request) (int, string) {
	t.Helper()
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

func TestStateOutlivesTheProcess(t *testing.T) {
	c := config(t)
	p, stop := run(t, c)
	if code, body := call(t, p, "logs", "Logs_20140328.CreateLogGroup", `{"logGroupName":"g"}`); code != 200 {
		t.Fatalf("%d %s", code, body)
	}
	ca := p.Authority().PEM()
	stop()
	p, _ = run(t, c)
	if code, body := call(t, p, "logs", "Logs_20140328.DescribeLogGroups", "{}"); code != 200 || !strings.Contains(body, `"g"`) {
		t.Errorf("%d %s", code, body)
	}
	if !bytes.Equal(ca, p.Authority().PEM()) {
		t.Error("another certificate authority")
	}
}

func reset(t testing.TB, p *platform.Platform) (int, string) {
	r, err := http.NewRequest("POST", p.URL()+"/_brume/reset", nil)
	if err != nil {
		t.Fatal(err)
	}
	return do(t, r)
}

func TestReset(t *testing.T) {
	p, _ := run(t, config(t))
	for range 3 {
		if code, body := call(t, p, "logs", "Logs_20140328.CreateLogGroup", `{"logGroupName":"g"}`); code != 200 {
			t.Fatalf("%d %s", code, body)
		}
		if code, body := reset(t, p); code != 200 {
			t.Fatalf("%d %s", code, body)
		}
		if code, body := call(t, p, "logs", "Logs_20140328.DescribeLogGroups", "{}"); code != 200 || strings.Contains(body, `"g"`) {
			t.Errorf("%d %s", code, body)
		}
	}
}

// Requests that come while the platform is emptied wait, and are answered by what comes after.
func TestResetUnderLoad(t *testing.T) {
	p, _ := run(t, config(t))
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for n := range 20 {
				code, body := call(t, p, "logs", "Logs_20140328.CreateLogGroup", fmt.Sprintf(`{"logGroupName":"g-%d-%d"}`, i, n))
				if code != 200 && code != 500 { // 500: cut off
					t.Errorf("%d %s", code, body)
				}
			}
		})
	}
	for range 3 {
		if code, body := reset(t, p); code != 200 {
			t.Errorf("%d %s", code, body)
		}
	}
	wg.Wait()
}

func TestResetOfAClosedPlatform(t *testing.T) {
	c := config(t)
	c.Auth = platform.Enforce
	p, _ := run(t, c)
	if code, body := reset(t, p); code != 403 {
		t.Errorf("%d %s", code, body)
	}
	if code, body := call(t, p, "logs", "Logs_20140328.DescribeLogGroups", "{}"); code != 400 || !strings.Contains(body, "UnrecognizedClientException") {
		t.Errorf("an unknown key: %d %s", code, body)
	}
}

func TestConfigIsChecked(t *testing.T) {
	for _, c := range []struct {
		change func(*platform.Config)
		want   string // "" = fine
	}{
		{func(c *platform.Config) {}, ""},
		{func(c *platform.Config) { c.Listen = "[::1]:0" }, ""},
		{func(c *platform.Config) { c.Listen = "localhost:0" }, ""},
		{func(c *platform.Config) { c.Listen = ":0" }, "--auth open"},
		{func(c *platform.Config) { c.Listen = "0.0.0.0:0" }, "--auth open"},
		{func(c *platform.Config) { c.Listen = "example.org:0" }, "--auth open"},
		{func(c *platform.Config) { c.Listen = "0.0.0.0:0"; c.Auth = platform.Enforce }, ""},
		{func(c *platform.Config) { c.Listen = "4566" }, "--listen"},
		{func(c *platform.Config) { c.Account = "abc" }, "--account"},
		{func(c *platform.Config) { c.Region = "Moon" }, "--region"},
		{func(c *platform.Config) { c.Auth = "x" }, "--auth"},
		{func(c *platform.Config) { c.Isolation = "x" }, "--isolation"},
		{func(c *platform.Config) { c.Data = "" }, "--data"},
	} {
		cfg := config(t)
		c.change(&cfg)
		p, err := platform.New(cfg)
		if err == nil {
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		}
		if (err == nil) != (c.want == "") || err != nil && !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", cfg, err, c.want)
		}
	}
}

func TestParseDuration(t *testing.T) {
	for _, c := range []struct {
		in   string
		want time.Duration
		ok   bool
	}{
		{"21d", 21 * 24 * time.Hour, true}, {"1w2d3h", 9*24*time.Hour + 3*time.Hour, true}, {"90s", 90 * time.Second, true}, {"1d", 24 * time.Hour, true},
		{"0d", 0, true}, {"", 0, false}, {"d", 0, false}, {"-1d", 0, false}, {"1.5d", 0, false}, {"1d2", 0, false}, {"21 days", 0, false}, {"99999999999d", 0, false},
	} {
		if got, err := platform.ParseDuration(c.in); got != c.want && c.ok || (err == nil) != c.ok {
			t.Errorf("%q: %v, %v", c.in, got, err)
		}
	}
}
