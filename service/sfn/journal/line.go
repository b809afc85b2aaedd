package journal

import (
	"bytes"
	"reflect"
	"strconv"
	"strings"

	"github.com/brume-dev/brume/api/sfnapi"
	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/service/sfn/history"
	"github.com/brume-dev/brume/shape"
)

// Logged reports whether events of a type are logged at a level: FATAL is about executions that end badly, ERROR about
// everything that does. https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html#cloudwatch-log-level
func Logged(level string, t asl.EventType) bool {
	switch sfnapi.LogLevel(level) {
	case sfnapi.LogLevelAll:
		return true
	case sfnapi.LogLevelError:
		return t == asl.FailStateEntered || badly(t)
	case sfnapi.LogLevelFatal:
		return strings.HasPrefix(string(t), "Execution") && badly(t)
	}
	return false
}

func badly(t asl.EventType) bool {
	return strings.HasSuffix(string(t), "Failed") || strings.HasSuffix(string(t), "TimedOut") || strings.HasSuffix(string(t), "Aborted")
}

// text is an event as it is logged.
func (l *batch) text(e *asl.Event) []byte {
	short := *e
	var cut bool
	short.Input, cut = shorten(e.Input, cut)
	short.Output, cut = shorten(e.Output, cut)
	b := strconv.AppendInt([]byte(`{"id":"`), e.ID, 10)
	b = append(append(append(b, `","type":"`...), e.Type...), `","details":`...)
	begin := len(b)
	b = appendDetails(b, history.Show(&short, l.Data))
	if cut {
		b = append(b[:begin], bytes.Replace(b[begin:], []byte(`Details":{"truncated":false}`), []byte(`Details":{"truncated":true}`), 1)...)
	}
	b = strconv.AppendInt(append(b, `,"redrive_count":"`...), int64(l.Redrives), 10)
	b = strconv.AppendInt(append(b, `","previous_event_id":"`...), e.Previous, 10)
	b = strconv.AppendInt(append(b, `","event_timestamp":"`...), e.Time.UnixMilli(), 10)
	return append(jsondoc.AppendString(append(b, `","execution_arn":`...), l.Execution), '}')
}

// shorten cuts a text so that it is not too long when it is escaped.
func shorten(doc []byte, before bool) ([]byte, bool) {
	if len(doc) <= maxText/6 {
		return doc, before // no character becomes more than six
	}
	size, at := 0, 0
	for i, r := range string(doc) {
		if size += len(jsondoc.AppendString(nil, string(r))) - 2; size > maxText {
			return doc[:at], true
		}
		at = i + len(string(r))
	}
	return doc, before
}

// appendDetails appends the one member of a history event that says more than its type.
func appendDetails(b []byte, h sfnapi.HistoryEvent) []byte {
	v := reflect.ValueOf(h)
	for i := range v.NumField() {
		f := v.Field(i)
		if f.Kind() != reflect.Pointer || f.IsNil() || f.Elem().Kind() != reflect.Struct {
			continue
		}
		if out, err := shape.AppendJSON(b, f.Interface()); err == nil {
			return out
		}
	}
	return append(b, "{}"...)
}
