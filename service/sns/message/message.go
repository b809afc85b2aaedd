// Package message is a published message: what Publish takes, and how subscribers and filter policies see it.
package message

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/brume-dev/brume/api/snsapi"
	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/service/sns/envelope"
	"github.com/brume-dev/brume/service/sns/filter"
)

// Attribute is a message attribute as it was published; of a binary one Value holds the bytes.
type Attribute struct {
	Type  string `cbor:"1,keyasint"`
	Value []byte `cbor:"2,keyasint"`
}

// Message is a message published to a topic.
type Message struct {
	Account    string               `cbor:"1,keyasint"`
	Region     string               `cbor:"2,keyasint"`
	Topic      string               `cbor:"3,keyasint"` // name
	TopicID    uint64               `cbor:"4,keyasint"`
	Gen        int64                `cbor:"5,keyasint"` // of the topic when it was published
	ID         string               `cbor:"6,keyasint"`
	Time       time.Time            `cbor:"7,keyasint"`
	Body       string               `cbor:"8,keyasint"`
	Bodies     map[string]string    `cbor:"9,keyasint,omitempty"` // by protocol, beside the default Body
	Subject    string               `cbor:"10,keyasint,omitempty"`
	Attributes map[string]Attribute `cbor:"11,keyasint,omitempty"`
	Group      string               `cbor:"12,keyasint,omitempty"`
	Dedup      string               `cbor:"13,keyasint,omitempty"`
	Sequence   uint64               `cbor:"14,keyasint,omitempty"`
	Trace      string               `cbor:"15,keyasint,omitempty"`
	Replay     string               `cbor:"16,keyasint,omitempty"` // the replay that it comes from
}

// Text is what a protocol delivers.
func (m *Message) Text(protocol string) string {
	if b, ok := m.Bodies[protocol]; ok {
		return b
	}
	return m.Body
}

// Rules are what a topic asks of its messages.
type Rules struct {
	FIFO         bool
	ContentDedup bool // a message without a deduplication id gets one from its text
}

// Limits of messages. https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
const (
	MaxSize     = 256 << 10 // bytes of a message with its attributes, and of a batch
	maxSubject  = 100       // characters
	maxGroup    = 128       // characters of a group or deduplication id
	maxAttrName = 256
)

// Take fills m with what a request publishes, or says what is wrong with it.
func (m *Message) Take(in *snsapi.PublishBatchRequestEntry, rules Rules) error {
	m.Body = in.Message
	if in.Message == "" {
		return invalid("Empty message")
	}
	if !utf8.ValidString(in.Message) {
		return invalid("Message Reason: not UTF-8")
	}
	if Size(in) > MaxSize {
		return invalid("Message too long")
	}
	if in.Subject != nil {
		if m.Subject = *in.Subject; !validSubject(m.Subject) {
			return invalid("Subject")
		}
	}
	return cmp.Or(m.structure(in), m.takeAttributes(in.MessageAttributes), m.order(in, rules))
}

// Size is what counts of a message towards the limit.
func Size(in *snsapi.PublishBatchRequestEntry) int {
	n := len(in.Message)
	for name, a := range in.MessageAttributes {
		n += len(name) + len(a.DataType) + len(a.BinaryValue)
		if a.StringValue != nil {
			n += len(*a.StringValue)
		}
	}
	return n
}

func validSubject(s string) bool {
	return s != "" && utf8.ValidString(s) && utf8.RuneCountInString(s) <= maxSubject && !strings.ContainsFunc(s, unicode.IsControl)
}

