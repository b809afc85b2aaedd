package lambda

import (
	"context"
	"encoding/hex"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/api/xrayapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/event/logbook"
	"github.com/brume-dev/brume/sandbox"
	"github.com/brume-dev/brume/service/lambda/environ"
	"github.com/brume-dev/brume/service/lambda/fault"
	"github.com/brume-dev/brume/service/lambda/fleet"
	"github.com/brume-dev/brume/service/lambda/loglevel"
)

// newMember starts an environment for c, which logs to stream, or to a new one. turn is called when its log is open and its
// turn has come, before anything runs; false: it is not wanted any more.
func (s *Service) newMember(ctx context.Context, c *chosen, stream *logbook.Stream, ahead bool, turn func(*fleet.Member) bool) (*fleet.Member, error) {
	role, credentials, err := s.Roles.Assume(ctx, s.service(c.place, aws.Request{}), c.cfg.Role, c.Name)
	if err != nil {
		if _, refused := fault.Of(err); refused {
			return nil, &lambdaapi.InvalidParameterValueException{Type: fault.User(), Message: "The role defined for the function cannot be assumed by Lambda."}
		}
		return nil, err
	}
	dir, layers, done, err := s.folders(ctx, c.cfg)
	if err != nil {
		return nil, err
	}
	name := s.environmentName()
	if stream == nil {
		stream = s.book.Open(role, c.cfg.Logging.Group, streamName(s.now(), c.cfg.version(), name))
	}
	m := &fleet.Member{Key: c.key(), Role: role, Release: done, Expires: credentials.Expires, Log: stream, Provisioned: ahead}
	if m.Expires.IsZero() { // credentials that last for ever
		m.Expires = s.now().AddDate(100, 0, 0)
	}
	turned := false
	env, err := s.Runner.Start(ctx, &sandbox.Spec{ID: name, Runtime: c.cfg.Runtime, Code: dir, Layers: layers, Account: c.Account,
		MemoryMB: int(c.cfg.MemoryMB), TmpMB: int(c.cfg.TmpMB), Env: c.variables(credentials, m.Log.Name(), ahead),
		Turn: func() bool { turned = true; return turn(m) },
		Output: func(l sandbox.Line) {
			if l.Extension || loglevel.Passes(c.cfg.Logging.Application, l.Text) {
				m.Log.Add(l.Time, string(l.Text))
			}
		},
		Datagram: func(b []byte) { s.segments(role, b) }})
	if err != nil {
		if !turned {
			turn(m) // its log says why there is none
		}
		done()
		return nil, err
	}
	m.Environment = env
	if !s.fleet.Add(m) {
		return nil, errInterrupted
	}
	return m, nil
}

// folders are the unpacked code and layers of a version, and what lets go of them.
func (s *Service) folders(ctx context.Context, c *config) (dir string, layers []string, done func(), err error) {
	var held []func()
	done = func() {
		for _, release := range held {
			release()
		}
	}
	dir, release, err := s.depot.Folder(ctx, c.Package)
	if err != nil {
		return "", nil, nil, err
	}
	held = append(held, release)
	for _, l := range c.Layers {
		folder, release, err := s.depot.Folder(ctx, l.Package)
		if err != nil {
			done()
			return "", nil, nil, err
		}
		held, layers = append(held, release), append(layers, folder)
	}
	return dir, layers, done, nil
}

// environmentName is a random name of 32 digits.
func (s *Service) environmentName() string { return strings.ReplaceAll(s.newID(), "-", "") }

// streamName is the name of an environment's log stream.
func streamName(now time.Time, version, environment string) string {
	return now.UTC().Format("2006/01/02/") + "[" + version + "]" + environment
}

// variables are the environment variables that Lambda promises a function, with its own.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
func (c *chosen) variables(credentials aws.Credentials, stream string, ahead bool) map[string]string {
	vars := map[string]string{
		"_HANDLER": c.cfg.Handler, "AWS_REGION": c.Region, "AWS_DEFAULT_REGION": c.Region,
		"AWS_LAMBDA_FUNCTION_NAME": c.Name, "AWS_LAMBDA_FUNCTION_VERSION": c.cfg.version(),
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(int(c.cfg.MemoryMB)), "AWS_LAMBDA_INITIALIZATION_TYPE": initialization(ahead),
		"AWS_LAMBDA_LOG_GROUP_NAME": c.cfg.Logging.Group, "AWS_LAMBDA_LOG_STREAM_NAME": stream,
		"AWS_ACCESS_KEY_ID": credentials.AccessKeyID, "AWS_SECRET_ACCESS_KEY": credentials.SecretAccessKey,
		"AWS_SESSION_TOKEN": credentials.SessionToken,
	}
	if !strings.HasPrefix(c.cfg.Runtime, "provided") {
		vars["AWS_EXECUTION_ENV"] = "AWS_Lambda_" + c.cfg.Runtime
	}
	if l := c.cfg.Logging; l.Format == string(lambdaapi.LogFormatJson) {
		vars["AWS_LAMBDA_LOG_FORMAT"], vars["AWS_LAMBDA_LOG_LEVEL"] = "JSON", l.Application
	}
	own := maps.Clone(c.cfg.Env)
	for _, name := range environ.Reserved() {
		delete(own, name) // refused at the gate: nothing here, unless Lambda has come to reserve more
	}
	maps.Copy(vars, own)
	return vars
}

// initialization is how Lambda calls the way in which an environment came to be.
func initialization(ahead bool) string {
	if ahead {
		return "provisioned-concurrency"
	}
	return "on-demand"
}

// segments passes what a function sent to the X-Ray daemon on: a line with the format, and a segment.
func (s *Service) segments(role aws.Identity, datagram []byte) {
	_, doc, ok := strings.Cut(string(datagram), "\n")
	if !ok {
		return
	}
	in := &xrayapi.PutTraceSegmentsRequest{TraceSegmentDocuments: []string{doc}}
	if _, err := s.xray.PutTraceSegments(context.Background(), role, in); err != nil {
		s.Log.Debug("lambda: a trace segment is lost", "problem", err)
	}
}

// randomHex returns n random bytes as hexadecimal digits.
func (s *Service) randomHex(n int) string {
	b := make([]byte, n)
	s.random.Lock()
	_, _ = s.random.Read(b) // never fails
	s.random.Unlock()
	return hex.EncodeToString(b)
}
