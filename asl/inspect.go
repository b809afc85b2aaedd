package asl

import "time"

// Inspection is the data flow of one state, as TestState's inspectionData names it; JSON texts, nil where a step does not
// apply.
//
// https://docs.aws.amazon.com/step-functions/latest/apireference/API_InspectionData.html
type Inspection struct {
	Input, AfterInputPath, AfterParameters, AfterArguments []byte
	Result, AfterResultSelector, AfterResultPath           []byte
	// AfterItemSelector is an array of what the iterations get.
	AfterItemsPath, AfterItemSelector []byte
	// Variables are those of the thread's scope after the state.
	Variables                             []byte
	ToleratedFailureCount, MaxConcurrency *int64
	ToleratedFailurePercentage            *float64
	// CatchIndex, RetryIndex and RetryBackoff tell how an error was handled: -1 means not by that.
	CatchIndex, RetryIndex int
	RetryBackoff           time.Duration
}

// begin forgets the state before.
func (r *run) begin(s *State) {
	*r.inspect = Inspection{Input: r.input.json(), CatchIndex: -1, RetryIndex: -1, Variables: variablesText(r.thread.Variables)}
}
