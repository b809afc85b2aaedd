package target

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/brume-dev/brume/api/eventbridgeapi"
	"github.com/brume-dev/brume/aws"
)

// Event is an event with its envelope, as the Body of a delivery to an event bus has it. EventBridge gives it an id, and
// the account and region that it comes from.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html
type Event struct {
	Source     string          `json:"source"`
	DetailType string          `json:"detail-type"`
	Time       time.Time       `json:"time,omitzero"`
	Resources  []string        `json:"resources"`
	Detail     json.RawMessage `json:"detail"`

	// An event that a rule passes on keeps these (see Passed); others do not have them yet.
	ID      string `json:"id,omitempty"`
	Account string `json:"account,omitempty"`
	Region  string `json:"region,omitempty"`
	// ReplayName is that of the replay that the event comes from, if any.
	ReplayName string `json:"replay-name,omitempty"`
}

// Body is e as JSON.
func (e Event) Body() ([]byte, error) {
	b, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("target: event: %w", err)
	}
	return b, nil
}

type passedKey struct{}

// Passed returns the event as it came when ctx is that of a PutEvents call by which a rule passes an event on to
// another bus. Such an event keeps its id, account and region, for which PutEvents has no members.
func Passed(ctx context.Context) (Event, bool) {
	e, ok := ctx.Value(passedKey{}).(Event)
	return e, ok
}

// toEventBus puts an event on a bus.
func toEventBus(ctx context.Context, a *attempt) error {
	var e Event
	if err := json.Unmarshal(a.Body, &e); err != nil {
		return aws.Errorf("MalformedDetail", http.StatusBadRequest, "the event is not JSON: %v", err)
	}
	if e.ID != "" {
		ctx = context.WithValue(ctx, passedKey{}, e)
	}
	detail := string(e.Detail)
	entry := eventbridgeapi.PutEventsRequestEntry{
		EventBusName: &a.Target,
		Source:       &e.Source,
		DetailType:   &e.DetailType,
		Detail:       &detail,
		Resources:    e.Resources,
	}
	if !e.Time.IsZero() {
		entry.Time = &e.Time
	}
	if a.Trace != "" {
		entry.TraceHeader = &a.Trace
	}
	out, err := eventbridgeapi.NewClient(a.caller).PutEvents(ctx, a.id, &eventbridgeapi.PutEventsRequest{
		Entries: []eventbridgeapi.PutEventsRequestEntry{entry},
	})
	if err != nil || len(out.Entries) == 0 || out.Entries[0].ErrorCode == nil {
		return err
	}
	return entryError(out.Entries[0])
}

// entryError is the error of an entry that PutEvents refused, with the status that its code has as an error of a call.
func entryError(e eventbridgeapi.PutEventsResultEntry) error {
	var text string
	if e.ErrorMessage != nil {
		text = *e.ErrorMessage
	}
	status := http.StatusBadRequest
	switch *e.ErrorCode {
	case "InternalFailure", "InternalException":
		status = http.StatusInternalServerError
	}
	return aws.Errorf(*e.ErrorCode, status, "%s", text)
}
