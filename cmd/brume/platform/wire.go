package platform

import (
	"context"
	"crypto/rand"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/brume-dev/brume/api/apigatewayapi"
	"github.com/brume-dev/brume/api/applicationautoscalingapi"
	"github.com/brume-dev/brume/api/cloudformationapi"
	"github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/api/dynamodbstreamsapi"
	"github.com/brume-dev/brume/api/ecrapi"
	"github.com/brume-dev/brume/api/eventbridgeapi"
	"github.com/brume-dev/brume/api/iamapi"
	"github.com/brume-dev/brume/api/kmsapi"
	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/api/logsapi"
	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/api/sfnapi"
	"github.com/brume-dev/brume/api/snsapi"
	"github.com/brume-dev/brume/api/sqsapi"
	"github.com/brume-dev/brume/api/ssmapi"
	"github.com/brume-dev/brume/api/stsapi"
	"github.com/brume-dev/brume/api/xrayapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/event/connection"
	"github.com/brume-dev/brume/event/target"
	"github.com/brume-dev/brume/gateway"
	"github.com/brume-dev/brume/service/apigateway"
	"github.com/brume-dev/brume/service/applicationautoscaling"
	"github.com/brume-dev/brume/service/cloudformation"
	"github.com/brume-dev/brume/service/dynamodb"
	"github.com/brume-dev/brume/service/dynamodb/stream"
	"github.com/brume-dev/brume/service/ecr"
	"github.com/brume-dev/brume/service/eventbridge"
	"github.com/brume-dev/brume/service/iam"
	"github.com/brume-dev/brume/service/kms"
	"github.com/brume-dev/brume/service/lambda"
	"github.com/brume-dev/brume/service/lambda/fleet"
	"github.com/brume-dev/brume/service/lambda/functionurl"
	"github.com/brume-dev/brume/service/logs"
	"github.com/brume-dev/brume/service/s3"
	"github.com/brume-dev/brume/service/sfn"
	"github.com/brume-dev/brume/service/sfn/rehearsal"
	"github.com/brume-dev/brume/service/sns"
	"github.com/brume-dev/brume/service/sqs"
	"github.com/brume-dev/brume/service/ssm"
	"github.com/brume-dev/brume/service/sts"
	"github.com/brume-dev/brume/service/xray"
)

