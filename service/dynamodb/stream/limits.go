package stream

import "time"

// Limits of streams.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetRecords.html
const (
	maxRecords    = 1000
	maxBytes      = 1 << 20
	maxShards     = 100 // of one DescribeStream
	maxStreams    = 100 // of one ListStreams
	hoursKept     = 24
	hoursPerShard = 4
	iteratorLife  = 15 * time.Minute
	trimEvery     = 4 * time.Hour

	// grace is how long after its end a shard is still open: longer than any commit takes.
	grace = time.Minute
)
