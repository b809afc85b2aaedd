package form

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/brume-dev/brume/aws"
)

// Policy is what the author of a form lets its users fill in.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
type Policy struct {
	expiration time.Time
	conditions []condition
	min, max   int64 // of the file's length; max is -1 without a bound
}

// condition is one demand on a field.
type condition struct {
	starts     bool // the value begins with want; else it is want
	name, want string
	text       string // as it stands in the policy
}

func invalid(format string, args ...any) error {
	return aws.Errorf("InvalidPolicyDocument", http.StatusBadRequest, "Invalid Policy: "+format, args...)
}

// ParsePolicy reads the field "policy": base64 of JSON.
func ParsePolicy(field string) (*Policy, error) {
	b, err := base64.StdEncoding.DecodeString(field)
	if err != nil {
		return nil, invalid("Invalid JSON.")
	}
	var d struct {
		Expiration *string            `json:"expiration"`
		Conditions *[]json.RawMessage `json:"conditions"`
	}
	if err := json.Unmarshal(b, &d); err != nil {
		return nil, invalid("Invalid JSON.")
	}
	switch {
	case d.Expiration == nil:
		return nil, invalid("Policy missing expiration.")
	case d.Conditions == nil:
		return nil, invalid("Policy missing conditions.")
	}
	p := &Policy{max: -1}
	if p.expiration, err = time.Parse(time.RFC3339, *d.Expiration); err != nil {
		return nil, invalid("Invalid 'expiration' value: '%s'", *d.Expiration)
	}
	for _, raw := range *d.Conditions {
		if err := p.add(raw); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (p *Policy) add(raw json.RawMessage) error {
	var exact map[string]string
	if json.Unmarshal(raw, &exact) == nil {
		if len(exact) != 1 {
			return invalid("Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.")
		}
		for name, want := range exact {
			p.conditions = append(p.conditions, condition{name: strings.ToLower(name), want: want, text: fmt.Sprintf("[\"eq\", \"$%s\", \"%s\"]", name, want)})
		}
		return nil
	}
	var list []any
	if json.Unmarshal(raw, &list) != nil {
		return invalid("Invalid Condition: %s", raw)
	}
	op, _ := first(list).(string)
	if strings.EqualFold(op, "content-length-range") {
		return p.bound(list)
	}
	if len(list) != 3 {
		return invalid("Invalid Condition: wrong number of arguments.")
	}
	name, okName := list[1].(string)
	want, okWant := list[2].(string)
	starts := strings.EqualFold(op, "starts-with")
	switch {
	case !starts && !strings.EqualFold(op, "eq"):
		return invalid("Invalid Condition: unknown operation '%s'.", op)
	case !okName || !okWant || !strings.HasPrefix(name, "$"):
		return invalid("Invalid Condition: %s", raw)
	}
	p.conditions = append(p.conditions, condition{starts, strings.ToLower(name[1:]), want, fmt.Sprintf("[\"%s\", \"%s\", \"%s\"]", strings.ToLower(op), name, want)})
	return nil
}

func first(list []any) any {
	if len(list) == 0 {
		return nil
	}
	return list[0]
}

// bound reads ["content-length-range", min, max], of numbers or texts of numbers.
func (p *Policy) bound(list []any) error {
	if len(list) != 3 {
		return invalid("Invalid content-length-range: wrong number of arguments.")
	}
	var n [2]int64
	for i, v := range list[1:] {
		switch v := v.(type) {
		case float64:
			n[i] = int64(v)
		case string:
			parsed, err := strconv.ParseInt(v, 10, 64)
			if err != nil {
				return invalid("Invalid content-length-range: '%s' is not a number.", v)
			}
			n[i] = parsed
		default:
			return invalid("Invalid content-length-range: not a number.")
		}
	}
	p.min, p.max = n[0], n[1]
	return nil
}

func denied(format string, args ...any) error {
	return aws.Errorf("AccessDenied", http.StatusForbidden, "Invalid according to Policy: "+format, args...)
}

// Judge compares a form for a bucket with the policy: every condition must hold, and every field must be in one.
func (p *Policy) Judge(f *Form, bucket string, now time.Time) error {
	if !now.Before(p.expiration) {
		return denied("Policy expired.")
	}
	covered := map[string]bool{}
	names := append([]string{"bucket"}, f.names...)
	for _, c := range p.conditions {
		covered[c.name] = true
		value := f.Get(c.name)
		switch c.name {
		case "bucket":
			value = bucket
		case "key":
			value = f.Key()
		}
		if !c.holds(value) {
			return denied("Policy Condition failed: %s", c.text)
		}
	}
	for _, name := range names {
		if low := strings.ToLower(name); !covered[low] && !exempt(low) {
			return denied("Extra input fields: %s", low)
		}
	}
	return nil
}

// exempt are the fields that need no condition.
func exempt(name string) bool {
	switch name {
	case "x-amz-signature", "file", "policy", "awsaccesskeyid", "signature":
		return true
	}
	return strings.HasPrefix(name, "x-ignore-")
}

// holds compares a value; of a content type each element of a list must begin so.
func (c *condition) holds(value string) bool {
	if !c.starts {
		return value == c.want
	}
	if c.name == "content-type" {
		for one := range strings.SplitSeq(value, ",") {
			if !strings.HasPrefix(strings.TrimSpace(one), c.want) {
				return false
			}
		}
		return true
	}
	return strings.HasPrefix(value, c.want)
}

// sizeError is S3's error about the length of a file.
type sizeError struct {
	code, message  string
	ProposedSize   int64  `aws:"ProposedSize"`
	MinSizeAllowed *int64 `aws:"MinSizeAllowed"`
	MaxSizeAllowed *int64 `aws:"MaxSizeAllowed"`
}

func (e *sizeError) Error() string { return e.code }

// ErrorInfo implements aws.Error.
func (e *sizeError) ErrorInfo() aws.ErrorInfo {
	return aws.ErrorInfo{Code: e.code, Status: http.StatusBadRequest, Message: e.message}
}

// Bound returns the file, which fails when its length is not what the policy wants. The error comes before io.EOF would,
// so that nothing is made of such a file.
func (p *Policy) Bound(file io.Reader) io.Reader { return &bounded{p: p, r: file} }

type bounded struct {
	p *Policy
	r io.Reader
	n int64
}

// Read implements io.Reader.
func (b *bounded) Read(buf []byte) (int, error) {
	n, err := b.r.Read(buf)
	b.n += int64(n)
	switch {
	case b.p.max >= 0 && b.n > b.p.max:
		return n, &sizeError{code: "EntityTooLarge", message: "Your proposed upload exceeds the maximum allowed size", ProposedSize: b.n, MaxSizeAllowed: &b.p.max}
	case err == io.EOF && b.n < b.p.min:
		return n, &sizeError{code: "EntityTooSmall", message: "Your proposed upload is smaller than the minimum allowed size", ProposedSize: b.n, MinSizeAllowed: &b.p.min}
	}
	return n, err
}
