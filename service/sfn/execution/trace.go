package execution

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// Header is the trace header of an execution: the caller's, or that of a new trace when the machine is traced.
func Header(given string, traced bool, now time.Time, execution string) string {
	if given != "" || !traced {
		return given
	}
	sum := sha256.Sum256([]byte(execution + now.String()))
	return fmt.Sprintf("Root=1-%08x-%x;Sampled=1", now.Unix(), sum[:12])
}

// Onward is the trace header that the requests of an execution carry: their parent is its segment.
func Onward(header string, traced bool, execution string) string {
	if header == "" || !traced {
		return header
	}
	parts := []string{}
	for part := range strings.SplitSeq(header, ";") {
		if part = strings.TrimSpace(part); part != "" && !strings.HasPrefix(part, "Parent=") {
			parts = append(parts, part)
			if strings.HasPrefix(part, "Root=") {
				parts = append(parts, "Parent="+SegmentID(execution))
			}
		}
	}
	return strings.Join(parts, ";")
}

// SegmentID is the id of the segment of an execution: the same whenever it is asked for.
func SegmentID(execution string) string {
	sum := sha256.Sum256([]byte(execution))
	return hex.EncodeToString(sum[:8])
}
