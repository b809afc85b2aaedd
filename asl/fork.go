package asl

import (
	"context"

	"github.com/brume-dev/brume/asl/fault"
	"github.com/brume-dev/brume/jsondoc"
)

// fork starts the children of a Parallel or Map state.
func (r *run) fork(s *State) error {
	t := &r.thread
	t.Forked, t.MapRun = false, ""
	if s.Type == Parallel {
		in, err := r.current(s).effective()
		if err != nil {
			return err
		}
		if len(in.json()) > MaxData {
			return tooLarge(s.Name)
		}
		r.emit(Event{Type: ParallelStateStarted}, true)
		t.Forked = true
		r.decide(Joining, Command{Do: ForkThreads, Fork: &Fork{State: s.Name, Count: len(s.Blocks), Input: in.json()}})
		return nil
	}
	sc := r.current(s)
	in, err := sc.items()
	if err != nil {
		return err
	}
	concurrency, err := sc.integer(s.mapping.concurrency, 0, 1<<31-1, 0)
	if err != nil {
		return err
	}
	if r.inspect != nil {
		r.inspect.MaxConcurrency = &concurrency
	}
	if s.mapping.distributed {
		return r.runMap(s, sc, in, int(min(concurrency, MaxMapConcurrency)))
	}
	f := &Fork{State: s.Name, MaxConcurrency: int(min(concurrency, MaxInlineConcurrency))}
	switch v := in.(type) {
	case *jsondoc.Array:
		for _, item := range v.Items {
			f.Items = append(f.Items, jsondoc.Append(nil, item))
		}
	case *jsondoc.Object:
		for key, item := range v.All() {
			f.Keys, f.Items = append(f.Keys, key), append(f.Items, jsondoc.Append(nil, item))
		}
	}
	f.Count = len(f.Items)
	if r.inspect != nil {
		if err := r.inspectItems(s, f.Keys, f.Items); err != nil {
			return err
		}
	}
	r.emit(Event{Type: MapStateStarted, Length: int64(f.Count)}, true)
	if f.Count == 0 {
		r.joined(s, &Happening{Last: t.Last})
		return nil
	}
	t.Forked = true
	r.decide(Joining, Command{Do: ForkThreads, Fork: f})
	return nil
}

// items are what a Map state goes over: an array, or an object; nil when an ItemReader gives them.
func (s *scope) items() (any, error) {
	m := s.state.mapping
	in := s.raw
	if !s.state.JSONata {
		var err error
		if in, err = s.filtered(); err != nil {
			return nil, err
		}
	}
	if m.reader != nil {
		return nil, nil
	}
	v := in.get()
	if m.items != nil {
		var err error
		if v, err = m.items.eval(s); err != nil {
			return nil, err
		}
	}
	if inspect := s.run.inspect; inspect != nil && !s.state.JSONata {
		inspect.AfterItemsPath = jsondoc.Append(nil, v)
	}
	switch v.(type) {
	case *jsondoc.Array, *jsondoc.Object:
		return v, nil
	}
	if m.items == nil && !s.state.JSONata {
		return nil, fault.New(fault.Runtime, "Reference path \"$\" must point to array.")
	}
	return nil, wrongType(m.items, "array", v, func(_, path string) *fault.Error {
		return fault.New(fault.Runtime, "Reference path \"%s\" must point to array.", path)
	})
}

// runMap starts a map run.
func (r *run) runMap(s *State, sc *scope, items any, concurrency int) error {
	c, err := sc.mapRun(items, concurrency)
	if err != nil {
		return err
	}
	if r.set.NewMapRun != nil {
		c.ARN = r.set.NewMapRun(s.Label)
	}
	r.thread.MapRun, r.thread.MapRedrives = c.ARN, 0
	r.emit(Event{Type: MapStateStarted, Length: c.Count}, true)
	r.emit(Event{Type: MapRunStarted, MapRunARN: c.ARN}, true)
	r.decide(Mapping, Command{Do: RunMap, MapRun: c})
	return nil
}

// remap redrives a map run.
func (r *run) remap(s *State) error {
	sc := r.current(s)
	in, err := sc.items()
	if err != nil {
		return err
	}
	concurrency, err := sc.integer(s.mapping.concurrency, 0, 1<<31-1, 0)
	if err != nil {
		return err
	}
	c, err := sc.mapRun(in, int(min(concurrency, MaxMapConcurrency)))
	if err != nil {
		return err
	}
	t := &r.thread
	t.MapRedrives++
	c.ARN, c.Redriven = t.MapRun, true
	r.emit(Event{Type: MapRunRedriven, MapRunARN: c.ARN, RedriveCount: t.MapRedrives}, true)
	r.decide(Mapping, Command{Do: RunMap, MapRun: c})
	return nil
}

