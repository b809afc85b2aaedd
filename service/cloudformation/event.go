package cloudformation

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/google/uuid"

	"github.com/brume-dev/brume/api/cloudformationapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/cloudformation/notice"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// eventRecord is something that happened to a stack or to one of its resources.
type eventRecord struct {
	Logical    string    `cbor:"1,keyasint"`
	Physical   string    `cbor:"2,keyasint,omitempty"`
	Type       string    `cbor:"3,keyasint"`
	Status     string    `cbor:"4,keyasint"`
	Reason     string    `cbor:"5,keyasint,omitempty"`
	Time       time.Time `cbor:"6,keyasint"`
	Token      string    `cbor:"7,keyasint,omitempty"`
	Properties string    `cbor:"8,keyasint,omitempty"`
}

const (
	eventVersion = 1
	stackType    = "AWS::CloudFormation::Stack"
	// maxShown is how much of its properties an event tells.
	maxShown = 32 << 10
)

func addEvent(tx store.Tx, p place, st *stackRecord, e eventRecord) error {
	n, err := store.NextID(tx, p.eventCount(st.UUID))
	if err != nil {
		return err
	}
	e.Time, e.Token = tx.Now(), st.Token
	if len(e.Properties) > maxShown {
		e.Properties = ""
	}
	tx.Set(p.events(st.UUID).Uint(n), record.Encode(eventVersion, e))
	tx.Signal(store.Key(p.stack(st.UUID)))
	if len(st.Notify) == 0 {
		return nil
	}
	return notice.Tell(tx, st.As, st.Notify, notice.Event{StackID: st.id(p), Stack: st.Name, ID: idOf(st, n, e), Logical: e.Logical, Physical: e.Physical,
		Type: e.Type, Status: e.Status, Reason: e.Reason, Time: e.Time, Token: e.Token, Properties: e.Properties, Account: p.account})
}

// stackEvent tells the status of the stack itself.
func stackEvent(tx store.Tx, p place, st *stackRecord) error {
	return addEvent(tx, p, st, eventRecord{Logical: st.Name, Physical: st.id(p), Type: stackType, Status: st.Status, Reason: st.Reason})
}

// resourceEvent tells the status of a resource, and what it is made with while it is made.
func resourceEvent(tx store.Tx, p place, st *stackRecord, rec *resourceRecord, status, reason string) error {
	rec.Status, rec.Reason, rec.Updated = status, reason, tx.Now()
	return addEvent(tx, p, st, eventRecord{Logical: rec.Logical, Physical: rec.Physical, Type: rec.Type, Status: status, Reason: reason,
		Properties: rec.Wanted})
}

// eventID names the nth event of a stack for ever: a UUID made of both.
func eventID(st *stackRecord, n uint64) string {
	return uuid.NewSHA1(uuid.NameSpaceOID, binary.BigEndian.AppendUint64([]byte(st.UUID), n)).String()
}

// DescribeStackEvents lists what happened to a stack, the newest first.
func (s *Service) DescribeStackEvents(ctx context.Context, id aws.Identity, in *cloudformationapi.DescribeStackEventsInput) (*cloudformationapi.DescribeStackEventsOutput, error) {
	p := at(id)
	pg, err := newPage(in.NextToken)
	if err != nil {
		return nil, err
	}
	pg.Reverse = true
	return store.View(ctx, s.shard(p), func(_ context.Context, r store.Reader) (*cloudformationapi.DescribeStackEventsOutput, error) {
		st, err := findStack(r, p, in.StackName)
		if err != nil {
			return nil, inBrackets(in.StackName, err)
		}
		out := &cloudformationapi.DescribeStackEventsOutput{StackEvents: []cloudformationapi.StackEvent{}}
		err = pg.Keys(r, p.events(st.UUID), func(key *store.Elements, v store.Value) (bool, error) {
			var e eventRecord
			err := record.Decode(v, eventVersion, &e)
			out.StackEvents = append(out.StackEvents, describeEvent(p, st, key.Uint(), e))
			return true, err
		})
		out.NextToken = pg.Token()
		return out, err
	})
}

func describeEvent(p place, st *stackRecord, n uint64, e eventRecord) cloudformationapi.StackEvent {
	return cloudformationapi.StackEvent{StackId: st.id(p), StackName: st.Name, EventId: idOf(st, n, e), LogicalResourceId: &e.Logical,
		PhysicalResourceId: &e.Physical, ResourceType: &e.Type, Timestamp: e.Time, ResourceStatus: cloudformationapi.ResourceStatus(e.Status),
		ResourceStatusReason: aws.Some(e.Reason), ClientRequestToken: aws.Some(e.Token), ResourceProperties: aws.Some(e.Properties)}
}

// idOf names an event: those of resources by what they tell.
func idOf(st *stackRecord, n uint64, e eventRecord) string {
	if e.Type == stackType {
		return eventID(st, n)
	}
	return e.Logical + "-" + e.Status + "-" + e.Time.UTC().Format("2006-01-02T15:04:05.000Z")
}

// initiatedEvent tells that a resource has got its physical id, once.
func initiatedEvent(tx store.Tx, p place, st *stackRecord, rec *resourceRecord) error {
	if rec.Told || rec.Physical == "" || rec.Verb != verbCreate && rec.Verb != verbReplace {
		return nil
	}
	rec.Told = true
	return resourceEvent(tx, p, st, rec, inProgress(rec.Verb), "Resource creation Initiated")
}
