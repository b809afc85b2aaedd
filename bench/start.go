package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// starts is how often a platform is started.
	starts = 15
	// settling is how long a platform is left alone before what it occupies is read.
	settling = 5 * time.Second
)

// start starts a platform again and again on a folder that an earlier one has filled a little and closed, and measures
// the time from the order to start the process until it says that it is ready, and until it has answered a request; then
// what it occupies when nothing happens.
func start(ctx context.Context, r *rig) error {
	data, err := os.MkdirTemp(r.Folder, "start-")
	if err != nil {
		return err
	}
	var said, answered, stopped sample
	for i := range starts + 1 {
		began := time.Now()
		p, err := r.platform(ctx, data)
		if err != nil {
			return err
		}
		err = r.health(ctx, p.urls[0])
		took := time.Since(began)
		if err == nil && i == 0 {
			err = r.fill(ctx, p.urls[0])
		}
		if err == nil && i == starts {
			err = r.idle(ctx, p)
		}
		ending := time.Now()
		if err = errors.Join(err, p.stop()); err != nil {
			return err
		}
		if i > 0 {
			said.took, answered.took = append(said.took, p.ready), append(answered.took, took)
			stopped.took = append(stopped.took, time.Since(ending))
		}
	}
	for _, s := range []struct {
		label string
		*sample
	}{{"ready", &said}, {"has answered", &answered}, {"has ended", &stopped}} {
		slices.Sort(s.took)
		fmt.Fprintf(r.Out, "  %-16s %3d starts   p50 %-8s least %-8s most %-8s load %s\n", s.label, len(s.took), short(s.quantile(0.5)),
			short(s.took[0]), short(s.took[len(s.took)-1]), machineLoad())
	}
	return nil
}

func (r *rig) health(ctx context.Context, url string) error {
	on := *r.Bench
	on.Target.Endpoint = url
	_, err := (&rig{Bench: &on}).call(ctx, &request{service: "brume", method: http.MethodGet, path: "/_brume/health"})
	return err
}

// fill makes a table with items in it.
func (r *rig) fill(ctx context.Context, url string) error {
	on := *r.Bench
	on.Target.Endpoint = url
	f := &rig{Bench: &on, name: r.name}
	if err := f.table(ctx); err != nil {
		return err
	}
	for _, put := range f.puts() {
		if _, err := f.call(ctx, put); err != nil {
			return err
		}
	}
	return nil
}

// idle prints what a process occupies when it is left alone.
func (r *rig) idle(ctx context.Context, p *server) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(settling):
	}
	m, err := memory(p.cmd.Process.Pid)
	if err != nil {
		fmt.Fprintf(r.Out, "  what it occupies cannot be read here: %v\n", err)
		return nil
	}
	fmt.Fprintf(r.Out, "  idle for %v     %.1f MB resident: %.1f of its own, %.1f of its program and other files\n", settling,
		m["VmRSS"], m["RssAnon"], m["RssFile"]+m["RssShmem"])
	return nil
}

// memory is what the kernel says that a process occupies, in megabytes.
func memory(pid int) (map[string]float64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return nil, err
	}
	m := map[string]float64{}
	for line := range strings.Lines(string(b)) {
		name, value, _ := strings.Cut(line, ":")
		if kib, found := strings.CutSuffix(strings.TrimSpace(value), " kB"); found {
			if n, err := strconv.Atoi(kib); err == nil {
				m[name] = float64(n) * 1024 / 1e6
			}
		}
	}
	if m["VmRSS"] == 0 {
		return nil, errors.New("the kernel does not say")
	}
	return m, nil
}
