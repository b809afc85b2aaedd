// Package outside is the way out of a function's own network.
package outside

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"syscall"
	"time"
)

// Proxy is an http.Handler that is a proxy: CONNECT for everything encrypted, plain requests forwarded. It leads
// to the outside only, never to the host's own services.
type Proxy struct {
	dial      func(ctx context.Context, network, addr string) (net.Conn, error)
	transport *http.Transport
}

// dialTimeout bounds the making of a connection to the outside.
const dialTimeout = 30 * time.Second

// New returns a proxy.
func New() *Proxy {
	d := &net.Dialer{Timeout: dialTimeout, ControlContext: outsideOnly}
	return &Proxy{dial: d.DialContext, transport: &http.Transport{DialContext: d.DialContext, Proxy: nil,
		DisableCompression: true, MaxIdleConnsPerHost: 2, IdleConnTimeout: dialTimeout}}
}

// errInside is the answer to a function that asks for an address of the host itself.
var errInside = errors.New("the address belongs to the host, not to the outside")

// outsideOnly refuses addresses that lead to the host or its link: it sees the address after name resolution.
func outsideOnly(_ context.Context, _, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	ip := ap.Addr().Unmap()
	if ip.IsLoopback() || ip.IsUnspecified() || ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsInterfaceLocalMulticast() {
		return fmt.Errorf("%s: %w", address, errInside)
	}
	own, err := net.InterfaceAddrs()
	if err != nil {
		return err
	}
	for _, a := range own {
		if n, ok := a.(*net.IPNet); ok && n.IP.Equal(net.IP(ip.AsSlice())) {
			return fmt.Errorf("%s: %w", address, errInside)
		}
	}
	return nil
}

// ServeHTTP implements http.Handler.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodConnect:
		p.connect(w, r)
	case r.URL.IsAbs() && r.URL.Scheme == "http":
		p.forward(w, r)
	default:
		http.Error(w, "This is a proxy: it takes CONNECT and absolute http URLs.", http.StatusBadRequest)
	}
}

func (p *Proxy) connect(w http.ResponseWriter, r *http.Request) {
	out, err := p.dial(r.Context(), "tcp", r.Host)
	if err != nil {
		refuse(w, err)
		return
	}
	in, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		_ = out.Close()
		return
	}
	_, err = io.WriteString(in, "HTTP/1.1 200 Connection established\r\n\r\n")
	if n := buffered.Reader.Buffered(); err == nil && n > 0 {
		_, err = io.CopyN(out, buffered, int64(n))
	}
	if err != nil {
		_, _ = in.Close(), out.Close()
		return
	}
	join(in, out)
}

// join copies both ways until both have ended.
func join(a, b net.Conn) {
	var both sync.WaitGroup
	pipe := func(to, from net.Conn) {
		_, _ = io.Copy(to, from)
		if c, ok := to.(*net.TCPConn); ok {
			_ = c.CloseWrite()
		}
	}
	both.Go(func() { pipe(a, b) })
	both.Go(func() { pipe(b, a) })
	both.Wait()
	_, _ = a.Close(), b.Close()
}

func (p *Proxy) forward(w http.ResponseWriter, r *http.Request) {
	out := r.Clone(r.Context())
	out.RequestURI = ""
	for _, h := range []string{"Proxy-Connection", "Proxy-Authorization", "Connection", "Keep-Alive", "Te", "Upgrade"} {
		out.Header.Del(h)
	}
	res, err := p.transport.RoundTrip(out)
	if err != nil {
		refuse(w, err)
		return
	}
	defer res.Body.Close()
	for name, values := range res.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(res.StatusCode)
	_, _ = io.Copy(w, res.Body)
}

func refuse(w http.ResponseWriter, err error) {
	status := http.StatusBadGateway
	if errors.Is(err, errInside) {
		status = http.StatusForbidden
	}
	http.Error(w, err.Error(), status)
}
