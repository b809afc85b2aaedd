package asl

import (
	"time"

	"github.com/brume-dev/brume/asl/choice"
	"github.com/brume-dev/brume/asl/fault"
	"github.com/brume-dev/brume/jsondoc"
)

// The states that need nothing from outside: Pass, Choice, Fail; and Wait, which needs time.

func (r *run) pass(s *State) error {
	if s.plain {
		return r.exit(s, r.input, nil, s.Next)
	}
	if s.JSONata {
		return r.settle(s, r.input)
	}
	in, err := r.current(s).effective()
	if err != nil {
		return err
	}
	if s.result != nil {
		v, err := s.result.eval(nil)
		if err != nil {
			return err
		}
		in = valueDoc(v)
	}
	return r.settle(s, in)
}

// choose takes the first rule that holds, or the default.
func (r *run) choose(s *State) error {
	sc := r.current(s)
	if !s.JSONata {
		if _, err := sc.filtered(); err != nil {
			return err
		}
	}
	for i := range s.rules {
		rule := &s.rules[i]
		holds, err := rule.holds(sc, i)
		if err != nil {
			return err
		}
		if holds {
			return r.through(s, sc, rule.assign, rule.output, rule.next)
		}
	}
	if s.Default == "" {
		return fault.New(fault.Runtime, "Failed to transition out of the state. The state does not point to a next state.")
	}
	return r.through(s, sc, s.flow.assign, s.flow.output, s.Default)
}

func (k *rule) holds(sc *scope, i int) (bool, error) {
	if k.comparison != nil {
		return k.comparison.Match(&sc.view)
	}
	v, err := k.condition.eval(sc)
	if err != nil {
		return false, err
	}
	b, ok := v.(bool)
	if !ok {
		return false, wrongType(k.condition, "boolean", v, func(string, string) *fault.Error {
			return fault.New(fault.QueryEvaluationError, "The field 'Choices[%d]/Condition' must be a boolean", i)
		})
	}
	return b, nil
}

// giveUp is a Fail state.
func (r *run) giveUp(s *State) error {
	sc := r.current(s)
	if !s.JSONata {
		sc.over(r.input.get())
	}
	name, err := sc.text(s.failed.name)
	if err != nil {
		return err
	}
	cause, err := sc.text(s.failed.cause)
	if err != nil {
		return err
	}
	r.broken(&fault.Error{Name: name, Cause: cause})
	return nil
}

// text is the value of a field that must be a string; "" when it is absent.
func (s *scope) text(f field) (string, error) {
	if f == nil {
		return "", nil
	}
	v, err := f.eval(s)
	if err != nil {
		return "", err
	}
	text, ok := v.(string)
	if !ok {
		return "", wrongType(f, "string", v, func(key, path string) *fault.Error {
			return fault.New(fault.Runtime, "The %s field must reference a string value: %s == %s", key, path, jsondoc.Text(v))
		})
	}
	return text, nil
}

// integer is the value of a field that must be a whole number between low and high; or when the field is absent.
func (s *scope) integer(f field, low, high, or int64) (int64, error) {
	if f == nil {
		return or, nil
	}
	v, err := f.eval(s)
	if err != nil {
		return 0, err
	}
	i, ok := wholeNumber(v)
	if !ok {
		return 0, wrongType(f, "number", v, func(key, path string) *fault.Error {
			return fault.New(fault.Runtime, "The %s parameter does not reference an integer value: %s == %s", key, path, jsondoc.Text(v))
		})
	}
	if i < low || i > high {
		return 0, s.outOfRange(f, v, low, high)
	}
	return i, nil
}

// outOfRange is the error of a field whose number is not allowed.
func (s *scope) outOfRange(f field, v any, low, high int64) error {
	switch f := f.(type) {
	case expressions:
		e := fault.New(fault.QueryEvaluationError, "The JSONata expression '%s' specified for the field '%s' returned a value outside of the permitted range: %s",
			f.source(), f.at, jsondoc.Text(v))
		e.Location = f.at
		return e
	case located:
		return fault.New(fault.Runtime, "The %s parameter references a value that is not between %d and %d: %s == %s", f.key, low, high, f.text, jsondoc.Text(v))
	default:
		return fault.New(fault.Runtime, "A value is not between %d and %d: %s", low, high, jsondoc.Text(v))
	}
}

// source is the text of an expression that is a whole field.
func (e expressions) source() string {
	if x := e.t.Expr(); x != nil {
		return x.String()
	}
	return e.text
}

// wait puts the thread to sleep, or goes on at once when the time has come already.
func (r *run) wait(s *State) error {
	sc := r.current(s)
	if !s.JSONata && !s.plain {
		if _, err := sc.filtered(); err != nil {
			return err
		}
	}
	until, err := sc.until(s.wait)
	if err != nil {
		return err
	}
	if until.After(r.set.Now) {
		r.sleep(Waiting, until)
		return nil
	}
	return r.through(s, sc, s.flow.assign, s.flow.output, s.Next)
}

// until is when a Wait state ends.
func (s *scope) until(w *waitFields) (time.Time, error) {
	if w.seconds != nil {
		n, err := s.integer(w.seconds, 0, MaxSeconds, 0)
		return s.run.set.Now.Add(time.Duration(n) * time.Second), err
	}
	v, err := w.timestamp.eval(s)
	if err != nil {
		return time.Time{}, err
	}
	at, ok := timestampOf(v)
	if !ok {
		return time.Time{}, wrongType(w.timestamp, "timestamp", v, func(key, path string) *fault.Error {
			return fault.New(fault.Runtime, "The %s parameter does not reference a valid ISO-8601 extended offset date-time format string: %s == %s",
				key, path, plainText(v))
		})
	}
	return at, nil
}

// plainText is a document as messages show it: a string without its quotes.
func plainText(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return jsondoc.Text(v)
}

func timestampOf(v any) (time.Time, bool) {
	text, ok := v.(string)
	if !ok {
		return time.Time{}, false
	}
	return choice.Timestamp(text)
}

// percentage is a number between 0 and 100, -1 when the field is absent.
func (s *scope) percentage(f field) (float64, error) {
	if f == nil {
		return -1, nil
	}
	v, err := f.eval(s)
	if err != nil {
		return 0, err
	}
	p, ok := realNumber(v)
	if !ok {
		return 0, wrongType(f, "number", v, func(key, path string) *fault.Error {
			return fault.New(fault.Runtime, "The %s parameter does not reference a number: %s == %s", key, path, jsondoc.Text(v))
		})
	}
	if p < 0 || p > 100 {
		return 0, s.outOfRange(f, v, 0, 100)
	}
	return p, nil
}
