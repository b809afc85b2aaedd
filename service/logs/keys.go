package logs

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/brume-dev/brume/store"
)

// The keys of CloudWatch Logs. Names and attributes lie in the home shard of their account and region, what is in a
// group lies in a shard of its own.
//
//	home(account, region) "logs" "ids"            counter of group ids
//	home(account, region) "logs" "group" name     groupRecord
//	home(account, region) "logs" "policy" name    policyRecord
//
//	"logs" account region id …                    with id that of the group:
//	  "alive"                                     nothing: there until the group is deleted
//	  "seq"                                       counter of stream ids and of batches
//	  "bytes"                                     sum of the sizes of the events
//	  "stream" name                               streamRecord
//	  "recent" time name                          nothing: the streams by the time of their last event
//	  "event" stream time batch position          eventRecord
//	  "big" batch position                        a message that is too large for its record
//	  "time" time batch position                  the stream's id: all events of the group in order
//	  "name" stream                               the name of a stream by its id
const service = "logs"

func home(account, region string) store.Tuple { return store.Home(account, region).Text(service) }

func groupPrefix(account, region string) store.Tuple  { return home(account, region).Text("group") }
func policyPrefix(account, region string) store.Tuple { return home(account, region).Text("policy") }

// place is where the contents of a group lie.
type place struct{ resource store.Tuple }

func placeOf(account, region string, id uint64) place {
	return place{store.Tuple(nil).Text(service).Text(account).Text(region).Uint(id)}
}

func (p place) alive() store.Tuple               { return p.resource.Text("alive") }
func (p place) seq() store.Tuple                 { return p.resource.Text("seq") }
func (p place) bytes() store.Tuple               { return p.resource.Text("bytes") }
func (p place) streams() store.Tuple             { return p.resource.Text("stream") }
func (p place) stream(name string) store.Tuple   { return p.streams().Text(name) }
func (p place) recents() store.Tuple             { return p.resource.Text("recent") }
func (p place) events(stream uint64) store.Tuple { return p.resource.Text("event").Uint(stream) }
func (p place) times() store.Tuple               { return p.resource.Text("time") }
func (p place) name(stream uint64) store.Tuple   { return p.resource.Text("name").Uint(stream) }

func (p place) recent(time int64, name string) store.Tuple { return p.recents().Int(time).Text(name) }

func (p place) big(s spot) store.Tuple {
	return p.resource.Text("big").Uint(s.batch).Uint(s.position)
}

// spot is the place of an event among those of its group: its time, then the order in which it came.
type spot struct {
	time     int64 // milliseconds since 1970
	batch    uint64
	position uint64
}

func (s spot) in(t store.Tuple) store.Tuple { return t.Int(s.time).Uint(s.batch).Uint(s.position) }

func readSpot(k store.Key, prefix int) (spot, error) {
	e := store.Decode(k, prefix)
	s := spot{e.Int(), e.Uint(), e.Uint()}
	return s, e.Err()
}

// next and before are the places beside s, where no event lies between.
func (s spot) next() spot { s.position++; return s }

func (s spot) before() spot {
	switch {
	case s.position > 0:
		s.position--
	case s.batch > 0:
		s.batch, s.position = s.batch-1, math.MaxUint64
	default:
		s.time, s.batch, s.position = s.time-1, math.MaxUint64, math.MaxUint64
	}
	return s
}

// String is the text form of a spot: the id of an event, and the core of a page token.
func (s spot) String() string {
	return strconv.FormatInt(s.time, 10) + "." + strconv.FormatUint(s.batch, 10) + "." + strconv.FormatUint(s.position, 10)
}

func parseSpot(text string) (s spot, err error) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return s, errors.New("logs: not a spot")
	}
	var errs [3]error
	s.time, errs[0] = strconv.ParseInt(parts[0], 10, 64)
	s.batch, errs[1] = strconv.ParseUint(parts[1], 10, 64)
	s.position, errs[2] = strconv.ParseUint(parts[2], 10, 64)
	return s, errors.Join(errs[:]...)
}
