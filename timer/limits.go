package timer

import "time"

// Limits of promises, our own.
const (
	MaxArgs = 4 << 20 // bytes of Args: an event of 1 MB in base64, with what surrounds it, fits
	MaxKind = 64      // bytes of a kind
	MaxName = 1024    // bytes of an ID, an order key or a destination

	inlineArgs = 16 << 10 // bytes of Args up to which they lie in the promise's own record
)

// Limits of a Runner.
const (
	defaultParallel = 64       // promises of one destination at a time
	softRunning     = 1024     // promises of a kind at a time in a shard, above which a destination gets one at a time
	hardRunning     = 8192     // above which none is begun
	softBytes       = 64 << 20 // the same for the bytes of Args of promises in flight
	hardBytes       = 512 << 20
	startBatch      = 512     // promises begun by one look at the store
	flushBatch      = 256     // outcomes written in one transaction
	flushBytes      = 4 << 20 // bytes after which it takes no more

	defaultMinBackoff = 200 * time.Millisecond
	defaultMaxBackoff = time.Minute
	defaultDrain      = 5 * time.Second
	storePause        = time.Second // before the store is asked again after an error that is not its end
)
