package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// job is a job of the demo.
type job struct {
	seconds int
	want    string // how it should end
	id      string
	posted  time.Time
	state   string
	answer  string
	took    time.Duration
}

func (j *job) ended() bool { return j.state == "Success" || j.state == "Failure" }

// jobTable shows the jobs as they change: redrawn on a terminal, a line for each change elsewhere.
type jobTable struct {
	out   io.Writer
	live  bool
	jobs  []*job
	lines int // of the table on the terminal
}

func newJobTable(out io.Writer) *jobTable {
	f, ok := out.(*os.File)
	if !ok {
		return &jobTable{out: out}
	}
	info, err := f.Stat()
	return &jobTable{out: out, live: err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"}
}

func (t *jobTable) add(j *job) {
	j.state = "accepted"
	t.jobs = append(t.jobs, j)
	t.changed(j)
}

// set gives a job a state, with what the API says of it.
func (t *jobTable) set(j *job, state, answer string) {
	if j.state == state {
		return
	}
	j.state, j.answer, j.took = state, strings.TrimSpace(answer), time.Since(j.posted)
	t.changed(j)
}

func (t *jobTable) changed(j *job) {
	if t.live {
		t.refresh()
		return
	}
	fmt.Fprintln(t.out, t.line(j))
}

// say writes a remark between the tables.
func (t *jobTable) say(text string) {
	t.done()
	fmt.Fprintf(t.out, "\n%s\n", text)
}

// done leaves the table as it is; the next one begins below it.
func (t *jobTable) done() { t.lines, t.jobs = 0, nil }

func (t *jobTable) line(j *job) string {
	took := j.took
	if !j.ended() {
		took = time.Since(j.posted)
	}
	return fmt.Sprintf("  %s  %4d s  %-14s %6.1f s  %s", j.id, j.seconds, j.state, took.Seconds(), j.answer)
}

// refresh redraws the table on a terminal.
func (t *jobTable) refresh() {
	if !t.live || len(t.jobs) == 0 {
		return
	}
	if t.lines > 0 {
		fmt.Fprintf(t.out, "\x1b[%dA", t.lines)
	}
	for _, j := range t.jobs {
		fmt.Fprintf(t.out, "\x1b[2K%s\n", t.line(j))
	}
	t.lines = len(t.jobs)
}
