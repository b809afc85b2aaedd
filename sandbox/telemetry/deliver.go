package telemetry

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// Our own bounds of delivery; AWS names none.
const (
	attempts   = 3
	oneAttempt = 5 * time.Second
	retryAfter = 100 * time.Millisecond
)

// run sends batches until the hub is closed.
func (s *subscription) run() {
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return s.hub.Dial(ctx, "tcp", s.address)
	}}}
	defer client.CloseIdleConnections()
	var conn net.Conn // of TCP
	defer func() {
		if conn != nil {
			_ = conn.Close()
		}
	}()
	for {
		select {
		case <-s.ready:
		case <-s.hub.ended:
			return
		}
		s.collect()
		for batch := s.take(); len(batch) > 0; batch = s.take() {
			s.deliver(batch, func(ctx context.Context) (err error) {
				if s.url != "" {
					return s.post(ctx, client, batch)
				}
				conn, err = s.write(ctx, conn, batch)
				return err
			})
		}
	}
}

// collect waits until the buffer is full, or its time is over.
func (s *subscription) collect() {
	wait := time.NewTimer(s.timeout)
	defer wait.Stop()
	s.mu.Lock()
	full := s.full()
	s.mu.Unlock()
	if full {
		return
	}
	select {
	case <-wait.C:
	case <-s.ready: // full, or a flush
	case <-s.hub.ended:
	}
}

// deliver tries to send, for some times.
func (s *subscription) deliver(batch [][]byte, send func(context.Context) error) {
	for range attempts {
		if !s.hub.running() {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), oneAttempt)
		err := send(ctx)
		cancel()
		if err == nil {
			return
		}
		select {
		case <-time.After(retryAfter):
		case <-s.hub.ended:
			return
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, doc := range batch {
		s.dropped++
		s.lost += len(doc)
	}
}

func (s *subscription) post(ctx context.Context, client *http.Client, batch [][]byte) error {
	body := append(append([]byte{'['}, bytes.Join(batch, []byte{','})...), ']')
	req, err := http.NewRequestWithContext(ctx, s.method, s.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<20))
	_ = res.Body.Close()
	if res.StatusCode >= 500 {
		return fmt.Errorf("telemetry: status %d", res.StatusCode)
	}
	return nil
}

// write sends a line for each event.
func (s *subscription) write(ctx context.Context, conn net.Conn, batch [][]byte) (net.Conn, error) {
	if conn == nil {
		var err error
		if conn, err = s.hub.Dial(ctx, "tcp", s.address); err != nil {
			return nil, err
		}
	}
	deadline, _ := ctx.Deadline()
	_ = conn.SetWriteDeadline(deadline) // of a connection that is there
	if _, err := conn.Write(append(bytes.Join(batch, []byte{'\n'}), '\n')); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}