// structure reads a message of several texts: {"default":"…","sqs":"…"}.
func (m *Message) structure(in *snsapi.PublishBatchRequestEntry) error {
	if in.MessageStructure == nil || *in.MessageStructure == "" {
		return nil
	}
	if *in.MessageStructure != "json" {
		return invalid("MessageStructure")
	}
	doc, err := jsondoc.Parse([]byte(in.Message))
	o, ok := doc.(*jsondoc.Object)
	if err != nil || !ok || repeats(in.Message) {
		return invalid("Message Structure - JSON message body failed to parse")
	}
	m.Bodies = map[string]string{}
	for name, v := range o.All() {
		if text, ok := v.(string); ok && name != "default" {
			m.Bodies[name] = text
		}
	}
	v, _ := o.Get("default")
	text, ok := v.(string)
	if !ok {
		return invalid("Message Structure - No default entry in JSON message body")
	}
	m.Body = text
	return nil
}

// repeats reports whether an object, which is one, has a name twice.
func repeats(object string) bool {
	d := json.NewDecoder(strings.NewReader(object))
	_, _ = d.Token() // the brace
	seen := map[string]bool{}
	for d.More() {
		name, _ := d.Token()
		var value json.RawMessage
		text, ok := name.(string)
		if !ok || seen[text] || d.Decode(&value) != nil {
			return true
		}
		seen[text] = true
	}
	return false
}

// takeAttributes checks the message attributes.
// https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html
func (m *Message) takeAttributes(in map[string]snsapi.MessageAttributeValue) error {
	if len(in) == 0 {
		return nil
	}
	m.Attributes = make(map[string]Attribute, len(in))
	for name, a := range in {
		if err := checkAttribute(name, &a); err != nil {
			return err
		}
		value := a.BinaryValue
		if a.StringValue != nil {
			value = []byte(*a.StringValue)
		}
		m.Attributes[name] = Attribute{Type: a.DataType, Value: value}
	}
	return nil
}

func checkAttribute(name string, a *snsapi.MessageAttributeValue) error {
	lower := strings.ToLower(name)
	switch {
	case name == "" || len(name) > maxAttrName || strings.Trim(name, nameCharacters+".") != "" || strings.HasPrefix(name, ".") ||
		strings.HasSuffix(name, ".") || strings.Contains(name, ".."):
		return badValue("Invalid attribute name: %s", name)
	case strings.HasPrefix(lower, "aws.") || strings.HasPrefix(lower, "amazon."):
		return badValue("The message attribute name '%s' begins with a reserved prefix", name)
	case a.DataType == "":
		return badValue("The message attribute '%s' must contain non-empty message attribute type.", name)
	case len(a.DataType) > maxAttrName:
		return badValue("The message attribute '%s' has a message attribute type that is too long.", name)
	}
	kind, _, _ := strings.Cut(a.DataType, ".")
	text := ""
	if a.StringValue != nil {
		text = *a.StringValue
	}
	switch kind {
	case "Binary":
		if len(a.BinaryValue) == 0 || a.StringValue != nil {
			return badValue("The message attribute '%s' with type '%s' must use field 'Binary'.", name, a.DataType)
		}
		return nil
	case "String", "Number":
		if a.BinaryValue != nil {
			return badValue("The message attribute '%s' with type '%s' must use field 'String'.", name, a.DataType)
		}
	default:
		return badValue("The message attribute '%s' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.", name)
	}
	if text == "" {
		return badValue("The message attribute '%s' must contain non-empty message attribute value.", name)
	}
	if !utf8.ValidString(text) {
		return badValue("The message attribute '%s' is not UTF-8.", name)
	}
	if kind == "Number" && !isNumber(text) {
		return badValue("Could not cast message attribute '%s' value to number.", name)
	}
	return nil
}

// isNumber reports whether s is a decimal number.
func isNumber(s string) bool {
	if len(s) > 100 || strings.Trim(s, "0123456789+-.eE") != "" {
		return false
	}
	_, err := strconv.ParseFloat(s, 64)
	return err == nil
}

