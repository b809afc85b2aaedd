package wasm

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

// client speaks the Runtime API on one kept-open connection.
type client struct {
	address string
	conn    net.Conn
	in      *bufio.Reader
}

// event is an invocation.
type event struct {
	ID, Deadline, ARN, Trace string
	Payload                  []byte
}

const apiPrefix = "/2018-06-01/runtime/"

func (c *client) next() (*event, error) {
	header, body, err := c.do("GET", "invocation/next", "", nil)
	if err != nil {
		return nil, err
	}
	return &event{ID: header.Get("Lambda-Runtime-Aws-Request-Id"), Deadline: header.Get("Lambda-Runtime-Deadline-Ms"),
		ARN: header.Get("Lambda-Runtime-Invoked-Function-Arn"), Trace: header.Get("Lambda-Runtime-Trace-Id"), Payload: body}, nil
}

func (c *client) post(path, kind string, body []byte) error {
	extra := "Content-Type: application/json\r\n"
	if kind != "" {
		extra += "Lambda-Runtime-Function-Error-Type: " + kind + "\r\n"
	}
	_, _, err := c.do("POST", path, extra, body)
	return err
}

// fail reports an error.
func (c *client) fail(path, kind, message string) error {
	return c.post(path, kind, document(kind, message))
}

func (c *client) do(method, path, extra string, body []byte) (http.Header, []byte, error) {
	if c.conn == nil {
		conn, err := net.Dial("tcp", c.address)
		if err != nil {
			return nil, nil, fmt.Errorf("wasm: Runtime API: %w", err)
		}
		c.conn, c.in = conn, bufio.NewReader(conn)
	}
	head := fmt.Sprintf("%s %s%s HTTP/1.1\r\nHost: %s\r\n%sContent-Length: %d\r\n\r\n", method, apiPrefix, path, c.address, extra, len(body))
	buffers := net.Buffers{[]byte(head), body}
	if _, err := buffers.WriteTo(c.conn); err != nil {
		return nil, nil, fmt.Errorf("wasm: Runtime API: %w", err)
	}
	res, err := http.ReadResponse(c.in, &http.Request{Method: method})
	if err != nil {
		return nil, nil, fmt.Errorf("wasm: Runtime API: %w", err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, nil, fmt.Errorf("wasm: Runtime API: %w", err)
	}
	if res.StatusCode != http.StatusOK && !strings.HasSuffix(path, "/response") && res.StatusCode != http.StatusAccepted {
		return nil, nil, fmt.Errorf("wasm: Runtime API: status %d", res.StatusCode)
	}
	return res.Header, answer, nil
}
