package outside

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
)

func TestOutsideOnly(t *testing.T) {
	for addr, inside := range map[string]bool{
		"127.0.0.1:80": true, "[::1]:443": true, "0.0.0.0:1": true, "169.254.169.254:80": true, "[fe80::1]:1": true,
		"[::ffff:127.0.0.1]:80": true, "224.0.0.1:1": true, "93.184.216.34:443": false, "10.1.2.3:5432": false,
	} {
		if err := outsideOnly(context.Background(), "tcp", addr, nil); errors.Is(err, errInside) != inside {
			t.Errorf("%s: %v, want inside %v", addr, err, inside)
		}
	}
}

// The machine's own addresses are not the outside, whatever network they are of.
func TestOwnAddressesAreInside(t *testing.T) {
	own, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range own {
		if n, ok := a.(*net.IPNet); ok {
			if err := outsideOnly(context.Background(), "tcp", net.JoinHostPort(n.IP.String(), "80"), nil); !errors.Is(err, errInside) {
				t.Errorf("%s: %v", n.IP, err)
			}
		}
	}
}

// The proxy carries plain requests and tunnels; the test's server plays the outside.
func TestProxy(t *testing.T) {
	outside := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Seen", r.Header.Get("Proxy-Connection"))
		_, _ = w.Write(append([]byte(r.Method+" "), b...))
	}))
	defer outside.Close()
	plain := httptest.NewServer(outside.Config.Handler)
	defer plain.Close()
	p := New()
	p.dial = (&net.Dialer{}).DialContext
	p.transport.DialContext = p.dial
	front := httptest.NewServer(p)
	defer front.Close()
	via, err := url.Parse(front.URL)
	if err != nil {
		t.Fatal(err)
	}
	client := outside.Client()
	client.Transport.(*http.Transport).Proxy = http.ProxyURL(via)
	for _, target := range []string{outside.URL, plain.URL} {
		res, err := client.Get(target)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(res.Body)
		if err != nil || string(b) != "GET " || res.Header.Get("X-Seen") != "" {
			t.Errorf("%s: %s %v", target, b, err)
		}
		_ = res.Body.Close()
	}
	res, err := http.Get(front.URL)
	if err != nil || res.StatusCode != http.StatusBadRequest {
		t.Errorf("a request that is not for a proxy: %v %v", res, err)
	}
}
