package e2e

import (
	"flag"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

var (
	crashRounds = flag.Int("crash.rounds", 4, "how often TestCrash kills the platform; 20 with CI=true")
	crashSeed   = flag.Uint64("crash.seed", 0, "seed of the moments at which it is killed; 0 takes one of its own")
)

// TestCrash writes through real clients to every service there is, kills the platform at random moments, starts it again on
// the same data, and at the end compares what is there with what was acknowledged. testdata/crash/workers.py says what is
// done to each service and what must be true of it.
func TestCrash(t *testing.T) {
	need(t, "boto3", haveBoto3)
	rounds, seed := *crashRounds, *crashSeed
	if os.Getenv("CI") == "true" && rounds == 4 {
		rounds = 20
	}
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("%d rounds, -crash.seed=%d", rounds, seed)
	moments := rand.New(rand.NewPCG(seed, seed))

	folder, data := t.TempDir(), t.TempDir()
	b := startOn(t, data)
	announce(t, folder, b)
	drive := exec.Command("python3", "testdata/crash/drive.py", folder)
	drive.Env = append(cleanEnv(), "PYTHONDONTWRITEBYTECODE=1")
	out := &lockedBuffer{}
	drive.Stdout, drive.Stderr = out, out
	if err := drive.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- drive.Wait() }()
	t.Cleanup(func() { _ = drive.Process.Kill() })

	for range rounds {
		select {
		case err := <-ended:
			t.Fatalf("the clients ended early: %v\n%s", err, out)
		case <-time.After(200*time.Millisecond + time.Duration(moments.Int64N(int64(2*time.Second)))):
		}
		b.kill()
		b = startOn(t, data)
		announce(t, folder, b)
	}
	if err := os.WriteFile(filepath.Join(folder, "stop"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		t.Logf("%s", out)
		if err != nil {
			t.Errorf("%v\n%s", err, b.stderr)
		}
	case <-time.After(5 * patience):
		t.Fatalf("the clients do not end\n%s", out)
	}
}

// announce tells the clients where the platform is. They see the old name or the new one, nothing between.
func announce(t *testing.T, folder string, b *brume) {
	t.Helper()
	name := filepath.Join(folder, "url")
	if err := os.WriteFile(name+".new", []byte(b.URL), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		t.Fatal(err)
	}
}
