package functionurl

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// answer is an HTTP answer as a function describes it.
// https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-response-payload
type answer struct {
	status  int
	header  http.Header
	cookies []string
	body    []byte
}

// integration is the content type of a streamed answer that begins with its head.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming
const integration = "application/vnd.awslambda.http-integration-response"

// preludeEnd is what parts the head of such an answer from its body.
const preludeEnd = "\x00\x00\x00\x00\x00\x00\x00\x00"

// maxPrelude bounds the head of a streamed answer.
const maxPrelude = 64 << 10

// errAnswer says that a function's answer is none.
var errAnswer = errors.New("functionurl: the answer cannot be understood")

// described is the JSON form of an answer.
type described struct {
	StatusCode      json.RawMessage            `json:"statusCode"`
	Headers         map[string]json.RawMessage `json:"headers"`
	Cookies         []string                   `json:"cookies"`
	Body            *string                    `json:"body"`
	IsBase64Encoded bool                       `json:"isBase64Encoded"`
}

// interpret reads a function's answer. One that is no object with a statusCode is itself the body.
func interpret(payload []byte) (*answer, error) {
	plain := &answer{status: http.StatusOK, header: http.Header{"Content-Type": {"application/json"}}, body: payload}
	if trimmed := bytes.TrimLeft(payload, " \t\r\n"); len(trimmed) == 0 || trimmed[0] != '{' {
		return plain, nil
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(payload, &members) != nil || members["statusCode"] == nil {
		return plain, nil
	}
	var d described
	if err := json.Unmarshal(payload, &d); err != nil {
		return nil, fmt.Errorf("%w: %w", errAnswer, err)
	}
	a, err := d.head("application/json")
	if err != nil || d.Body == nil {
		return a, err
	}
	a.body = []byte(*d.Body)
	if d.IsBase64Encoded {
		if a.body, err = base64.StdEncoding.DecodeString(*d.Body); err != nil {
			return nil, fmt.Errorf("%w: %w", errAnswer, err)
		}
	}
	return a, nil
}

// head reads all but the body.
func (d *described) head(contentType string) (*answer, error) {
	a := &answer{status: http.StatusOK, header: http.Header{}, cookies: d.Cookies}
	if text := strings.Trim(string(d.StatusCode), `"`); text != "" && text != "null" {
		status, err := strconv.ParseFloat(text, 64)
		if a.status = int(status); err != nil || float64(a.status) != status || a.status < 100 || a.status > 599 {
			return nil, fmt.Errorf("%w: statusCode %s", errAnswer, d.StatusCode)
		}
	}
	for name, raw := range d.Headers {
		var text string
		if json.Unmarshal(raw, &text) != nil { // a number or truth value is written as it is
			if text = string(raw); strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[") {
				return nil, fmt.Errorf("%w: header %s", errAnswer, name)
			}
		}
		if !validName(name) || strings.ContainsAny(text, "\r\n\x00") {
			return nil, fmt.Errorf("%w: header %q", errAnswer, name)
		}
		a.header.Add(name, text)
	}
	if a.header.Get("Content-Type") == "" {
		a.header.Set("Content-Type", contentType)
	}
	return a, nil
}

// validName reports whether s can be the name of a header.
func validName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`()<>@,;:\"/[]?={}`, r)
	})
}

// begin reads the head of a streamed answer and returns the reader of its body.
func begin(contentType string, body io.Reader) (*answer, io.Reader, error) {
	if kind, _, _ := strings.Cut(contentType, ";"); strings.TrimSpace(kind) != integration {
		if contentType == "" {
			contentType = "application/octet-stream"
		}
		return &answer{status: http.StatusOK, header: http.Header{"Content-Type": {contentType}}}, body, nil
	}
	var head []byte
	buf := make([]byte, 4<<10)
	for {
		n, err := body.Read(buf)
		head = append(head, buf[:n]...)
		if i := bytes.Index(head, []byte(preludeEnd)); i >= 0 {
			var d described
			if err := json.Unmarshal(head[:i], &d); err != nil {
				return nil, nil, fmt.Errorf("%w: %w", errAnswer, err)
			}
			a, err := d.head("application/octet-stream")
			return a, io.MultiReader(bytes.NewReader(head[i+len(preludeEnd):]), body), err
		}
		if err != nil || len(head) > maxPrelude {
			return nil, nil, errors.Join(fmt.Errorf("%w: it has no prelude", errAnswer), err)
		}
	}
}

// write writes the head of a.
func (a *answer) write(w http.ResponseWriter) {
	h := w.Header()
	for name, values := range a.header {
		switch name {
		case "Connection", "Transfer-Encoding", "Content-Length", "Keep-Alive", "Upgrade": // Lambda's own
		default:
			h[name] = values
		}
	}
	for _, c := range a.cookies {
		if !strings.ContainsAny(c, "\r\n\x00") {
			h.Add("Set-Cookie", c)
		}
	}
}
