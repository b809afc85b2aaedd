package platform

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/gateway/sigv4"
)

// BenchmarkItems puts requests of one client through the whole house, from the gateway's door on: what net/http and the
// network add is not in it. Signatures are verified, keys known, and commits synced.
func BenchmarkItems(b *testing.B) {
	p, err := New(Config{Listen: "127.0.0.1:0", Data: b.TempDir(), Account: "000000000000", Region: "us-east-1",
		Auth: Open, Isolation: IsolateAuto, Version: "test", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	w := httptest.NewRecorder()
	p.front.ServeHTTP(w, dynamo("CreateTable", `{"TableName":"things","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"pk",
		"AttributeType":"S"}],"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}]}`))
	if w.Code != http.StatusOK {
		b.Fatal(w.Body)
	}
	for _, c := range []struct{ op, body string }{
		{"PutItem", `{"TableName":"things","Item":{"pk":{"S":"customer-%06d"},"name":{"S":"a thing"},"total":{"N":"12995"},
			"paid":{"BOOL":true},"tags":{"SS":["one","two"]},"note":{"S":"` + strings.Repeat("n", 100) + `"}}}`},
		{"GetItem", `{"TableName":"things","Key":{"pk":{"S":"customer-%06d"}}}`},
	} {
		b.Run(c.op, func(b *testing.B) {
			const items = 2048
			requests, bodies := make([]*http.Request, items), make([]string, items)
			for i := range requests {
				bodies[i] = fmt.Sprintf(c.body, i)
				requests[i] = dynamo(c.op, bodies[i])
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				r := requests[i%items]
				r.Body = io.NopCloser(strings.NewReader(bodies[i%items]))
				w := unread{header: http.Header{}}
				p.front.ServeHTTP(&w, r)
				if w.status != http.StatusOK {
					b.Fatal(w.status)
				}
			}
		})
	}
}

// dynamo is a signed request, as net/http gives it to handlers.
func dynamo(op, body string) *http.Request {
	r := httptest.NewRequest("POST", "http://127.0.0.1:4566/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+op)
	sigv4.Sign(r, aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, "us-east-1", "dynamodb", []byte(body), time.Now())
	return r
}

// unread is a http.ResponseWriter that keeps nothing but the status.
type unread struct {
	header http.Header
	status int
}

func (w *unread) Header() http.Header         { return w.header }
func (w *unread) WriteHeader(status int)      { w.status = status }
func (w *unread) Write(p []byte) (int, error) { return len(p), nil }
