package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/brume-dev/brume/asl/graph"
)

// sfn looks at state machines and their executions.
type sfn struct {
	Graph sfnGraph `cmd:"" help:"Draw the graph of a state machine, or of an execution with its states in the colours of their outcome."`
	Watch sfnWatch `cmd:"" help:"Follow an execution to its end. The exit status is 0 only when it succeeds."`
}

// states calls Step Functions.
type states struct {
	*remote
	w *world
}

func (s states) call(operation string, in, out any) error {
	return s.json(s.w, "states", "1.0", "AWSStepFunctions."+operation, in, out)
}

// executionSummary is what the commands need of DescribeExecution.
type executionSummary struct {
	ARN     string  `json:"executionArn"`
	Machine string  `json:"stateMachineArn"`
	Name    string  `json:"name"`
	Status  string  `json:"status"`
	Start   float64 `json:"startDate"`
	Stop    float64 `json:"stopDate"`
	Output  string  `json:"output"`
	Error   string  `json:"error"`
	Cause   string  `json:"cause"`
}

func (s states) describe(arn string) (e executionSummary, err error) {
	err = s.call("DescribeExecution", map[string]any{"executionArn": arn}, &e)
	return e, err
}

// definition is that of a state machine, or of the one that an execution runs.
func (s states) definition(arn string, execution bool) (definition, name string, err error) {
	var out struct{ Definition, Name string }
	operation, in := "DescribeStateMachine", map[string]any{"stateMachineArn": arn}
	if execution {
		operation, in = "DescribeStateMachineForExecution", map[string]any{"executionArn": arn}
	}
	err = s.call(operation, in, &out)
	return out.Definition, out.Name, err
}

// find is the ARN that a user means by an ARN or a name: a state machine's, an execution's "MACHINE/EXECUTION", or the name of
// an execution of any machine. latest says that of a machine its last execution is meant.
func (s states) find(what string, latest bool) (arn string, execution bool, err error) {
	if strings.HasPrefix(what, "arn:") {
		execution = strings.Contains(what, ":execution:") || strings.Contains(what, ":express:")
		if execution || !latest {
			return what, execution, nil
		}
		return s.latest(what)
	}
	var who struct {
		Account string `xml:"GetCallerIdentityResult>Account"`
	}
	if err := s.query(s.w, "sts", "2011-06-15", "GetCallerIdentity", url.Values{}, &who); err != nil {
		return "", false, err
	}
	base := "arn:aws:states:" + s.region + ":" + who.Account + ":"
	if machine, name, ok := strings.Cut(what, "/"); ok {
		return base + "execution:" + machine + ":" + name, true, nil
	}
	machine := base + "stateMachine:" + what
	_, _, err = s.definition(machine, false)
	switch {
	case err == nil && latest:
		return s.latest(machine)
	case err == nil || !isCode(err, "StateMachineDoesNotExist"):
		return machine, false, err
	}
	return s.named(base, what)
}

// latest is the execution of a machine that was started last.
func (s states) latest(machine string) (string, bool, error) {
	var out struct {
		Executions []struct {
			ARN string `json:"executionArn"`
		} `json:"executions"`
	}
	if err := s.call("ListExecutions", map[string]any{"stateMachineArn": machine, "maxResults": 1}, &out); err != nil {
		return "", false, err
	}
	if len(out.Executions) == 0 {
		return "", false, fmt.Errorf("%s has no executions", machine)
	}
	return out.Executions[0].ARN, true, nil
}

// named looks for an execution of a name among those of all machines.
func (s states) named(base, name string) (string, bool, error) {
	in := map[string]any{"maxResults": 1000}
	for {
		var out struct {
			Machines []struct{ Name, Type string } `json:"stateMachines"`
			Next     string                        `json:"nextToken"`
		}
		if err := s.call("ListStateMachines", in, &out); err != nil {
			return "", false, err
		}
		for _, m := range out.Machines {
			arn := base + "execution:" + m.Name + ":" + name
			_, err := s.describe(arn)
			if err == nil {
				return arn, true, nil
			}
			if !isCode(err, "ExecutionDoesNotExist") && m.Type != "EXPRESS" {
				return "", false, err
			}
		}
		if out.Next == "" {
			return "", false, fmt.Errorf("there is neither a state machine nor an execution called %s", name)
		}
		in["nextToken"] = out.Next
	}
}

// historyEvent is an event as GetExecutionHistory gives it: its details are in a member named after its type.
type historyEvent struct {
	ID       int64                 `json:"id"`
	Previous int64                 `json:"previousEventId"`
	Type     string                `json:"type"`
	Time     float64               `json:"timestamp"`
	Entered  struct{ Name string } `json:"stateEnteredEventDetails"`
	Exited   struct{ Name string } `json:"stateExitedEventDetails"`
	MapRun   struct {
		ARN string `json:"mapRunArn"`
	} `json:"mapRunStartedEventDetails"`
}

