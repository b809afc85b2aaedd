package platform

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// thriftEvery is how often it is looked whether the platform has come to rest.
	thriftEvery = 5 * time.Second
	// thriftAbove is how much memory the heap may keep at rest without a look at what of it lives.
	thriftAbove = 96 << 20
)

// thrift gives memory back when the platform has come to rest. A busy platform's heap grows to several times what lives (see
// gcPercent of serve), and the runtime itself gives that back over many minutes, or never when nothing collects any more: a hundred
// thousand executions that only wait would occupy what it took to start them.
func thrift(ctx context.Context) error {
	look := []metrics.Sample{{Name: "/gc/cycles/total:gc-cycles"}, {Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/free:bytes"}, {Name: "/memory/classes/heap/unused:bytes"}}
	every := time.NewTicker(thriftEvery)
	defer every.Stop()
	var last uint64
	for given := false; ; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-every.C:
		}
		metrics.Read(look)
		if cycles := look[0].Value.Uint64(); cycles != last { // at work
			last, given = cycles, false
			continue
		}
		if kept := look[1].Value.Uint64() + look[2].Value.Uint64() + look[3].Value.Uint64(); given || kept < thriftAbove {
			continue
		}
		debug.FreeOSMemory()
		metrics.Read(look[:1])
		last, given = look[0].Value.Uint64(), true
	}
}
