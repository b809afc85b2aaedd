package loglevel

import (
	"strings"
	"testing"
)

func TestPasses(t *testing.T) {
	const at = `"timestamp": "2024-11-02T16:51:31.587199Z"`
	for _, c := range []struct {
		line  string
		level Level
	}{
		{`{"level": "debug", "msg": "my debug log", ` + at + `}`, Debug},
		{`{"level": "WARNING", "time": "2024-11-02T16:51:31Z"}`, Warn},
		{`{"level": "CRITICAL", ` + at + "}\n", Fatal},
		{`{"level": "error", ` + at + `}`, Error},
		{`{"level": "trace", ` + at + `}`, Trace},
		{`{"level": "loud", ` + at + `}`, Info},
		{`{"level": 50, ` + at + `}`, Info},
		{`{"msg": "none", ` + at + `}`, Info},
		{`{"level": "error"}`, Info},
		{`{"level": "error", "timestamp": "yesterday"}`, Info},
		{`{"level": "error", "timestamp": 1730566291}`, Info},
		{`{"level": "error"`, Info},
		{`[ERROR] plain`, Info},
		{``, Info},
	} {
		if got := Of([]byte(c.line)); got != c.level {
			t.Errorf("%s is %d, want %d", c.line, got, c.level)
		}
		for _, least := range []string{"", "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"} {
			bound, ok := Parse(least)
			if got := Passes(least, []byte(c.line)); got != (!ok || c.level >= bound) {
				t.Errorf("%s passes %s: %t", c.line, least, got)
			}
		}
	}
}

// Whatever a function prints has a level, and Trace lets all of it pass.
func FuzzOf(f *testing.F) {
	f.Add(`{"level":"warn","timestamp":"2024-11-02T16:51:31Z"}`)
	f.Add("text")
	f.Fuzz(func(t *testing.T, line string) {
		l := Of([]byte(line))
		if l < Trace || l > Fatal || !Passes("TRACE", []byte(line)) {
			t.Errorf("%q is %d", line, l)
		}
		if l != Info && !strings.HasPrefix(strings.TrimSpace(line), "{") {
			t.Errorf("%q has the level %d", line, l)
		}
	})
}

func BenchmarkPasses(b *testing.B) {
	line := []byte(`{"timestamp":"2024-11-02T16:51:31.587199Z","level":"DEBUG","message":"a line of a usual length, as loggers write it","logger":"root"}`)
	b.ReportAllocs()
	for b.Loop() {
		Passes("INFO", line)
	}
}
