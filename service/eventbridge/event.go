package eventbridge

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/jsondoc"
)

// principal is the service principal with which EventBridge delivers.
const principal = "events.amazonaws.com"

// event is an event on a bus, as https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html has it.
type event struct {
	ID, DetailType, Source, Account, Region string
	Time                                    time.Time
	Resources                               []string
	Detail                                  []byte // compact
	Replay                                  string // the name of the replay that it comes from

	text     []byte // the whole
	ingested time.Time
	trace    string
	passed   bool // a rule of another bus passed it on
}

// stamp is a time as events have it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// seal writes the event out.
func (e *event) seal() {
	b := make([]byte, 0, 256+len(e.Detail))
	field := func(name, value string) {
		b = append(b, `,"`...)
		b = append(b, name...)
		b = append(b, `":`...)
		b = jsondoc.AppendString(b, value)
	}
	b = append(b, `{"version":"0"`...)
	field("id", e.ID)
	field("detail-type", e.DetailType)
	field("source", e.Source)
	field("account", e.Account)
	field("time", stamp(e.Time))
	field("region", e.Region)
	b = append(b, `,"resources":[`...)
	for i, r := range e.Resources {
		if i > 0 {
			b = append(b, ',')
		}
		b = jsondoc.AppendString(b, r)
	}
	b = append(b, ']')
	if e.Replay != "" {
		field("replay-name", e.Replay)
	}
	b = append(b, `,"detail":`...)
	b = append(b, e.Detail...)
	e.text = append(b, '}')
}

// parseEvent is the inverse of seal.
func parseEvent(text []byte) (*event, error) {
	var in struct {
		ID         string          `json:"id"`
		DetailType string          `json:"detail-type"`
		Source     string          `json:"source"`
		Account    string          `json:"account"`
		Time       time.Time       `json:"time"`
		Region     string          `json:"region"`
		Resources  []string        `json:"resources"`
		Replay     string          `json:"replay-name"`
		Detail     json.RawMessage `json:"detail"`
	}
	if err := json.Unmarshal(text, &in); err != nil {
		return nil, err
	}
	return &event{ID: in.ID, DetailType: in.DetailType, Source: in.Source, Account: in.Account, Region: in.Region, Time: in.Time,
		Resources: in.Resources, Detail: in.Detail, Replay: in.Replay}, nil
}

// compact returns a JSON object without white space; ok is false when text is none.
func compact(text string) (out []byte, ok bool) {
	if t := strings.TrimLeft(text, " \t\r\n"); t == "" || t[0] != '{' {
		return nil, false
	}
	var b bytes.Buffer
	b.Grow(len(text))
	if err := json.Compact(&b, []byte(text)); err != nil {
		return nil, false
	}
	return b.Bytes(), true
}

func isBus(arn string) bool {
	a, err := aws.ParseARN(arn)
	return err == nil && a.Service == service && strings.HasPrefix(a.Resource, "event-bus/")
}
