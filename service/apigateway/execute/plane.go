// Package execute serves the invoke URLs of REST APIs: it finds the method that a request is for, asks who may, checks the
// request, maps it to the integration and the integration's answer back. What it serves are snapshots, compiled once per
// deployment. https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-call-api.html
package execute

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"

	"github.com/brume-dev/brume/api/apigatewayapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/service/apigateway/usage"
	"github.com/brume-dev/brume/store/known"
)

// Source is where APIs are kept.
type Source interface {
	// Owner says whose an API is; an empty account: nobody's.
	Owner(ctx context.Context, api string) (account, region string, err error)
	// Revision is a number that changes with what is served of an API; ok is false when there is no such API.
	Revision(ctx context.Context, account, region, api string) (n int64, ok bool, err error)
	// Stage returns a stage, nil when there is none.
	Stage(ctx context.Context, account, region, api, stage string) (*apigatewayapi.Stage, error)
	// Snapshot returns what a deployment serves, nil when there is no such deployment. It never changes.
	Snapshot(ctx context.Context, account, region, api, deployment string) (*Snapshot, error)
	// Client says who an API key is at a stage, nil when the stage is not open to it.
	Client(ctx context.Context, account, region, value, api, stage string) (*usage.Client, error)
	// LogsRole is the role that writes the account's logs, or "".
	LogsRole(ctx context.Context, account, region string) (string, error)
}

// Snapshot is an API as it was when it was deployed.
type Snapshot struct {
	API         apigatewayapi.RestApi
	Resources   []apigatewayapi.Resource // with their methods
	Models      []apigatewayapi.Model
	Validators  []apigatewayapi.RequestValidator
	Responses   []apigatewayapi.GatewayResponse // those that are not default
	Authorizers []apigatewayapi.Authorizer
}

// Config is what a Plane needs.
type Config struct {
	Source   Source
	Usage    usage.Book // the counts of usage plans
	Clock    clock.Clock
	Caller   aws.Caller
	Wire     aws.Wire
	Roles    aws.Roles
	Policies aws.Policies
	Services func() []*aws.Service
	HTTP     http.RoundTripper
	Rand     io.Reader
	Log      *slog.Logger

	// Rate and Burst are what an account may ask for a second in a region; zero stands for AWS's quota, which AWS too
	// raises for who asks.
	Rate  float64
	Burst int
}

// Plane serves requests. It is safe for concurrent use.
type Plane struct {
	Config
	owners   *known.Map[string, owner]    // of APIs; an id never changes its owner
	stages   *known.Map[stageKey, *stage] // what is served, as of a revision
	mu       sync.RWMutex
	accounts map[owner]*limiter
	services map[string]*aws.Service // by endpoint prefix; made at first use
	writer   writer
	meter    usage.Meter
}

type owner struct{ account, region string }

type stageKey struct {
	owner
	api, stage string
}

var _ aws.DataPlane = (*Plane)(nil)

// New returns a Plane.
func New(c Config) *Plane {
	if c.Rate == 0 {
		c.Rate, c.Burst = accountRate, accountBurst
	}
	p := &Plane{Config: c, owners: known.New[string, owner](maxCached), stages: known.New[stageKey, *stage](maxCached),
		accounts: map[owner]*limiter{}}
	p.writer = newWriter(p)
	p.meter.Book = c.Usage
	return p
}

// Run writes logs and traces until ctx ends.
func (p *Plane) Run(ctx context.Context) error { return p.writer.run(ctx) }

// Flush writes what is waiting to be logged.
func (p *Plane) Flush(ctx context.Context) { p.writer.flush(ctx) }

