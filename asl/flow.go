package asl

import (
	"slices"

	"github.com/brume-dev/brume/asl/fault"
	"github.com/brume-dev/brume/jsondoc"
)

// How data goes through a state. JSONPath: raw input, InputPath, Parameters, the state's work, ResultSelector, ResultPath over
// the raw input, OutputPath. JSONata: Arguments, the work, Output. Assign is evaluated on the result, with the values that
// variables had when the state was entered.
//
// https://docs.aws.amazon.com/step-functions/latest/dg/concepts-input-output-filtering.html,
// https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html

// transparent reports whether a state's output is its input whatever that is, and no field looks at it.
func (s *State) transparent() bool {
	f := &s.flow
	return (s.Type == Pass || s.Type == Succeed || s.Type == Wait) && s.result == nil && f.inputPath == nil && !f.discardInput &&
		f.outputPath == nil && !f.discardOutput && f.resultPath == nil && f.arguments == nil && f.output == nil &&
		f.assign == nil && (s.wait == nil || s.wait.fixed())
}

// fixed reports whether the wait depends on no data.
func (w *waitFields) fixed() bool {
	for _, f := range []field{w.seconds, w.timestamp} {
		if _, ok := f.(constant); f != nil && !ok {
			return false
		}
	}
	return true
}

// filtered makes "$" what InputPath selects.
func (s *scope) filtered() (*doc, error) {
	f := &s.state.flow
	in := s.raw
	switch {
	case f.discardInput:
		in = valueDoc(jsondoc.NewObject())
	case f.inputPath != nil:
		s.over(s.raw.get())
		v, err := f.inputPath.Get(&s.view, "InputPath")
		if err != nil {
			return nil, err
		}
		in = valueDoc(v)
	}
	if s.run.inspect != nil && !s.state.JSONata {
		s.run.inspect.AfterInputPath = in.json()
	}
	s.over(in.get())
	return in, nil
}

// effective is the input that the state works on: after InputPath and Parameters, or Arguments.
func (s *scope) effective() (*doc, error) {
	f, inspect := &s.state.flow, s.run.inspect
	in := s.raw
	if !s.state.JSONata {
		var err error
		if in, err = s.filtered(); err != nil {
			return nil, err
		}
	}
	if f.arguments != nil {
		v, err := f.arguments.eval(s)
		if err != nil {
			return nil, err
		}
		in = valueDoc(v)
	}
	if inspect != nil {
		if s.state.JSONata {
			inspect.AfterArguments = in.json()
		} else {
			inspect.AfterParameters = in.json()
		}
	}
	return in, nil
}

// settle takes the result of a state's work to the state's end: output and variables, and out.
func (r *run) settle(s *State, result *doc) error {
	sc := r.current(s)
	f := &s.flow
	if r.inspect != nil {
		r.inspect.Result = result.json()
	}
	if s.JSONata {
		if s.Type != Pass {
			sc.result = result
		}
		return r.leave(s, sc, f.assign, f.output, result, s.Next)
	}
	if f.selector != nil {
		sc.over(result.get())
		v, err := f.selector.eval(sc)
		if err != nil {
			return err
		}
		result = valueDoc(v)
	}
	if r.inspect != nil {
		r.inspect.AfterResultSelector = result.json()
	}
	out := result
	switch {
	case f.discardResult:
		out = r.input
	case f.resultPath != nil:
		v, err := f.resultPath.Put(r.input.get(), result.get())
		if err != nil {
			return err
		}
		out = valueDoc(v)
	}
	if r.inspect != nil {
		r.inspect.AfterResultPath = out.json()
	}
	if f.assign != nil {
		sc.over(result.get())
	}
	return r.leave(s, sc, f.assign, nil, out, s.Next)
}

// through takes a state's input to its end: the states that have no result.
func (r *run) through(s *State, sc *scope, assign *assignment, output field, next string) error {
	in := r.input
	if !s.JSONata && !s.plain {
		var err error
		if in, err = sc.filtered(); err != nil {
			return err
		}
	}
	return r.leave(s, sc, assign, output, in, next)
}

// leave evaluates the assignments and what is left of the output, and leaves the state.
func (r *run) leave(s *State, sc *scope, assign *assignment, output field, out *doc, next string) error {
	variables, err := sc.assign(assign)
	if err != nil {
		return err
	}
	f := &s.flow
	switch {
	case output != nil:
		v, err := output.eval(sc)
		if err != nil {
			return err
		}
		out = valueDoc(v)
	case f.discardOutput:
		out = valueDoc(jsondoc.NewObject())
	case f.outputPath != nil:
		sc.over(out.get())
		v, err := f.outputPath.Get(&sc.view, "OutputPath")
		if err != nil {
			return err
		}
		out = valueDoc(v)
	}
	return r.exit(s, out, variables, next)
}

// assign evaluates an Assign; the variables have their new values only after the state.
func (s *scope) assign(a *assignment) ([]Variable, error) {
	if a == nil {
		return nil, nil
	}
	v, err := a.values.eval(s)
	if err != nil {
		return nil, err
	}
	o, ok := v.(*jsondoc.Object)
	if !ok {
		return nil, fault.New(fault.Runtime, "Assign must be an object")
	}
	out, total := make([]Variable, 0, o.Len()), 0
	for name, value := range o.All() {
		text := jsondoc.Append(nil, value)
		total += len(text)
		out = append(out, Variable{Name: name, Value: text})
	}
	if total > MaxAssign {
		return nil, tooLarge(s.state.Name)
	}
	return out, nil
}

// remember takes variables into the thread's scope.
func (r *run) remember(variables []Variable) error {
	if len(variables) == 0 {
		return nil
	}
	t := &r.thread
	all := slices.Clone(t.Variables)
	for _, v := range variables {
		if i := slices.IndexFunc(all, func(o Variable) bool { return o.Name == v.Name }); i >= 0 {
			all[i] = v
		} else {
			all = append(all, v)
		}
	}
	total := 0
	for _, v := range all {
		total += len(v.Value)
	}
	for _, o := range r.set.Outer {
		for _, v := range o.Variables {
			total += len(v.Value)
		}
	}
	if total > MaxVariables {
		return tooLarge(t.State)
	}
	t.Variables = all
	return nil
}

func variablesText(variables []Variable) []byte {
	o := jsondoc.SizedObject(len(variables))
	for _, v := range variables {
		o.Set(v.Name, textDoc(v.Value).get())
	}
	return jsondoc.Append(nil, o)
}
