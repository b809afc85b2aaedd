package retry_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/service/sns/retry"
)

// The figures of AWS's page: so many tries, over so long.
func TestManagedSchedules(t *testing.T) {
	for _, c := range []struct {
		s       retry.Schedule
		retries int
		days    float64
	}{{retry.Managed(), 100_015, 23.1}, {retry.Mail(), 50, 0.29}, {retry.Default(), 3, 60.0 / 86400}} {
		total, n := time.Duration(0), 0
		for {
			d, ok := c.s.Delay(n + 1)
			if !ok {
				break
			}
			n++
			total += d
		}
		if days := total.Hours() / 24; n != c.retries || days < c.days*0.95 || days > c.days*1.05 {
			t.Errorf("%+v: %d retries over %.3f days", c.s, n, days)
		}
	}
}

func TestPhases(t *testing.T) {
	for function, want := range map[string]string{
		"linear":      "0 0 5 5 90 175 260 260",
		"arithmetic":  "0 0 5 5 47 132 260 260",
		"geometric":   "0 0 5 5 18 69 260 260",
		"exponential": "0 0 5 5 10 20 260 260",
	} {
		s := retry.Schedule{MinDelay: 5, MaxDelay: 260, Retries: 8, Immediate: 2, Shortest: 1, LongestRetries: 1, Backoff: function}
		var got []string
		for n := 1; ; n++ {
			d, ok := s.Delay(n)
			if !ok {
				break
			}
			got = append(got, fmt.Sprint(int(d.Seconds())))
		}
		if g := strings.Join(got, " "); g != want {
			t.Errorf("%s: %s, want %s", function, g, want)
		}
	}
}

func TestPolicies(t *testing.T) {
	topic, err := retry.ParseTopic(`{"http":{"defaultHealthyRetryPolicy":{"numRetries":5},"defaultThrottlePolicy":{"maxReceivesPerSecond":7}}}`)
	if err != nil {
		t.Fatal(err)
	}
	sub, err := retry.ParseSubscription(`{"healthyRetryPolicy":{"minDelayTarget":1,"maxDelayTarget":60,"numRetries":50,"numNoDelayRetries":3,"numMinDelayRetries":2,`+
		`"numMaxDelayRetries":35,"backoffFunction":"exponential"},"requestPolicy":{"headerContentType":"application/json"}}`, false)
	if err != nil {
		t.Fatal(err)
	}
	both := retry.Merge(topic, sub)
	want := `{"healthyRetryPolicy":{"minDelayTarget":1,"maxDelayTarget":60,"numRetries":50,"numMaxDelayRetries":35,"numNoDelayRetries":3,"numMinDelayRetries":2,` +
		`"backoffFunction":"exponential"},"sicklyRetryPolicy":null,"throttlePolicy":{"maxReceivesPerSecond":7},"requestPolicy":{"headerContentType":"application/json"},"guaranteed":false}`
	if got := both.Subscription(); got != want {
		t.Errorf("got %s", got)
	}
	topic.Fixed = true
	if got := retry.Merge(topic, sub); got.Schedule.Retries != 5 || got.ContentType != retry.DefaultContentType {
		t.Errorf("the subscription overrode: %+v", got)
	}
	none := retry.Merge(nil, nil)
	want = `{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":20,"maxDelayTarget":20,"numRetries":3,"numMaxDelayRetries":0,"numNoDelayRetries":0,` +
		`"numMinDelayRetries":0,"backoffFunction":"linear"},"disableSubscriptionOverrides":false,"defaultRequestPolicy":{"headerContentType":"text/plain; charset=UTF-8"}}}`
	if got := none.Topic(); got != want {
		t.Errorf("got %s", got)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{`x`, `{"a":1}`, `{} {}`, `{"healthyRetryPolicy":{"numRetries":101}}`, `{"healthyRetryPolicy":{"numRetries":-1}}`,
		`{"healthyRetryPolicy":{"minDelayTarget":0}}`, `{"healthyRetryPolicy":{"minDelayTarget":30,"maxDelayTarget":20}}`,
		`{"healthyRetryPolicy":{"maxDelayTarget":3601}}`, `{"healthyRetryPolicy":{"numRetries":2,"numNoDelayRetries":3}}`,
		`{"healthyRetryPolicy":{"numRetries":9223372036854775807,"numNoDelayRetries":9223372036854775807,"numMinDelayRetries":9223372036854775807}}`,
		`{"healthyRetryPolicy":{"backoffFunction":"cubic"}}`, `{"healthyRetryPolicy":{"numRetries":100,"minDelayTarget":60,"maxDelayTarget":60}}`,
		`{"throttlePolicy":{"maxReceivesPerSecond":0}}`, `{"requestPolicy":{"headerContentType":"image/png"}}`,
		`{"requestPolicy":{"headerContentType":"text/xml"}}`, `{"requestPolicy":{"headerContentType":"text/plain;\r\nX: y"}}`} {
		if _, err := retry.ParseSubscription(text, false); err == nil {
			t.Errorf("%s was taken", text)
		}
	}
	if _, err := retry.ParseSubscription(`{"requestPolicy":{"headerContentType":"text/xml"}}`, true); err != nil {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`{"healthyRetryPolicy":{"numRetries":5,"backoffFunction":"geometric"}}`)
	f.Add(`{"http":{"defaultHealthyRetryPolicy":{"numRetries":5},"disableSubscriptionOverrides":true}}`)
	f.Fuzz(func(t *testing.T, text string) {
		topic, _ := retry.ParseTopic(text)
		sub, _ := retry.ParseSubscription(text, true)
		p := retry.Merge(topic, sub)
		for n := 1; n <= p.Schedule.Retries; n++ {
			if d, ok := p.Schedule.Delay(n); !ok || d < 0 || d > time.Hour {
				t.Fatalf("retry %d of %+v after %v", n, p.Schedule, d)
			}
		}
	})
}
