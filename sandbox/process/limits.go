package process

import (
	"time"

	"github.com/brume-dev/brume/sandbox"
)

const (
	maxDescriptors = sandbox.MaxDescriptors

	// maxTmpfsMB is the largest /tmp that is kept in memory; a larger one is a folder, watched for its size.
	maxTmpfsMB = 1024

	// startsPerCPU is how many environments start at the same time for each processor. One counts among them until it is
	// initialised, or has been seen waiting startIdle times in a row, startHold apart.
	startsPerCPU = 2
	startHold    = 50 * time.Millisecond
	startIdle    = 2

	// Ports inside a function's own network, all on 127.0.0.1.
	EndpointPort = 4566 // Brume
	tlsPort      = 443  // Brume, for those who speak TLS to the usual port
	runtimePort  = 9001 // the Runtime API, as on Lambda
	proxyPort    = 3128 // the way out
	daemonPort   = 2000 // X-Ray, UDP

	// How often the memory of a running function is looked at: seldom while it is far from its limit.
	watchNear = 10 * time.Millisecond
	watchFar  = 100 * time.Millisecond
	watchDisk = time.Second // a /tmp that is a folder
)
