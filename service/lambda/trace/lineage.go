package trace

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
)

// The Lineage of a trace header says which functions a chain of requests has come through, and how often again:
// "Lineage=a87bd80c:1|68fd508a:5". By it Lambda finds functions that invoke themselves by way of queues, topics and other
// functions. The SDKs pass it on within functions.
// https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader

// maxLineage is how many functions a header keeps, the latest ones. Our own: AWS documents none.
const maxLineage = 32

// Runs is how often the chain of requests that header belongs to has been through a function.
func Runs(header, function string) int {
	for _, v := range visits(lineageOf(header)) {
		if v.function == hashOf(function) {
			return v.again + 1
		}
	}
	return 0
}

// Merge is the first of some headers, with the longest lineage of each function in any of them.
func Merge(headers []string) string {
	if len(headers) == 0 {
		return ""
	}
	var all []visit
	for _, h := range headers {
		for _, v := range visits(lineageOf(h)) {
			all = visited(all, v, func(a, b int) int { return max(a, b) })
		}
	}
	return withLineage(headers[0], lineageText(all))
}

// Visit adds one more run of a function to the lineage.
func (t *Trace) Visit(function string) {
	add := visit{function: hashOf(function)}
	t.lineage = lineageText(visited(visits(t.lineage), add, func(again, _ int) int { return again + 1 }))
}

// Through is header after one more run of a function.
func Through(header, function string) string {
	t := Trace{lineage: lineageOf(header)}
	t.Visit(function)
	return withLineage(header, t.lineage)
}

// withLineage is header with another lineage, at its end.
func withLineage(header, lineage string) string {
	var parts []string
	for part := range strings.SplitSeq(header, ";") {
		if part = strings.TrimSpace(part); part != "" && !strings.HasPrefix(part, "Lineage=") {
			parts = append(parts, part)
		}
	}
	if lineage != "" {
		parts = append(parts, "Lineage="+lineage)
	}
	return strings.Join(parts, ";")
}

type visit struct {
	function string
	again    int
}

// visited adds v to a list; where its function is there already, both says how the two become one.
func visited(list []visit, v visit, both func(old, new int) int) []visit {
	for i := range list {
		if list[i].function == v.function {
			list[i].again = both(list[i].again, v.again)
			return list
		}
	}
	return append(list, v)
}

func lineageOf(header string) string {
	if !strings.Contains(header, "Lineage=") {
		return ""
	}
	for part := range strings.SplitSeq(header, ";") {
		if text, ok := strings.CutPrefix(strings.TrimSpace(part), "Lineage="); ok {
			return text
		}
	}
	return ""
}

// visits reads a lineage; what is not well formed is left out.
func visits(text string) (list []visit) {
	if text == "" {
		return nil
	}
	for part := range strings.SplitSeq(text, "|") {
		function, count, ok := strings.Cut(part, ":")
		n, err := strconv.Atoi(count)
		if ok && err == nil && n >= 0 && len(function) == hashLength {
			list = append(list, visit{function, n})
		}
	}
	return list
}

func lineageText(list []visit) string {
	list = list[max(0, len(list)-maxLineage):]
	var b strings.Builder
	for i, v := range list {
		if i > 0 {
			b.WriteByte('|')
		}
		b.WriteString(v.function + ":" + strconv.Itoa(v.again))
	}
	return b.String()
}

const hashLength = 8

func hashOf(function string) string {
	sum := sha256.Sum256([]byte(function))
	return hex.EncodeToString(sum[:hashLength/2])
}
