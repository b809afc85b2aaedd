package gateway

import (
	"errors"
	"io"
	"net/http"
	"strconv"

	"github.com/brume-dev/brume/protocol"
)

// Values of the header Server. Nobody changes them.
var (
	serverName   = []string{"Brume"}
	serverNameS3 = []string{"AmazonS3"}
)

// write sends an answer. An answer whose stream breaks ends the connection: the client must not take a part for the whole.
func (g *Gateway) write(w http.ResponseWriter, r *http.Request, x *exchange, a *protocol.Response) {
	h := w.Header()
	for k, v := range a.Header {
		h[k] = v
	}
	h["Server"] = serverName
	if x.wire.HostID != "" {
		h["Server"] = serverNameS3
	}
	if a.Stream == nil {
		if h["Content-Length"] == nil && bodyAllowed(a.Status) {
			h["Content-Length"] = []string{strconv.Itoa(len(a.Body))}
		}
		w.WriteHeader(a.Status)
		if r.Method != http.MethodHead && bodyAllowed(a.Status) {
			_, _ = w.Write(a.Body) // the client has gone: nobody is left to tell
		}
		return
	}
	defer a.Stream.Close()
	if a.Length >= 0 && h["Content-Length"] == nil {
		h["Content-Length"] = []string{strconv.FormatInt(int64(len(a.Body))+a.Length, 10)}
	}
	w.WriteHeader(a.Status)
	if r.Method == http.MethodHead {
		return
	}
	_, err := w.Write(a.Body)
	if err == nil {
		err = copyStream(w, a)
	}
	if err != nil {
		if r.Context().Err() == nil {
			g.Log.WarnContext(r.Context(), "answer broke off", "request", x.wire.ID, "error", err)
		}
		panic(http.ErrAbortHandler)
	}
}

// copyStream copies a stream of known length in large pieces, and one without an end as it comes.
func copyStream(w http.ResponseWriter, a *protocol.Response) error {
	if a.Length >= 0 {
		n, err := io.Copy(w, a.Stream)
		if err == nil && n < a.Length {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	flush := http.NewResponseController(w)
	if err := flush.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	buf := make([]byte, 16<<10)
	for {
		n, err := a.Stream.Read(buf)
		if n > 0 {
			if _, werr := w.Write(buf[:n]); werr != nil {
				return werr
			}
			if ferr := flush.Flush(); ferr != nil && !errors.Is(ferr, http.ErrNotSupported) {
				return ferr
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func bodyAllowed(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}
