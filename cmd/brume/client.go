package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// endpoint is the flag of every subcommand that speaks to a running platform.
type endpoint struct {
	Endpoint string `help:"Where the platform answers." default:"http://127.0.0.1:4566" env:"BRUME_ENDPOINT,AWS_ENDPOINT_URL" placeholder:"URL"`

	region string // that of requests when the environment names none; us-east-1 without
}

// maxAnswer bounds what is read of an answer of our own endpoints.
const maxAnswer = 16 << 20

// ask calls one of the platform's own endpoints. A nil in is a GET.
func (e *endpoint) ask(w *world, path string, in, out any) error {
	method, body := http.MethodGet, []byte(nil)
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
		method = http.MethodPost
	}
	r, err := http.NewRequestWithContext(w, method, strings.TrimSuffix(e.Endpoint, "/")+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(r)
	if w.Err() != nil {
		return w.Err()
	}
	if err != nil {
		return fmt.Errorf("nothing answers at %s: is brume serve running? (%w)", e.Endpoint, err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return err
	}
	if res.StatusCode/100 != 2 {
		var failed struct{ Error string }
		if json.Unmarshal(b, &failed) == nil && failed.Error != "" {
			return fmt.Errorf("%s", failed.Error)
		}
		return fmt.Errorf("%s answered %s", e.Endpoint, res.Status)
	}
	if err := json.Unmarshal(b, out); err != nil {
		return fmt.Errorf("%s is no Brume: %w", e.Endpoint, err)
	}
	return nil
}
