package main

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/brume-dev/brume/sandbox/process"
)

// asMain makes the test's own program the brume program: bench starts platforms and ceilings of it.
const asMain = "BRUME_TEST_AS_MAIN"

func TestMain(m *testing.M) {
	process.Stage()
	if os.Getenv(asMain) != "" {
		main()
	}
	os.Exit(m.Run())
}

// What is printed has a line for the platform, for each ceiling and for the ratios; nothing is refused, nothing is left.
func TestBench(t *testing.T) {
	t.Setenv(asMain, "1")
	folder := t.TempDir()
	var out, errOut bytes.Buffer
	args := "bench put-item get-item -c 2 --duration 60ms --rounds 2 --folder " + folder
	if exit := run(t.Context(), strings.Fields(args), &out, &errOut); exit != 0 {
		t.Fatalf("exit %d: %s%s", exit, &out, &errOut)
	}
	for _, want := range []string{
		`(?m)^  put-item +c=2 .*/s +p50 .* p99 .* syncs, `, `(?m)^  synced .* fdatasync p50 `,
		`(?m)^  get-item +c=2 .*/s .*no sync$`, `(?m)^  ratio +[0-9.]+ of bare \(.*\)  [0-9.]+ of synced`,
	} {
		if !regexp.MustCompile(want).MatchString(out.String()) {
			t.Errorf("no line like %s in\n%s", want, &out)
		}
	}
	if strings.Contains(out.String(), "ERRORS") || strings.Contains(out.String(), "left behind") {
		t.Error(out.String())
	}
	if left, _ := os.ReadDir(folder); len(left) > 0 {
		t.Errorf("left in the folder: %v", left)
	}
}

func TestBenchRefuses(t *testing.T) {
	for args, want := range map[string]string{
		"bench nonsense": `there is no case "nonsense"`,
		"bench -c 0":     "at least 1",
		"bench start --endpoint http://127.0.0.1:1": "platforms of its own",
	} {
		var out, errOut bytes.Buffer
		if exit := run(t.Context(), strings.Fields(args), &out, &errOut); exit != 1 || !strings.Contains(errOut.String(), want) {
			t.Errorf("%s: exit %d, %q", args, exit, errOut.String())
		}
	}
}
