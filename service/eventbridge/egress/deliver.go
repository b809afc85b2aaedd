package egress

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/event/connection"
	"github.com/brume-dev/brume/event/target"
	"github.com/brume-dev/brume/store"
)

const userAgent = "Amazon/EventBridge/ApiDestinations"

// Deliver implements target.Destinations: id's call of an API destination with an event.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-api-destinations.html
func (e *Egress) Deliver(ctx context.Context, id aws.Identity, arn string, body []byte, more *target.HTTP) error {
	at, name, made, ok := parse(destinationKind, arn)
	if !ok {
		return noDestination(arn)
	}
	if err := e.Policies.Authorize(ctx, id, []aws.Access{{Action: "events:InvokeApiDestination", Resource: arn}}); err != nil {
		return err
	}
	rec, err := store.View(ctx, e.shard(at), func(_ context.Context, r store.Reader) (destinationRecord, error) {
		rec, there, err := read[destinationRecord](r, store.Key(at.destinations().Text(name)))
		if err == nil && (!there || rec.ID != made) {
			err = noDestination(name)
		}
		return rec, err
	})
	if err != nil {
		return err
	}
	if err := e.await(ctx, arn, int(cmp.Or(rec.Rate, defaultRate))); err != nil {
		return err
	}
	for fresh := false; ; fresh = true {
		auth, err := e.Authorize(ctx, rec.Connection, fresh)
		if err != nil {
			return err
		}
		status, err := e.call(ctx, &rec, auth, body, more)
		if err != nil {
			return err
		}
		if connection.Refused(status) && !fresh {
			continue
		}
		return outcome(status)
	}
}

// outcome is the error for an endpoint's answer. Statuses up to 299 are deliveries.
func outcome(status int) error {
	switch {
	case status < http.StatusMultipleChoices:
		return nil
	case connection.Refused(status): // AWS tries these again too: the endpoint may learn of new credentials
		return aws.Errorf("ERROR_FROM_TARGET", http.StatusServiceUnavailable, "The endpoint answered with status %d.", status)
	case status == http.StatusConflict, status == http.StatusTooManyRequests, status >= http.StatusInternalServerError:
		return aws.Errorf("ERROR_FROM_TARGET", status, "The endpoint answered with status %d.", status)
	}
	return aws.Errorf("SDK_CLIENT_ERROR", http.StatusBadRequest, "The endpoint answered with status %d.", status)
}

// call makes the call once and returns the status of the answer.
func (e *Egress) call(ctx context.Context, d *destinationRecord, auth *connection.Authorization, body []byte, more *target.HTTP) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	header := http.Header{}
	u, err := url.Parse(expand(d.Endpoint, more.Path))
	if err != nil {
		return 0, invalid("Parameter PathParameterValues is not valid. Reason: %v", err)
	}
	own := &connection.Authorization{}
	for k, v := range more.Header {
		own.Header = append(own.Header, connection.Pair{Name: k, Value: v})
	}
	for k, v := range more.Query {
		own.Query = append(own.Query, connection.Pair{Name: k, Value: v})
	}
	own.Apply(header, u)
	auth.Apply(header, u)
	if header.Get("Content-Type") == "" {
		header.Set("Content-Type", "application/json; charset=utf-8")
	}
	if body, err = auth.Merge(body, header.Get("Content-Type")); err != nil {
		return 0, aws.Errorf("SDK_CLIENT_ERROR", http.StatusBadRequest, "The event cannot take the body parameters of the connection.")
	}
	header.Set("User-Agent", userAgent)
	header.Set("Range", "bytes=0-1048575")
	if d.Method == http.MethodGet || d.Method == http.MethodHead {
		body = nil
	}
	r, err := http.NewRequestWithContext(ctx, d.Method, u.String(), bytes.NewReader(body))
	if err != nil {
		return 0, invalid("Parameter InvocationEndpoint is not valid. Reason: %v", err)
	}
	r.Header = header
	res, err := e.HTTP.RoundTrip(r)
	if err != nil {
		if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			return 0, err
		}
		return 0, aws.Errorf("ERROR_FROM_TARGET", http.StatusBadGateway, "The endpoint could not be reached: %v", err)
	}
	defer res.Body.Close()
	io.Copy(io.Discard, io.LimitReader(res.Body, maxAnswer)) //nolint:errcheck // it is not looked at
	return res.StatusCode, nil
}

// expand puts the values of path parameters in the place of the endpoint's asterisks.
func expand(endpoint string, values []string) string {
	var b strings.Builder
	for _, v := range values {
		before, after, there := strings.Cut(endpoint, "*")
		if !there {
			break
		}
		b.WriteString(before)
		b.WriteString(url.PathEscape(v))
		endpoint = after
	}
	return b.String() + endpoint
}

// pace is when a destination may be called next.
type pace struct{ next time.Time }

// await waits for a destination's turn by its rate limit. Who would have to wait for too long is refused as throttled, and
// comes again.
func (e *Egress) await(ctx context.Context, arn string, rate int) error {
	now := e.Clock.Now()
	e.mu.Lock()
	p := e.paces[arn]
	if p == nil {
		if len(e.paces) >= maxKept {
			clear(e.paces)
		}
		p = &pace{}
		e.paces[arn] = p
	}
	at := p.next
	if at.Before(now.Add(-time.Second)) { // a second's worth may come at once
		at = now.Add(-time.Second)
	}
	wait := at.Sub(now)
	if wait <= longestWait {
		p.next = at.Add(time.Second / time.Duration(rate))
	}
	e.mu.Unlock()
	if wait > longestWait {
		return aws.Errorf("ThrottlingException", http.StatusTooManyRequests, "The rate limit of the API destination is %d invocations per second.", rate)
	}
	if wait <= 0 {
		return nil
	}
	return e.Clock.Sleep(ctx, wait)
}
