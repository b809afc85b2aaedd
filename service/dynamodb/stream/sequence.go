package stream

import (
	"fmt"
	"hash/crc32"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/brume-dev/brume/store"
)

// A sequence number is hour and stamp of a change as one number in decimal: hour · 2^96 + stamp. Until the year 2106 it
// has 35 digits, so that sequence numbers compare as texts too.
const stampBits = 8 * store.StampSize

// sequence renders the sequence number of what has the hour and stamp.
func sequence(hour uint64, stamp store.Stamp) string {
	n := new(big.Int).SetUint64(hour)
	n.Lsh(n, stampBits)
	return n.Or(n, new(big.Int).SetBytes(stamp[:])).String()
}

// parseSequence is the inverse of sequence.
func parseSequence(s string) (hour uint64, stamp store.Stamp, ok bool) {
	n, ok := new(big.Int).SetString(s, 10)
	if !ok || n.Sign() < 0 || n.BitLen() > stampBits+32 {
		return 0, stamp, false
	}
	hour = new(big.Int).Rsh(n, stampBits).Uint64()
	n.Sub(n, new(big.Int).Lsh(new(big.Int).SetUint64(hour), stampBits))
	n.FillBytes(stamp[:])
	return hour, stamp, true
}

// place is where a change with the hour and stamp lies in a log.
func place(hour uint64, stamp store.Stamp) []byte { return store.Tuple(nil).Uint(hour).Stamp(stamp) }

// readPlace is the inverse of place.
func readPlace(at []byte) (hour uint64, stamp store.Stamp) {
	e := store.Decode(at, 0)
	return e.Uint(), e.Stamp()
}

// shard is a stretch of hours of a stream: [first, first+hoursPerShard).
type shard struct{ first uint64 }

func shardAt(hour uint64) shard { return shard{hour / hoursPerShard * hoursPerShard} }

// id names the shard as AWS does: a time in milliseconds and something more.
func (sh shard) id(arn string) string {
	return fmt.Sprintf("shardId-%020d-%08x", sh.first*3_600_000, crc32.ChecksumIEEE([]byte(arn)))
}

// parseShard is the inverse of id.
func parseShard(id, arn string) (shard, bool) {
	digits, _, _ := strings.Cut(strings.TrimPrefix(id, "shardId-"), "-")
	ms, err := strconv.ParseUint(digits, 10, 64)
	sh := shardAt(ms / 3_600_000)
	return sh, err == nil && sh.id(arn) == id
}

// end is the hour after the shard's last.
func (sh shard) end() uint64 { return sh.first + hoursPerShard }

// closing is from when on the shard is closed.
func (sh shard) closing() time.Time { return time.Unix(int64(sh.end())*3600, 0).Add(grace) }

// lowest and highest are the bounds of the sequence numbers of the shard.
func (sh shard) lowest(from uint64) string { return sequence(max(from, sh.first), store.Stamp{}) }

func (sh shard) highest() string {
	var s store.Stamp
	for i := range s {
		s[i] = 0xff
	}
	return sequence(sh.end()-1, s)
}
