package platform

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"testing"
)

// TestLean: the program goes on without the pages that starting has touched.
func TestLean(t *testing.T) {
	before := ofFiles(t)
	lean()
	runtime.GC() // walks all of the program's data
	if after := ofFiles(t); after >= before {
		t.Errorf("%d KiB of files are mapped, before it were %d", after, before)
	}
}

// ofFiles is how much of files is resident, in KiB.
func ofFiles(t *testing.T) (kib int) {
	t.Helper()
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := bytes.Cut(b, []byte("RssFile:"))
	if _, err := fmt.Sscan(string(after), &kib); err != nil {
		t.Skip("this kernel does not tell")
	}
	return kib
}
