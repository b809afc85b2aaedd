// Package rehearsal answers tasks from a file instead of calling anybody: the mock configuration of Step Functions Local. An
// execution that is started with "arn…:stateMachine:NAME#CASE" gets the answers that the file has for that case.
//
// https://docs.aws.amazon.com/step-functions/latest/dg/sfn-local-test-sm-exec.html
package rehearsal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// File is a mock configuration.
type File struct {
	machines  map[string]map[string]map[string]string // machine, case, state: the name of its responses
	responses map[string][]response
}

// response is what a state gets at some of its attempts.
type response struct {
	first, last int
	result      json.RawMessage
	failure     *failure
}

type failure struct{ Error, Cause string }

// Parse reads a mock configuration. Names that lead nowhere and attempts that overlap are errors.
func Parse(text []byte) (*File, error) {
	var doc struct {
		StateMachines map[string]struct {
			TestCases map[string]map[string]string
		}
		MockedResponses map[string]map[string]struct {
			Return json.RawMessage
			Throw  *failure
		}
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&doc); err != nil {
		return nil, fmt.Errorf("mock configuration: %w", err)
	}
	f := &File{machines: map[string]map[string]map[string]string{}, responses: map[string][]response{}}
	for name, all := range doc.MockedResponses {
		for attempts, r := range all {
			first, last, err := span(attempts)
			if err != nil {
				return nil, fmt.Errorf("mock configuration: response %s: %w", name, err)
			}
			if (r.Return == nil) == (r.Throw == nil) {
				return nil, fmt.Errorf("mock configuration: response %s, attempt %s: either Return or Throw", name, attempts)
			}
			for _, other := range f.responses[name] {
				if first <= other.last && other.first <= last {
					return nil, fmt.Errorf("mock configuration: response %s: attempt %d has two answers", name, max(first, other.first))
				}
			}
			f.responses[name] = append(f.responses[name], response{first, last, r.Return, r.Throw})
		}
	}
	for machine, m := range doc.StateMachines {
		f.machines[machine] = m.TestCases
		for test, states := range m.TestCases {
			for state, name := range states {
				if f.responses[name] == nil {
					return nil, fmt.Errorf("mock configuration: %s of %s#%s has responses %q, which are not there", state, machine, test, name)
				}
			}
		}
	}
	return f, nil
}

var errSpan = errors.New(`attempts are "0", or "1-2"`)

// span reads the attempts of a response.
func span(s string) (first, last int, err error) {
	from, to, isRange := strings.Cut(s, "-")
	if first, err = strconv.Atoi(from); err != nil || first < 0 {
		return 0, 0, errSpan
	}
	if !isRange {
		return first, first, nil
	}
	if last, err = strconv.Atoi(to); err != nil || last < first {
		return 0, 0, errSpan
	}
	return first, last, nil
}

// has reports whether the file has a case of a machine.
func (f *File) has(machine, test string) bool { return f.machines[machine][test] != nil }

// mocked reports whether a case answers a state.
func (f *File) mocked(machine, test, state string) bool {
	return f.machines[machine][test][state] != ""
}

// answer is what a state gets at an attempt, nil when the file does not say.
func (f *File) answer(machine, test, state string, attempt int) *response {
	all := f.responses[f.machines[machine][test][state]]
	for i := range all {
		if r := &all[i]; r.first <= attempt && attempt <= r.last {
			return r
		}
	}
	return nil
}
