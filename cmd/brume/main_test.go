package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	for _, c := range []struct {
		args     string
		exit     int
		out, err string // a part of each
	}{
		{"--help", 0, "serve", ""},
		{"serve --help", 0, "--virtual-clock", ""},
		{"--version", 0, version(), ""},
		{"", 2, "", "brume: expected one of"},
		{"nonsense", 2, "", "brume: unexpected argument nonsense"},
		{"serve --nonsense", 2, "", "unknown flag --nonsense"},
		{"serve --auth=none", 2, "", "--auth must be one of"},
		{"serve --listen=0.0.0.0:0 --data=" + t.TempDir(), 1, "", "brume: --auth open"},
		{"clock advance 3x --endpoint=http://127.0.0.1:1", 1, "", "brume: \"3x\" is not a duration"},
		{"clock advance 3d --endpoint=http://127.0.0.1:1", 1, "", "brume: nothing answers at http://127.0.0.1:1: is brume serve running?"},
		{"status --endpoint=http://127.0.0.1:1", 1, "", "brume: nothing answers"},
	} {
		var out, errOut bytes.Buffer
		if exit := run(t.Context(), strings.Fields(c.args), &out, &errOut); exit != c.exit {
			t.Errorf("%q: exit %d, want %d", c.args, exit, c.exit)
		}
		if !strings.Contains(out.String(), c.out) || !strings.Contains(errOut.String(), c.err) || c.err == "" && errOut.Len() > 0 {
			t.Errorf("%q printed %q and %q", c.args, out.String(), errOut.String())
		}
	}
}
