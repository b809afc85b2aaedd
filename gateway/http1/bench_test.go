package http1_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// BenchmarkExchange is one request of an SDK and its answer over a connection that is kept, through net/http and through this
// package.
func BenchmarkExchange(b *testing.B) {
	answer := []byte(`{"Item":{"pk":{"S":"customer-000001"}}}`)
	theirs, ours, _ := both(b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
		w.Write(answer)
	}))
	body := `{"TableName":"t","Key":{"pk":{"S":"customer-000001"}}}`
	raw := []byte("POST /" + head + "Content-Length: " + strconv.Itoa(len(body)) + "\r\nContent-Type: application/x-amz-json-1.0\r\n" +
		"X-Amz-Target: DynamoDB_20120810.GetItem\r\nX-Amz-Date: 20261122T000000Z\r\nAuthorization: " + strings.Repeat("a", 200) + "\r\n\r\n" + body)
	for name, address := range map[string]string{"net-http": theirs, "http1": ours} {
		b.Run(name, func(b *testing.B) {
			c, err := net.Dial("tcp", address)
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			r := bufio.NewReader(c)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Write(raw); err != nil {
					b.Fatal(err)
				}
				for {
					line, err := r.ReadSlice('\n')
					if err != nil {
						b.Fatal(err)
					}
					if len(line) == 2 {
						break
					}
				}
				if _, err := r.Discard(len(answer)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
