package code

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"io"
	"net/http"
	"time"

	"github.com/brume-dev/brume/blob"
)

// linkLife is how long a link to a package is good.
// https://docs.aws.amazon.com/lambda/latest/api/API_FunctionCodeLocation.html
const linkLife = 10 * time.Minute

// Links are addresses of packages. They are good for ten minutes and for this process: their tokens are the blob, when they
// end, and a seal on both.
type Links struct {
	URL    func(token string) string // nil: packages have no address
	Blobs  blob.Store
	Now    func() time.Time
	Secret [32]byte
}

// To is where a package can be fetched, "" when there is no such place.
func (l *Links) To(p Pack) string {
	if l.URL == nil {
		return ""
	}
	text := binary.BigEndian.AppendUint64(nil, uint64(l.Now().Add(linkLife).Unix()))
	text = append(text, p.Blob...)
	return l.URL(hex.EncodeToString(append(l.seal(text), text...)))
}

func (l *Links) seal(text []byte) []byte {
	h := hmac.New(sha256.New, l.Secret[:])
	h.Write(text)
	return h.Sum(nil)
}

// ServeCode answers a link to a package; the token is what URL was given.
func (l *Links) ServeCode(w http.ResponseWriter, r *http.Request, token string) {
	b, err := hex.DecodeString(token)
	if err != nil || len(b) < sha256.Size+8 || !hmac.Equal(b[:sha256.Size], l.seal(b[sha256.Size:])) ||
		int64(binary.BigEndian.Uint64(b[sha256.Size:])) < l.Now().Unix() {
		http.Error(w, "The link is not good any more.", http.StatusForbidden)
		return
	}
	body, err := l.Blobs.Open(r.Context(), blob.ID(b[sha256.Size+8:]), 0, -1)
	if err != nil {
		http.Error(w, "The package is not there any more.", http.StatusNotFound)
		return
	}
	defer body.Close()
	w.Header().Set("Content-Type", "application/zip")
	_, _ = io.Copy(w, body) // the client has gone: nobody is left to tell
}
