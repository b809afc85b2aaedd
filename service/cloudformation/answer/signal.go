package answer

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/brume-dev/brume/deploy/resource"
	"github.com/brume-dev/brume/deploy/template"
	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// Wait conditions: a stack waits until somebody says, at the URL of a handle or by SignalResource, that something is ready.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-waitcondition.html
const (
	handleType = "AWS::CloudFormation::WaitConditionHandle"
	waitType   = "AWS::CloudFormation::WaitCondition"
	handleMark = "wait:" // begins the token in the URL of a handle
)

// signalRecord is a signal.
type signalRecord struct {
	Success bool   `cbor:"1,keyasint"`
	Data    string `cbor:"2,keyasint,omitempty"`
	Reason  string `cbor:"3,keyasint,omitempty"`
	Waiter  *Step  `cbor:"4,keyasint,omitempty"` // of the record without a name: who waits
}

const signalVersion = 1

// Kinds are wait conditions and their handles.
func (d *Desk) Kinds() map[string]*resource.Kind {
	return map[string]*resource.Kind{
		handleType: {Create: d.createHandle, Update: func(*resource.Op) error { return nil }, Delete: d.forgetSignals},
		waitType:   {Create: d.createWait, Delete: d.forgetSignals},
	}
}

// createHandle gives out the URL to which signals are sent.
func (d *Desk) createHandle(o *resource.Op) error {
	a := StepOf(o)
	o.Physical = d.address(a, handleMark+a.UUID+":"+a.Logical)
	return nil
}

func (d *Desk) forgetSignals(o *resource.Op) error {
	a := StepOf(o)
	_, err := d.shard(a).Update(o, func(_ context.Context, tx store.Tx) error {
		tx.DeleteRange(a.signals(a.Logical).Range())
		return nil
	})
	return err
}

// expected is what a wait condition waits for: so many signals, for so long, sent to this resource.
type expected struct {
	count   int
	within  time.Duration
	at      string // logical id of the handle, or of the condition itself
	handled bool
}

// expects reads the properties of a wait condition, or its CreationPolicy.
func (d *Desk) expects(o *resource.Op) (expected, error) {
	e := expected{count: 1, within: usualWait, at: o.LogicalID}
	if v, ok := o.Properties.Get("Handle"); ok {
		where, _ := template.Text(v)
		_, token, _ := read(where[strings.LastIndexByte(where, '/')+1:])
		_, logical, ok := handled(token)
		if !ok {
			return e, invalid("Value of property Handle is not the URL of a wait condition handle")
		}
		e.at, e.handled = logical, true
		seconds, err := strconv.Atoi(textProperty(o.Properties, "Timeout", ""))
		if err != nil || seconds < 0 {
			return e, resource.Missing("Timeout")
		}
		e.within = min(time.Duration(seconds)*time.Second, maxWait)
		e.count, err = strconv.Atoi(textProperty(o.Properties, "Count", "1"))
		return e, err
	}
	v, err := d.Stacks.CreationPolicy(o, StepOf(o))
	if err != nil {
		return e, err
	}
	policy, ok := v.(*jsondoc.Object)
	if !ok {
		return e, resource.Missing("Handle")
	}
	signal, _ := policy.Get("ResourceSignal")
	if signal, ok := signal.(*jsondoc.Object); ok {
		if e.count, err = strconv.Atoi(textProperty(signal, "Count", "1")); err != nil {
			return e, invalid("Value of Count in ResourceSignal must be a number")
		}
		if e.within, err = readDuration(textProperty(signal, "Timeout", "PT5M")); err != nil {
			return e, err
		}
	}
	return e, nil
}

func textProperty(o *jsondoc.Object, name, absent string) string {
	v, ok := o.Get(name)
	if !ok {
		return absent
	}
	t, _ := template.Text(v)
	return t
}

// readDuration reads an ISO 8601 duration of hours, minutes and seconds: PT1H30M10S.
func readDuration(text string) (time.Duration, error) {
	rest, ok := strings.CutPrefix(text, "PT")
	if ok && rest != "" {
		if d, err := time.ParseDuration(strings.ToLower(rest)); err == nil && d >= 0 {
			return min(d, maxWait), nil
		}
	}
	return 0, invalid("Timeout %s of the creation policy is not a duration as in PT5M", text)
}

