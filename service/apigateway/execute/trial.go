package execute

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/brume-dev/brume/aws"
)

// Trial is a call that TestInvokeMethod makes: of a method as it stands, without authorization.
type Trial struct {
	API, Account, Region string
	Snapshot             *Snapshot
	ResourceID, Verb     string
	Path, Query          string // raw; path parameters are taken from it
	Header               http.Header
	Body                 []byte
	Variables            map[string]string
	Caller               aws.Identity
}

// Outcome is what became of a trial.
type Outcome struct {
	Status  int
	Header  http.Header
	Body    []byte
	Log     string
	Latency time.Duration
}

// Try makes the call. It reports false when there is no such method.
func (p *Plane) Try(ctx context.Context, t *Trial) (*Outcome, bool) {
	prog := compile(t.Snapshot, owner{t.Account, t.Region}, "")
	st := &stage{stageKey: stageKey{owner{t.Account, t.Region}, t.API, "test-invoke-stage"}, main: prog, variables: t.Variables, perCall: map[*method]*setting{}}
	var found *method
	var template string
	for _, r := range t.Snapshot.Resources {
		if text(r.Id) == t.ResourceID {
			template = text(r.Path)
			n := prog.root.add(template)
			if found = n.methods[t.Verb]; found == nil {
				found = n.methods["ANY"]
			}
		}
	}
	if found == nil {
		return nil, false
	}
	path := t.Path
	if path == "" {
		path = template
	}
	c := &call{plane: p, ctx: ctx, started: p.Clock.Now(), verb: t.Verb, host: "testPrefix.testDomainName", path: path, basePath: path, stage: st, program: prog, variables: t.Variables,
		method: found, setting: &setting{level: "INFO", data: true}, header: t.Header, queryText: t.Query, body: t.Body, test: true, id: t.Caller, known: true}
	c.visit = aws.Visit{Resource: t.API, Request: t.Caller.Request}
	c.visit.Request.SourceIP, c.visit.Request.UserAgent = "test-invoke-source-ip", t.Caller.Request.UserAgent
	alone := &node{}
	at := alone.add(template)
	at.methods = map[string]*method{t.Verb: found}
	_, c.params = alone.find(path, t.Verb)
	c.log = newTranscript(c.setting)
	c.traceID = strings.TrimPrefix(strings.Split(c.visit.Request.Trace, ";")[0], "Root=")
	c.run()
	if c.out.header == nil {
		c.out.header = http.Header{}
	}
	if c.out.header.Get("Content-Type") == "" {
		c.out.header.Set("Content-Type", "application/json")
	}
	var log strings.Builder
	log.WriteString("Execution log for request " + c.visit.Request.ID + "\n")
	stamp := c.started.UTC().Format(longTime)
	for _, l := range c.log.lines {
		log.WriteString(stamp + " : " + l + "\n")
	}
	return &Outcome{Status: c.out.status, Header: c.out.header, Body: c.out.body, Log: log.String(), Latency: p.Clock.Now().Sub(c.started)}, true
}
