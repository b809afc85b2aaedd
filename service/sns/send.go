package sns

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/api/sqsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/sns/courier"
	"github.com/brume-dev/brume/service/sns/envelope"
	"github.com/brume-dev/brume/service/sns/message"
)

const principal = "sns.amazonaws.com"

// parcel is what goes to one subscription.
type parcel struct {
	m       *envelope.Message
	message *message.Message // nil for a confirmation
}

// failure is why an endpoint did not get it.
type failure struct {
	err   error
	code  string // an HTTP status or an error's code
	again bool   // worth a retry: the fault is the endpoint's, and may pass
}

// failed judges the error of a call. Client-side errors are not tried again.
// https://docs.aws.amazon.com/sns/latest/dg/sns-dead-letter-queues.html
func failed(err error) *failure {
	if err == nil {
		return nil
	}
	var coded aws.Error
	if !errors.As(err, &coded) {
		return &failure{err, "InternalError", true}
	}
	info := coded.ErrorInfo()
	throttled := info.Status == http.StatusTooManyRequests || strings.Contains(info.Code, "Throttl") || strings.Contains(info.Code, "OverLimit")
	return &failure{err, info.Code, throttled || info.Status >= 500 && info.Status != http.StatusNotImplemented}
}

// send makes one attempt; nil says that the endpoint has it.
func (s *Service) send(ctx context.Context, t ref, sub *compiledSub, p *parcel) *failure {
	switch sub.rec.Protocol {
	case protoQueue:
		return failed(s.courier.Send(ctx, courier.Line{Topic: t.arn(), Queue: sub.rec.Endpoint}, s.queueEntry(t, sub, p)))
	case protoFunction:
		return failed(s.invoke(ctx, t, sub, p))
	case protoHTTP, protoHTTPS:
		return s.post(ctx, sub, p)
	}
	return s.mail(ctx, t, sub, p)
}

// caller is SNS, on behalf of a topic.
func (s *Service) caller(t ref, p *parcel) aws.Identity {
	r := aws.Request{ID: p.m.ID}
	if p.message != nil {
		r.Trace = p.message.Trace
	}
	return aws.ForService(principal, t.Account, t.Region, t.arn(), r)
}

// queueEntry is the message as a queue gets it.
func (s *Service) queueEntry(t ref, sub *compiledSub, p *parcel) *courier.Entry {
	e := &courier.Entry{ID: s.caller(t, p)}
	m := p.message
	fifo := strings.HasSuffix(sub.rec.Endpoint, fifoSuffix)
	if m == nil {
		e.MessageBody = p.m.Document()
		if fifo {
			e.MessageGroupId, e.MessageDeduplicationId = &p.m.Type, &p.m.ID
		}
		return e
	}
	if sub.raw {
		e.MessageBody = p.m.Message
		e.MessageAttributes = queueAttributes(m)
	} else {
		e.MessageBody = p.m.Document()
	}
	if m.Group != "" {
		e.MessageGroupId = &m.Group
	}
	if fifo {
		dedup := m.DedupID()
		e.MessageDeduplicationId = &dedup
	}
	if m.Trace != "" {
		e.MessageSystemAttributes = map[string]sqsapi.MessageSystemAttributeValue{"AWSTraceHeader": {DataType: "String", StringValue: &m.Trace}}
	}
	return e
}

// queueAttributes are the message's attributes for a queue that gets it raw.
func queueAttributes(m *message.Message) map[string]sqsapi.MessageAttributeValue {
	all := m.Delivered()
	if len(all) == 0 || len(m.Bodies) > 0 {
		return nil
	}
	out := make(map[string]sqsapi.MessageAttributeValue, len(all))
	for name, a := range all {
		v := sqsapi.MessageAttributeValue{DataType: a.Type}
		if strings.HasPrefix(a.Type, "Binary") {
			v.BinaryValue = a.Value
		} else {
			text := string(a.Value)
			v.StringValue = &text
		}
		out[name] = v
	}
	return out
}

// invoke gives the message to a function, as an event.
func (s *Service) invoke(ctx context.Context, t ref, sub *compiledSub, p *parcel) error {
	function, err := aws.ParseARN(sub.rec.Endpoint)
	if err != nil {
		return err
	}
	id := s.caller(t, p)
	id.Account, id.Region = function.Account, function.Region
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err = lambdaapi.NewClient(s.Caller).Invoke(ctx, id, &lambdaapi.InvocationRequest{FunctionName: sub.rec.Endpoint,
		InvocationType: lambdaapi.InvocationTypeEvent, Payload: p.m.Event(sub.arn)})
	return err
}

// sealer makes the envelopes of one message, and signs each text once. It is used by one goroutine.
type sealer struct {
	s     *Service
	topic *compiledTopic
	m     *message.Message
	made  map[string]*envelope.Message // by body
}

// parcel is the message for a subscription. One that is delivered raw needs no signature.
func (l *sealer) parcel(sub *compiledSub) (*parcel, error) {
	if sub.raw {
		return &parcel{m: l.m.Envelope(sub.rec.Protocol, l.topic.arn()), message: l.m}, nil
	}
	body := l.m.Text(sub.rec.Protocol)
	e := l.made[body]
	if e == nil {
		e = l.m.Envelope(sub.rec.Protocol, l.topic.arn())
		if !l.topic.rec.FIFO { // messages of FIFO topics are not signed
			if err := l.s.sign(e, l.topic.rec.signatureVersion()); err != nil {
				return nil, err
			}
		}
		if l.made == nil {
			l.made = map[string]*envelope.Message{}
		}
		l.made[body] = e
	}
	own := *e
	own.Unsubscribe = l.s.unsubscribeURL(sub.arn)
	return &parcel{m: &own, message: l.m}, nil
}

// status is the HTTP status in a failure's code, for logs.
func (f *failure) status() int {
	if f == nil {
		return http.StatusOK
	}
	if n, err := strconv.Atoi(f.code); err == nil {
		return n
	}
	if info := aws.InfoOf(f.err); info.Status != 0 {
		return info.Status
	}
	return http.StatusInternalServerError
}

// slow reports whether the endpoint may take its time, so that its deliveries are promises of their own.
func (c *compiledSub) slow() bool { return !managed(c.rec.Protocol) }
