package cloudformation

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
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

// customType is the type of custom resources; Custom::… are others of its names.
const customType = "AWS::CloudFormation::CustomResource"

// ownKinds are the resource types that need this service.
func (s *Service) ownKinds() map[string]*resource.Kind {
	nothing := func(o *resource.Op) error { o.Physical = o.Stack + "-" + o.LogicalID; return nil }
	return map[string]*resource.Kind{
		customType: {Create: s.custom("Create"), Update: s.custom("Update"), Delete: s.custom("Delete"), Replaces: []string{"ServiceToken"}},
		stackType:  {Create: s.createChild, Update: s.updateChild, Delete: s.deleteChild, Tags: true},
		// What the CDK says of itself: nothing to make.
		"AWS::CDK::Metadata": {Create: nothing, Update: nothing, Delete: nothing},
	}
}

// callbackRecord is an answer that a custom resource owes, or has given.
type callbackRecord struct {
	stepArgs
	Answer string    `cbor:"10,keyasint,omitempty"` // JSON; "" until it came
	Until  time.Time `cbor:"11,keyasint"`
	Sent   bool      `cbor:"12,keyasint,omitempty"` // the request has left
}

const callbackVersion = 1

// awaits is the attribute under which a step keeps the token of the answer that it waits for. Templates cannot name it.
const awaits = "\x00awaits"

// custom is one of the three requests to a custom resource: it is sent, and then its answer is waited for. The token is kept
// before the request leaves, so that an answer that comes at once finds who waits for it; a request of which a crash
// leaves it open whether it left is sent again under the same id.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requesttypes.html
func (s *Service) custom(requestType string) func(*resource.Op) error {
	return func(o *resource.Op) error {
		token := o.Attributes[awaits]
		if token == "" {
			var err error
			if token, err = s.newUUID(); err != nil {
				return err
			}
			o.Attributes[awaits] = token
			if err := s.expect(o, token); err != nil {
				return err
			}
		}
		c, err := s.callbackOf(o, token)
		if err != nil {
			return err
		}
		if c == nil || c.Sent || c.Answer != "" {
			return s.answer(o, c, token, requestType)
		}
		if err := s.send(o, requestType, token); err != nil {
			return err
		}
		if err := s.sent(o, token); err != nil {
			return err
		}
		return &resource.Pending{After: s.patience(o)} // the answer comes sooner, or the time is up
	}
}

func (s *Service) callbackOf(o *resource.Op, token string) (*callbackRecord, error) {
	p := stepOf(o).place()
	return store.View(o, s.shard(p), func(_ context.Context, r store.Reader) (*callbackRecord, error) {
		return readCallback(r, p, token)
	})
}

// sent notes that the request has left.
func (s *Service) sent(o *resource.Op, token string) error {
	p := stepOf(o).place()
	_, err := s.shard(p).Update(o, func(_ context.Context, tx store.Tx) error {
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

func (s *Service) patience(o *resource.Op) time.Duration {
	v, _ := o.Properties.Get("ServiceTimeout")
	text, _ := template.Text(v)
	if n, err := strconv.Atoi(text); err == nil && n > 0 {
		return min(time.Duration(n)*time.Second, maxCustomTimeout)
	}
	return customTimeout
}

// stepOf finds the step that an Op belongs to in its token: stack's UUID, logical id, operation.
func stepOf(o *resource.Op) stepArgs {
	parts := strings.Split(o.Token, "/")
	n, _ := strconv.ParseUint(parts[2], 10, 64) // op made it
	return stepArgs{o.ID.Account, o.ID.Region, parts[0], parts[1], n}
}

func (s *Service) expect(o *resource.Op, token string) error {
	a := stepOf(o)
	_, err := s.shard(a.place()).Update(o, func(_ context.Context, tx store.Tx) error {
		c := callbackRecord{stepArgs: a, Until: tx.Now().Add(s.patience(o))}
		tx.Set(a.place().callback(token), record.Encode(callbackVersion, c))
		rec, err := readResource(tx, a.place(), a.UUID, a.Logical)
		if err != nil || rec == nil || rec.Operation != a.Operation {
			return err
		}
		if rec.Attributes == nil {
			rec.Attributes = map[string]string{}
		}
		rec.Attributes[awaits] = token
		return writeResource(tx, a.place(), a.UUID, rec)
	})
	return err
}

// send gives the request to the function or the topic that ServiceToken names.
func (s *Service) send(o *resource.Op, requestType, token string) error {
	v, _ := o.Properties.Get("ServiceToken")
	to, _ := v.(string)
	arn, err := aws.ParseARN(to)
	if err != nil {
		return resource.Missing("ServiceToken")
	}
	where := base64.RawURLEncoding.EncodeToString([]byte(o.ID.Account + "/" + o.ID.Region + "/" + token))
	request := map[string]any{
		"RequestType": requestType, "ResponseURL": s.Callback() + "/_aws/cloudformation/" + where,
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
		_, err = lambdaapi.NewClient(s.Caller).Invoke(o, o.ID, &lambdaapi.InvocationRequest{FunctionName: to,
			InvocationType: lambdaapi.InvocationTypeEvent, Payload: body})
	case "sns":
		_, err = snsapi.NewClient(s.Caller).Publish(o, o.ID, &snsapi.PublishInput{TopicArn: &to, Message: string(body)})
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
func (s *Service) answer(o *resource.Op, c *callbackRecord, token, requestType string) error {
	now := s.Clock.Now()
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

func readCallback(r store.Reader, p place, token string) (*callbackRecord, error) {
	v, ok, err := r.Get(p.callback(token))
	if err != nil || !ok {
		return nil, err
	}
	c := new(callbackRecord)
	return c, record.Decode(v, callbackVersion, c)
}

// ServeData takes the answers of custom resources: PUT /_aws/cloudformation/TOKEN.
func (s *Service) ServeData(w http.ResponseWriter, r *http.Request, v aws.Visit) {
	where, err := base64.RawURLEncoding.DecodeString(strings.Trim(v.Path, "/"))
	parts := strings.Split(string(where), "/")
	if err != nil || len(parts) != 3 || r.Method != http.MethodPut {
		http.Error(w, "no such request", http.StatusNotFound)
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxCallback+1))
	if err != nil || len(body) > maxCallback || !json.Valid(body) {
		http.Error(w, "the response must be JSON of at most 4096 bytes", http.StatusBadRequest)
		return
	}
	p := place{parts[0], parts[1]}
	_, err = s.shard(p).Update(r.Context(), func(_ context.Context, tx store.Tx) error { return s.receive(tx, p, parts[2], string(body)) })
	switch {
	case errors.Is(err, errNobodyWaits):
		http.Error(w, "no such request", http.StatusNotFound)
	case err != nil:
		s.Log.Error("cloudformation: answer of a custom resource", "error", err)
		http.Error(w, "internal failure", http.StatusInternalServerError)
	}
}

var errNobodyWaits = errors.New("cloudformation: nobody waits for that answer")

// receive keeps the first answer to a request and has its step go on.
func (s *Service) receive(tx store.Tx, p place, token, body string) error {
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
	return promiseStep(tx, p, &stackRecord{UUID: c.UUID, Operation: c.Operation}, c.Logical, time.Time{})
}