// order takes what puts the message in its place among others.
func (m *Message) order(in *snsapi.PublishBatchRequestEntry, rules Rules) error {
	for _, f := range []struct {
		name string
		from *string
		to   *string
	}{{"MessageGroupId", in.MessageGroupId, &m.Group}, {"MessageDeduplicationId", in.MessageDeduplicationId, &m.Dedup}} {
		if f.from == nil {
			continue
		}
		if *f.to = *f.from; *f.from == "" || len(*f.from) > maxGroup || !printable(*f.from) {
			return invalid("%s Reason: The %s can include alphanumeric and punctuation characters, 1 to 128 in length", f.name, f.name)
		}
	}
	switch {
	case !rules.FIFO && m.Dedup != "":
		return invalid("MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for this topic type")
	case !rules.FIFO:
		return nil
	case m.Group == "":
		return invalid("The MessageGroupId parameter is required for FIFO topics")
	case m.Dedup == "" && !rules.ContentDedup:
		return invalid("The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
	case m.Dedup == "":
		m.Dedup = fmt.Sprintf("%x", sha256.Sum256([]byte(in.Message)))
	}
	return nil
}

func printable(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// sequenceBase is where the sequence numbers of topics begin: they have 20 digits, as AWS's do.
const sequenceBase = "10000000000000000000"

// Sequence is n as a SequenceNumber.
func Sequence(n uint64) string {
	if n == 0 {
		return ""
	}
	base, _ := new(big.Int).SetString(sequenceBase, 10)
	return base.Add(base, new(big.Int).SetUint64(n)).String()
}

// replayedAttribute marks messages that come from a replay.
const replayedAttribute = "Replayed"

// Delivered are the attributes that subscribers get.
func (m *Message) Delivered() map[string]Attribute {
	if m.Replay == "" {
		return m.Attributes
	}
	out := map[string]Attribute{replayedAttribute: {Type: "String", Value: []byte("true")}}
	for name, a := range m.Attributes {
		out[name] = a
	}
	return out
}

// DedupID is what a FIFO queue tells the message from others by. A message that is replayed is none that the queue has.
func (m *Message) DedupID() string {
	switch {
	case m.Replay != "":
		return fmt.Sprintf("%x", sha256.Sum256([]byte(m.Replay+"/"+m.ID)))
	case m.Dedup == "":
		return m.ID
	}
	return m.Dedup
}

// Filtered is the message as filter policies see it, for a protocol.
func (m *Message) Filtered() *filter.Message {
	var attributes map[string]filter.Attribute
	if all := m.Delivered(); len(all) > 0 {
		attributes = make(map[string]filter.Attribute, len(all))
		for name, a := range all {
			attributes[name] = filter.Attribute{Type: a.Type, Value: string(a.Value)}
		}
	}
	return filter.NewMessage(m.Body, attributes)
}

// Envelope is the message for a protocol, unsigned.
func (m *Message) Envelope(protocol, arn string) *envelope.Message {
	e := &envelope.Message{Type: envelope.Notification, ID: m.ID, Sequence: Sequence(m.Sequence), Topic: arn, Subject: m.Subject, Message: m.Text(protocol), Time: m.Time}
	all := m.Delivered()
	if len(all) > 0 && len(m.Bodies) == 0 { // attributes are sent with plain messages only
		e.Attributes = make(map[string]envelope.Attribute, len(all))
		for name, a := range all {
			value := string(a.Value)
			if strings.HasPrefix(a.Type, "Binary") {
				value = envelope.Binary(a.Value)
			}
			e.Attributes[name] = envelope.Attribute{Type: a.Type, Value: value}
		}
	}
	return e
}

// invalid is the error for a parameter.
func invalid(format string, args ...any) error {
	return &snsapi.InvalidParameterException{Message: "Invalid parameter: " + fmt.Sprintf(format, args...)}
}

// badValue is the error for a message attribute.
func badValue(format string, args ...any) error {
	return &snsapi.InvalidParameterValueException{Message: "Invalid parameter value: " + fmt.Sprintf(format, args...)}
}

// nameCharacters are those of names.
const nameCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
