package bucket

import (
	"strconv"
	"strings"
	"time"

	"github.com/brume-dev/brume/service/s3/fault"
	"github.com/brume-dev/brume/store"
)

// WriteCondition is what must be true of the current version for a write to happen.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
type WriteCondition struct {
	Match *string // the ETag that the object must have; "*" for any
	None  bool    // there must be no object
}

// Check returns the error of a condition that does not hold for the current version of key.
func (c WriteCondition) Check(r store.Reader, b *Bucket, key string) error {
	if c.Match == nil && !c.None {
		return nil
	}
	cur, err := getObject(r, b.Current(key))
	switch {
	case err != nil:
		return err
	case c.None && cur != nil:
		return &fault.PreconditionFailed{Condition: "If-None-Match"}
	case c.Match != nil && cur == nil:
		return fault.NoSuchKey()
	case c.Match != nil && !matches(*c.Match, cur.ETag):
		return &fault.PreconditionFailed{Condition: "If-Match"}
	}
	return nil
}

// ReadCondition is what must be true of an object for a read to happen.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-reads.html
type ReadCondition struct {
	Match, None          *string
	Modified, Unmodified *time.Time
}

// Check returns the name of the condition that does not hold, in RFC 9110's order of precedence, and whether it is
// one that means "not modified".
func (c ReadCondition) Check(o *Object) (failed string, unmodified bool) {
	at := o.Modified.Truncate(time.Second)
	switch {
	case c.Match != nil && !matches(*c.Match, o.ETag):
		return "If-Match", false
	case c.Match == nil && c.Unmodified != nil && at.After(*c.Unmodified):
		return "If-Unmodified-Since", false
	case c.None != nil && matches(*c.None, o.ETag):
		return "If-None-Match", true
	case c.None == nil && c.Modified != nil && !at.After(*c.Modified):
		return "If-Modified-Since", true
	}
	return "", false
}

// matches reports whether a list of ETags, with or without quotes, has etag in it.
func matches(list, etag string) bool {
	for one := range strings.SplitSeq(list, ",") {
		one = strings.TrimPrefix(strings.TrimSpace(one), "W/")
		if one = strings.Trim(one, `"`); one == "*" || one == etag {
			return true
		}
	}
	return false
}

// Span is a part of an object.
type Span struct{ Off, N int64 }

// ParseRange reads a Range header for an object of size bytes. What is no range of bytes is ignored, as RFC 9110
// says; ok is false when no byte of the object is in it.
func ParseRange(header string, size int64) (s Span, given, ok bool) {
	whole := Span{0, size}
	set, found := strings.CutPrefix(header, "bytes=")
	first, last, dash := strings.Cut(set, "-")
	if !found || !dash || strings.Contains(set, ",") {
		return whole, false, true
	}
	if first == "" {
		n, err := strconv.ParseUint(last, 10, 63)
		if err != nil {
			return whole, false, true
		}
		n = min(n, uint64(size))
		return Span{size - int64(n), int64(n)}, true, n > 0
	}
	from, err := strconv.ParseUint(first, 10, 63)
	if err != nil {
		return whole, false, true
	}
	to := uint64(size) - 1
	if last != "" {
		end, err := strconv.ParseUint(last, 10, 63)
		if err != nil || end < from {
			return whole, false, true
		}
		to = min(end, uint64(size)-1)
	}
	if from >= uint64(size) {
		return Span{}, true, false
	}
	return Span{int64(from), int64(to-from) + 1}, true, true
}

// ContentRange is what an answer with a part of an object says.
func (s Span) ContentRange(size int64) string {
	return "bytes " + strconv.FormatInt(s.Off, 10) + "-" + strconv.FormatInt(s.Off+s.N-1, 10) + "/" + strconv.FormatInt(size, 10)
}
