package asl

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/brume-dev/brume/asl/fault"
)

func TestParseResource(t *testing.T) {
	for text, want := range map[string]*Resource{
		"arn:aws:lambda:us-east-1:0:function:f:live":    {Style: LambdaFunction},
		"arn:aws:states:us-east-1:0:activity:a":         {Style: Activity},
		"arn:aws:states:::sqs:sendMessage":              {Service: "sqs", Action: "sendMessage", Full: "sendMessage"},
		"arn:aws:states:::states:startExecution.sync:2": {Service: "states", Action: "startExecution", Full: "startExecution.sync:2", Pattern: Sync, Version: 2},
		"arn:aws:states:::ecs:runTask.sync":             {Service: "ecs", Action: "runTask", Full: "runTask.sync", Pattern: Sync},
		"arn:aws:states:::aws-sdk:sfn:startExecution.waitForTaskToken": {Service: "aws-sdk:sfn", Action: "startExecution", Full: "startExecution.waitForTaskToken",
			Pattern: CallBack},
		"arn:aws:states:::http:invoke": {Service: "http", Action: "invoke", Full: "invoke"},
		"arn:aws:states:::sqs":         nil, "arn:aws:states:::sqs:": nil, "arn:aws:states:::aws-sdk:sqs": nil, "arn:aws:states:::sqs:.sync": nil,
		"arn:aws:lambda:us-east-1:0:layer:l": nil, "arn:aws:sqs:us-east-1:0:q": nil, "text": nil, "": nil,
	} {
		got, ok := ParseResource(text)
		if ok != (want != nil) {
			t.Errorf("%s: %v", text, ok)
			continue
		}
		if want == nil {
			continue
		}
		want.Text = text
		if *got != *want {
			t.Errorf("%s: %+v", text, got)
		}
	}
}

// machines are the definitions of the golden files.
func machines(t testing.TB) [][]byte {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	out := [][]byte{[]byte(pureJSONPath), []byte(pureJSONata)}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range txtar.Parse(b).Files {
			if f.Name == "machine" {
				out = append(out, f.Data)
			}
		}
	}
	return out
}

// FuzzParse: a definition is refused or can be run to some end.
func FuzzParse(f *testing.F) {
	for _, m := range machines(f) {
		f.Add(m)
	}
	f.Fuzz(func(t *testing.T, definition []byte) {
		m, err := Parse(definition)
		if err != nil {
			return
		}
		th := m.Start(0)
		set := &Setting{Facts: &Facts{}, Now: started, NextEvent: 1, MaxStates: 20}
		if _, err := m.Step(context.Background(), &th, Happening{What: Begun, Input: []byte(`{"a":[1]}`)}, set); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzStep: whatever happens to whatever thread, a step is void or leaves a thread that agrees with its command and numbers its
// events one after another.
func FuzzStep(f *testing.F) {
	var parsed []*Machine
	for _, d := range machines(f) {
		if m, err := Parse(d); err == nil {
			parsed = append(parsed, m)
		}
	}
	for i := range 300 {
		var b [9]byte
		binary.LittleEndian.PutUint64(b[:], rand.NewPCG(uint64(i), 7).Uint64())
		b[8] = byte(i)
		f.Add(b[:], []byte(`{"a": [1, 2]}`))
	}
	f.Fuzz(func(t *testing.T, shape, input []byte) {
		if len(shape) < 9 {
			return
		}
		m := parsed[int(shape[0])%len(parsed)]
		b := m.Blocks[int(shape[1])%len(m.Blocks)]
		th := Thread{Block: b.Number, Phase: Phase(shape[2] % 11), Origin: Origin(shape[3] % 3), State: b.States[int(shape[4])%len(b.States)].Name,
			Input: input, Item: input, Seq: 3, Last: int64(shape[5] % 50), EnteredEvent: int64(shape[5] % 2), Forked: shape[5]%3 == 0}
		if shape[5]%5 == 0 {
			th.MapRun = "run"
		}
		if th.Origin == Iteration && (b.Parent == nil || b.Parent.Type != Map) {
			th.Origin = Branch
		}
		outer := Thread{Block: 0, State: m.Blocks[0].States[0].Name, Input: input, Phase: Joining}
		if b.Parent != nil {
			outer.Block, outer.State = b.Parent.Block.Number, b.Parent.Name
		}
		h := Happening{What: What(shape[6] % 14), Input: input, Output: input, Outputs: [][]byte{input}, Stage: Stage(shape[7] % 3)}
		if shape[8]%2 == 0 {
			h.Error = &fault.Error{Name: "E"}
		}
		set := &Setting{Facts: &Facts{}, Now: started, NextEvent: 50, Outer: []*Thread{&outer}, MaxStates: 20}
		before := th.Seq
		o, err := m.Step(context.Background(), &th, h, set)
		if err != nil {
			return
		}
		for i, e := range o.Events {
			if e.ID != 50+int64(i) || e.Previous >= e.ID || e.Type == "" {
				t.Fatalf("event %d: %+v", i, e)
			}
		}
		agree(t, &o, before)
	})
}

// agree checks that thread and command belong together.
func agree(t *testing.T, o *Outcome, before int64) {
	if (o.Command.Do == Stay) != (o.Thread.Seq == before) {
		t.Fatalf("command %d, seq %d after %d", o.Command.Do, o.Thread.Seq, before)
	}
	ok := false
	switch o.Thread.Phase {
	case Ready:
		ok = o.Command.Do == Yield
	case Calling:
		ok = o.Command.Do == Stay || o.Command.Do == CallTask && o.Command.Call != nil
	case Submitted:
		ok = o.Command.Do == Stay
	case Waiting, Backoff:
		ok = o.Command.Do == Sleep && o.Command.Until.Equal(o.Thread.WakeAt)
	case Joining:
		ok = o.Command.Do == Rejoin || o.Command.Do == ForkThreads && o.Command.Fork.Count > 0
	case Mapping:
		ok = o.Command.Do == RunMap && o.Command.MapRun != nil
	case Done:
		ok = o.Command.Do == End && o.Thread.Output != nil
	case Broken:
		ok = o.Command.Do == Fail && o.Thread.Error != nil
	case Stopped:
		ok = o.Command.Do == Fail
	}
	if !ok {
		t.Fatalf("phase %d with command %+v", o.Thread.Phase, o.Command)
	}
}