// wire makes every service. One that another is handed comes before it; what all are handed (the table, the timer, the
// Wire) may be used only once the platform runs.
func (h *house) wire() error {
	w := wiring{house: h}
	users := add(&w, iamapi.Service, iam.New, iam.Config{Store: h.store, Clock: h.clock, Account: h.Account, Log: h.Log})
	sessions := add(&w, stsapi.Service, sts.New, sts.Config{Store: h.store, Clock: h.clock, Entities: users, Policies: users, Log: h.Log})
	h.keys, h.policies = keyrings{users, sessions}, users
	stacks := add(&w, cloudformationapi.Service, cloudformation.New, cloudformation.Config{Store: h.store, Clock: h.clock, Caller: h.table,
		Roles: sessions, Timer: h.timer, Rand: rand.Reader, Callback: h.callback, Log: h.Log})
	h.callbacks = stacks
	apis := add(&w, apigatewayapi.Service, apigateway.New, apigateway.Config{Store: h.store, Clock: h.clock, Timer: h.timer, Caller: h.table,
		Wire: late{h}, Roles: sessions, Policies: late{h}, Services: h.table.Services, HTTP: http.DefaultTransport, Rand: rand.Reader, Log: h.Log})
	add(&w, dynamodbapi.Service, dynamodb.New, dynamodb.Config{Store: h.store, Clock: h.clock, Timer: h.timer, Caller: h.table, Policies: late{h}})
	add(&w, dynamodbstreamsapi.Service, stream.New, stream.Config{Store: h.store, Clock: h.clock, Timer: h.timer})
	add(&w, applicationautoscalingapi.Service, applicationautoscaling.New, applicationautoscaling.Config{Store: h.store, Caller: h.table, Timer: h.timer,
		Rand: rand.Reader, Log: h.Log})
	add(&w, ecrapi.Service, ecr.New, ecr.Config{Store: h.store, Caller: h.table})
	buses := add(&w, eventbridgeapi.Service, eventbridge.New, eventbridge.Config{Store: h.store, Clock: h.clock, Timer: h.timer, Policies: late{h},
		HTTP: http.DefaultTransport, Rand: rand.Reader, Log: h.Log})
	add(&w, kmsapi.Service, kms.New, kms.Config{Store: h.store, Timer: h.timer, Rand: rand.Reader})
	functions := add(&w, lambdaapi.Service, lambda.New, lambda.Config{Store: h.store, Blobs: h.blobs, Clock: h.clock, Caller: h.table,
		Timer: h.timer, Roles: sessions, Runner: h.runner, Dir: filepath.Join(h.Data, "sandbox", "code"),
		CodeURL: func(token string) string { return h.URL() + "/_aws/lambda/code/" + token }, Now: time.Now,
		URL: h.functionURL, Policies: late{h}, Memory: fleet.FreeMemory, Bears: fleet.NewLoad(time.Now).Bears, Permits: h.table.Permits, Log: h.Log})
	h.functions = functions
	add(&w, logsapi.Service, logs.New, logs.Config{Store: h.store, Clock: h.clock, Caller: h.table, Timer: h.timer, Log: h.Log})
	objects := add(&w, s3api.Service, s3.New, s3.Config{Store: h.store, Blobs: h.blobs, Clock: h.clock, Caller: h.table, Policies: late{h},
		Timer: h.timer, Log: h.Log})
	add(&w, sqsapi.Service, sqs.New, sqs.Config{Store: h.store, Clock: h.clock, Timer: h.timer, Rand: rand.Reader, URL: h.URL, Leaving: h.leaving, Log: h.Log})
	h.topics = add(&w, snsapi.Service, sns.New, sns.Config{Store: h.store, Clock: h.clock, Timer: h.timer, Caller: h.table, Roles: sessions, Policies: users,
		HTTP: http.DefaultTransport, Relay: h.relay(), Links: func() string { return reachable(h.URL()) }, Certificates: h.certificates,
		Rand: rand.Reader, Log: h.Log})
	mocks, err := h.mocks()
	if err != nil {
		return err
	}
	machines := add(&w, sfnapi.Service, sfn.New, sfn.Config{Store: h.store, Clock: h.clock, Timer: h.timer, Caller: h.table, Services: h.table.Services,
		Roles: sessions, Policies: late{h}, APIs: func() aws.DataPlane { return apis.Plane() }, Connections: func() connection.Keeper { return buses },
		HTTP: http.DefaultTransport, Mocks: mocks, Leaving: h.leaving, Listening: buses.Hears, Rand: rand.Reader, Log: h.Log})
	add(&w, ssmapi.Service, ssm.New, ssm.Config{Store: h.store, Caller: h.table, Timer: h.timer, Log: h.Log})
	add(&w, xrayapi.Service, xray.New, xray.Config{Store: h.store, Clock: h.clock, Timer: h.timer})
	if w.err != nil {
		return w.err
	}
	h.openDaemon()
	target.Register(target.Config{Runner: h.timer, Caller: h.table, Roles: sessions, Clock: h.clock, Destinations: buses, Log: h.Log})
	h.objects = objects
	h.planes["execute-api"], h.planes["s3-website"], h.planes[functionurl.Plane] = apis.Plane(), objects.Sites(), functions.URLs
	h.loops = append(h.loops, apis.Plane().Run)
	h.loops = append(h.loops, users.Run, functions.Run, machines.Run)
	h.live[s3.Space], h.live[lambda.Space] = objects.Live, functions.Live
	return users.Bootstrap(context.Background())
}

// mocks reads the mock configuration of state machines, nil when there is none.
func (h *house) mocks() (*rehearsal.File, error) {
	if h.MockConfig == "" {
		return nil, nil
	}
	text, err := os.ReadFile(h.MockConfig)
	if err != nil {
		return nil, err
	}
	return rehearsal.Parse(text)
}

// wiring collects the first error of a list of services.
type wiring struct {
	*house
	err error
}

// add makes a service from its Config and registers it.
func add[S, C any](w *wiring, svc *aws.Service, make func(C) (S, error), c C) (s S) {
	if w.err != nil {
		return s
	}
	if s, w.err = make(c); w.err == nil {
		w.table.Register(svc, s)
	}
	return s
}

// late hands services what is made after them.
type late struct{ house *house }

var (
	_ aws.Policies = late{}
	_ aws.Wire     = late{}
)

// Authorize implements aws.Policies.
func (l late) Authorize(ctx context.Context, id aws.Identity, access []aws.Access) error {
	return l.house.policies.Authorize(ctx, id, access)
}

// RoundTrip implements aws.Wire.
func (l late) RoundTrip(id aws.Identity, r *http.Request) (*http.Response, error) {
	return l.house.gateway.RoundTrip(id, r)
}

// keyrings asks one issuer of keys after the other.
type keyrings []gateway.Keys

// Key implements gateway.Keys.
func (k keyrings) Key(ctx context.Context, accessKeyID, token string) (aws.Credentials, aws.Identity, bool, error) {
	for _, one := range k {
		if c, id, known, err := one.Key(ctx, accessKeyID, token); known || err != nil {
			return c, id, known, err
		}
	}
	return aws.Credentials{}, aws.Identity{}, false, nil
}
