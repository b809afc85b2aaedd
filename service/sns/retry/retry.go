// Package retry is SNS's delivery policies: how often and when a delivery that failed is tried again, how many an endpoint
// gets in a second, and which content type they have.
// https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html
package retry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"
)

// Limits of a delivery policy.
const (
	maxDelay   = 3600 // seconds
	maxRetries = 100
	maxTotal   = 3600 // seconds that all retries may wait together

	// DefaultContentType is that of deliveries whose policy names none.
	DefaultContentType = "text/plain; charset=UTF-8"
)

// Schedule is the phases of retries: at once, shortest apart, growing apart, longest apart.
type Schedule struct {
	MinDelay       int    `json:"minDelayTarget"` // seconds
	MaxDelay       int    `json:"maxDelayTarget"`
	Retries        int    `json:"numRetries"` // of all phases
	LongestRetries int    `json:"numMaxDelayRetries"`
	Immediate      int    `json:"numNoDelayRetries"`
	Shortest       int    `json:"numMinDelayRetries"`
	Backoff        string `json:"backoffFunction"`
}

// Default is the schedule of HTTP endpoints whose policy does not say otherwise.
func Default() Schedule {
	return Schedule{MinDelay: 20, MaxDelay: 20, Retries: 3, Backoff: "linear"}
}

// Managed is that of AWS's own endpoints, queues and functions: 100,015 retries over 23 days.
func Managed() Schedule {
	return Schedule{MinDelay: 1, MaxDelay: 20, Retries: 100_015, Immediate: 3, Shortest: 2, LongestRetries: 100_000, Backoff: "exponential"}
}

// Mail is that of mails: 50 retries over 6 hours.
func Mail() Schedule {
	return Schedule{MinDelay: 10, MaxDelay: 600, Retries: 50, Shortest: 2, LongestRetries: 38, Backoff: "exponential"}
}

// Delay is the wait before the retry number n, counted from 1; ok is false when there is no such retry.
func (s *Schedule) Delay(n int) (_ time.Duration, ok bool) {
	if n < 1 || n > s.Retries {
		return 0, false
	}
	seconds := func(n float64) (time.Duration, bool) { return time.Duration(n * float64(time.Second)), true }
	low, high := float64(s.MinDelay), float64(s.MaxDelay)
	if n -= s.Immediate; n <= 0 {
		return 0, true
	}
	if n -= s.Shortest; n <= 0 {
		return seconds(low)
	}
	growing := s.Retries - s.Immediate - s.Shortest - s.LongestRetries
	if n > growing {
		return seconds(high)
	}
	return seconds(backoff(s.Backoff, low, high, n, growing))
}

// backoff is the delay of the step number n of count, from low at the first to high at the last: by equal steps, by steps
// that grow evenly, by a power of two that is cut off, or by equal factors.
func backoff(function string, low, high float64, n, count int) float64 {
	if count <= 1 || low == high {
		return low
	}
	x := float64(n-1) / float64(count-1)
	switch function {
	case "arithmetic":
		k := float64(n-1) * float64(n)
		return low + (high-low)*k/(float64(count-1)*float64(count))
	case "geometric":
		return low * math.Pow(high/low, x)
	case "exponential":
		if n == count {
			return high
		}
		return min(low*math.Pow(2, float64(n-1)), high)
	}
	return low + (high-low)*x
}

// Policy is a delivery policy of a subscription, or what a topic says for its subscriptions.
type Policy struct {
	Schedule    *Schedule
	Rate        int // deliveries in a second; 0: any number
	ContentType string
	// Fixed says, of a topic, that its subscriptions' own policies do not count.
	Fixed bool
}

// Merge is the policy in effect for a subscription of a topic. Either may be nil.
func Merge(topic, subscription *Policy) Policy {
	out := Policy{ContentType: DefaultContentType}
	for _, p := range []*Policy{topic, subscription} {
		if p == nil || p == subscription && out.Fixed {
			continue
		}
		if p.Schedule != nil {
			out.Schedule = p.Schedule
		}
		if p.Rate > 0 {
			out.Rate = p.Rate
		}
		if p.ContentType != "" {
			out.ContentType = p.ContentType
		}
		out.Fixed = p.Fixed
	}
	if out.Schedule == nil {
		d := Default()
		out.Schedule = &d
	}
	return out
}

