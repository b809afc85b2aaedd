package bootstrap

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestInstall(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	first, err := Install(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []string{"python/bootstrap.py", "python/brume_runtime.py", "nodejs/index.cjs", "nodejs/api.cjs"} {
		info, err := os.Stat(filepath.Join(first, f))
		if err != nil || info.Mode().Perm()&0o444 != 0o444 {
			t.Errorf("%s: %v %v", f, info, err)
		}
	}
	again, err := Install(dir)
	if err != nil || again != first {
		t.Errorf("the second time: %s %v", again, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v %v", entries, err)
	}
}

// The Python runtime reads and writes JSON as Python's own module does, without importing it.
func TestPythonJSON(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 here")
	}
	if out, err := exec.Command(python, "-I", "testdata/json.py", "python").CombinedOutput(); err != nil || string(out) != "same\n" {
		t.Errorf("%v\n%s", err, out)
	}
}
