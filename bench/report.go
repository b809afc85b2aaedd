package bench

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// report prints a line for each contestant and one for the ratios.
func (r *rig) report(ctx context.Context, m measurement, all []*contestant, synced int64, disk syncs) {
	for i, c := range all {
		slices.Sort(c.total.took)
		name := []string{m.label, "bare", "synced"}[i]
		fmt.Fprintf(r.Out, "  %-16s c=%-3d %8.0f/s   %s", name, m.connections, median(c.rates), quantiles(&c.total))
		if c.cpu > 0 {
			fmt.Fprintf(r.Out, "   cpu %s", (c.cpu / time.Duration(c.total.count())).Round(100*time.Nanosecond))
		}
		if c.total.errors > 0 {
			fmt.Fprintf(r.Out, "   %d ERRORS, the first: %v", c.total.errors, c.total.first)
		}
		if _, told := r.syncs(ctx); i == 0 && told {
			fmt.Fprintf(r.Out, "   %s", perSync(synced, c.total.count()))
		}
		if i == 2 {
			fmt.Fprintf(r.Out, "   %d syncs, fdatasync p50 %s", disk.Count, short(time.Duration(disk.Median)))
		}
		fmt.Fprintln(r.Out)
	}
	fmt.Fprintf(r.Out, "  %-16s", "ratio")
	for i, c := range all[1:] {
		ratios := make([]float64, len(c.rates))
		for n := range ratios {
			ratios[n] = all[0].rates[n] / c.rates[n]
		}
		fmt.Fprintf(r.Out, " %.2f of %s (%.2f to %.2f) ", median(ratios), []string{"bare", "synced"}[i], slices.Min(ratios), slices.Max(ratios))
	}
	fmt.Fprintf(r.Out, " load %s\n", machineLoad())
}

func perSync(syncs int64, requests int) string {
	if syncs == 0 {
		return "no sync"
	}
	return fmt.Sprintf("%d syncs, %.1f requests each", syncs, float64(requests)/float64(syncs))
}

func quantiles(s *sample) string {
	return fmt.Sprintf("p50 %-8s p90 %-8s p99 %-8s", short(s.quantile(0.5)), short(s.quantile(0.9)), short(s.quantile(0.99)))
}

// median of a list that is not empty.
func median(all []float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// short is a time in three digits.
func short(d time.Duration) string {
	switch {
	case d < 10*time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	case d < 100*time.Millisecond:
		return d.Round(100 * time.Microsecond).String()
	}
	return d.Round(time.Millisecond).String()
}
