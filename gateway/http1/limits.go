package http1

import "time"

const (
	// maxHead is the size of a head that is read here; longer ones are net/http's.
	maxHead = 8 << 10
	// maxDiscard is how much of a body that its handler left is read to keep the connection, as in net/http.
	maxDiscard = 256 << 10
	// maxHeld is how much of an answer is held back in the hope that it is all: such an answer gets its length and goes out in one piece.
	maxHeld = 16 << 10
	// lastWords is how long a client has to read the answer when its connection ends with a part of its request unread:
	// closing at once would make its kernel throw the answer away.
	lastWords = 500 * time.Millisecond
	// sniffed is how much of a body http.DetectContentType looks at.
	sniffed = 512
)
