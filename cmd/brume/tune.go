package main

import (
	"os"
	"runtime"
	"runtime/debug"
)

// gcPercent lets the heap grow to five times what lives before it is collected: what lives is a few megabytes, and
// requests make garbage.
const gcPercent = 400

// threadsPerCore is how many threads run Go code at once, for each core that the process may use. A platform shares its cores
// with the functions and the clients of the same machine. The kernel divides a core among threads, not among programs: with
// one thread per core, requests lie in the queue of a thread that has lost its core to a function, for whole slices of time.
const threadsPerCore = 2

// tune sets the runtime for a server, unless the environment says how it is to be: once or several times, a process may run several
// platforms. The ceilings of brume bench are servers too.
func tune() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.SetDefaultGOMAXPROCS()
		runtime.GOMAXPROCS(threadsPerCore * runtime.GOMAXPROCS(0))
	}
}
