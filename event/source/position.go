package source

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// Position is how far a shard has been processed. Whoever owns a Stream keeps it, as a stored record.
type Position struct {
	// Lanes has for each lane the sequence number up to which its records are done; "": none yet.
	Lanes []string `cbor:"1,keyasint,omitempty"`
	// Iterator is where the reading begins while a lane has done nothing; "": at the oldest record. When it is no longer
	// good, the reading begins with the records that came at Since.
	Iterator string    `cbor:"2,keyasint,omitempty"`
	Since    time.Time `cbor:"3,keyasint,omitzero"`
	// Ended says that there is nothing more to process.
	Ended bool `cbor:"4,keyasint,omitempty"`
	// Opened is the beginning of the tumbling window that is open, if one is, and State what is known in it.
	Opened time.Time `cbor:"5,keyasint,omitzero"`
	State  []byte    `cbor:"6,keyasint,omitempty"`
}

// after is the sequence number up to which all lanes are done.
func (p *Position) after() string {
	if len(p.Lanes) == 0 {
		return ""
	}
	return slices.MinFunc(p.Lanes, compareSequence)
}

// lanes is how far each of n lanes is. Records are dealt anew when there are more or fewer of them than there were.
func (p *Position) lanes(n int) []string {
	if len(p.Lanes) == n {
		return slices.Clone(p.Lanes)
	}
	return slices.Repeat([]string{p.after()}, n)
}

// compareSequence compares sequence numbers, which are whole numbers in decimal; "" comes before all.
func compareSequence(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) }

// Positions keeps how far a stream has been processed.
type Positions interface {
	// Load returns the positions of all shards that there are, by the id of the shard.
	Load(ctx context.Context) (map[string]Position, error)
	// Save keeps the position of a shard; the batch that is given up with it, if lost is not nil, goes in the same
	// transaction to where such batches go.
	Save(ctx context.Context, shard string, p Position, lost *Lost) error
	// Forget deletes the position of a shard that is not in the stream any more.
	Forget(ctx context.Context, shard string) error
}

// Lost is a batch that is given up.
type Lost struct {
	*Batch
	Condition string // one of the conditions below
	Attempts  int    // to process it
	Problem   error  // of the last attempt, nil if there was none
}

// Why a batch is given up, as AWS calls it.
// https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
const (
	RetriesExhausted = "RetryAttemptsExhausted"
	TooOld           = "RecordAgeExceeded"
)
