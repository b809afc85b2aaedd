package execute

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/brume-dev/brume/api/logsapi"
	"github.com/brume-dev/brume/api/xrayapi"
	"github.com/brume-dev/brume/aws"
)

// writer writes logs and traces after the answers, in groups: within a second when all is well. What waits is lost with the
// process.
type writer struct {
	plane *Plane
	mu    *sync.Mutex
	wake  chan struct{}
	state *waiting
}

// waiting is what is to be written.
type waiting struct {
	lines   map[destination][]logsapi.InputLogEvent
	traces  map[owner][]string
	count   int
	dropped int
	made    map[destination]bool // streams that exist
}

// destination is a log stream.
type destination struct {
	owner
	group, stream string
	create        bool // the group too, if need be
}

func newWriter(p *Plane) writer {
	return writer{plane: p, mu: new(sync.Mutex), wake: make(chan struct{}, 1),
		state: &waiting{lines: map[destination][]logsapi.InputLogEvent{}, traces: map[owner][]string{}, made: map[destination]bool{}}}
}

// run writes what comes until ctx ends, and then what is left.
func (w *writer) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			w.flush(last)
			cancel()
			return nil
		case <-w.wake:
		}
		pause := time.NewTimer(logPause) // for others to join
		select {
		case <-ctx.Done():
		case <-pause.C:
		}
		pause.Stop()
		w.flush(ctx)
	}
}

// add queues lines that were logged at a time.
func (w *writer) add(d destination, at time.Time, lines ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.state.count+len(lines) > maxWaiting {
		w.state.dropped += len(lines)
		return
	}
	for _, l := range lines {
		w.state.lines[d] = append(w.state.lines[d], logsapi.InputLogEvent{Timestamp: at.UnixMilli(), Message: l})
	}
	w.state.count += len(lines)
	w.signal()
}

func (w *writer) trace(o owner, segment string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.state.count >= maxWaiting {
		w.state.dropped++
		return
	}
	w.state.traces[o] = append(w.state.traces[o], segment)
	w.state.count++
	w.signal()
}

// signal wakes run.
func (w *writer) signal() {
	select {
	case w.wake <- struct{}{}:
	default: // it is awake
	}
}

// flush writes what waits.
func (w *writer) flush(ctx context.Context) {
	if err := w.plane.meter.Flush(ctx); err != nil {
		w.plane.Log.WarnContext(ctx, "API: write usage", "error", err)
	}
	w.mu.Lock()
	lines, traces, dropped := w.state.lines, w.state.traces, w.state.dropped
	w.state.lines, w.state.traces = map[destination][]logsapi.InputLogEvent{}, map[owner][]string{}
	w.state.count, w.state.dropped = 0, 0
	w.mu.Unlock()
	if dropped > 0 {
		w.plane.Log.WarnContext(ctx, "API: log lines dropped", "lines", dropped)
	}
	for d, events := range lines {
		if err := w.put(ctx, d, events); err != nil {
			w.plane.Log.WarnContext(ctx, "API: write log", "group", d.group, "error", err)
		}
	}
	for o, segments := range traces {
		// API Gateway traces with its own service-linked role, which every account that traces has.
		as := aws.Identity{Kind: aws.Root, Account: o.account, Region: o.region, ARN: aws.MakeARN("iam", "", o.account, "root").String()}
		for some := range slices.Chunk(segments, maxSegments) {
			if _, err := xrayapi.NewClient(w.plane.Caller).PutTraceSegments(ctx, as, &xrayapi.PutTraceSegmentsRequest{TraceSegmentDocuments: some}); err != nil {
				w.plane.Log.WarnContext(ctx, "API: write trace", "error", err)
			}
		}
	}
}

// put writes events to a stream as the account's role for logs.
func (w *writer) put(ctx context.Context, d destination, events []logsapi.InputLogEvent) error {
	role, err := w.plane.Source.LogsRole(ctx, d.account, d.region)
	if err != nil || role == "" {
		return err // without a role nothing is logged
	}
	id, _, err := w.plane.Roles.Assume(ctx, aws.ForService(principal, d.account, d.region, "", aws.Request{}), role, "APIGatewayCloudWatchLogs")
	if err != nil {
		return err
	}
	client := logsapi.NewClient(w.plane.Caller)
	if err := w.prepare(ctx, client, id, d); err != nil {
		return err
	}
	slices.SortStableFunc(events, func(a, b logsapi.InputLogEvent) int { return int(a.Timestamp - b.Timestamp) })
	for len(events) > 0 {
		n, size := 0, 0
		for n < len(events) && n < maxBatch && (n == 0 || size+len(events[n].Message)+26 <= maxBatchBytes) {
			size += len(events[n].Message) + 26
			n++
		}
		if _, err := client.PutLogEvents(ctx, id, &logsapi.PutLogEventsRequest{LogGroupName: d.group, LogStreamName: d.stream, LogEvents: events[:n]}); err != nil {
			w.mu.Lock()
			delete(w.state.made, d) // someone may have deleted it
			w.mu.Unlock()
			return err
		}
		events = events[n:]
	}
	return nil
}

// prepare makes the stream once.
func (w *writer) prepare(ctx context.Context, client logsapi.Client, id aws.Identity, d destination) error {
	w.mu.Lock()
	made := w.state.made[d]
	w.mu.Unlock()
	if made {
		return nil
	}
	there := func(err error) bool { return err == nil || aws.CodeOf(err) == "ResourceAlreadyExistsException" }
	if d.create {
		if _, err := client.CreateLogGroup(ctx, id, &logsapi.CreateLogGroupRequest{LogGroupName: d.group}); !there(err) {
			return err
		}
	}
	if _, err := client.CreateLogStream(ctx, id, &logsapi.CreateLogStreamRequest{LogGroupName: d.group, LogStreamName: d.stream}); !there(err) {
		return err
	}
	w.mu.Lock()
	w.state.made[d] = true
	w.mu.Unlock()
	return nil
}

// logAll queues what is to be logged of a call that has been answered.
func (c *call) logAll() {
	st := c.stage
	if a := st.access; a != nil && a.group != "" {
		d := destination{owner: owner{st.account, st.region}, group: a.group, stream: streamName(st.api, st.stage)}
		c.plane.writer.add(d, c.started, a.line(c))
	}
	if c.log != nil && len(c.log.lines) > 0 {
		d := destination{owner: st.owner, group: "API-Gateway-Execution-Logs_" + st.api + "/" + st.stage, stream: streamName(st.api, st.stage), create: true}
		c.plane.writer.add(d, c.started, c.log.lines...)
	}
	c.endTrace()
}

// streamName is a name as API Gateway gives its streams, 32 hexadecimal digits.
func streamName(parts ...string) string {
	h := sha256.Sum256([]byte(strings.Join(parts, "/")))
	return hex.EncodeToString(h[:16])
}
