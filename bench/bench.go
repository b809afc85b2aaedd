// Package bench measures a platform from outside, with signed requests over connections of its own, beside what the same
// client gets in the same run from handlers that do as little as a server can (Ceilings): ratios say more than rates,
// which are those of a machine and an hour.
package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Bench is one run of cases.
type Bench struct {
	// Target is what is measured; without an endpoint each case gets a platform of its own, in a process and a fresh folder
	// of its own.
	Target      Target
	Program     string // the brume program, to be started as a platform and as ceilings
	Folder      string // of temporary files: on the disk that is to be measured
	Connections int
	Duration    time.Duration // of every load, all rounds together
	Rounds      int           // in which loads and ceilings take turns
	Items       int           // that the case load writes
	Out         io.Writer
}

// Case is something to measure.
type Case struct {
	Name, About string
	run         func(context.Context, *rig) error
	alone       bool // starts its platforms itself
}

// Cases are all there are, in the order in which they are run.
func Cases() []Case {
	return []Case{
		{"put-item", "DynamoDB PutItem of small items", putItem, false},
		{"get-item", "DynamoDB GetItem of the same", getItem, false},
		{"query-100", "DynamoDB Query of 100 items of 200 bytes", query100, false},
		{"transact-write", "DynamoDB TransactWriteItems of 4 items", transactWrite, false},
		{"counter", "DynamoDB UpdateItem of one counter, 64 at a time", counter, false},
		{"load", "DynamoDB BatchWriteItem of 25 small items until there are a million (--items): the rate of each tenth", loadTable, false},
		{"invoke", "Lambda Invoke of a warm Python function, over 1 connection and over all", invoke, false},
		{"cold-start", "Lambda Invoke that starts an environment: Python without imports, a Go binary", coldStart, false},
		{"api", "API Gateway to a mock and to a Lambda function, IAM-authorized", callAPI, false},
		{"send-message", "SQS SendMessage of small messages, and of batches of 10", sendMessage, false},
		{"receive-message", "SQS send, receive and delete, counted as one: single messages, then batches of 10", receiveMessage, false},
		{"full-queue", "the same with a million messages in the queue", fullQueue, false},
		{"long-poll", "how soon a message comes to an SQS receiver that waits for it", longPoll, false},
		{"put-events", "EventBridge PutEvents of one event, that no rule wants and that an archive keeps", putEvents, false},
		{"sqs-lambda", "SQS to Lambda: a backlog that a mapping works off by a Python function, in batches of 10", sqsLambda, false},
		{"sns-fanout", "SNS Publish to 3 queues, until all three messages can be received: in envelopes, and raw", fanOut, false},
		{"sfn-standard", "Step Functions StartExecution of 5 Pass and Choice states, to SUCCEEDED", standard, false},
		{"sfn-express", "Step Functions StartSyncExecution of the same", expressSync, false},
		{"sfn-transitions", "Step Functions: states entered a second by executions that go round", transitions, false},
		{"sfn-first-task", "how soon the first task of an execution is done: its message received from a queue", firstTask, false},
		{"sfn-waiting", "what 100,000 waiting executions occupy", waiting, false},
		{"start", "how soon a platform is ready, and what it occupies idle", start, true},
	}
}

// Run measures the cases of those names, or all. What cannot be measured is said and left out; it is an error at the end.
func (b *Bench) Run(ctx context.Context, names []string) error {
	all := Cases()
	for _, n := range names {
		if !slices.ContainsFunc(all, func(c Case) bool { return c.Name == n }) {
			return fmt.Errorf("there is no case %q", n)
		}
	}
	fmt.Fprintf(b.Out, "%d connections, %v each in %d rounds; %s, %d cores, %s, load %s\n", b.Connections, b.Duration, b.Rounds,
		runtime.GOOS+"/"+runtime.GOARCH, runtime.NumCPU(), runtime.Version(), machineLoad())
	var errs []error
	for _, c := range all {
		if len(names) > 0 && !slices.Contains(names, c.Name) {
			continue
		}
		fmt.Fprintf(b.Out, "\n%s: %s\n", c.Name, c.About)
		if err := b.one(ctx, &c); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			fmt.Fprintf(b.Out, "  not measured: %v\n", err)
			errs = append(errs, fmt.Errorf("%s: %w", c.Name, err))
		}
	}
	fmt.Fprintf(b.Out, "\nload at the end %s\n", machineLoad())
	return errors.Join(errs...)
}

