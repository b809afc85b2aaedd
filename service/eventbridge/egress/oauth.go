package egress

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/event/connection"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/timer"
)

// token is an access token that is kept in memory. Who needs one that is not there holds mu while it is fetched.
type token struct {
	mu       sync.Mutex
	modified time.Time // of the connection that it was fetched for
	value    string
	until    time.Time
}

func (e *Egress) forget(arn string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.tokens, arn)
}

func (e *Egress) token(arn string) *token {
	e.mu.Lock()
	defer e.mu.Unlock()
	t := e.tokens[arn]
	if t == nil {
		if len(e.tokens) >= maxKept {
			clear(e.tokens)
		}
		t = &token{}
		e.tokens[arn] = t
	}
	return t
}

// Authorize implements connection.Keeper.
func (e *Egress) Authorize(ctx context.Context, arn string, fresh bool) (*connection.Authorization, error) {
	at, name, id, ok := parse(connectionKind, arn)
	if !ok {
		return nil, noConnection(arn)
	}
	rec, err := e.connection(ctx, at, name)
	if err != nil {
		return nil, err
	}
	if rec.ID != id {
		return nil, noConnection(name)
	}
	if rec.State != authorized && rec.State != authorizing {
		return nil, aws.Errorf("AccessDeniedException", http.StatusForbidden, "Connection %s is in state %s.", arn, rec.State)
	}
	out := rec.Auth.Calls.authorization()
	switch {
	case rec.Type == oauth:
		value, err := e.bearer(ctx, arn, &rec, fresh)
		if err != nil {
			return nil, err
		}
		out.Header = append(out.Header, connection.Pair{Name: "Authorization", Value: "Bearer " + value})
	case rec.Auth.KeyName != "":
		out.Header = append(out.Header, connection.Pair{Name: rec.Auth.KeyName, Value: rec.Auth.KeyValue})
	default:
		out.Header = append(out.Header, basic(rec.Auth.User, rec.Auth.Password))
	}
	return out, nil
}

// bearer is the access token of a connection.
func (e *Egress) bearer(ctx context.Context, arn string, rec *connectionRecord, fresh bool) (string, error) {
	t := e.token(arn)
	t.mu.Lock()
	defer t.mu.Unlock()
	now := e.Clock.Now()
	if !fresh && t.value != "" && t.modified.Equal(rec.Modified) && now.Before(t.until) {
		return t.value, nil
	}
	value, life, err := e.fetch(ctx, &rec.Auth)
	if err != nil {
		return "", err
	}
	t.value, t.modified, t.until = value, rec.Modified, now.Add(life-min(tokenRenew, life/2))
	return value, nil
}

// fetch asks the authorization endpoint for a token: the client credentials grant of RFC 6749. What the connection's OAuth
// parameters say goes before what the grant says.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-target-connection-auth.html
func (e *Egress) fetch(ctx context.Context, a *auth) (value string, life time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, tokenTimeout)
	defer cancel()
	u, err := url.Parse(a.Endpoint)
	if err != nil {
		return "", 0, fmt.Errorf("eventbridge: authorization endpoint: %w", err)
	}
	own := a.OAuth.authorization()
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {a.Client}, "client_secret": {a.Secret}}
	for _, p := range own.Body {
		form.Set(p.Name, p.Value)
	}
	var body []byte
	if a.Method == http.MethodGet {
		u.RawQuery = mergeQuery(u.Query(), form)
	} else {
		body = []byte(form.Encode())
	}
	header := http.Header{"User-Agent": {userAgent}, "Content-Type": {"application/x-www-form-urlencoded; charset=utf-8"}}
	own.Apply(header, u)
	r, err := http.NewRequestWithContext(ctx, a.Method, u.String(), bytes.NewReader(body))
	if err != nil {
		return "", 0, fmt.Errorf("eventbridge: authorization request: %w", err)
	}
	r.Header = header
	res, err := e.HTTP.RoundTrip(r)
	if err != nil {
		return "", 0, aws.Errorf("AuthorizationFailure", http.StatusBadGateway, "The authorization endpoint could not be reached: %v", err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return "", 0, aws.Errorf("AuthorizationFailure", http.StatusBadGateway, "The authorization endpoint's answer could not be read: %v", err)
	}
	var answer struct {
		Token   string      `json:"access_token"`
		Expires json.Number `json:"expires_in"`
	}
	if err := json.Unmarshal(got, &answer); res.StatusCode/100 != 2 || err != nil || answer.Token == "" {
		return "", 0, aws.Errorf("AuthorizationFailure", refusal(res.StatusCode), "The authorization endpoint answered with status %d and no access token.", res.StatusCode)
	}
	life = tokenLife
	if n, err := answer.Expires.Int64(); err == nil && n > 0 {
		life = time.Duration(n) * time.Second
	}
	return answer.Token, life, nil
}

// refusal is the status of the error for a token that was not given: those that may pass by themselves keep theirs.
func refusal(status int) int {
	if status >= http.StatusInternalServerError || status == http.StatusTooManyRequests {
		return status
	}
	return http.StatusForbidden
}

func mergeQuery(q, more url.Values) string {
	for k, v := range more {
		q[k] = v
	}
	return q.Encode()
}

// authorized keeps the promise to authorize a connection: its first token decides its state.
func (e *Egress) authorized(ctx context.Context, k *timer.Kept) error {
	arn := string(k.Args)
	at, name, id, ok := parse(connectionKind, arn)
	if !ok {
		return nil
	}
	rec, err := e.connection(ctx, at, name)
	if err != nil && aws.CodeOf(err) != "ResourceNotFoundException" {
		return err
	}
	if err != nil || rec.ID != id || rec.State != authorizing {
		return nil // it is gone, or not what it was
	}
	_, refused := e.bearer(ctx, arn, &rec, true)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	_, err = k.Shard.Update(ctx, func(_ context.Context, tx store.Tx) error {
		key := store.Key(at.connections().Text(name))
		now, there, err := read[connectionRecord](tx, key)
		if err != nil || !there || !now.Modified.Equal(rec.Modified) {
			return cmp.Or(err, k.Done(tx))
		}
		if now.State, now.Authorized = authorized, tx.Now(); refused != nil {
			now.State, now.Authorized, now.Reason = deauthorized, rec.Authorized, aws.InfoOf(refused).Message
		}
		write(tx, key, now)
		return k.Done(tx)
	})
	return err
}
