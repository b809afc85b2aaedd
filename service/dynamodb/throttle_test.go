package dynamodb

import (
	"context"
	"strings"
	"testing"
	"time"
)

// A provisioned table may be used for five minutes of its throughput at once, then as fast as it says; its indexes have
// their own, and without one a table is not limited.
func TestThrottling(t *testing.T) {
	w := newWorld(t, memory)
	w.must("CreateTable", `{"TableName":"tab","ProvisionedThroughput":{"ReadCapacityUnits":1,"WriteCapacityUnits":1},"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"a","AttributeType":"S"}],"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],
"GlobalSecondaryIndexes":[{"IndexName":"idx","KeySchema":[{"AttributeName":"a","KeyType":"HASH"}],"Projection":{"ProjectionType":"ALL"},"ProvisionedThroughput":{"ReadCapacityUnits":2,"WriteCapacityUnits":3}}]}`)
	put := `{"TableName":"tab","Item":{"pk":{"S":"p"}}}`
	write := func() int {
		n := 0
		for ; n < 2000; n++ {
			out := w.answer("PutItem", put)
			if strings.HasPrefix(out, "ProvisionedThroughputExceededException: The level of configured provisioned throughput for the table was exceeded.") {
				break
			} else if out != "{}" {
				t.Fatal(out)
			}
		}
		return n
	}
	if n := write(); n != 300 {
		t.Errorf("%d writes at once", n)
	}
	for _, c := range []struct{ op, in, want string }{
		{"BatchWriteItem", `{"RequestItems":{"tab":[{"PutRequest":{"Item":{"pk":{"S":"p"}}}}]}}`, "ProvisionedThroughputExceededException"},
		{"TransactWriteItems", `{"TransactItems":[{"Put":{"TableName":"tab","Item":{"pk":{"S":"p"}}}}]}`, "[ProvisionedThroughputExceeded]"},
		{"DeleteItem", `{"TableName":"tab","Key":{"pk":{"S":"p"}}}`, "ProvisionedThroughputExceededException"},
		{"GetItem", `{"TableName":"tab","Key":{"pk":{"S":"p"}}}`, `{"Item":{"pk":{"S":"p"}}}`},
	} {
		if got := w.answer(c.op, c.in); !strings.Contains(got, c.want) {
			t.Errorf("%s: %s, want %s", c.op, got, c.want)
		}
	}
	if _, err := w.clock.Advance(context.Background(), 10*time.Second); err != nil {
		t.Fatal(err)
	}
	if n := write(); n != 10 {
		t.Errorf("%d writes in ten seconds", n)
	}
	scan := func() int {
		for n := range 5000 {
			if strings.HasPrefix(w.answer("Scan", `{"TableName":"tab","IndexName":"idx","Select":"COUNT"}`), "ProvisionedThroughputExceeded") {
				return n
			}
		}
		return -1
	}
	if n := scan(); n != 1200 { // half a unit each
		t.Errorf("%d scans of the index at once", n)
	}
	w.must("GetItem", `{"TableName":"tab","Key":{"pk":{"S":"p"}}}`)
	w.must("UpdateTable", `{"TableName":"tab","BillingMode":"PAY_PER_REQUEST"}`)
	if n := write(); n != 2000 {
		t.Errorf("on demand %d writes", n)
	}
}
