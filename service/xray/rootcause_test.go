package xray_test

import (
	"strings"
	"testing"

	"github.com/brume-dev/brume/api/xrayapi"
)

// The cause of a failure is the lowest entity that failed, on its way from the root.
func TestRootCauses(t *testing.T) {
	s, _ := open(t)
	thrown := doc{"exceptions": []doc{{"id": hex16(80), "type": "KeyError", "message": "no key"}}}
	table := doc{"id": hex16(9), "name": "Table", "namespace": "aws", "start_time": seconds(0.6), "end_time": seconds(0.7), "fault": true}
	handler := doc{"id": hex16(10), "name": "handler", "start_time": seconds(0.5), "end_time": seconds(0.9), "fault": true, "cause": thrown, "subsegments": []doc{table}}
	good := doc{"id": hex16(11), "name": "good", "start_time": seconds(0.5), "end_time": seconds(0.9)}
	call := doc{"id": hex16(12), "name": "back", "namespace": "remote", "start_time": seconds(0.4), "end_time": seconds(0.9), "fault": true}
	keep(t, s,
		segment(1, 1, "front", 0, doc{"origin": "AWS::ApiGateway::Stage", "http": doc{"response": doc{"status": 404}}, "subsegments": []doc{call, good}}),
		segment(1, 2, "back", 0.5, doc{"parent_id": hex16(12), "fault": true, "subsegments": []doc{handler}}),
		segment(2, 1, "fine", 0, nil))
	out := must[*xrayapi.GetTraceSummariesResult](t)(s.GetTraceSummaries(t.Context(), me, &xrayapi.GetTraceSummariesRequest{StartTime: start, EndTime: start, TimeRangeType: xrayapi.TimeRangeTypeEvent}))
	for _, sum := range out.TraceSummaries {
		var faults, errors []string
		for _, c := range sum.FaultRootCauses {
			text := ""
			for _, svc := range c.Services {
				text += "[" + *svc.Name + ":"
				for _, e := range svc.EntityPath {
					text += " " + *e.Name
					if *e.Remote {
						text += "*"
					}
					for _, x := range e.Exceptions {
						text += "(" + *x.Name + " " + *x.Message + ")"
					}
				}
				text += "]"
			}
			if *c.ClientImpacting {
				text += "!"
			}
			faults = append(faults, text)
		}
		for _, c := range sum.ErrorRootCauses {
			errors = append(errors, *c.Services[0].Name)
			if !*c.ClientImpacting {
				t.Error("the client saw the error")
			}
		}
		wantFaults, wantErrors := "", ""
		if *sum.EntryPoint.Name == "front" {
			wantFaults, wantErrors = "[front: front back*][back: back handler(KeyError no key) Table*][Table: Table]", "front"
		}
		if got := strings.Join(faults, " "); got != wantFaults {
			t.Errorf("%s\nwant %s", got, wantFaults)
		}
		if got := strings.Join(errors, " "); got != wantErrors {
			t.Errorf("%s, want %s", got, wantErrors)
		}
	}
}
