package shape

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/brume-dev/brume/shape/jsontext"
)

// ParseTime reads a timestamp in the given format; ISO8601 also takes offsets, DefaultTime is ISO8601.
func ParseTime(s string, f TimeFormat) (time.Time, bool) {
	switch f {
	case UnixTime:
		return parseUnix(s)
	case HTTPTime:
		for _, layout := range []string{"Mon, 02 Jan 2006 15:04:05.999999999 GMT", time.RFC850, time.ANSIC} {
			if t, err := time.Parse(layout, s); err == nil {
				return t.UTC(), true
			}
		}
		return time.Time{}, false
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04:05.999999999Z0700", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// parseUnix reads seconds with an optional fraction, exactly to the nanosecond where the text is a plain decimal.
func parseUnix(s string) (time.Time, bool) {
	const most = 253402300799 // 9999-12-31T23:59:59Z
	whole, frac, _ := strings.Cut(s, ".")
	sec, err := strconv.ParseInt(whole, 10, 64)
	if err == nil && len(frac) <= 9 && strings.Trim(frac, "0123456789") == "" {
		ns, _ := strconv.ParseInt((frac + "000000000")[:9], 10, 64)
		if strings.HasPrefix(whole, "-") {
			ns = -ns
		}
		return time.Unix(sec, ns).UTC(), sec <= most && sec >= -most
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || math.Abs(f) > most {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(math.Round(f * 1000))).UTC(), true
}

// AppendTime appends t in the given format; DefaultTime is ISO8601. Fractions are milliseconds, and left out when they
// are zero.
func AppendTime(b []byte, t time.Time, f TimeFormat) []byte {
	switch f {
	case UnixTime:
		return jsontext.AppendUnix(b, t)
	case HTTPTime:
		return t.UTC().AppendFormat(b, "Mon, 02 Jan 2006 15:04:05 GMT")
	}
	t = t.UTC()
	b = t.AppendFormat(b, time.RFC3339) // ends in Z
	ms := t.Nanosecond() / int(time.Millisecond)
	if f != ISO8601Millis && ms == 0 {
		return b
	}
	return append(b[:len(b)-1], '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10), 'Z')
}