func (e historyEvent) event() graph.Event {
	return graph.Event{ID: e.ID, Previous: e.Previous, Type: e.Type, Name: cmp.Or(e.Entered.Name, e.Exited.Name), MapRun: e.MapRun.ARN, Time: moment(e.Time)}
}

// moment is a time of an answer, in seconds of the Unix clock.
func moment(seconds float64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(seconds*1000 + 0.5))
}

// since gives the events of an execution after the one with an id, in their order: the newest come first, until one is known.
func (s states) since(arn string, last int64) ([]graph.Event, error) {
	in := map[string]any{"executionArn": arn, "reverseOrder": true, "includeExecutionData": false, "maxResults": 1000}
	var events []graph.Event
	for {
		var out struct {
			Events []historyEvent `json:"events"`
			Next   string         `json:"nextToken"`
		}
		if err := s.call("GetExecutionHistory", in, &out); err != nil {
			return nil, err
		}
		for _, e := range out.Events {
			if e.ID <= last {
				out.Next = ""
				break
			}
			events = append(events, e.event())
		}
		if out.Next == "" {
			slices.Reverse(events)
			return events, nil
		}
		in["nextToken"] = out.Next
	}
}

// items notes how far the distributed maps of an execution have come, and returns the visits whose note is another now. What has
// ended is asked once.
func (s states) items(p *graph.Progress) ([]*graph.Visit, error) {
	var changed []*graph.Visit
	for _, v := range p.Visits() {
		if v.MapRun == "" || !v.Left.IsZero() && strings.HasPrefix(v.Note, "all ") {
			continue
		}
		var out struct {
			Items struct{ Total, Succeeded, Failed, TimedOut, Aborted int64 } `json:"itemCounts"`
		}
		if err := s.call("DescribeMapRun", map[string]any{"mapRunArn": v.MapRun}, &out); err != nil {
			return nil, err
		}
		n := out.Items
		note := fmt.Sprintf("%d of %d items", n.Succeeded, n.Total)
		if n.Succeeded == n.Total {
			note = fmt.Sprintf("all %d items", n.Total)
		}
		if bad := n.Failed + n.TimedOut + n.Aborted; bad > 0 {
			note += fmt.Sprintf(", %d failed", bad)
		}
		if note != v.Note {
			v.Note, changed = note, append(changed, v)
		}
	}
	return changed, nil
}

// sfnGraph draws a machine or an execution.
type sfnGraph struct {
	endpoint
	What   string `arg:"" name:"machine|execution" help:"ARN or name of a state machine, or of an execution (MACHINE/NAME, or its name)."`
	Output string `short:"o" help:"The file to write; standard output without." type:"path" placeholder:"FILE"`
}

// Run implements the subcommand.
func (g *sfnGraph) Run(w *world) error {
	s := states{g.here(w), w}
	arn, execution, err := s.find(g.What, false)
	if err != nil {
		return err
	}
	definition, name, err := s.definition(arn, execution)
	if err != nil {
		return err
	}
	picture, err := graph.Parse(definition)
	if err != nil {
		return err
	}
	o := graph.Options{Title: name, Subtitle: picture.Comment}
	if execution {
		e, err := s.describe(arn)
		if err != nil {
			return err
		}
		events, err := s.since(arn, 0)
		if err != nil {
			return err
		}
		progress := graph.NewProgress()
		for _, event := range events {
			progress.Add(event)
		}
		if _, err := s.items(progress); err != nil {
			return err
		}
		o = graph.Options{Title: name + " / " + e.Name, Subtitle: summary(e), States: progress.Marks()}
	}
	svg := picture.SVG(o)
	if g.Output == "" {
		_, err = w.out.Write(svg)
		return err
	}
	return os.WriteFile(g.Output, svg, 0o644) //nolint:gosec // a picture to show
}

// summary says in a line how an execution stands.
func summary(e executionSummary) string {
	text := e.Status
	if start, stop := moment(e.Start), moment(e.Stop); !stop.IsZero() {
		text += " in " + graph.Duration(stop.Sub(start))
	} else {
		text += " since " + start.Local().Format("2006-01-02 15:04:05")
	}
	if e.Error != "" {
		text += ": " + e.Error
	}
	return text
}

// compact is a JSON text on one line.
func compact(text string) string {
	var raw json.RawMessage
	if json.Unmarshal([]byte(text), &raw) != nil {
		return text
	}
	b, err := json.Marshal(raw)
	if err != nil {
		return text
	}
	return string(b)
}
