package lambda

import (
	"context"
	"time"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/lambda/eventinvoke"
	"github.com/brume-dev/brume/service/lambda/fleet"
	"github.com/brume-dev/brume/service/lambda/functionurl"
	"github.com/brume-dev/brume/service/lambda/grant"
	"github.com/brume-dev/brume/service/lambda/keys"
	"github.com/brume-dev/brume/service/lambda/provision"
	"github.com/brume-dev/brume/service/lambda/signing"
	"github.com/brume-dev/brume/service/lambda/trace"
	"github.com/brume-dev/brume/store"
)

// behind is what the rooms below this one see of functions.
type behind struct{ s *Service }

var _ functionurl.Functions = behind{}

// Find implements functionurl.Functions.
func (b behind) Find(r store.Reader, p place) error {
	_, err := resolve(r, p, 1)
	return err
}

// Policy implements functionurl.Functions.
func (b behind) Policy(r store.Reader, p place) (string, error) {
	policy, err := keys.Get[grant.Policy](r, p.Policy(p.Name, p.Qualifier))
	return policy.Document(), err
}

// Run implements functionurl.Functions.
func (b behind) Run(ctx context.Context, p place, call functionurl.Call) (*functionurl.Reply, error) {
	c, err := b.s.choose(ctx, p)
	if err != nil {
		return nil, err
	}
	ev := &event{id: call.ID, payload: call.Payload, trace: call.Trace, arn: p.ARN()}
	if !call.Stream {
		a, err := b.s.execute(context.WithoutCancel(ctx), c, ev)
		if err != nil {
			return nil, err
		}
		return &functionurl.Reply{Payload: a.payload, Failed: a.failed, Close: func() {}}, nil
	}
	f, err := b.s.open(ctx, c, ev)
	if err != nil {
		return nil, err
	}
	if f.body == nil {
		return &functionurl.Reply{Payload: f.answer.payload, Failed: f.answer.failed, Close: func() {}}, nil
	}
	return &functionurl.Reply{ContentType: f.contentType, Body: f.body, Close: func() { _ = f.body.Close() }}, nil
}

// provisionedInit is how long an environment may take that is initialised ahead.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
const provisionedInit = 15 * time.Minute

var _ provision.Functions = behind{}

// Target implements provision.Functions.
func (b behind) Target(r store.Reader, p place) (*provision.Target, error) {
	c, err := resolve(r, p, 1)
	if err != nil {
		return nil, err
	}
	t := &provision.Target{Reserved: c.fn.Reserved, Active: c.cfg.State == string(lambdaapi.StateActive)}
	key := func(cfg *config) fleet.Key {
		return fleet.Key{Function: c.fn.ID, Version: cfg.version(), Epoch: cfg.Epoch}
	}
	left := 1.0
	if c.alias != nil {
		for version, weight := range c.alias.Weights {
			cfg, err := versionOf(r, p, c.fn, version)
			if err != nil {
				return nil, err
			}
			t.Versions = append(t.Versions, provision.Version{Key: key(cfg), Weight: weight})
			left -= weight
		}
	}
	t.Versions = append(t.Versions, provision.Version{Key: key(c.cfg), Weight: left})
	return t, nil
}

// Start implements provision.Functions.
func (b behind) Start(ctx context.Context, p place, version string) (problem, err error) {
	p.Qualifier = version
	c, err := view(ctx, b.s, p.Space, func(r store.Reader) (*chosen, error) { return resolve(r, p, 1) })
	if err != nil {
		return nil, err
	}
	r := &run{s: b.s, c: c, ev: &event{id: b.s.newID()}, log: journal{format: c.cfg.Logging}, trace: &trace.Trace{}, phase: "init", ahead: true}
	m, _, err := r.start(ctx, provisionedInit)
	switch {
	case err != nil && functions(err):
		return err, nil
	case err != nil:
		return nil, err
	}
	b.s.fleet.Return(m)
	return nil, nil
}

var _ eventinvoke.Functions = behind{}

// FindFunction implements eventinvoke.Functions.
func (b behind) FindFunction(r store.Reader, p place) error {
	_, err := functionAt(r, p)
	return err
}

// CheckReach implements eventinvoke.Functions.
func (b behind) CheckReach(ctx context.Context, id aws.Identity, p place, arn string) error {
	c, err := view(ctx, b.s, p.Space, func(r store.Reader) (*chosen, error) { return resolve(r, p, 1) })
	if err != nil {
		return err
	}
	return b.s.reaches(ctx, id, p, c.cfg.Role, "function", arn)
}

var _ signing.Functions = behind{}

// Signing implements signing.Functions.
func (b behind) Signing(r store.Reader, p place) (string, error) {
	fn, err := functionAt(r, p)
	if err != nil {
		return "", err
	}
	return fn.Signing, nil
}

// SetSigning implements signing.Functions.
func (b behind) SetSigning(tx store.Tx, p place, arn string) error {
	fn, err := functionAt(tx, p)
	if err == nil {
		fn.Signing = arn
		tx.Set(p.Function(p.Name), keys.Encode(fn))
	}
	return err
}
