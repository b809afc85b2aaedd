package main

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
)

// invoke calls a function and writes what it answers.
type invoke struct {
	endpoint
	Function string `arg:"" help:"Name or ARN of the function."`
	Payload  string `help:"The event: JSON, @FILE, or - for standard input." default:"{}" placeholder:"JSON"`
	Async    bool   `help:"Do not wait for the answer."`
}

// Run implements the subcommand. A function that fails is an error; what it answered is written all the same.
func (i *invoke) Run(w *world) error {
	payload := []byte(i.Payload)
	var err error
	switch {
	case i.Payload == "-":
		payload, err = io.ReadAll(os.Stdin)
	case strings.HasPrefix(i.Payload, "@"):
		payload, err = os.ReadFile(i.Payload[1:])
	}
	if err != nil {
		return err
	}
	header := map[string]string{"Content-Type": "application/json", "X-Amz-Log-Type": "Tail"}
	if i.Async {
		header = map[string]string{"Content-Type": "application/json", "X-Amz-Invocation-Type": "Event"}
	}
	res, b, err := i.here(w).do(w, "lambda", http.MethodPost, "/2015-03-31/functions/"+url.PathEscape(i.Function)+"/invocations", header, payload)
	if err != nil {
		return err
	}
	if res.StatusCode/100 != 2 {
		return finish(res, b, nil)
	}
	if i.Async {
		fmt.Fprintln(w.out, res.Header.Get("X-Amzn-Requestid"))
		return nil
	}
	fmt.Fprintf(w.out, "%s\n", b)
	if failure := res.Header.Get("X-Amz-Function-Error"); failure != "" {
		if log, err := base64.StdEncoding.DecodeString(res.Header.Get("X-Amz-Log-Result")); err == nil {
			fmt.Fprintf(w.err, "%s", log)
		}
		return fmt.Errorf("the function failed (%s)", failure)
	}
	return nil
}
