package telemetry

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/sandbox"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 345e6, time.UTC)

// hub returns a hub whose environment's ports are those of the test.
func hub(t *testing.T, address string) *Hub {
	h := New(Config{Now: func() time.Time { return noon }, JSON: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}})
	t.Cleanup(h.Close)
	return h
}

func subscribe(t *testing.T, h *Hub, api API, body string) {
	t.Helper()
	if err := h.Subscribe(api, "x", []byte(body)); err != nil {
		t.Fatal(err)
	}
}

const overHTTP = `"destination":{"protocol":"HTTP","URI":"http://sandbox.localdomain:8080/p"},"buffering":{"timeoutMs":25}}`

// Events come in order, those before the subscription too, each type to those who want it.
func TestHTTP(t *testing.T) {
	got := make(chan string, 100)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		var events []json.RawMessage
		if err := json.Unmarshal(b, &events); err != nil || r.Method != "POST" || r.URL.Path != "/p" || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s: %v", r.Method, r.URL, err)
		}
		for _, e := range events {
			got <- string(e)
		}
	}))
	defer srv.Close()
	h := hub(t, srv.Listener.Addr().String())
	h.Publish(Platform, "platform.initStart", map[string]any{"phase": "init"})
	subscribe(t, h, Telemetry, `{"schemaVersion":"2022-12-13","types":["platform","function"],`+overHTTP)
	h.Seal()
	h.Line(sandbox.Line{Text: []byte("not wanted"), Extension: true})
	h.Line(sandbox.Line{Text: []byte("plain")})
	h.Line(sandbox.Line{Text: []byte(`{"level":"INFO"}`)})
	for _, want := range []string{
		`{"time":"2026-01-02T12:00:00.345Z","type":"platform.initStart","record":{"phase":"init"}}`,
		`{"time":"2026-01-02T12:00:00.345Z","type":"platform.telemetrySubscription","record":{"name":"x","state":"Subscribed","types":["platform","function"]}}`,
		`{"time":"2026-01-02T12:00:00.345Z","type":"function","record":"plain"}`,
		`{"time":"2026-01-02T12:00:00.345Z","type":"function","record":{"level":"INFO"}}`} {
		if e := <-got; e != want {
			t.Errorf("got %s, want %s", e, want)
		}
	}
	if err := h.Subscribe(Telemetry, "late", []byte(`{"schemaVersion":"2022-12-13","types":["function"],`+overHTTP)); err == nil {
		t.Error("a subscription after the init phase")
	}
}

// The Logs API sends lines over TCP, without what its first version did not know.
func TestLogsOverTCP(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	h := hub(t, l.Addr().String())
	h.Publish(Platform, "platform.initStart", nil)
	subscribe(t, h, Logs, `{"types":["platform"],"destination":{"protocol":"TCP","port":9000},"buffering":{"timeoutMs":25}}`)
	h.Publish(Platform, "platform.start", map[string]any{"requestId": "r"})
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	lines := bufio.NewScanner(c)
	for _, want := range []string{"platform.logsSubscription", "platform.start"} {
		if !lines.Scan() || !strings.Contains(lines.Text(), want) {
			t.Errorf("got %q, want %s", lines.Text(), want)
		}
	}
}

// A subscriber that does not read loses events, and is told how many when it reads again. A frozen one is not tried.
func TestDropped(t *testing.T) {
	srv := httptest.NewUnstartedServer(nil)
	got := make(chan string, 10)
	srv.Config.Handler = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got <- string(b)
	})
	h := hub(t, srv.Listener.Addr().String())
	h.Pause(true)
	subscribe(t, h, Telemetry, `{"schemaVersion":"2022-07-01","types":["platform","function"],`+overHTTP)
	for i := range 4 * minItems { // more than a batch under way and what may wait
		h.Line(sandbox.Line{Text: fmt.Append(nil, i)})
	}
	srv.Start()
	defer srv.Close()
	h.Pause(false)
	for range 4 {
		if b := <-got; strings.Contains(b, "platform.logsDropped") {
			return
		}
	}
	t.Error("no word of what was dropped")
}

func TestInvalidSubscriptions(t *testing.T) {
	h := hub(t, "")
	for _, body := range []string{`x`, `{}`, `{"schemaVersion":"1999-01-01","types":["function"],` + overHTTP,
		`{"schemaVersion":"2022-07-01","types":[],` + overHTTP, `{"schemaVersion":"2022-07-01","types":["all"],` + overHTTP,
		`{"schemaVersion":"2022-07-01","types":["function"],"destination":{"protocol":"HTTP","URI":"http://example.com:80"}}`,
		`{"schemaVersion":"2022-07-01","types":["function"],"destination":{"protocol":"UDP"}}`,
		`{"schemaVersion":"2022-07-01","types":["function"],"destination":{"protocol":"TCP","port":0}}`,
		`{"schemaVersion":"2022-07-01","types":["function"],"buffering":{"timeoutMs":1},"destination":{"protocol":"TCP","port":1}}`,
		`{"schemaVersion":"2022-07-01","types":["function"],"buffering":{"maxItems":1},"destination":{"protocol":"TCP","port":1}}`,
		`{"schemaVersion":"2022-07-01","types":["function"],"buffering":{"maxBytes":1},"destination":{"protocol":"TCP","port":1}}`,
	} {
		var invalid *InvalidError
		if err := h.Subscribe(Telemetry, "x", []byte(body)); !errors.As(err, &invalid) {
			t.Errorf("%s: %v", body, err)
		}
	}
	if !h.Active() {
		t.Error("the init phase has not ended")
	}
	h.Seal()
	if h.Active() {
		t.Error("nobody subscribed, and it is active")
	}
	var none *Hub
	none.Publish(Platform, "x", nil) // a hub that is not there takes nothing
}

func FuzzSubscribe(f *testing.F) {
	f.Add(`{"schemaVersion":"2022-12-13","types":["platform"],` + overHTTP)
	f.Fuzz(func(t *testing.T, body string) {
		var r request
		if json.Unmarshal([]byte(body), &r) != nil {
			return
		}
		s, err := newSubscription(Logs, &r)
		if err == nil && (!strings.HasPrefix(s.address, "127.0.0.1:") || s.timeout <= 0 || s.items < minItems) {
			t.Errorf("%s: %+v", body, s)
		}
	})
}
