package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/brume-dev/brume/cmd/brume/platform"
)

// status shows what a running platform is doing.
type status struct {
	endpoint
	JSON bool `help:"As JSON."`
}

// Run implements the subcommand.
func (s *status) Run(w *world) error {
	var st platform.Status
	if err := s.ask(w, "/_brume/status", nil, &st); err != nil {
		return err
	}
	if s.JSON {
		e := json.NewEncoder(w.out)
		e.SetIndent("", "  ")
		return e.Encode(st)
	}
	t := tabwriter.NewWriter(w.out, 0, 4, 2, ' ', 0)
	fmt.Fprintf(t, "Brume %s at %s\n", st.Version, st.Endpoint)
	fmt.Fprintf(t, "data\t%s\n", st.Data)
	fmt.Fprintf(t, "auth\t%s, account %s, region %s\n", st.Auth, st.Account, st.Region)
	fmt.Fprintf(t, "time\t%s\n", describe(st.Time))
	fmt.Fprintf(t, "up\t%s, heap %.1f MB, %d goroutines\n", time.Since(st.Started).Round(time.Second), float64(st.HeapBytes)/1e6, st.Goroutines)
	fmt.Fprintf(t, "store\t%d commits, %d syncs, %d views, %.1f MB logged%s\n", st.Store.Commits, st.Store.Syncs, st.Store.Views,
		float64(st.Store.Bytes)/1e6, map[bool]string{true: ", relaxed: does not survive power loss"}[st.Store.Relaxed])
	fmt.Fprintf(t, "promises\t%d attempts, %d failed\n", st.Promises.Started, st.Promises.Failed)
	fmt.Fprintln(t, strings.Replace(st.Functions, ": ", "\t", 1))
	for _, note := range st.Notes {
		fmt.Fprintf(t, "note\t%s\n", note)
	}
	fmt.Fprintf(t, "\nservice\toperations\tcalls\terrors\tfaults\n")
	var absent []string
	for _, svc := range st.Services {
		if svc.Operations == 0 {
			absent = append(absent, svc.Name)
			continue
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\n", svc.Name, svc.Operations, svc.Calls, svc.Errors, svc.Faults)
	}
	if len(absent) > 0 {
		fmt.Fprintf(t, "\nnot there yet: %s\n", strings.Join(absent, ", "))
	}
	return t.Flush()
}

func describe(t platform.Time) string {
	s := t.Now.Format(time.RFC3339)
	if t.Virtual {
		s += ", virtual, " + t.Ahead + " ahead"
	}
	return s
}
