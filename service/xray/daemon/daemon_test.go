package daemon_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/brume-dev/brume/api/xrayapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/xray/daemon"
)

func TestDocuments(t *testing.T) {
	for in, want := range map[string][]string{
		"{\"format\":\"json\",\"version\":1}\n{\"a\":1}":                 {`{"a":1}`},
		"{\"format\": \"json\", \"version\": 1}\n{\"a\":1}\n{\"b\":\n2}": {`{"a":1}`, "{\"b\":\n2}"},
		"{\"format\":\"json\",\"version\":1}\n{\"a\":1}{":                {`{"a":1}`},
		"{\"format\":\"json\",\"version\":1}\n":                          nil,
		"{\"format\":\"json\",\"version\":1}":                            nil,
		"{\"format\":\"json\",\"version\":2}\n{}":                        nil,
		"{\"format\":\"xml\",\"version\":1}\n{}":                         nil,
		"nonsense\n{}":                                                   nil,
		"":                                                               nil,
	} {
		if got := daemon.Documents([]byte(in)); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func FuzzDocuments(f *testing.F) {
	f.Add("{\"format\":\"json\",\"version\":1}\n{\"a\":1}\n[2]")
	f.Fuzz(func(t *testing.T, s string) {
		n := 0
		for _, d := range daemon.Documents([]byte(s)) {
			n += len(d)
		}
		if n > len(s) {
			t.Errorf("%d bytes out of %d", n, len(s))
		}
	})
}

// backend takes what the daemon puts and asks.
type backend struct {
	aws.Caller
	got chan []string
}

func (b backend) Call(_ context.Context, id aws.Identity, op aws.Op, in any) (any, error) {
	if id.Account != "111122223333" || op.Name != "PutTraceSegments" {
		return nil, aws.Errorf("Wrong", 400, "%v as %v", op, id)
	}
	b.got <- in.(*xrayapi.PutTraceSegmentsRequest).TraceSegmentDocuments
	return &xrayapi.PutTraceSegmentsResult{}, nil
}

func (b backend) RoundTrip(id aws.Identity, r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	return &http.Response{StatusCode: 418, Header: http.Header{"X-A": {"b"}},
		Body: io.NopCloser(strings.NewReader(r.Host + r.URL.Path + " " + string(body) + " " + id.Account))}, err
}

func TestDaemon(t *testing.T) {
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := backend{got: make(chan []string, 100)}
	d := daemon.New(daemon.Config{Packets: packets, Listener: listener, Caller: b, Wire: b, Log: slog.New(slog.DiscardHandler),
		Identity: aws.Identity{Kind: aws.Root, Account: "111122223333", Region: "eu-west-1"}})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()

	conn, err := net.Dial("udp", packets.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for range 50 { // a full batch, which waits for nothing
		if _, err := conn.Write([]byte("{\"format\":\"json\",\"version\":1}\n{\"a\":1}")); err != nil {
			t.Fatal(err)
		}
	}
	for n := 0; n < 50; {
		n += len(<-b.got)
	}
	res, err := http.Post("http://"+listener.Addr().String()+"/GetSamplingRules", "", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	res.Body.Close()
	if want := "xray.eu-west-1.amazonaws.com/GetSamplingRules {} 111122223333"; err != nil || res.StatusCode != 418 || string(body) != want || res.Header.Get("X-A") != "b" {
		t.Errorf("%d %s %v", res.StatusCode, body, err)
	}
	if res, err = http.Post("http://"+listener.Addr().String()+"/TraceSegments", "", nil); err != nil || res.StatusCode != 404 {
		t.Errorf("%v %v", res.StatusCode, err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