func (b *Bench) one(ctx context.Context, c *Case) (err error) {
	on := *b
	r := &rig{Bench: &on, name: fmt.Sprintf("brume-bench-%x", time.Now().UnixNano())}
	if c.alone {
		if b.Target.Endpoint != "" {
			return errors.New("it starts platforms of its own: run it without --endpoint")
		}
		return c.run(ctx, r)
	}
	if b.Target.Endpoint == "" {
		data, err := os.MkdirTemp(b.Folder, "data-")
		if err != nil {
			return err
		}
		p, err := b.platform(ctx, data)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, p.stop()) }()
		on.Target.Endpoint, r.own = p.urls[0], p
	}
	defer r.undo()
	if err := c.run(ctx, r); err != nil {
		return err
	}
	return nil
}

// machineLoad is how busy the machine has been of late.
func machineLoad() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	words := strings.Fields(string(b))
	return strings.Join(words[:min(3, len(words))], " ")
}

// measurement is one load and what it is compared with.
type measurement struct {
	label       string
	requests    []*request
	connections int
	synced      bool // whether the answer waits for the disk
	// settled, when not nil, returns once everything has come of the target's first n requests that is to come: the time
	// counts.
	settled func(ctx context.Context, n int) error
}

// contestant is one of those that take turns.
type contestant struct {
	load   *load
	server *server // nil: not ours to look into
	rates  []float64
	total  sample
	cpu    time.Duration // of the server
}

// measure lets target and ceilings take turns, and prints what came of it.
func (r *rig) measure(ctx context.Context, m measurement) error {
	target := newLoad(&r.Target, r.Target.Endpoint, m.requests, m.connections)
	defer target.close()
	warm, err := target.slice(ctx, max(r.Duration/10, 50*time.Millisecond))
	if err != nil {
		return fmt.Errorf("%s: %w", m.label, err)
	}
	limits, err := r.ceilings(ctx, int(warm.bytes)/len(warm.took))
	if err != nil {
		return err
	}
	defer limits.stop()
	all := []*contestant{{load: target, server: r.own}}
	for _, url := range limits.urls {
		if len(all) == 2 && !m.synced {
			break
		}
		c := &contestant{load: newLoad(&r.Target, url, m.requests, m.connections), server: limits}
		defer c.load.close()
		if _, err := c.load.slice(ctx, 50*time.Millisecond); err != nil { // connections, the first garbage collection
			return err
		}
		all = append(all, c)
	}
	var synced int64
	answered := len(warm.took)
	for range r.Rounds {
		for i, c := range all {
			before, _ := r.syncs(ctx)
			cpu := c.server.cpu()
			s, err := c.load.slice(ctx, r.Duration/time.Duration(r.Rounds))
			if err == nil && i == 0 {
				err = r.settle(ctx, m, s, &answered)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", m.label, err)
			}
			if i == 0 {
				after, _ := r.syncs(ctx)
				synced += after - before
			}
			c.cpu += c.server.cpu() - cpu
			c.rates = append(c.rates, s.rate())
			c.total.add(s)
		}
	}
	var disk syncs
	if m.synced {
		if disk, err = askSyncs(ctx, limits.urls[1]); err != nil {
			return err
		}
	}
	r.report(ctx, m, all, synced, disk)
	return nil
}

// settle waits for what the slice s of the target has set going, as a part of the slice.
func (r *rig) settle(ctx context.Context, m measurement, s *sample, answered *int) error {
	if m.settled == nil {
		return nil
	}
	*answered += len(s.took)
	began := time.Now()
	err := m.settled(ctx, *answered)
	s.elapsed += time.Since(began)
	return err
}

// askSyncs asks the synced handler how it fared.
func askSyncs(ctx context.Context, url string) (s syncs, err error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, url+syncsPath, nil)
	if err != nil {
		return s, err
	}
	res, err := http.DefaultClient.Do(q)
	if err != nil {
		return s, err
	}
	defer res.Body.Close()
	return s, json.NewDecoder(res.Body).Decode(&s)
}
