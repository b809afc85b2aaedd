package store

import "time"

// Limits of the contract. They are FoundationDB's and PostgreSQL's, whichever is smaller, so that every backend can
// keep them.
const (
	MaxKey      = 2600            // bytes of an encoded key: PostgreSQL's index row limit
	MaxValue    = 90 << 10        // bytes of a value; SetLarge splits larger ones
	MaxTx       = 10_000_000      // bytes that a transaction writes
	MaxDuration = 2 * time.Second // of one closure
	StampSize   = 12              // incarnation (2), commit version (8), position in the commit (2), big endian
)

// Stamp orders commits: incarnation of the store, commit version, position of the call in its transaction.
type Stamp [StampSize]byte
