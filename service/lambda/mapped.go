package lambda

import (
	"context"
	"errors"
	"fmt"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/event/source"
	"github.com/brume-dev/brume/service/lambda/eventinvoke"
	"github.com/brume-dev/brume/service/lambda/fault"
	"github.com/brume-dev/brume/service/lambda/keys"
	"github.com/brume-dev/brume/service/lambda/mapping"
	"github.com/brume-dev/brume/store"
)

// mapped is the functions as event source mappings see them.
type mapped struct{ s *Service }

var _ mapping.Functions = mapped{}

// Function implements mapping.Functions.
func (m mapped) Function(ctx context.Context, id aws.Identity, name string) (mapping.Function, error) {
	p, err := keys.Find(id, name, nil)
	if err != nil {
		return mapping.Function{}, err
	}
	c, err := view(ctx, m.s, p.Space, func(r store.Reader) (*chosen, error) { return resolve(r, p, 1) })
	if err != nil {
		return mapping.Function{}, err
	}
	return mapping.Function{Account: p.Account, Region: p.Region, Name: p.Name, ARN: p.ARN(), Role: c.cfg.Role, Timeout: c.timeout()}, nil
}

// Run implements mapping.Functions.
func (m mapped) Run(ctx context.Context, account, region, arn string, payload []byte, trace string) (mapping.Answer, error) {
	p, err := keys.Find(aws.Identity{Account: account, Region: region}, arn, nil)
	if err != nil {
		return mapping.Answer{}, err
	}
	c, err := m.s.choose(ctx, p)
	if err != nil {
		return mapping.Answer{}, err
	}
	ev := &event{id: m.s.newID(), payload: payload, trace: trace, arn: p.ARN()}
	a, err := m.s.execute(ctx, c, ev)
	var throttled *lambdaapi.TooManyRequestsException
	switch {
	case errors.As(err, &throttled):
		return mapping.Answer{}, fmt.Errorf("%w: %w", source.ErrNoRoom, err)
	case err != nil:
		return mapping.Answer{}, err
	}
	return mapping.Answer{Payload: a.payload, Failed: a.failed, Request: ev.id, Version: a.version}, nil
}

// CheckDestination implements mapping.Functions.
func (m mapped) CheckDestination(ctx context.Context, id aws.Identity, fn mapping.Function, arn string) error {
	p, err := keys.Find(id, fn.ARN, nil)
	if err != nil {
		return err
	}
	switch a, err := aws.ParseARN(arn); {
	case err != nil || a.Service != "sqs" && a.Service != "sns" && a.Service != "s3":
		return fault.Invalid("Invalid destination: %s. The destination of an event source mapping must be an SQS queue, an SNS topic or an S3 bucket.", arn)
	}
	if err := eventinvoke.CheckDestination(p, arn); err != nil {
		return err
	}
	return m.s.reaches(ctx, id, p, fn.Role, "function", arn)
}

// Stops implements mapping.Functions.
func (m mapped) Stops(ctx context.Context, account, region, arn, trace string) (bool, error) {
	p, err := keys.Find(aws.Identity{Account: account, Region: region}, arn, nil)
	if err != nil {
		return false, err
	}
	return m.s.loops(ctx, p, trace)
}
