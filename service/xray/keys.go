package xray

import (
	"errors"
	"strconv"
	"strings"

	"github.com/brume-dev/brume/store"
)

// The keys of X-Ray. The traces of an account and region lie in one shard, so that a trace and its places in the
// orders of time change together. Times are in microseconds since 1970.
//
//	"xray" account region …
//	  "trace" trace               traceRecord
//	  "segment" trace segment     segmentRecord; segments, and subsegments that came alone
//	  "start" time trace          nothing: traces by the start of their earliest segment
//	  "event" time trace          nothing: traces by their last change
//	  "end" time trace            nothing: traces by the end of the segment that ended last
//	  "sweeping"                  nothing: there is a promise to sweep
//	  "lease" rule                leaseRecord: who has the reservoir of a sampling rule
const service = "xray"

// place is where the traces of an account and region lie.
type place struct {
	account, region string
	resource        store.Tuple
}

func placeOf(account, region string) place {
	return place{account, region, store.Tuple(nil).Text(service).Text(account).Text(region)}
}

// order names one of the orders of time.
type order string

const (
	byStart order = "start"
	byEvent order = "event"
	byEnd   order = "end"
)

func (p place) trace(id string) store.Tuple       { return p.resource.Text("trace").Text(id) }
func (p place) segments(trace string) store.Tuple { return p.resource.Text("segment").Text(trace) }
func (p place) segment(trace, id string) store.Tuple {
	return p.segments(trace).Text(id)
}
func (p place) times(o order) store.Tuple            { return p.resource.Text(string(o)) }
func (p place) at(o order, s spot) store.Tuple       { return p.times(o).Int(s.time).Text(s.trace) }
func (p place) sweeping() store.Tuple                { return p.resource.Text("sweeping") }
func (p place) lease(rule string) store.Tuple        { return p.resource.Text("lease").Text(rule) }
func readSpot(k store.Key, prefix int) (spot, error) { e := store.Decode(k, prefix); return spotOf(e) }

// spot is the place of a trace in an order of time.
type spot struct {
	time  int64
	trace string
}

func spotOf(e *store.Elements) (spot, error) {
	s := spot{e.Int(), e.Text()}
	return s, e.Err()
}

// String is the text form of a spot, which page tokens are made of.
func (s spot) String() string { return strconv.FormatInt(s.time, 10) + "/" + s.trace }

func parseSpot(text string) (spot, error) {
	at, trace, ok := strings.Cut(text, "/")
	t, err := strconv.ParseInt(at, 10, 64)
	id, valid := traceID(trace)
	if !ok || err != nil || !valid {
		return spot{}, errors.New("xray: not a spot")
	}
	return spot{t, id}, nil
}
