package execute

import (
	"hash/fnv"
	"strings"
	"sync"

	"golang.org/x/time/rate"

	"github.com/brume-dev/brume/api/apigatewayapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/apigateway/guard"
)

// stage is what a stage serves, as of a revision.
type stage struct {
	stageKey
	revision  int64
	main      *program
	canary    *program
	percent   float64
	variables map[string]string
	overrides map[string]string // variables of the canary
	tracing   bool
	settings  map[string]*setting // by "resource/METHOD", without the leading slash
	access    *accessLog
	verdicts  guard.Memory // of authorizers

	mu      sync.Mutex
	perCall map[*method]*setting // those that settings give, worked out once
}

// setting is what holds for a method in a stage.
type setting struct {
	level   string // OFF, ERROR, INFO
	data    bool   // bodies too
	limiter *limiter
}

type limiter struct{ *rate.Limiter }

func newLimiter(perSecond float64, burst int) *limiter {
	return &limiter{rate.NewLimiter(rate.Limit(perSecond), burst)}
}

func newStage(key stageKey, revision int64, s *apigatewayapi.Stage) *stage {
	st := &stage{stageKey: key, revision: revision, variables: s.Variables, tracing: truth(s.TracingEnabled), settings: map[string]*setting{},
		perCall: map[*method]*setting{}}
	for where, m := range s.MethodSettings {
		v := &setting{level: text(m.LoggingLevel), data: truth(m.DataTraceEnabled)}
		if m.ThrottlingRateLimit != nil && m.ThrottlingBurstLimit != nil && *m.ThrottlingRateLimit >= 0 && *m.ThrottlingBurstLimit >= 0 &&
			(*m.ThrottlingRateLimit != accountRate || *m.ThrottlingBurstLimit != accountBurst) {
			v.limiter = newLimiter(*m.ThrottlingRateLimit, int(*m.ThrottlingBurstLimit))
		}
		where = strings.NewReplacer("~1", "/", "~0", "~").Replace(where)
		st.settings[strings.TrimLeft(where, "/")] = v
	}
	if a := s.AccessLogSettings; a != nil && text(a.DestinationArn) != "" {
		st.access = newAccessLog(*a.DestinationArn, text(a.Format))
	}
	if c := s.CanarySettings; c != nil && c.PercentTraffic != nil {
		st.percent = *c.PercentTraffic
		st.overrides = map[string]string{}
		for k, v := range s.Variables {
			st.overrides[k] = v
		}
		for k, v := range c.StageVariableOverrides {
			st.overrides[k] = v
		}
	}
	return st
}

// inherit keeps the counts of limits that have not changed.
func (st *stage) inherit(old *stage) {
	for where, v := range st.settings {
		before := old.settings[where]
		if v.limiter != nil && before != nil && before.limiter != nil && v.limiter.Limit() == before.limiter.Limit() && v.limiter.Burst() == before.limiter.Burst() {
			v.limiter = before.limiter
		}
	}
}

// settingOf returns what holds for a method: its own settings, else those of all methods. The limit of all methods
// counts for each method by itself, as AWS has it.
func (st *stage) settingOf(m *method) *setting {
	st.mu.Lock()
	defer st.mu.Unlock()
	if s := st.perCall[m]; s != nil {
		return s
	}
	where := strings.TrimPrefix(m.resource, "/")
	s := st.settings[where+"/"+m.verb]
	if where == "" && s == nil {
		s = st.settings[m.verb]
	}
	if s == nil {
		if every := st.settings["*/*"]; every != nil {
			own := *every
			if own.limiter != nil {
				own.limiter = newLimiter(float64(own.limiter.Limit()), own.limiter.Burst())
			}
			s = &own
		}
	}
	if s == nil {
		s = &setting{level: "OFF"}
	}
	st.perCall[m] = s
	return s
}

// pick chooses between the stage and its canary, by the request's id.
func (st *stage) pick(requestID string) (p *program, variables map[string]string, canary bool) {
	if st.canary == nil || st.percent <= 0 {
		return st.main, st.variables, false
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(requestID)) // never fails
	if float64(h.Sum32()%10_000) < st.percent*100 {
		return st.canary, st.overrides, true
	}
	return st.main, st.variables, false
}

// nowhere stands for a stage that is not there.
func nowhere(api, name string) *stage {
	return &stage{stageKey: stageKey{api: api, stage: name}, main: &program{root: &node{}, compression: -1}, perCall: map[*method]*setting{}}
}

// arn is the stage's, as policies name what is invoked in it.
func (st *stage) arn(rest string) string {
	return aws.MakeARN("execute-api", st.region, st.account, st.api+"/"+st.stage+"/"+rest).String()
}

// allowed takes a request off the account's budget.
func (c *call) allowed(o owner) bool {
	p := c.plane
	p.mu.RLock()
	l := p.accounts[o]
	p.mu.RUnlock()
	if l == nil {
		p.mu.Lock()
		if l = p.accounts[o]; l == nil {
			l = newLimiter(p.Rate, p.Burst)
			p.accounts[o] = l
		}
		p.mu.Unlock()
	}
	if s := c.setting.limiter; s != nil && !s.AllowN(c.started, 1) {
		return false
	}
	return l.AllowN(c.started, 1)
}
