package e2e

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestTransfersGoOnAfterCrash kills the platform in the middle of an export and an import of DynamoDB.
func TestTransfersGoOnAfterCrash(t *testing.T) {
	need(t, "boto3", haveBoto3)
	_, seed := crashPlan(t, 20)
	moments := rand.New(rand.NewPCG(seed, seed))
	data, account := t.TempDir(), newAccount()
	b := startOn(t, data)
	if out, err := run(t, b.env(account), "python3", "testdata/transfer/moving.py", "begin"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for range 3 {
		b.kill()
		b = startOn(t, data)
		time.Sleep(time.Duration(moments.Int64N(int64(200 * time.Millisecond)))) // that something has happened
	}
	if out, err := run(t, b.env(account), "python3", "testdata/transfer/moving.py", "end"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