// mapRun evaluates the fields of a distributed Map.
func (s *scope) mapRun(items any, concurrency int) (c *MapRun, err error) {
	state, m, inspect := s.state, s.state.mapping, s.run.inspect
	c = &MapRun{State: state.Name, Label: state.Label, Block: state.Blocks[0].Number, Express: state.Express, MaxConcurrency: concurrency,
		Selects: m.selector != nil}
	if c.ToleratedCount, err = s.integer(m.toleratedCount, 0, 1<<53, -1); err != nil {
		return nil, err
	}
	if c.ToleratedPercentage, err = s.percentage(m.toleratedPercentage); err != nil {
		return nil, err
	}
	if inspect != nil && m.toleratedCount != nil {
		inspect.ToleratedFailureCount = &c.ToleratedCount
	}
	if inspect != nil && m.toleratedPercentage != nil {
		inspect.ToleratedFailurePercentage = &c.ToleratedPercentage
	}
	if c.Reader, err = s.reader(m.reader); err != nil {
		return nil, err
	}
	if c.Batcher, err = s.batcher(m.batcher); err != nil {
		return nil, err
	}
	if c.Writer, err = s.writer(m.writer); err != nil {
		return nil, err
	}
	if m.reader != nil {
		return c, nil
	}
	c.Items = jsondoc.Append(nil, items)
	switch v := items.(type) {
	case *jsondoc.Array:
		c.Count = int64(len(v.Items))
	case *jsondoc.Object:
		c.Count = int64(v.Len())
	}
	return c, nil
}

func (s *scope) reader(f *readerFields) (*Reader, error) {
	if f == nil {
		return nil, nil
	}
	out := &Reader{Resource: f.resource}
	var err error
	if out.Arguments, err = s.json(f.arguments); err != nil {
		return nil, err
	}
	if f.maxItems == nil {
		out.Config, err = s.json(f.config)
		return out, err
	}
	most, err := s.integer(f.maxItems, 0, 100_000_000, 0)
	if err != nil {
		return nil, err
	}
	v, err := f.config.eval(s)
	if err != nil {
		return nil, err
	}
	config, ok := v.(*jsondoc.Object)
	if !ok {
		return nil, fault.New(fault.Runtime, "ReaderConfig must be an object")
	}
	config = config.Clone()
	config.Set("MaxItems", number(most))
	out.Config = jsondoc.Append(nil, config)
	return out, nil
}

func (s *scope) batcher(f *batcherFields) (*Batcher, error) {
	if f == nil {
		return nil, nil
	}
	out := &Batcher{}
	var err error
	if out.MaxItems, err = s.integer(f.items, 1, 1<<31-1, 0); err != nil {
		return nil, err
	}
	if out.MaxBytes, err = s.integer(f.bytes, 1, MaxBatchBytes, 0); err != nil {
		return nil, err
	}
	out.Input, err = s.json(f.input)
	return out, err
}

func (s *scope) writer(f *writerFields) (*Writer, error) {
	if f == nil {
		return nil, nil
	}
	out := &Writer{Resource: f.resource, Transformation: f.transformation, OutputType: f.outputType}
	var err error
	out.Arguments, err = s.json(f.arguments)
	return out, err
}

// json is the value of a field as JSON text, nil when the field is absent.
func (s *scope) json(f field) ([]byte, error) {
	if f == nil {
		return nil, nil
	}
	v, err := f.eval(s)
	if err != nil {
		return nil, err
	}
	return jsondoc.Append(nil, v), nil
}

// joined makes the result of the children's outputs.
func (r *run) joined(s *State, h *Happening) {
	t := &r.thread
	if h.Last != 0 {
		t.Last = h.Last
	}
	succeeded := ParallelStateSucceeded
	if s.Type == Map {
		succeeded = MapStateSucceeded
	}
	result := h.Output
	if t.Phase != Mapping {
		result = array(h.Outputs)
	}
	if len(result) > MaxData {
		r.childFailed(s, &Happening{Error: fault.Of(tooLarge(s.Name))})
		return
	}
	if t.Phase == Mapping {
		r.emit(Event{Type: MapRunSucceeded}, false)
	}
	r.emit(Event{Type: succeeded}, false)
	if err := r.settle(s, textDoc(result)); err != nil {
		r.fails(s, err, true)
	}
}

// array is the JSON text of an array of texts; one over MaxData is cut off, as it is too large anyway.
func array(items [][]byte) []byte {
	size := 2
	for _, item := range items {
		size += len(item) + 1
	}
	out := make([]byte, 1, size)
	out[0] = '['
	for i, item := range items {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, item...)
		if len(out) > MaxData {
			break
		}
	}
	return append(out, ']')
}

