package sandbox

import "time"

// Limits of an execution environment.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const (
	MaxPayload  = 6 * 1024 * 1024 // bytes of a synchronous request
	MaxResponse = 6_291_556       // bytes of a buffered response: 6 MiB and what the envelope may take
	// MaxStream is the most that a function may stream.
	// https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html
	MaxStream      = 200 * 1024 * 1024
	MaxProcesses   = 1024 // processes and threads of an environment
	MaxDescriptors = 1024 // open files of a process
	MinMemoryMB    = 128
	MaxMemoryMB    = 10_240
	MinTmpMB       = 512
	MaxTmpMB       = 10_240
	MemoryPerCPUMB = 1769 // memory at which a function has the equivalent of one vCPU
	// InitTimeout bounds the init phase; a function that needs longer is initialised again with its first invocation.
	InitTimeout = 10 * time.Second
)
