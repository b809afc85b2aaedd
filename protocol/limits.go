package protocol

// How much is read before the length that a client announced is believed: a small body is read at once, a large one as
// it comes.
const (
	firstRead     = 4 << 10
	trustedLength = 1 << 20
)