// given is a schedule as it stands in a policy: what is missing has its default.
type given struct {
	MinDelay       *int    `json:"minDelayTarget"`
	MaxDelay       *int    `json:"maxDelayTarget"`
	Retries        *int    `json:"numRetries"`
	LongestRetries *int    `json:"numMaxDelayRetries"`
	Immediate      *int    `json:"numNoDelayRetries"`
	Shortest       *int    `json:"numMinDelayRetries"`
	Backoff        *string `json:"backoffFunction"`
}

type throttle struct {
	Rate *int `json:"maxReceivesPerSecond"`
}

type request struct {
	ContentType *string `json:"headerContentType"`
}

// ParseSubscription reads the DeliveryPolicy of a subscription; raw says that its messages are delivered raw, when more
// content types are allowed. "" and {} are no policy.
func ParseSubscription(text string, raw bool) (*Policy, error) {
	var in struct {
		Healthy  *given    `json:"healthyRetryPolicy"`
		Sickly   *given    `json:"sicklyRetryPolicy"`
		Throttle *throttle `json:"throttlePolicy"`
		Request  *request  `json:"requestPolicy"`
		Sure     *bool     `json:"guaranteed"`
	}
	if empty(text) {
		return nil, nil
	}
	if err := decode(text, &in); err != nil {
		return nil, err
	}
	return build(in.Healthy, in.Throttle, in.Request, raw)
}

// ParseTopic reads the DeliveryPolicy of a topic.
func ParseTopic(text string) (*Policy, error) {
	var in struct {
		HTTP *struct {
			Healthy  *given    `json:"defaultHealthyRetryPolicy"`
			Sickly   *given    `json:"defaultSicklyRetryPolicy"`
			Fixed    bool      `json:"disableSubscriptionOverrides"`
			Throttle *throttle `json:"defaultThrottlePolicy"`
			Request  *request  `json:"defaultRequestPolicy"`
		} `json:"http"`
	}
	if empty(text) {
		return nil, nil
	}
	if err := decode(text, &in); err != nil {
		return nil, err
	}
	if in.HTTP == nil {
		return nil, nil
	}
	p, err := build(in.HTTP.Healthy, in.HTTP.Throttle, in.HTTP.Request, false)
	if err == nil {
		p.Fixed = in.HTTP.Fixed
	}
	return p, err
}

func empty(text string) bool { return strings.TrimSpace(text) == "" || strings.TrimSpace(text) == "{}" }

func decode(text string, v any) error {
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		if _, field, ok := strings.Cut(err.Error(), "unknown field "); ok {
			return fmt.Errorf("Unexpected JSON member: %s", strings.Trim(field, `"`))
		}
		return errors.New("failed to parse JSON")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("failed to parse JSON")
	}
	return nil
}

// contentTypes are those that a policy may name; those after the first two need raw delivery.
func contentTypes() []string {
	return []string{"text/plain", "application/json", "application/atom+xml", "application/octet-stream", "application/soap+xml",
		"application/x-www-form-urlencoded", "application/xhtml+xml", "application/xml", "text/css", "text/csv", "text/html", "text/xml"}
}

func build(g *given, t *throttle, r *request, raw bool) (*Policy, error) {
	p := &Policy{}
	if g != nil {
		s, err := g.schedule()
		if err != nil {
			return nil, err
		}
		p.Schedule = s
	}
	if t != nil && t.Rate != nil {
		if p.Rate = *t.Rate; p.Rate < 1 {
			return nil, errors.New("throttlePolicy.maxReceivesPerSecond must be greater than or equal to 1")
		}
	}
	if r != nil && r.ContentType != nil {
		p.ContentType = *r.ContentType
		kind, _, _ := strings.Cut(p.ContentType, ";")
		i := slices.Index(contentTypes(), strings.TrimSpace(kind))
		if i < 0 || i > 1 && !raw || strings.ContainsAny(p.ContentType, "\r\n") {
			return nil, fmt.Errorf("requestPolicy.headerContentType: %s is not supported", p.ContentType)
		}
	}
	return p, nil
}

