package schedule

import (
	"strconv"
	"strings"
	"time"
)

// cron is the six fields of a cron expression: the values that match, as bits, and what depends on the month.
type cron struct {
	minutes, hours, days, months, weekdays uint64 // bit n: the value n; weekdays 1 is Sunday
	years                                  [4]uint64

	byWeekday bool // the day of the month is "?", else the day of the week is
	last      bool // L: the last day of the month
	lastWork  bool // LW: its last weekday
	nearest   int  // nW: the weekday nearest to the n-th; 0 is none
	lastOf    int  // nL: the last such day of the week
	nth, ofIt int  // n#k: the k-th (ofIt) n (nth) of the month
}

const (
	firstYear = 1970
	lastYear  = 2199
)

// field is the values that one place may hold.
type field struct {
	low, high int
	names     string // three letters each, the first stands for low
}

var (
	minuteField  = field{low: 0, high: 59}
	hourField    = field{low: 0, high: 23}
	dayField     = field{low: 1, high: 31}
	monthField   = field{low: 1, high: 12, names: "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC"}
	weekdayField = field{low: 1, high: 7, names: "SUNMONTUEWEDTHUFRISAT"}
	yearField    = field{low: firstYear, high: lastYear}
)

// parseCron reads "minutes hours day-of-month month day-of-week year".
func parseCron(s string) (c cron, ok bool) {
	f := strings.Fields(strings.ToUpper(s))
	if len(f) != 6 || (f[2] == "?") == (f[4] == "?") {
		return c, false
	}
	c.byWeekday = f[2] == "?"
	mask := func(at *uint64) func(int) { return func(n int) { *at |= 1 << n } }
	ok = minuteField.read(f[0], mask(&c.minutes)) && hourField.read(f[1], mask(&c.hours)) &&
		monthField.read(f[3], mask(&c.months)) &&
		yearField.read(f[5], func(n int) { c.years[(n-firstYear)/64] |= 1 << ((n - firstYear) % 64) })
	if !ok {
		return c, false
	}
	if c.byWeekday {
		return c, c.weekday(f[4])
	}
	return c, c.day(f[2])
}

// day reads the day of the month.
func (c *cron) day(s string) bool {
	if n, ok := strings.CutSuffix(s, "W"); ok && n != "L" {
		c.nearest, ok = dayField.value(n)
		return ok
	}
	switch s {
	case "L":
		c.last = true
		return true
	case "LW":
		c.lastWork = true
		return true
	}
	return dayField.read(s, func(n int) { c.days |= 1 << n })
}

// weekday reads the day of the week. A bare L is Saturday.
func (c *cron) weekday(s string) (ok bool) {
	if s == "L" {
		s = "7"
	}
	if n, cut := strings.CutSuffix(s, "L"); cut {
		c.lastOf, ok = weekdayField.value(n)
		return ok
	}
	if n, k, cut := strings.Cut(s, "#"); cut {
		c.nth, ok = weekdayField.value(n)
		if !ok || len(k) != 1 || k < "1" || k > "5" {
			return false
		}
		c.ofIt = int(k[0] - '0')
		return true
	}
	return weekdayField.read(s, func(n int) { c.weekdays |= 1 << n })
}

// read calls set for each value of a list of values, ranges and steps.
func (f field) read(s string, set func(int)) bool {
	for item := range strings.SplitSeq(s, ",") {
		body, stepText, stepped := strings.Cut(item, "/")
		step := 1
		if stepped {
			n, err := strconv.ParseUint(stepText, 10, 12)
			if err != nil || n == 0 {
				return false
			}
			step = int(n)
		}
		from, to, ok := f.span(body, stepped)
		if !ok {
			return false
		}
		if from > to { // around the end: FRI-MON
			to += f.high - f.low + 1
		}
		for n := from; n <= to; n += step {
			set(f.low + (n-f.low)%(f.high-f.low+1))
		}
	}
	return true
}

// span reads what stands before a step: *, a value, or a range. A value with a step goes up to the end.
func (f field) span(s string, stepped bool) (from, to int, ok bool) {
	if s == "*" {
		return f.low, f.high, true
	}
	a, b, ranged := strings.Cut(s, "-")
	if from, ok = f.value(a); !ok {
		return 0, 0, false
	}
	switch {
	case ranged:
		to, ok = f.value(b)
	case stepped:
		to = f.high
	default:
		to = from
	}
	return from, to, ok
}

// value reads a number or a name.
func (f field) value(s string) (int, bool) {
	if f.names != "" && len(s) == 3 {
		if i := strings.Index(f.names, s); i >= 0 && i%3 == 0 {
			return f.low + i/3, true
		}
	}
	n, err := strconv.ParseUint(s, 10, 16)
	return int(n), err == nil && int(n) >= f.low && int(n) <= f.high
}

func has(mask uint64, n int) bool { return mask>>n&1 == 1 }

// next is the first match after t.
func (c *cron) next(t time.Time) (time.Time, bool) {
	t = t.Truncate(time.Minute).Add(time.Minute)
	if t.Year() < firstYear {
		t = time.Date(firstYear, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	for t.Year() <= lastYear {
		year, month, day := t.Date()
		y := year - firstYear
		switch {
		case !has(c.years[y/64], y%64):
			t = time.Date(year+1, 1, 1, 0, 0, 0, 0, time.UTC)
		case !has(c.months, int(month)):
			t = time.Date(year, month+1, 1, 0, 0, 0, 0, time.UTC)
		case !c.onDay(t):
			t = time.Date(year, month, day+1, 0, 0, 0, 0, time.UTC)
		case !has(c.hours, t.Hour()):
			t = time.Date(year, month, day, t.Hour()+1, 0, 0, 0, time.UTC)
		case !has(c.minutes, t.Minute()):
			t = t.Add(time.Minute)
		default:
			return t, true
		}
	}
	return time.Time{}, false
}

// onDay reports whether the day of t matches.
func (c *cron) onDay(t time.Time) bool {
	day, end := t.Day(), time.Date(t.Year(), t.Month()+1, 0, 0, 0, 0, 0, time.UTC)
	weekday := int(t.Weekday()) + 1
	switch {
	case !c.byWeekday && c.last:
		return day == end.Day()
	case !c.byWeekday && c.lastWork:
		return day == workday(end, end.Day())
	case !c.byWeekday && c.nearest > 0:
		return c.nearest <= end.Day() && day == workday(end, c.nearest)
	case !c.byWeekday:
		return has(c.days, day)
	case c.lastOf > 0:
		return weekday == c.lastOf && day+7 > end.Day()
	case c.nth > 0:
		return weekday == c.nth && (day-1)/7+1 == c.ofIt
	}
	return has(c.weekdays, weekday)
}

// workday is the day from Monday to Friday nearest to a day, in the same month, whose last day end is.
func workday(end time.Time, day int) int {
	switch end.AddDate(0, 0, day-end.Day()).Weekday() {
	case time.Saturday:
		if day == 1 {
			return 3
		}
		return day - 1
	case time.Sunday:
		if day == end.Day() {
			return day - 2
		}
		return day + 1
	}
	return day
}