// createWait is Create of a wait condition.
func (d *Desk) createWait(o *resource.Op) error {
	e, err := d.expects(o)
	if err != nil {
		return err
	}
	now := d.Clock.Now()
	began, err := time.Parse(time.RFC3339Nano, o.Attributes[Since])
	if err != nil {
		began = now
		o.Attributes[Since] = now.Format(time.RFC3339Nano)
	}
	a := StepOf(o)
	o.Physical = o.StackID + "/" + o.LogicalID
	data := map[string]string{}
	if _, err := d.shard(a).Update(o, func(_ context.Context, tx store.Tx) error {
		clear(data)
		prefix := a.signals(e.at)
		tx.Set(store.Key(prefix.Text("")), record.Encode(signalVersion, signalRecord{Waiter: &a})) // signals wake it
		pairs, done := tx.Scan(prefix.Range(), store.ScanOpt{})
		for kv := range pairs {
			var sig signalRecord
			if err := record.Decode(kv.Value, signalVersion, &sig); err != nil {
				return err
			}
			id := store.Decode(kv.Key, len(prefix)).Text()
			if id == "" {
				continue
			}
			if !sig.Success && e.handled {
				return invalid("WaitCondition received failed message: '%s' for uniqueId: %s", sig.Reason, id)
			}
			if !sig.Success {
				return invalid("Received FAILURE signal with UniqueId %s", id)
			}
			data[id] = sig.Data
		}
		return done()
	}); err != nil {
		return err
	}
	left := began.Add(e.within).Sub(now)
	switch {
	case len(data) >= e.count:
		b, err := json.Marshal(data)
		o.Attributes = map[string]string{"Data": string(b)}
		return err
	case left <= 0:
		return invalid("WaitCondition timed out. Received %d conditions when expecting %d", len(data), e.count)
	}
	return &resource.Pending{After: left}
}

// handled reads the token of a handle.
func handled(token string) (uuid, logical string, ok bool) {
	token, ok = strings.CutPrefix(token, handleMark)
	uuid, logical, _ = strings.Cut(token, ":")
	return uuid, logical, ok
}

// keep writes a signal to the step's resource and wakes who waits for it.
func (d *Desk) keep(tx store.Tx, s Step, id string, sig signalRecord) error {
	prefix := s.signals(s.Logical)
	tx.Set(store.Key(prefix.Text(id)), record.Encode(signalVersion, sig))
	v, ok, err := tx.Get(store.Key(prefix.Text("")))
	if err != nil || !ok {
		return err // nobody waits yet
	}
	var waiting signalRecord
	if err := record.Decode(v, signalVersion, &waiting); err != nil || waiting.Waiter == nil {
		return err
	}
	return d.Stacks.Wake(tx, *waiting.Waiter)
}

// takeSignal takes a signal that was sent to the URL of a handle.
func (d *Desk) takeSignal(ctx context.Context, s Step, body []byte) error {
	var in struct{ Status, UniqueId, Data, Reason string }
	if err := json.Unmarshal(body, &in); err != nil || in.UniqueId == "" || in.Status != success && in.Status != "FAILURE" {
		return errNoSignal
	}
	_, err := d.shard(s).Update(ctx, func(_ context.Context, tx store.Tx) error {
		kind, err := d.Stacks.TypeOf(tx, s)
		if err != nil {
			return err
		}
		if kind != handleType {
			return errNobodyWaits
		}
		return d.keep(tx, s, in.UniqueId, signalRecord{Success: in.Status == success, Data: in.Data, Reason: in.Reason})
	})
	return err
}

// success is the status of a good signal.
const success = "SUCCESS"

// Signal sends a signal to a resource that waits by its CreationPolicy.
func (d *Desk) Signal(tx store.Tx, s Step, id, status string) error {
	_, twice, err := tx.Get(store.Key(s.signals(s.Logical).Text(id)))
	if err != nil {
		return err
	}
	if twice && status == success {
		return invalid("Signal with ID %s for resource %s already exists. Signals may only be updated with a FAILURE status.", id, s.Logical)
	}
	return d.keep(tx, s, id, signalRecord{Success: status == success})
}
