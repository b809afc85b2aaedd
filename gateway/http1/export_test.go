package http1

import "net/http"

// Parse is parse, as a handler sees its result.
func Parse(head []byte) (*http.Request, error) {
	r, err := parse(head)
	if err != nil {
		return nil, err
	}
	return r.http(&exchange{body: &body{}}, ""), nil
}
