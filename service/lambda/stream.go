package lambda

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/protocol/eventstream"
	"github.com/brume-dev/brume/service/lambda/keys"
	"github.com/brume-dev/brume/service/lambda/streamed"
)

// flow is an invocation whose answer may be streamed. Body has what the function streams, until io.EOF or, when the
// function fails, errFailed; then end says how it went.
type flow struct {
	contentType string
	body        *io.PipeReader // nil when the answer came whole
	done        chan struct{}  // closed when there is an end
	answer      *answer
	err         error
}

// errFailed ends the body of a streamed answer that is not whole.
var errFailed = errors.New("lambda: the function failed while its answer was streamed")

// open runs c with ev and returns when the function has begun to stream, or has answered.
func (s *Service) open(ctx context.Context, c *chosen, ev *event) (*flow, error) {
	f := &flow{done: make(chan struct{})}
	r, w := io.Pipe()
	begun := make(chan string, 1)
	ev.stream = func(contentType string) io.Writer {
		begun <- contentType
		return w
	}
	go func() {
		// The function goes on although the client has gone.
		f.answer, f.err = s.execute(context.WithoutCancel(ctx), c, ev)
		failed := f.err
		if failed == nil && f.answer.failed {
			failed = errFailed
		}
		w.CloseWithError(failed) // nil: io.EOF
		close(f.done)
	}()
	select {
	case f.contentType = <-begun:
		f.body = r
		return f, nil
	case <-f.done:
	}
	select {
	case f.contentType = <-begun: // it has streamed nothing
		f.body = r
		return f, nil
	default:
		return f, f.err
	}
}

// end waits for the end and says how it went. Only then is there an answer.
func (f *flow) end() (*answer, error) {
	<-f.done
	return f.answer, f.err
}

// messages gives a flow as an event stream; tail says that the end of the log is wanted too.
func (f *flow) messages(tail bool) io.Reader {
	end := func() streamed.End {
		a, err := f.end()
		if err != nil {
			info := aws.InfoOf(err)
			return streamed.End{ErrorCode: info.Code, ErrorDetails: info.Message}
		}
		e := streamed.End{Whole: a.payload}
		if a.failed {
			e = streamed.End{ErrorCode: a.errorType, ErrorDetails: string(a.payload)}
		}
		if tail {
			e.Log = a.tail
		}
		return e
	}
	if f.body == nil {
		return streamed.Messages(nil, end)
	}
	return streamed.Messages(f.body, end)
}

// InvokeWithResponseStream runs a function and passes on what it streams, as it comes.
// https://docs.aws.amazon.com/lambda/latest/api/API_InvokeWithResponseStream.html
func (s *Service) InvokeWithResponseStream(ctx context.Context, id aws.Identity, in *lambdaapi.InvokeWithResponseStreamRequest) (*lambdaapi.InvokeWithResponseStreamResponse, error) {
	p, err := keys.Find(id, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	plain := &lambdaapi.InvocationRequest{Payload: in.Payload, TenantId: in.TenantId, ClientContext: in.ClientContext, LogType: in.LogType}
	if err := checkInvocation(plain); err != nil {
		return nil, err
	}
	c, err := s.choose(ctx, p)
	if err != nil {
		return nil, err
	}
	ev, err := s.eventOf(id, p, plain)
	if err != nil {
		return nil, err
	}
	if in.InvocationType == lambdaapi.ResponseStreamingInvocationTypeDryRun {
		return &lambdaapi.InvokeWithResponseStreamResponse{StatusCode: new(int32(http.StatusNoContent))}, nil
	}
	f, err := s.open(ctx, c, ev)
	if err != nil {
		return nil, err
	}
	return &lambdaapi.InvokeWithResponseStreamResponse{StatusCode: new(int32(http.StatusOK)), ExecutedVersion: new(c.cfg.version()),
		ResponseStreamContentType: new(eventstream.ContentType), EventStream: f.messages(ev.tail)}, nil
}