func (g *given) schedule() (*Schedule, error) {
	s := Default()
	for _, f := range []struct {
		from *int
		to   *int
	}{{g.MinDelay, &s.MinDelay}, {g.MaxDelay, &s.MaxDelay}, {g.Retries, &s.Retries}, {g.LongestRetries, &s.LongestRetries},
		{g.Immediate, &s.Immediate}, {g.Shortest, &s.Shortest}} {
		if f.from != nil {
			*f.to = *f.from
		}
	}
	if g.Backoff != nil {
		s.Backoff = *g.Backoff
	}
	if g.MinDelay != nil && g.MaxDelay == nil {
		s.MaxDelay = max(s.MaxDelay, s.MinDelay)
	}
	if g.MaxDelay != nil && g.MinDelay == nil {
		s.MinDelay = min(s.MinDelay, s.MaxDelay)
	}
	return &s, s.check()
}

func (s *Schedule) check() error {
	switch {
	case s.MinDelay < 1 || s.MinDelay > maxDelay:
		return fmt.Errorf("healthyRetryPolicy.minDelayTarget must be between 1 and %d", maxDelay)
	case s.MaxDelay < s.MinDelay || s.MaxDelay > maxDelay:
		return fmt.Errorf("healthyRetryPolicy.maxDelayTarget must be between minDelayTarget and %d", maxDelay)
	case s.Retries < 0 || s.Retries > maxRetries:
		return fmt.Errorf("healthyRetryPolicy.numRetries must be between 0 and %d", maxRetries)
	case s.Immediate < 0 || s.Shortest < 0 || s.LongestRetries < 0:
		return errors.New("healthyRetryPolicy: numbers of retries must be greater than or equal to 0")
	case s.Immediate > s.Retries || s.Shortest > s.Retries || s.LongestRetries > s.Retries ||
		s.Immediate+s.Shortest+s.LongestRetries > s.Retries:
		return errors.New("healthyRetryPolicy.numRetries must be greater than or equal to total of numMinDelayRetries, numNoDelayRetries and numMaxDelayRetries")
	case !slices.Contains([]string{"linear", "arithmetic", "geometric", "exponential"}, s.Backoff):
		return errors.New("healthyRetryPolicy.backoffFunction must be one of linear, arithmetic, geometric, exponential")
	}
	total := time.Duration(0)
	for n := 1; n <= s.Retries; n++ {
		d, _ := s.Delay(n)
		total += d
	}
	if total > maxTotal*time.Second {
		return fmt.Errorf("healthyRetryPolicy: the total retry time must not be greater than %d seconds", maxTotal)
	}
	return nil
}

// shown is the effective policy as GetSubscriptionAttributes gives it.
type shown struct {
	Healthy  *Schedule      `json:"healthyRetryPolicy"`
	Sickly   *Schedule      `json:"sicklyRetryPolicy"`
	Throttle *shownThrottle `json:"throttlePolicy"`
	Request  shownRequest   `json:"requestPolicy"`
	Sure     bool           `json:"guaranteed"`
}

type shownThrottle struct {
	Rate int `json:"maxReceivesPerSecond"`
}

type shownRequest struct {
	ContentType string `json:"headerContentType"`
}

func (p *Policy) throttle() *shownThrottle {
	if p.Rate == 0 {
		return nil
	}
	return &shownThrottle{p.Rate}
}

// Subscription is EffectiveDeliveryPolicy of a subscription.
func (p *Policy) Subscription() string {
	b, _ := json.Marshal(shown{Healthy: p.Schedule, Throttle: p.throttle(), Request: shownRequest{p.ContentType}}) // it holds numbers and texts
	return string(b)
}

// shownTopic is the effective policy as GetTopicAttributes gives it.
type shownTopic struct {
	HTTP struct {
		Healthy  *Schedule      `json:"defaultHealthyRetryPolicy"`
		Fixed    bool           `json:"disableSubscriptionOverrides"`
		Throttle *shownThrottle `json:"defaultThrottlePolicy,omitempty"`
		Request  shownRequest   `json:"defaultRequestPolicy"`
	} `json:"http"`
}

// Topic is EffectiveDeliveryPolicy of a topic.
func (p *Policy) Topic() string {
	var s shownTopic
	s.HTTP.Healthy, s.HTTP.Fixed, s.HTTP.Throttle, s.HTTP.Request.ContentType = p.Schedule, p.Fixed, p.throttle(), p.ContentType
	b, _ := json.Marshal(s)
	return string(b)
}
