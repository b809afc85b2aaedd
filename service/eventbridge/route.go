package eventbridge

import (
	"context"
	"time"

	"github.com/brume-dev/brume/event/pattern"
	"github.com/brume-dev/brume/event/target"
	"github.com/brume-dev/brume/service/eventbridge/input"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// compiled is a bus with its rules, ready for events. It belongs to one generation of the bus and is immutable.
type compiled struct {
	ref
	gen      int64
	there    bool
	bus      busRecord
	set      *pattern.Set[string]
	rules    map[string]*compiledRule
	resource store.Tuple
}

// compiledRule is an enabled rule.
type compiledRule struct {
	name, arn string
	targets   []compiledTarget
	archive   *archiveRecord // the rule is that of an archive
}

// route returns the bus as it is now: what is known is never older than the last change that was acknowledged before, since changes
// of a bus and its rules count its generation up in their transactions.
func (s *Service) route(ctx context.Context, b ref) (*compiled, error) {
	known, _ := s.buses.Get(b)
	var found *loaded
	err := s.shard(b.place).View(ctx, func(_ context.Context, r store.Reader) (err error) {
		v, _, err := r.Get(b.gen(b.name))
		gen := store.ReadCounter(v)
		if found = nil; err != nil || known != nil && known.gen == gen {
			return err
		}
		found, err = load(r, b, gen)
		return err
	})
	if err != nil || found == nil {
		return known, err
	}
	c, err := found.compile()
	if err == nil {
		s.buses.Renew(b, c, func(had *compiled) bool { return had.gen < c.gen })
	}
	return c, err
}

// Hears reports whether an event on the default bus of an account and region might have an effect: whether there is a rule that is
// enabled, that of an archive included. Services whose every step is an event ask before they promise one.
func (s *Service) Hears(ctx context.Context, account, region string) bool {
	c, err := s.route(ctx, ref{place{account, region}, defaultBus})
	return err != nil || len(c.rules) > 0
}

// loaded is what the store says of a bus; compiling takes longer than a transaction may.
type loaded struct {
	ref
	gen      int64
	there    bool
	bus      busRecord
	rules    map[string]ruleRecord
	targets  map[string][]targetRecord // by rule
	archives map[string]archiveRecord
}

func load(r store.Reader, b ref, gen int64) (l *loaded, err error) {
	l = &loaded{ref: b, gen: gen, rules: map[string]ruleRecord{}, targets: map[string][]targetRecord{}, archives: map[string]archiveRecord{}}
	if l.bus, l.there, err = readBus(r, b); err != nil || !l.there {
		return l, err
	}
	prefix := b.rules(b.name)
	pairs, done := r.Scan(prefix.Range(), store.ScanOpt{})
	for kv := range pairs {
		var rec ruleRecord
		if err := record.Decode(kv.Value, version, &rec); err != nil {
			return nil, err
		}
		if rec.enabled() && rec.Pattern != "" {
			l.rules[store.Decode(kv.Key, len(prefix)).Text()] = rec
		}
	}
	if err := done(); err != nil {
		return nil, err
	}
	prefix = b.busTargets(b.name)
	pairs, done = r.Scan(prefix.Range(), store.ScanOpt{})
	for kv := range pairs {
		var rec targetRecord
		if err := record.Decode(kv.Value, version, &rec); err != nil {
			return nil, err
		}
		rule := store.Decode(kv.Key, len(prefix)).Text()
		l.targets[rule] = append(l.targets[rule], rec)
	}
	if err := done(); err != nil {
		return nil, err
	}
	for _, rule := range l.rules {
		if rule.Archive == "" {
			continue
		}
		a, there, err := read[archiveRecord](r, b.archives().Text(rule.Archive))
		if err != nil {
			return nil, err
		}
		if there {
			l.archives[rule.Archive] = a
		}
	}
	return l, nil
}

func (l *loaded) compile() (*compiled, error) {
	c := &compiled{ref: l.ref, gen: l.gen, there: l.there, bus: l.bus, set: pattern.NewSet[string](), rules: map[string]*compiledRule{},
		resource: l.resource(l.bus.ID)}
	for name, rec := range l.rules {
		p, err := pattern.Compile([]byte(rec.Pattern))
		if err != nil {
			return nil, err
		}
		rule := &compiledRule{name: name, arn: l.ruleARN(name)}
		if rec.Archive != "" {
			a, there := l.archives[rec.Archive]
			if !there {
				continue
			}
			rule.archive = &a
		}
		if rule.targets, err = compileTargets(l.targets[name]); err != nil {
			return nil, err
		}
		c.set.Add(name, p)
		c.rules[name] = rule
	}
	return c, nil
}

func compileTargets(recs []targetRecord) (out []compiledTarget, err error) {
	for i := range recs {
		t, err := recs[i].compile()
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

// routed is an event with what becomes of it.
type routed struct {
	id, text   string
	time       time.Time
	ingested   time.Time
	archives   []*archiveRecord
	deliveries []target.Delivery
}

// match says what becomes of an event on the bus: only, when not nil, names the rules that count.
func (c *compiled) match(e *event, only map[string]bool) (*routed, error) {
	out := &routed{id: e.ID, text: string(e.text), time: e.Time, ingested: e.ingested}
	names, err := c.set.Match(e.text)
	if err != nil {
		return nil, err
	}
	look := &input.Event{Text: e.text}
	for _, name := range names {
		rule := c.rules[name]
		if rule.archive != nil {
			if e.Replay == "" {
				out.archives = append(out.archives, rule.archive)
			}
			continue
		}
		if only != nil && !only[rule.arn] {
			continue
		}
		for i := range rule.targets {
			if d, ok := rule.targets[i].deliver(c.ref, rule.name, rule.arn, e, look); ok {
				out.deliveries = append(out.deliveries, d)
			}
		}
	}
	return out, nil
}

// deliver makes the delivery of an event to a target; ok is false when it does not go there.
func (t *compiledTarget) deliver(b ref, rule, ruleARN string, e *event, look *input.Event) (d target.Delivery, ok bool) {
	d = target.Delivery{Target: t.ARN, Role: t.Role, Body: e.text, Trace: e.trace, HTTP: t.HTTP,
		From: target.Sender{Service: principal, Account: b.account, Region: b.region, ARN: ruleARN}}
	if isBus(t.ARN) && e.passed {
		return d, false // an event goes from one bus to another once
	}
	var err error
	switch {
	case t.Input != nil:
		d.Body = []byte(*t.Input)
	case t.path != nil:
		d.Body, err = t.path.Apply(look)
	case t.template != nil:
		d.Body, err = t.template.Apply(input.Facts{RuleARN: ruleARN, RuleName: rule, Ingested: stamp(e.ingested), Event: look})
	}
	if err != nil {
		return d, false // the event is a document: it was made here
	}
	if t.Group != nil {
		d.GroupID = *t.Group
	}
	if t.DeadLetter != nil && *t.DeadLetter != "" {
		d.DeadLetter = &target.DeadLetter{ARN: *t.DeadLetter}
		if d.Body != nil && (t.Input != nil || t.path != nil || t.template != nil) {
			d.DeadLetter.Body = e.text
		}
	}
	if t.Retry {
		d.Retry = &target.Retry{MaxAge: target.MaxAge, Retries: target.MaxRetries}
		if t.Retries != nil {
			d.Retry.Retries = int(*t.Retries)
		}
		if t.Age != nil {
			d.Retry.MaxAge = time.Duration(*t.Age) * time.Second
		}
	}
	return d, true
}
