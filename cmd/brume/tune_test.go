package main

import (
	"runtime"
	"testing"
)

// A process that runs several platforms has no more threads than one that runs one.
func TestTune(t *testing.T) {
	t.Setenv("GOMAXPROCS", "")
	before := runtime.GOMAXPROCS(0)
	t.Cleanup(func() { runtime.GOMAXPROCS(before) })
	runtime.SetDefaultGOMAXPROCS()
	want := threadsPerCore * runtime.GOMAXPROCS(0)
	for range 3 {
		if tune(); runtime.GOMAXPROCS(0) != want {
			t.Fatalf("%d threads, want %d", runtime.GOMAXPROCS(0), want)
		}
	}
}
