package platform

import (
	"cmp"
	"net/http"
	"strings"

	"github.com/brume-dev/brume/service/sns"
	"github.com/brume-dev/brume/service/sns/mail"
)

// relay takes the mails of SNS; nil when there is none.
func (h *house) relay() sns.Relay {
	if h.SMTP == "" {
		return nil
	}
	return mail.Relay{Address: h.SMTP}
}

// certificates is the folder of SNS's signing certificates. Receivers take them from https only.
func (h *house) certificates() string {
	return strings.Replace(reachable(h.URL()), "http://", "https://", 1) + "/_aws/sns"
}

// certificate serves a signing certificate.
func (h *house) certificate(w http.ResponseWriter, r *http.Request) {
	b, there, err := h.topics.Certificate(r.Context(), r.PathValue("name"))
	switch {
	case err != nil:
		h.Log.Error("certificate", "error", err)
		http.Error(w, "internal failure", http.StatusInternalServerError)
	case !there:
		http.NotFound(w, r)
	default:
		w.Header().Set("Content-Type", "application/x-pem-file")
		_, _ = w.Write(b)
	}
}

// mails shows the mails that are kept for want of a relay.
func (h *house) mails(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	all, err := h.topics.Mails(r.Context(), cmp.Or(q.Get("account"), h.Account), cmp.Or(q.Get("region"), h.Region))
	if err != nil {
		fail(w, http.StatusInternalServerError, err)
		return
	}
	answer(w, map[string]any{"mails": all})
}
