package sqs_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/brume-dev/brume/api/sqsapi"
)

// modelled is what a message should be.
type modelled struct {
	body, group string
	sent        time.Time
	at          time.Time // when it may be received
	received    int
	handle      string // of its last receive
}

// model is a queue as its users understand it.
type model struct {
	*rig
	rt   *rapid.T
	url  string
	fifo bool
	all  []*modelled // in the order in which they were sent
	n    int
}

func (m *model) now() time.Time { return m.clock.Now() }

// deliverable lists what may be received, each FIFO group as a run.
func (m *model) deliverable() (out []*modelled) {
	locked := map[string]bool{}
	for _, x := range m.all {
		if m.fifo && x.received > 0 && x.at.After(m.now()) {
			locked[x.group] = true
		}
	}
	for _, x := range m.all {
		switch {
		case locked[x.group]:
		case x.at.After(m.now()):
			locked[x.group] = m.fifo
		default:
			out = append(out, x)
		}
	}
	return out
}

func (m *model) send() {
	m.n++
	x := &modelled{body: fmt.Sprint(m.n), sent: m.now(), at: m.now()}
	in := &sqsapi.SendMessageRequest{QueueUrl: m.url, MessageBody: x.body}
	if m.fifo || rapid.Bool().Draw(m.rt, "grouped") {
		x.group = rapid.SampledFrom([]string{"a", "b", "c"}).Draw(m.rt, "group")
		in.MessageGroupId = &x.group
	}
	if delay := int32(rapid.IntRange(0, 3).Draw(m.rt, "delay")); !m.fifo && delay > 0 {
		in.DelaySeconds, x.at = &delay, x.at.Add(time.Duration(delay)*time.Second)
	}
	_, err := m.SendMessage(m.t.Context(), me, in)
	m.check(err == nil, "send: %v", err)
	m.all = append(m.all, x)
}

func (m *model) receiveSome() {
	n, hide := rapid.IntRange(1, 10).Draw(m.rt, "max"), rapid.IntRange(0, 4).Draw(m.rt, "hidden")
	may := m.deliverable()
	got := m.receive(m.url, int32(n), hidden(int32(hide)))
	m.check(len(got) == min(n, len(may)), "%d received, %d of %d may be", len(got), n, len(may))
	for _, g := range got {
		i := slices.IndexFunc(may, func(x *modelled) bool { return x.body == *g.Body })
		if i < 0 {
			m.check(false, "%s was received, which may not be", *g.Body)
			return
		}
		x := may[i]
		first := slices.IndexFunc(may, func(y *modelled) bool { return y.group == x.group })
		m.check(!m.fifo || first == i, "%s was received before %s", x.body, may[max(first, 0)].body)
		may = slices.Delete(may, i, i+1)
		x.received++
		x.at, x.handle = m.now().Add(time.Duration(hide)*time.Second), *g.ReceiptHandle
		m.check(g.Attributes["ApproximateReceiveCount"] == fmt.Sprint(x.received), "%s was received %s times, want %d", x.body, g.Attributes["ApproximateReceiveCount"], x.received)
	}
}

// one picks a message that was received.
func (m *model) one() *modelled {
	var with []*modelled
	for _, x := range m.all {
		if x.handle != "" {
			with = append(with, x)
		}
	}
	if len(with) == 0 {
		return nil
	}
	return rapid.SampledFrom(with).Draw(m.rt, "which")
}

func (m *model) deleteOne() {
	x := m.one()
	if x == nil {
		return
	}
	_, err := m.DeleteMessage(m.t.Context(), me, &sqsapi.DeleteMessageRequest{QueueUrl: m.url, ReceiptHandle: x.handle})
	expired := m.fifo && !x.at.After(m.now())
	m.check((err != nil) == expired, "delete of %s: %v", x.body, err)
	if !expired {
		m.all = slices.DeleteFunc(m.all, func(y *modelled) bool { return y == x })
	}
}

func (m *model) hideOne() {
	x := m.one()
	if x == nil {
		return
	}
	seconds := rapid.IntRange(0, 5).Draw(m.rt, "hide")
	_, err := m.ChangeMessageVisibility(m.t.Context(), me, &sqsapi.ChangeMessageVisibilityRequest{QueueUrl: m.url, ReceiptHandle: x.handle, VisibilityTimeout: int32(seconds)})
	flying := x.at.After(m.now())
	m.check((err == nil) == flying, "hiding %s: %v", x.body, err)
	if flying {
		x.at = m.now().Add(time.Duration(seconds) * time.Second)
	}
}

func (m *model) advanceSome() {
	m.advance(time.Duration(rapid.IntRange(1, 9).Draw(m.rt, "half seconds")) * time.Second / 2)
	m.all = slices.DeleteFunc(m.all, func(x *modelled) bool { return m.now().Sub(x.sent) >= time.Minute })
}

// compare counts.
func (m *model) compare() {
	var visible, flying, delayed int
	for _, x := range m.all {
		switch {
		case !x.at.After(m.now()):
			visible++
		case x.received > 0:
			flying++
		default:
			delayed++
		}
	}
	a := m.attributes(m.url, "All")
	got := fmt.Sprint(a["ApproximateNumberOfMessages"], " ", a["ApproximateNumberOfMessagesNotVisible"], " ", a["ApproximateNumberOfMessagesDelayed"])
	m.check(got == fmt.Sprint(visible, flying, delayed), "counts %s, want %d %d %d", got, visible, flying, delayed)
}

func (m *model) check(ok bool, format string, args ...any) {
	if !ok {
		m.rt.Fatalf(format, args...)
	}
}

// TestModel does what comes to mind to a queue, and compares it with the model after each step.
func TestModel(t *testing.T) {
	for _, fifo := range []bool{false, true} {
		t.Run(fmt.Sprint("fifo ", fifo), func(t *testing.T) {
			queues := 0
			r := newRig(t)
			rapid.Check(t, func(rt *rapid.T) {
				queues++
				m := &model{rig: r, rt: rt, fifo: fifo}
				if fifo {
					m.url = r.fifo(fmt.Sprint("q", queues), "ContentBasedDeduplication", "true", "MessageRetentionPeriod", "60")
				} else {
					m.url = r.create(fmt.Sprint("q", queues), "MessageRetentionPeriod", "60")
				}
				rt.Repeat(map[string]func(*rapid.T){
					"send": func(*rapid.T) { m.send() }, "send again": func(*rapid.T) { m.send() },
					"receive": func(*rapid.T) { m.receiveSome() }, "delete": func(*rapid.T) { m.deleteOne() },
					"hide": func(*rapid.T) { m.hideOne() }, "advance": func(*rapid.T) { m.advanceSome() },
					"mark": func(*rapid.T) { m.check(r.MoveMark(t.Context(), me, m.url) == nil, "mark") },
					"":     func(*rapid.T) { m.compare() },
				})
			})
		})
	}
}
