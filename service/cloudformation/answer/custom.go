package answer

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/api/snsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/deploy/resource"
	"github.com/brume-dev/brume/deploy/template"
	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// callbackRecord is an answer that a custom resource owes, or has given.
type callbackRecord struct {
	Step
	Answer string    `cbor:"10,keyasint,omitempty"` // JSON; "" until it came
	Until  time.Time `cbor:"11,keyasint"`
	Sent   bool      `cbor:"12,keyasint,omitempty"` // the request has left
}

const callbackVersion = 1

// Custom is one of the three requests to a custom resource: it is sent, and then its answer is waited for. The token is kept
// before the request leaves, so that an answer that comes at once finds who waits for it; a request of which a crash
// leaves it open whether it left is sent again under the same id.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requesttypes.html
func (d *Desk) Custom(requestType string) func(*resource.Op) error {
	return func(o *resource.Op) error {
		token := o.Attributes[Awaits]
		if token == "" {
			var err error
			if token, err = d.newUUID(); err != nil {
				return err
			}
			o.Attributes[Awaits] = token
			if err := d.expect(o, token); err != nil {
				return err
			}
		}
		c, err := d.callbackOf(o, token)
		if err != nil {
			return err
		}
		if c == nil || c.Sent || c.Answer != "" {
			return d.answer(o, c, token, requestType)
		}
		if err := d.send(o, requestType, token); err != nil {
			return err
		}
		if err := d.sent(o, token); err != nil {
			return err
		}
		return &resource.Pending{After: d.patience(o)} // the answer comes sooner, or the time is up
	}
}

func (d *Desk) callbackOf(o *resource.Op, token string) (*callbackRecord, error) {
	p := StepOf(o)
	return store.View(o, d.shard(p), func(_ context.Context, r store.Reader) (*callbackRecord, error) {
		return readCallback(r, p, token)
	})
}

// sent notes that the request has left.
func (d *Desk) sent(o *resource.Op, token string) error {
	p := StepOf(o)
	_, err := d.shard(p).Update(o, func(_ context.Context, tx store.Tx) error {
		c, err := readCallback(tx, p, token)
		if err != nil || c == nil {
			return err
		}
		c.Sent = true
		tx.Set(p.callback(token), record.Encode(callbackVersion, c))
		return nil
	})
	return err
}

func (d *Desk) patience(o *resource.Op) time.Duration {
	v, _ := o.Properties.Get("ServiceTimeout")
	text, _ := template.Text(v)
	if n, err := strconv.Atoi(text); err == nil && n > 0 {
		return min(time.Duration(n)*time.Second, maxCustomTimeout)
	}
	return customTimeout
}

func (d *Desk) expect(o *resource.Op, token string) error {
	a := StepOf(o)
	_, err := d.shard(a).Update(o, func(_ context.Context, tx store.Tx) error {
		c := callbackRecord{Step: a, Until: tx.Now().Add(d.patience(o))}
		tx.Set(a.callback(token), record.Encode(callbackVersion, c))
		return d.Stacks.Remember(tx, a, Awaits, token)
	})
	return err
}

// send gives the request to the function or the topic that ServiceToken names.
func (d *Desk) send(o *resource.Op, requestType, token string) error {
	v, _ := o.Properties.Get("ServiceToken")
	to, _ := v.(string)
	arn, err := aws.ParseARN(to)
	if err != nil {
		return resource.Missing("ServiceToken")
	}
	request := map[string]any{
		"RequestType": requestType, "ResponseURL": d.address(StepOf(o), token),
		"StackId": o.StackID, "RequestId": token, "ResourceType": o.Type, "LogicalResourceId": o.LogicalID,
		"ServiceToken": to, "ResourceProperties": plainTexts(o.Properties),
	}
	if requestType != "Create" {
		request["PhysicalResourceId"] = o.Physical
	}
	if requestType == "Update" {
		request["OldResourceProperties"] = plainTexts(o.Old)
	}
	body, err := json.Marshal(request)
	if err != nil {
		return err
	}
	switch arn.Service {
	case "lambda":
		_, err = lambdaapi.NewClient(d.Caller).Invoke(o, o.ID, &lambdaapi.InvocationRequest{FunctionName: to,
			InvocationType: lambdaapi.InvocationTypeEvent, Payload: body})
	case "sns":
		_, err = snsapi.NewClient(d.Caller).Publish(o, o.ID, &snsapi.PublishInput{TopicArn: &to, Message: string(body)})
	default:
		err = invalid("Invalid ServiceToken: %s", to)
	}
	return err
}

// plainTexts is a document with every scalar as text, as custom resources get their properties.
func plainTexts(v any) any {
	switch v := v.(type) {
	case *jsondoc.Object:
		out := map[string]any{}
		for k, m := range v.All() {
			out[k] = plainTexts(m)
		}
		return out
	case *jsondoc.Array:
		out := make([]any, len(v.Items))
		for i, m := range v.Items {
			out[i] = plainTexts(m)
		}
		return out
	}
	if t, ok := template.Text(v); ok {
		return t
	}
	return v
}

// customAnswer is what a custom resource sends back.
type customAnswer struct {
	Status             string
	Reason             string
	PhysicalResourceId string
	Data               map[string]any
	NoEcho             bool
}

// answer takes the answer when it is there.
func (d *Desk) answer(o *resource.Op, c *callbackRecord, token, requestType string) error {
	now := d.Clock.Now()
	switch {
	case c == nil:
		return invalid("The request to the custom resource is gone")
	case c.Answer == "" && now.Before(c.Until):
		return &resource.Pending{After: c.Until.Sub(now)}
	case c.Answer == "":
		return aws.Errorf("NotStabilized", 400, "CloudFormation did not receive a response from your Custom Resource. "+
			"Please check your logs for requestId [%s].", token)
	}
	var got customAnswer
	if err := json.Unmarshal([]byte(c.Answer), &got); err != nil {
		return invalid("Invalid response from the custom resource: %v", err)
	}
	if got.Status != "SUCCESS" {
		return aws.Errorf("CustomResourceFailed", 400, "Received response status [%s] from custom resource. Message returned: %s (RequestId: %s)",
			got.Status, got.Reason, token)
	}
	if requestType == "Delete" {
		return nil
	}
	if got.PhysicalResourceId == "" {
		return invalid("Invalid PhysicalResourceId")
	}
	o.Physical = got.PhysicalResourceId
	o.Attributes = map[string]string{}
	for k, v := range got.Data {
		if t, ok := v.(string); ok {
			o.Attributes[k] = t
		} else if b, err := json.Marshal(v); err == nil {
			o.Attributes[k] = string(b)
		}
	}
	return nil
}

func readCallback(r store.Reader, p Step, token string) (*callbackRecord, error) {
	v, ok, err := r.Get(p.callback(token))
	if err != nil || !ok {
		return nil, err
	}
	c := new(callbackRecord)
	return c, record.Decode(v, callbackVersion, c)
}

// receive keeps the first answer to a request and has its step go on.
func (d *Desk) receive(tx store.Tx, p Step, token, body string) error {
	c, err := readCallback(tx, p, token)
	if err != nil {
		return err
	}
	if c == nil {
		return errNobodyWaits
	}
	if c.Answer != "" {
		return nil
	}
	c.Answer = body
	tx.Set(p.callback(token), record.Encode(callbackVersion, c))
	return d.Stacks.Wake(tx, c.Step)
}

// Forget drops what was kept of a request to a custom resource: it has its answer, or will have none.
func Forget(tx store.Tx, s Step, token string) {
	if token != "" {
		tx.Delete(s.callback(token))
	}
}
