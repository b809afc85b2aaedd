package execution

import (
	"context"
	"encoding/base64"
	"errors"
	"io"

	"github.com/brume-dev/brume/api/sfnapi"
	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/asl/fault"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// token is what a task token says: where the task is, and what nobody can guess. It counts when it is the one that the thread has.
type token struct {
	At     where  `cbor:"1,keyasint"`
	Secret []byte `cbor:"2,keyasint"`
}

const secretSize = 24 // bytes

// newToken makes the token of a task. Without randomness there is none, and the task cannot be completed by one.
func (e *Engine) newToken(at At, gen, seq int64) string {
	secret := make([]byte, secretSize)
	if _, err := io.ReadFull(e.Rand, secret); err != nil {
		e.Log.Error("sfn: no randomness for a task token", "problem", err)
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(record.Encode(version, token{at.point(gen, seq), secret}))
}

func readToken(text string) (t token, ok bool) {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || record.Decode(b, version, &t) != nil || len(t.Secret) != secretSize {
		return t, false
	}
	return t, true
}

func invalidToken() error { return &sfnapi.InvalidToken{Message: "Invalid Token: 'Invalid token'"} }

func taskGone() error {
	return &sfnapi.TaskTimedOut{Message: "Task Timed Out: 'Provided task does not exist anymore'"}
}

// Return brings back the token of a task with its result or failure. Errors are those of SendTaskSuccess.
func (e *Engine) Return(ctx context.Context, text string, output []byte, failure *fault.Error) error {
	h := asl.Happening{What: asl.Completed, Output: output, Returned: true}
	if failure != nil {
		h = asl.Happening{What: asl.Faulted, Error: failure, Returned: true}
	}
	return e.hand(ctx, text, h, nil)
}

// Taken says that a worker has taken the task with this token. It returns false when the task does not wait for one any more;
// a task that was taken is taken again by the worker who asks after a crash.
func (e *Engine) Taken(ctx context.Context, text, worker string) (bool, error) {
	err := e.hand(ctx, text, asl.Happening{What: asl.Started, Worker: worker}, func(c *change, t *thread) error { return c.beat(c.st.at, t) })
	switch aws.CodeOf(err) {
	case "TaskTimedOut":
		tok, _ := readToken(text)
		_, err := e.holder(ctx, tok, text)
		if code := aws.CodeOf(err); code == "TaskTimedOut" || code == "TaskDoesNotExist" {
			return false, nil
		}
		return err == nil, err
	case "TaskDoesNotExist", "InvalidToken":
		return false, nil
	}
	return err == nil, err
}

// hand makes a step of something that is known of the task with a token.
func (e *Engine) hand(ctx context.Context, text string, h asl.Happening, also func(*change, *thread) error) error {
	tok, ok := readToken(text)
	if !ok {
		return invalidToken()
	}
	at, err := e.holder(ctx, tok, text)
	if err != nil {
		return err
	}
	err = e.take(ctx, turn{to: at, what: h.What, happening: func(*state) asl.Happening { return h }, also: also})
	if errors.Is(err, errVoid) {
		return taskGone()
	}
	return err
}

// holder is the thread that has the token.
func (e *Engine) holder(ctx context.Context, tok token, text string) (where, error) {
	return store.View(ctx, e.shard(Ref{Spot: tok.At.spot()}), func(_ context.Context, r store.Reader) (where, error) {
		_, at, err := holding(r, tok, text)
		return at, err
	})
}

// holding reads the thread that has the token.
func holding(r store.Reader, tok token, text string) (*thread, where, error) {
	at := tok.At.at()
	h, err := get[head](r, at.head())
	if err != nil {
		return nil, where{}, err
	}
	if h == nil {
		return nil, where{}, &sfnapi.TaskDoesNotExist{Message: "Task does not exist: 'Provided task does not exist'"}
	}
	t, err := readThread(r, at, true)
	if err != nil {
		return nil, where{}, err
	}
	if h.Status != Running || t == nil || t.Gen != tok.At.Gen || t.T.Token != text ||
		t.T.Phase != asl.Calling && t.T.Phase != asl.Submitted {
		return nil, where{}, taskGone()
	}
	return t, at.point(t.Gen, t.T.Seq), nil
}

// Beat says that the task with this token goes on. Errors are those of SendTaskHeartbeat.
func (e *Engine) Beat(ctx context.Context, text string) error {
	tok, ok := readToken(text)
	if !ok {
		return invalidToken()
	}
	_, err := e.shard(Ref{Spot: tok.At.spot()}).Update(ctx, func(_ context.Context, tx store.Tx) error {
		old, at, err := holding(tx, tok, text)
		if err != nil || old.Beat <= 0 {
			return err
		}
		c := &change{e: e, tx: tx, now: milli(tx.Now())}
		t := *old
		if err := c.beat(at.at(), &t); err != nil {
			return err
		}
		if len(t.Roles) == len(old.Roles) {
			return nil
		}
		return t.write(tx, at.at(), old)
	})
	return err
}
