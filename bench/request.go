package bench

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/gateway/sigv4"
)

// Target is the endpoint that is measured, and who asks.
type Target struct {
	Endpoint    string // without a slash at its end
	Region      string
	Credentials aws.Credentials
}

// request is a request that is sent again and again.
type request struct {
	service      string // signing name
	method, path string
	header       map[string]string
	body         []byte
	// next makes the request that follows on the same connection from the answer; both count as one. nil: none follows.
	next func(answer []byte) *request

	signed atomic.Pointer[signed]
}

// signed is a request as it goes over the wire during one second.
type signed struct {
	second int64
	wire   []byte
}

// bytes returns r as it goes over the wire now. A signature covers the time in whole seconds and may be sent any number
// of times in its five minutes (Signature Version 4 knows no replays), so each request is signed once a second: what is
// left of the client's work is to send bytes.
func (r *request) bytes(t *Target, now time.Time) ([]byte, error) {
	if s := r.signed.Load(); s != nil && s.second == now.Unix() {
		return s.wire, nil
	}
	wire, err := r.sign(t, now)
	if err != nil {
		return nil, err
	}
	r.signed.Store(&signed{now.Unix(), wire})
	return wire, nil
}

func (r *request) sign(t *Target, now time.Time) ([]byte, error) {
	h, err := http.NewRequest(r.method, t.Endpoint+r.path, nil)
	if err != nil {
		return nil, err
	}
	for k, v := range r.header {
		h.Header.Set(k, v)
	}
	sigv4.Sign(h, t.Credentials, t.Region, r.service, r.body, now)
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n", r.method, h.URL.RequestURI(), h.URL.Host, len(r.body))
	names := make([]string, 0, len(h.Header))
	for k := range h.Header {
		names = append(names, k)
	}
	slices.Sort(names)
	for _, k := range names {
		fmt.Fprintf(&b, "%s: %s\r\n", k, h.Header.Get(k))
	}
	b.WriteString("\r\n")
	b.Write(r.body)
	return b.Bytes(), nil
}