// ServeData answers a request for an API. Without a stage in the visit, the first segment of the path is the stage.
func (p *Plane) ServeData(w http.ResponseWriter, r *http.Request, v aws.Visit) {
	stage, path := v.Stage, v.Path
	if stage == "" {
		stage, path = cut(path)
	}
	c := &call{plane: p, ctx: r.Context(), request: r, visit: v, started: p.Clock.Now(), verb: r.Method, host: r.Host, path: path,
		basePath: "/" + stage + path}
	c.queryText = r.URL.RawQuery
	c.header = r.Header
	st, err := p.find(r.Context(), v.Resource, decoded(stage))
	switch {
	case err != nil:
		p.Log.ErrorContext(r.Context(), "API: find stage", "api", v.Resource, "stage", stage, "error", err)
		c.stage = nowhere(v.Resource, stage)
		c.fail(internal("find stage"))
	case st == nil:
		c.stage = nowhere(v.Resource, stage)
		c.fail(&failure{kind: "", status: http.StatusForbidden, message: "Forbidden", errorType: "ForbiddenException"})
	default:
		c.stage = st
		c.serve(w)
	}
	c.finish()
	c.write(w)
	if st != nil {
		c.logAll()
	}
}

// find returns what a stage of an API serves now; nil when there is no such stage.
func (p *Plane) find(ctx context.Context, api, name string) (*stage, error) {
	o, err := p.owner(ctx, api)
	if err != nil || o.account == "" {
		return nil, err
	}
	revision, ok, err := p.Source.Revision(ctx, o.account, o.region, api)
	if err != nil || !ok {
		return nil, err
	}
	key := stageKey{o, api, name}
	st, _ := p.stages.Get(key)
	if st != nil && st.revision == revision {
		return st, nil
	}
	return p.load(ctx, key, revision, st)
}

func (p *Plane) owner(ctx context.Context, api string) (owner, error) {
	if o, ok := p.owners.Get(api); ok {
		return o, nil
	}
	account, region, err := p.Source.Owner(ctx, api)
	if err != nil || account == "" {
		return owner{}, err
	}
	o := owner{account, region}
	p.owners.Put(api, o)
	return o, nil
}

// load reads a stage and compiles what it serves, except what is still served of the one before.
func (p *Plane) load(ctx context.Context, key stageKey, revision int64, old *stage) (*stage, error) {
	s, err := p.Source.Stage(ctx, key.account, key.region, key.api, key.stage)
	if err != nil || s == nil {
		return nil, err
	}
	st := newStage(key, revision, s)
	if old != nil {
		st.inherit(old)
	}
	if st.main, err = p.program(ctx, key, text(s.DeploymentId), old); err != nil || st.main == nil {
		return nil, err
	}
	if c := s.CanarySettings; c != nil && text(c.DeploymentId) != "" {
		if st.canary, err = p.program(ctx, key, *c.DeploymentId, old); err != nil {
			return nil, err
		}
	}
	p.stages.Put(key, st)
	return st, nil
}

func (p *Plane) program(ctx context.Context, key stageKey, deployment string, old *stage) (*program, error) {
	if old != nil {
		for _, known := range []*program{old.main, old.canary} {
			if known != nil && known.deployment == deployment {
				return known, nil
			}
		}
	}
	snap, err := p.Source.Snapshot(ctx, key.account, key.region, key.api, deployment)
	if err != nil || snap == nil {
		return nil, err
	}
	return compile(snap, key.owner, deployment), nil
}

// service returns the API whose endpoint has this prefix.
func (p *Plane) service(prefix string) *aws.Service {
	p.mu.RLock()
	known := p.services
	p.mu.RUnlock()
	if known == nil {
		known = map[string]*aws.Service{}
		for _, s := range p.Services() {
			known[s.Endpoint] = s
			if known[s.Signing] == nil {
				known[s.Signing] = s
			}
		}
		p.mu.Lock()
		p.services = known
		p.mu.Unlock()
	}
	return known[prefix]
}

func internal(detail string) *failure {
	return &failure{kind: apigatewayapi.GatewayResponseTypeApiConfigurationError, status: http.StatusInternalServerError,
		message: "Internal server error", errorType: "InternalServerErrorException", detail: detail}
}

func configuration(format string, args ...any) *failure {
	f := internal("Execution failed due to configuration error: " + fmt.Sprintf(format, args...))
	return f
}
