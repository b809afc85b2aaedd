package asl

import (
	"context"
	"testing"
)

const pureJSONPath = `{"StartAt": "A", "States": {
  "A": {"Type": "Pass", "Next": "B"},
  "B": {"Type": "Choice", "Choices": [{"Variable": "$.n", "NumericGreaterThan": 100, "Next": "E"}, {"Variable": "$.kind", "StringEquals": "order", "Next": "C"}]},
  "C": {"Type": "Pass", "Result": {"ok": true}, "ResultPath": "$.check", "Next": "D"},
  "D": {"Type": "Choice", "Choices": [{"Variable": "$.check.ok", "BooleanEquals": true, "Next": "E"}]},
  "E": {"Type": "Pass", "Parameters": {"id.$": "$.id", "check.$": "$.check"}, "End": true}}}`

const pureJSONata = `{"QueryLanguage": "JSONata", "StartAt": "A", "States": {
  "A": {"Type": "Pass", "Next": "B"},
  "B": {"Type": "Choice", "Choices": [{"Condition": "{% $states.input.n > 100 %}", "Next": "E"}, {"Condition": "{% $states.input.kind = 'order' %}", "Next": "C"}]},
  "C": {"Type": "Pass", "Output": {"id": "{% $states.input.id %}", "check": {"ok": true}}, "Next": "D"},
  "D": {"Type": "Choice", "Choices": [{"Condition": "{% $states.input.check.ok %}", "Next": "E"}]},
  "E": {"Type": "Pass", "Output": {"id": "{% $states.input.id %}", "check": "{% $states.input.check %}"}, "End": true}}}`

func BenchmarkFiveStatesJSONPath(b *testing.B) { benchmarkStep(b, pureJSONPath) }
func BenchmarkFiveStatesJSONata(b *testing.B)  { benchmarkStep(b, pureJSONata) }

func benchmarkStep(b *testing.B, definition string) {
	d := newDriver(b, definition)
	input := []byte(`{"id": "o-1", "kind": "order", "n": 3}`)
	d.facts.Input = input
	set := &Setting{Facts: &d.facts, Now: started, NextEvent: 1}
	first := d.machine.Start(0)
	b.ReportAllocs()
	for b.Loop() {
		o, err := d.machine.Step(context.Background(), &first, Happening{What: Begun, Input: input}, set)
		if err != nil || o.Thread.Phase != Done || len(o.Events) != 12 {
			b.Fatal(err, o.Thread.Phase, len(o.Events))
		}
	}
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse([]byte(pureJSONPath)); err != nil {
			b.Fatal(err)
		}
	}
}
