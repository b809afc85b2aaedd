package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/brume-dev/brume/asl/graph"
)

// sfnWatch follows an execution.
type sfnWatch struct {
	endpoint
	What  string `arg:"" name:"execution" help:"ARN or name of an execution (MACHINE/NAME, or its name); of a state machine its last execution."`
	Plain bool   `help:"Lines, also on a terminal."`
}

// pollExecution is how often the execution is asked how it stands.
const pollExecution = 250 * time.Millisecond

// Run implements the subcommand.
func (s *sfnWatch) Run(w *world) error {
	api := states{s.here(w), w}
	arn, _, err := api.find(s.What, true)
	if err != nil {
		return err
	}
	definition, name, err := api.definition(arn, true)
	if err != nil {
		return err
	}
	picture, err := graph.Parse(definition)
	if err != nil {
		return err
	}
	var show view = newLines(w.out, picture)
	if f, ok := w.out.(*os.File); ok && !s.Plain {
		if size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ); err == nil && size.Row > 3 && size.Col > 20 {
			show = &tree{out: w.out, picture: picture, title: name, rows: int(size.Row), columns: int(size.Col)}
		}
	}
	progress, last := graph.NewProgress(), int64(0)
	for {
		e, err := api.describe(arn) // before the history: when it has ended, the history is whole
		if err != nil {
			return err
		}
		events, err := api.since(arn, last)
		if err != nil {
			return err
		}
		for _, event := range events {
			last = event.ID
			for _, v := range progress.Add(event) {
				show.visit(event, v)
			}
		}
		items, err := api.items(progress)
		if err != nil {
			return err
		}
		for _, v := range items {
			show.items(v)
		}
		show.refresh(e, progress)
		if e.Status != "RUNNING" && e.Status != "PENDING_REDRIVE" {
			return outcome(w.out, e)
		}
		select {
		case <-w.Done():
			return w.Err()
		case <-time.After(pollExecution):
		}
	}
}

// outcome tells how the execution ended; only SUCCEEDED is no error.
func outcome(out io.Writer, e executionSummary) error {
	fmt.Fprintln(out, summary(e))
	if e.Status == "SUCCEEDED" {
		fmt.Fprintln(out, compact(e.Output))
		return nil
	}
	if e.Cause != "" {
		return fmt.Errorf("the execution is %s: %s", e.Status, e.Cause)
	}
	return fmt.Errorf("the execution is %s", e.Status)
}

// view shows what happens.
type view interface {
	// visit tells of a visit to a state that an event has begun, ended or tried again.
	visit(graph.Event, *graph.Visit)
	// items tells how far a distributed map has come.
	items(*graph.Visit)
	// refresh tells how the execution stands, after each look.
	refresh(executionSummary, *graph.Progress)
}

// sign is what stands before a state.
func sign(s graph.Status) string {
	switch s {
	case graph.Running:
		return "▶"
	case graph.Succeeded:
		return "✓"
	case graph.Caught:
		return "!"
	case graph.Failed:
		return "✗"
	case graph.Aborted:
		return "■"
	default:
		return "·"
	}
}

// lines writes a line for each state that is entered, tried again or left.
type lines struct {
	out   io.Writer
	depth map[string]int
}

func newLines(out io.Writer, picture *graph.Graph) *lines {
	l := &lines{out: out, depth: map[string]int{}}
	for name, depth := range picture.States {
		l.depth[name] = depth
	}
	return l
}

func (l *lines) visit(e graph.Event, v *graph.Visit) {
	more := v.Type
	switch {
	case strings.HasSuffix(e.Type, "Scheduled"):
		l.line(e.Time, "↻", v, fmt.Sprintf("retry %d", v.Retries))
		return
	case v.Status == graph.Succeeded:
		more = graph.Duration(v.Left.Sub(v.Entered))
	case v.Status != graph.Running:
		more = graph.Duration(v.Left.Sub(v.Entered)) + ", " + string(v.Status)
	}
	l.line(e.Time, sign(v.Status), v, more)
}

func (l *lines) line(at time.Time, sign string, v *graph.Visit, more string) {
	fmt.Fprintf(l.out, "%s  %s%s %s  %s\n", at.Local().Format("15:04:05.000"), strings.Repeat("  ", l.depth[v.State]), sign, v.State, more)
}

func (l *lines) items(v *graph.Visit) {
	fmt.Fprintf(l.out, "%s  %s⋯ %s  %s\n", strings.Repeat(" ", len("15:04:05.000")), strings.Repeat("  ", l.depth[v.State]), v.State, v.Note)
}

func (*lines) refresh(executionSummary, *graph.Progress) {}

// tree shows all states of the machine on a terminal and draws them anew at each look.
type tree struct {
	out           io.Writer
	picture       *graph.Graph
	title         string
	rows, columns int
	drawn         int // lines on the screen
}

func (*tree) visit(graph.Event, *graph.Visit) {}
func (*tree) items(*graph.Visit)              {}

func (t *tree) refresh(e executionSummary, p *graph.Progress) {
	last, times := map[string]*graph.Visit{}, map[string]int{}
	for _, v := range p.Visits() {
		last[v.State] = v
		times[v.State]++
	}
	marks := p.Marks()
	text := []string{t.title + " / " + e.Name + "  " + e.Status}
	for name, depth := range t.picture.States {
		line := strings.Repeat("  ", depth+1) + sign(marks[name].Status) + " " + name
		if v := last[name]; v != nil {
			line += "  " + passage(times[name], v)
		}
		text = append(text, paint(shortened(line, t.columns-1), marks[name].Status))
	}
	if most := t.rows - 2; len(text) > most {
		text = append(text[:1], text[len(text)-most+1:]...)
	}
	t.draw(text)
}

// draw puts the lines over those of the last time.
func (t *tree) draw(text []string) {
	var b strings.Builder
	if t.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", t.drawn)
	}
	b.WriteString("\r\x1b[J" + strings.Join(text, "\n") + "\n")
	t.drawn = len(text)
	_, _ = io.WriteString(t.out, b.String()) // a terminal that is gone has nobody to tell
}

// passage says when a state was entered, and how long it took.
func passage(count int, v *graph.Visit) string {
	text := v.Entered.Local().Format("15:04:05")
	if v.Left.IsZero() {
		text += "  …"
	} else {
		text += "  " + graph.Duration(v.Left.Sub(v.Entered))
	}
	if count > 1 {
		text += fmt.Sprintf("  ×%d", count)
	}
	if v.Retries > 0 {
		text += fmt.Sprintf("  ↻%d", v.Retries)
	}
	if v.Note != "" {
		text += "  " + v.Note
	}
	return text
}

// paint colours a line of the tree as the picture is coloured.
func paint(line string, s graph.Status) string {
	color := map[graph.Status]int{graph.Running: 34, graph.Succeeded: 32, graph.Caught: 33, graph.Failed: 31, graph.Aborted: 90}[s]
	if color == 0 {
		color = 90
	}
	return fmt.Sprintf("\x1b[%dm%s\x1b[0m", color, line)
}

func shortened(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}
