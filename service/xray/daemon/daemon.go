// Package daemon is the X-Ray daemon: the port to which SDKs send segments as they end, one or a few to a datagram, and
// on which they ask over HTTP for sampling rules without a signature of their own.
// https://docs.aws.amazon.com/xray/latest/devguide/xray-daemon.html
package daemon

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/brume-dev/brume/api/xrayapi"
	"github.com/brume-dev/brume/aws"
)

// Limits of the daemon, https://github.com/aws/aws-xray-daemon.
const (
	maxDatagram    = 64 << 10        // bytes that one datagram may have
	maxWaiting     = 2048            // segments that wait to be put; more are lost
	batchSize      = 50              // segments of one PutTraceSegments call
	batchDelay     = time.Second     // that a segment waits for others at most
	maxBody        = 1 << 20         // of a request for sampling rules or targets
	headerPatience = 5 * time.Second // for the header of a request
)

// Config is what the daemon needs.
type Config struct {
	Packets  net.PacketConn
	Listener net.Listener // nil: nothing answers over HTTP
	Caller   aws.Caller
	Wire     aws.Wire     // answers what SDKs ask over HTTP
	Identity aws.Identity // in whose name the daemon puts and asks
	Log      *slog.Logger
}

// Daemon passes on what SDKs send.
type Daemon struct {
	Config
	waiting chan string
}

// New returns a daemon on sockets that are open. Run closes them.
func New(c Config) *Daemon { return &Daemon{c, make(chan string, maxWaiting)} }

// Run passes segments on until ctx ends, and then what has come until then.
func (d *Daemon) Run(ctx context.Context) error {
	g, inside := errgroup.WithContext(ctx)
	defer context.AfterFunc(inside, func() { d.Packets.Close() })()
	g.Go(func() error { defer close(d.waiting); return d.receive(inside) })
	g.Go(func() error { d.put(context.WithoutCancel(ctx)); return nil })
	if d.Listener != nil {
		server := &http.Server{Handler: d, ReadHeaderTimeout: headerPatience}
		defer context.AfterFunc(inside, func() { server.Close() })()
		g.Go(func() error {
			if err := server.Serve(d.Listener); !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		})
	}
	return g.Wait()
}

// receive takes datagrams until the socket closes. A reader that waited for the store would lose what the kernel cannot
// hold; so it waits for nobody, and counts what it loses itself.
func (d *Daemon) receive(ctx context.Context) error {
	buf := make([]byte, maxDatagram)
	lost := 0
	for {
		n, _, err := d.Packets.ReadFrom(buf)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return err
		case err != nil:
			d.Log.Debug("xray: receive", "problem", err)
			continue
		}
		for _, doc := range Documents(buf[:n]) {
			select {
			case d.waiting <- doc:
			default:
				lost++
				d.Log.Debug("xray: segments come faster than they are put", "lost", lost)
			}
		}
	}
}

// Documents reads a datagram: a line that says the format, and the segment documents after it, each on a line of its own or
// over several. It returns nothing for what is not of that form.
// https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html#xray-api-daemon
func Documents(datagram []byte) (docs []string) {
	line, rest, ok := bytes.Cut(datagram, []byte("\n"))
	var header struct {
		Format  string `json:"format"`
		Version int    `json:"version"`
	}
	if !ok || json.Unmarshal(line, &header) != nil || header.Format != "json" || header.Version != 1 {
		return nil
	}
	for dec := json.NewDecoder(bytes.NewReader(rest)); ; {
		var doc json.RawMessage
		if err := dec.Decode(&doc); err != nil {
			return docs // the end, or what cannot be read
		}
		docs = append(docs, string(doc))
	}
}

// put puts what waits, in batches.
func (d *Daemon) put(ctx context.Context) {
	for doc := range d.waiting {
		batch := d.gather(doc)
		out, err := xrayapi.NewClient(d.Caller).PutTraceSegments(ctx, d.Identity, &xrayapi.PutTraceSegmentsRequest{TraceSegmentDocuments: batch})
		if err != nil {
			d.Log.Warn("xray: segments are lost", "segments", len(batch), "problem", err)
			continue
		}
		for _, bad := range out.UnprocessedTraceSegments {
			d.Log.Warn("xray: a segment was refused", "problem", *bad.Message)
		}
	}
}

// gather waits for more segments, not for long.
func (d *Daemon) gather(first string) []string {
	batch := []string{first}
	enough := time.NewTimer(batchDelay)
	defer enough.Stop()
	for len(batch) < batchSize {
		select {
		case doc, ok := <-d.waiting:
			if !ok {
				return batch
			}
			batch = append(batch, doc)
		case <-enough.C:
			return batch
		}
	}
	return batch
}

// ServeHTTP answers the two requests that SDKs make of the daemon.
func (d *Daemon) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost || r.URL.Path != "/GetSamplingRules" && r.URL.Path != "/SamplingTargets" {
		http.Error(w, "the X-Ray daemon answers POST /GetSamplingRules and /SamplingTargets", http.StatusNotFound)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	host := "xray." + d.Identity.Region + ".amazonaws.com"
	inner, err := http.NewRequestWithContext(r.Context(), r.Method, "https://"+host+r.URL.Path, bytes.NewReader(body))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	inner.Header.Set("Content-Type", "application/json")
	res, err := d.Wire.RoundTrip(d.Identity, inner)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer res.Body.Close()
	for k, v := range res.Header {
		w.Header()[k] = v
	}
	w.WriteHeader(res.StatusCode)
	_, _ = io.Copy(w, res.Body) // a client that went away
}
