package e2e

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var (
	crashRounds = flag.Int("crash.rounds", 0, "how often the crash tests kill the platform; 4 when 0, with CI=true 50 (power cuts 20)")
	crashSeed   = flag.Uint64("crash.seed", 0, "seed of the moments at which it is killed; 0 takes one of its own")
)

// crashPlan says how often and by which seed. inCI is how often where CI=true.
func crashPlan(t *testing.T, inCI int) (rounds int, seed uint64) {
	rounds, seed = *crashRounds, *crashSeed
	switch {
	case rounds == 0 && os.Getenv("CI") == "true":
		rounds = inCI
	case rounds == 0:
		rounds = 4
	}
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-crash.rounds=%d -crash.seed=%d", rounds, seed)
	return rounds, seed
}

// TestCrash writes through real clients to every service there is, kills the platform at random moments, starts it again on
// the same data, and at the end compares what is there with what was acknowledged. testdata/crash/workers.py says what is
// done to each service and what must be true of it.
func TestCrash(t *testing.T) {
	need(t, "boto3", haveBoto3)
	rounds, seed := crashPlan(t, 50)
	moments := rand.New(rand.NewPCG(seed, seed))
	folder, data := t.TempDir(), t.TempDir()
	b := startOn(t, data)
	announce(t, folder, b.URL)
	out, ended := startClients(t, folder)
	for range rounds {
		awaitWork(t, folder, out, ended)
		time.Sleep(time.Duration(moments.Int64N(int64(2 * time.Second))))
		b.kill()
		b = startOn(t, data)
		announce(t, folder, b.URL)
	}
	finishClients(t, folder, out, ended)
}

// awaitWork returns when half of the workers have done something since it was called: a kill hits a platform at work, however
// slow the machine. Those that are not that far yet are being set up, which is to survive too.
func awaitWork(t *testing.T, folder string, out fmt.Stringer, ended chan error) {
	t.Helper()
	read := func() []string {
		b, _ := os.ReadFile(filepath.Join(folder, "done")) // not there yet: nothing is done
		return strings.Fields(string(b))
	}
	before := read()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		select {
		case err := <-ended:
			t.Fatalf("the clients ended early: %v\n%s", err, out)
		case <-time.After(20 * time.Millisecond):
		}
		now, busy := read(), 0
		for i, n := range now {
			if i >= len(before) && n != "0" || i < len(before) && n != before[i] {
				busy++
			}
		}
		if len(now) > 0 && 2*busy >= len(now) {
			return
		}
	}
	t.Log("the workers are slow: killed all the same")
}

// announce tells the clients where the platform is. They see the old name or the new one, nothing between.
func announce(t *testing.T, folder, url string) {
	t.Helper()
	name := filepath.Join(folder, "url")
	if err := os.WriteFile(name+".new", []byte(url), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		t.Fatal(err)
	}
}
