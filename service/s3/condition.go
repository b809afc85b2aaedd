package s3

import (
	"strconv"
	"strings"
	"time"

	"github.com/brume-dev/brume/store"
)

// writeCondition is what must be true of the current version for a write to happen.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
type writeCondition struct {
	match *string // the ETag that the object must have; "*" for any
	none  bool    // there must be no object
}

func writeConditionOf(match, none *string) (writeCondition, error) {
	if none != nil && strings.Trim(*none, `"`) != "*" {
		return writeCondition{}, notImplemented("If-None-Match takes * only")
	}
	if none != nil && match != nil {
		return writeCondition{}, notImplemented("If-Match and If-None-Match exclude each other")
	}
	return writeCondition{match, none != nil}, nil
}

func (c writeCondition) check(r store.Reader, b *bucket, key string) error {
	if c.match == nil && !c.none {
		return nil
	}
	cur, err := getObject(r, b.current(key))
	switch {
	case err != nil:
		return err
	case c.none && cur != nil:
		return &preconditionFailed{"If-None-Match"}
	case c.match != nil && cur == nil:
		return noSuchKey()
	case c.match != nil && !matches(*c.match, cur.ETag):
		return &preconditionFailed{"If-Match"}
	}
	return nil
}

// readCondition is what must be true of an object for a read to happen.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-reads.html
type readCondition struct {
	match, none          *string
	modified, unmodified *time.Time
}

// check returns the name of the condition that does not hold, in RFC 9110's order of precedence, and whether it is
// one that means "not modified".
func (c readCondition) check(o *object) (failed string, unmodified bool) {
	at := o.Modified.Truncate(time.Second)
	switch {
	case c.match != nil && !matches(*c.match, o.ETag):
		return "If-Match", false
	case c.match == nil && c.unmodified != nil && at.After(*c.unmodified):
		return "If-Unmodified-Since", false
	case c.none != nil && matches(*c.none, o.ETag):
		return "If-None-Match", true
	case c.none == nil && c.modified != nil && !at.After(*c.modified):
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

// span is a part of an object.
type span struct{ off, n int64 }

// parseRange reads a Range header for an object of size bytes. What is no range of bytes is ignored, as RFC 9110
// says; ok is false when no byte of the object is in it.
func parseRange(header string, size int64) (s span, given, ok bool) {
	whole := span{0, size}
	set, found := strings.CutPrefix(header, "bytes=")
	first, last, dash := strings.Cut(strings.TrimSpace(set), "-")
	if !found || !dash || strings.Contains(set, ",") {
		return whole, false, true
	}
	if first == "" {
		n, err := strconv.ParseUint(last, 10, 63)
		if err != nil {
			return whole, false, true
		}
		n = min(n, uint64(size))
		return span{size - int64(n), int64(n)}, true, n > 0
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
		return span{}, true, false
	}
	return span{int64(from), int64(to-from) + 1}, true, true
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// contentRange is what an answer with a part of an object says.
func (s span) contentRange(size int64) string {
	return "bytes " + itoa(s.off) + "-" + itoa(s.off+s.n-1) + "/" + itoa(size)
}
