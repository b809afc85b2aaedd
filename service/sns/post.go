package sns

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/brume-dev/brume/service/sns/envelope"
)

// post delivers to an HTTP endpoint. What it answers below 400 is success; 4xx, other than 429, is final.
// https://docs.aws.amazon.com/sns/latest/dg/http-header.html
func (s *Service) post(ctx context.Context, sub *compiledSub, p *parcel) *failure {
	body := p.m.Document()
	raw := sub.raw && p.message != nil
	if raw {
		body = p.m.Message
	}
	ctx, cancel := context.WithTimeout(ctx, postTimeout)
	defer cancel()
	u, err := url.Parse(sub.rec.Endpoint)
	if err != nil {
		return &failure{err, "InvalidEndpoint", false}
	}
	user := u.User
	u.User = nil
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), strings.NewReader(body))
	if err != nil {
		return &failure{err, "InvalidEndpoint", false}
	}
	if user != nil {
		password, _ := user.Password()
		r.SetBasicAuth(user.Username(), password)
	}
	r.Header.Set("Content-Type", sub.policy.ContentType)
	r.Header.Set("User-Agent", "Amazon Simple Notification Service Agent")
	r.Header.Set("x-amz-sns-message-type", p.m.Type)
	r.Header.Set("x-amz-sns-message-id", p.m.ID)
	r.Header.Set("x-amz-sns-topic-arn", p.m.Topic)
	if p.m.Type != envelope.SubscriptionConfirmation {
		r.Header.Set("x-amz-sns-subscription-arn", sub.arn)
	}
	if p.message != nil && p.message.Trace != "" {
		r.Header.Set("X-Amzn-Trace-Id", p.message.Trace)
	}
	if raw {
		r.Header.Set("x-amz-sns-rawdelivery", "true")
	}
	answer, err := s.HTTP.RoundTrip(r)
	if err != nil {
		return &failure{fmt.Errorf("sns: post to %s: %w", u.Redacted(), err), "EndpointUnreachable", true}
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, answerBytes)) // so that the connection can be used again
	if answer.StatusCode >= 200 && answer.StatusCode < 400 {
		return nil
	}
	again := answer.StatusCode >= 500 || answer.StatusCode == http.StatusTooManyRequests || answer.StatusCode < 200
	return &failure{errors.New("the endpoint answered " + answer.Status), strconv.Itoa(answer.StatusCode), again}
}