// childFailed is the failure of a child, or of a map run.
func (r *run) childFailed(s *State, h *Happening) {
	t := &r.thread
	if h.Last != 0 {
		t.Last = h.Last
	}
	e := h.Error
	if e == nil {
		e = &fault.Error{}
	}
	if terminal(e.Name) && t.Phase == Joining {
		r.broken(e)
		return
	}
	failed := ParallelStateFailed
	if s.Type == Map {
		failed = MapStateFailed
	}
	if t.Phase == Mapping {
		r.emit(Event{Type: MapRunFailed, Error: e.Name, Cause: e.Cause}, true)
	}
	r.emit(Event{Type: failed, Error: e.Name, Cause: e.Cause}, true)
	r.handle(s, e)
}

// iterate begins an iteration: its input is its item, or what ItemSelector makes of it.
func (r *run) iterate() {
	t, parent := &r.thread, r.set.Outer[0]
	s := r.block().Parent
	r.emit(Event{Type: MapIterationStarted, Name: s.Name, Index: int64(t.Index)}, true)
	in := textDoc(itemOf(t).Input())
	if s.mapping.selector != nil {
		v, err := r.selected(s, parent, r.set.Outer[1:], itemOf(t))
		if err != nil {
			e := *fault.Of(err)
			if e.Location != "" {
				r.emit(Event{Type: EvaluationFailed, Name: s.Name, Error: e.Name, Cause: e.Cause, Location: e.Location}, true)
			}
			e.Cause = r.within(s.Name, parent.EnteredEvent, e.Cause)
			r.broken(&e)
			return
		}
		in = valueDoc(v)
	}
	t.Input, r.input = in.json(), in
	if len(t.Input) > MaxData {
		r.broken(fault.Of(tooLarge(s.Name)))
	}
}

// selected applies ItemSelector in the scope of the Map state.
func (r *run) selected(s *State, parent *Thread, outer []*Thread, item *Item) (any, error) {
	sc := r.scope(s, parent, outer, &doc{text: parent.Input, recent: r.recent(parent)})
	sc.item = item
	if !s.JSONata && s.mapping.selectsInput {
		if _, err := sc.filtered(); err != nil {
			return nil, err
		}
	}
	return s.mapping.selector.eval(sc)
}

// inspectItems shows what ItemSelector makes of each item.
func (r *run) inspectItems(s *State, keys []string, items [][]byte) error {
	if s.mapping.selector == nil {
		return nil
	}
	all := &jsondoc.Array{}
	for i, item := range items {
		m := &Item{Index: i, Value: item, Keyed: keys != nil}
		if m.Keyed {
			m.Key = keys[i]
		}
		v, err := r.selected(s, &r.thread, r.set.Outer, m)
		if err != nil {
			return err
		}
		all.Items = append(all.Items, v)
	}
	r.inspect.AfterItemSelector = jsondoc.Append(nil, all)
	return nil
}

// Child returns child i of a fork, where parent is the thread whose Step gave the fork. Step it with Begun, with
// Fork.Input, and the parent at the head of Setting.Outer.
func (m *Machine) Child(parent *Thread, f *Fork, i int) Thread {
	s := m.Blocks[parent.Block].State(f.State)
	t := Thread{Origin: Branch, Index: i, Last: parent.Last}
	if s.Type == Map {
		t.Origin, t.Block, t.Item = Iteration, s.Blocks[0].Number, f.Items[i]
		if t.Keyed = f.Keys != nil; t.Keyed {
			t.Key = f.Keys[i]
		}
		return t
	}
	t.Block = s.Blocks[i].Number
	return t
}

// Selector applies the ItemSelector of a distributed Map state to the items of its map run, one after another: the result is
// the item to batch or to give to a child execution. It is not for use by several at once.
type Selector struct {
	run   *run
	scope *scope
	err   error // of InputPath
}

// Selector is for the Map state that parent is in; without an ItemSelector the items are what they are. Of the setting, Facts,
// Now, Seed and Outer (those around parent) count. ctx bounds the evaluation of JSONata expressions.
func (m *Machine) Selector(ctx context.Context, parent *Thread, set *Setting) *Selector {
	s := m.Blocks[parent.Block].State(parent.State)
	out := &Selector{run: &run{ctx: ctx, machine: m, set: set}}
	if s == nil || s.mapping == nil || s.mapping.selector == nil {
		return out
	}
	out.scope = out.run.scope(s, parent, set.Outer, textDoc(parent.Input))
	if !s.JSONata && s.mapping.selectsInput {
		_, out.err = out.scope.filtered()
	}
	return out
}

// Select gives what the ItemSelector makes of one item. The error is a *fault.Error that fails the map run.
func (l *Selector) Select(item Item) ([]byte, error) {
	sc, err := l.scope, l.err
	if sc == nil {
		return item.Input(), nil
	}
	var v any
	if err == nil {
		sc.item, sc.context = &item, nil
		v, err = sc.state.mapping.selector.eval(sc)
	}
	if err != nil {
		e := *fault.Of(err)
		e.Cause = l.run.within(sc.state.Name, sc.thread.EnteredEvent, e.Cause)
		return nil, &e
	}
	return jsondoc.Append(nil, v), nil
}
