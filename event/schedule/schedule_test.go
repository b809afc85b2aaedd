package schedule

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/adhocore/gronx"
)

var start = time.Date(2026, 1, 30, 12, 34, 56, 0, time.UTC) // a Friday

func TestNext(t *testing.T) {
	for _, c := range []struct{ expr, want string }{
		{"rate(1 minute)", "2026-01-30T12:35:56 2026-01-30T12:36:56"},
		{"rate(5 minutes)", "2026-01-30T12:39:56 2026-01-30T12:44:56"},
		{"rate(1 hour)", "2026-01-30T13:34:56 2026-01-30T14:34:56"},
		{"rate(7 days)", "2026-02-06T12:34:56 2026-02-13T12:34:56"},
		// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
		{"cron(0 10 * * ? *)", "2026-01-31T10:00:00 2026-02-01T10:00:00"},
		{"cron(15 12 * * ? *)", "2026-01-31T12:15:00 2026-02-01T12:15:00"},
		{"cron(0 18 ? * MON-FRI *)", "2026-01-30T18:00:00 2026-02-02T18:00:00"},
		{"cron(0 8 1 * ? *)", "2026-02-01T08:00:00 2026-03-01T08:00:00"},
		{"cron(0/15 * * * ? *)", "2026-01-30T12:45:00 2026-01-30T13:00:00"},
		{"cron(0/10 * ? * MON-FRI *)", "2026-01-30T12:40:00 2026-01-30T12:50:00"},
		{"cron(0/5 8-17 ? * MON-FRI *)", "2026-01-30T12:35:00 2026-01-30T12:40:00"},
		{"cron(0/30 20-2 ? * MON-FRI *)", "2026-01-30T20:00:00 2026-01-30T20:30:00"},
		{"cron(0 0 ? * FRI-MON *)", "2026-01-31T00:00:00 2026-02-01T00:00:00"},
		{"cron(0 0 L * ? *)", "2026-01-31T00:00:00 2026-02-28T00:00:00"},
		{"cron(0 0 LW * ? *)", "2026-02-27T00:00:00 2026-03-31T00:00:00"},
		{"cron(0 0 1W * ? *)", "2026-02-02T00:00:00 2026-03-02T00:00:00"},
		{"cron(0 0 31W * ? *)", "2026-03-31T00:00:00 2026-05-29T00:00:00"},
		{"cron(0 0 ? * 6L *)", "2026-02-27T00:00:00 2026-03-27T00:00:00"},
		{"cron(0 0 ? * L *)", "2026-01-31T00:00:00 2026-02-07T00:00:00"},
		{"cron(0 0 ? * 3#1 *)", "2026-02-03T00:00:00 2026-03-03T00:00:00"},
		{"cron(0 0 ? * SUN#5 *)", "2026-03-29T00:00:00 2026-05-31T00:00:00"},
		{"cron(0 0 29 2 ? *)", "2028-02-29T00:00:00 2032-02-29T00:00:00"},
		{"cron(0 0 1 JAN ? 2027-2028)", "2027-01-01T00:00:00 2028-01-01T00:00:00 never"},
		{"cron(0 0 31 4 ? *)", "never"},
		{"cron(0 0 1 1 ? 1999)", "never"},
	} {
		e, err := Parse(c.expr)
		if err != nil {
			t.Errorf("%s: %v", c.expr, err)
			continue
		}
		at := start
		for _, want := range strings.Fields(c.want) {
			next, ok := e.Next(start, at)
			got := "never"
			if ok {
				got = next.Format("2006-01-02T15:04:05")
			}
			if got != want {
				t.Errorf("%s after %v: %s, want %s", c.expr, at, got, want)
			}
			at = next
		}
	}
}

func TestInvalid(t *testing.T) {
	for _, s := range []string{"", "rate", "rate()", "rate(1 minutes)", "rate(2 minute)", "rate(0 minutes)", "rate(-1 minutes)",
		"rate(1 second)", "rate(1 week)", "rate(1.5 hours)", "rate(1 minute) ", "Rate(1 minute)", "rate(99999999 days)",
		"at(2026-01-01T00:00:00)", "cron(* * * * *)", "cron(* * * * * *)", "cron(* * ? * ? *)", "cron(60 * * * ? *)",
		"cron(* 24 * * ? *)", "cron(* * 0 * ? *)", "cron(* * 32 * ? *)", "cron(* * * 13 ? *)", "cron(* * ? * 0 *)",
		"cron(* * ? * 8 *)", "cron(* * ? * 2#6 *)", "cron(* * ? * 2# *)", "cron(* * * * ? 1969)", "cron(* * * * ? 2200)",
		"cron(*/0 * * * ? *)", "cron(1,,2 * * * ? *)", "cron(a * * * ? *)", "cron(1-b * * * ? *)", "cron(* * * FOO ? *)",
		"cron(* * ? * ONM *)", "cron(0/5, 9-18, ?, *, MON-FRI, *)", "cron(* * XW * ? *)", "cron(* * ? * XL *)"} {
		if _, err := Parse(s); err == nil {
			t.Errorf("%q was taken", s)
		}
	}
}

// Random expressions are due when gronx, written by others for another dialect, says so.
func TestAgainstGronx(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	pick := func(s ...string) string { return s[r.IntN(len(s))] }
	for range 300 {
		min, hour, month := pick("*", "0", "5,35", "10-20", "0/7", "59"), pick("*", "3", "0-4", "0/5", "23"), pick("*", "2", "1,6", "3-9")
		dom, dow := pick("*", "1", "15,31", "10-12", "5/9", "L"), "?"
		if r.IntN(2) == 0 {
			dom, dow = "?", pick("1", "2-6", "1,7", "4")
		}
		days := strings.Map(func(c rune) rune {
			if c >= '1' && c <= '7' {
				return c - 1
			}
			return c
		}, dow)
		theirs := strings.ReplaceAll("0 "+strings.Join([]string{min, hour, dom, month, days}, " "), "?", "*")
		ours := "cron(" + strings.Join([]string{min, hour, dom, month, dow, "*"}, " ") + ")"
		e, err := Parse(ours)
		if err != nil {
			t.Fatalf("%s: %v", ours, err)
		}
		at := start.Add(time.Duration(r.IntN(365*24*3600)) * time.Second)
		for range 5 {
			got, _ := e.Next(start, at)
			want, err := gronx.NextTickAfter(theirs, at, false)
			if err != nil {
				t.Fatalf("%s: %v", theirs, err)
			}
			if !got.Equal(want) {
				t.Fatalf("%s after %v: %v, gronx says %v", ours, at, got, want)
			}
			at = got
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"rate(5 minutes)", "cron(0/15 8-17 ? * MON-FRI *)", "cron(0 0 LW * ? 2030)", "cron(1 2 ? 3 4#5 *)"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e, err := Parse(s)
		if err != nil {
			return
		}
		next, ok := e.Next(start, start)
		if ok && !next.After(start) {
			t.Errorf("%q is due at %v, not after %v", s, next, start)
		}
	})
}
