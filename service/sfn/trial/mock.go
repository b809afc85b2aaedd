package trial

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/brume-dev/brume/api/sfnapi"
	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/asl/fault"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/service/sfn/dataset"
)

// mock is what a state under test gets in place of the callee's answer.
type mock struct {
	result  any
	text    []byte
	failure *fault.Error
}

// readMock reads the mock of a request.
func readMock(t *trial) (*mock, error) {
	in := t.in.Mock
	if (in.Result == nil) == (in.ErrorOutput == nil) {
		return nil, invalid("A mock must have either a result or an errorOutput")
	}
	if e := in.ErrorOutput; e != nil {
		if aws.Or(e.Error, "") == "" {
			return nil, invalid("The errorOutput of a mock must have an error")
		}
		return &mock{failure: &fault.Error{Name: *e.Error, Cause: aws.Or(e.Cause, "")}}, nil
	}
	v, err := jsondoc.Parse([]byte(*in.Result))
	if err != nil {
		return nil, invalid("The result of a mock must be JSON: %v", err)
	}
	m := &mock{result: v, text: jsondoc.Append(nil, v)}
	if in.FieldValidationMode == sfnapi.MockResponseValidationModeNone {
		return m, nil
	}
	return m, m.check(t.state, t.Tasks, in.FieldValidationMode != sfnapi.MockResponseValidationModePresent)
}

// check refuses a result that the state could not get.
func (m *mock) check(s *asl.State, tasks Tasks, strict bool) error {
	if s.Type != asl.Task {
		if list, ok := m.result.(*jsondoc.Array); !ok && !s.Distributed() {
			return invalid("The mocked result of a %s state must be an array", s.Type)
		} else if s.Type == asl.Parallel && len(list.Items) != len(s.Blocks) {
			return invalid("The mocked result of a Parallel state must have one element for each of its %d branches", len(s.Blocks))
		}
		return nil
	}
	if problems := tasks.Mock(s.Resource, m.result, strict); problems != nil {
		return invalid("Mock result schema validation error: %s", strings.Join(problems, ", "))
	}
	return nil
}

// failed is the happening of a mocked error, after as many retries as the request says.
func (m *mock) failed(t *trial, what asl.What, e *fault.Error) asl.Happening {
	if c := t.in.StateConfiguration; c != nil && c.RetrierRetryCount != nil {
		n := int(*c.RetrierRetryCount)
		t.thread.RetryCount = n
		t.thread.Retries = make([]int, maxRetriers) // whichever applies
		for i := range t.thread.Retries {
			t.thread.Retries[i] = n
		}
	}
	t.failure = e
	return asl.Happening{What: what, Error: e, Last: t.thread.Last}
}

// maxRetriers is more than a state has.
const maxRetriers = 1000

// task answers a task.
func (m *mock) task(t *trial) (asl.Happening, error) {
	if m.failure != nil {
		return m.failed(t, asl.Faulted, m.failure), nil
	}
	return asl.Happening{What: asl.Completed, Output: m.text}, nil
}

// children answers a Parallel or inline Map state with count children.
func (m *mock) children(t *trial, count int, isMap bool) (asl.Happening, error) {
	if m.failure != nil {
		return m.failed(t, asl.ChildFailed, m.failure), nil
	}
	if c := t.in.StateConfiguration; isMap && c != nil && aws.Or(c.MapIterationFailureCount, 0) > 0 {
		return m.failed(t, asl.ChildFailed, &fault.Error{Name: fault.TaskFailed}), nil
	}
	list, ok := m.result.(*jsondoc.Array)
	if !ok {
		list = &jsondoc.Array{Items: []any{m.result}}
	}
	outputs := make([][]byte, 0, max(count, len(list.Items)))
	for _, item := range list.Items {
		outputs = append(outputs, jsondoc.Append(nil, item))
	}
	return asl.Happening{What: asl.Joined, Outputs: outputs, Last: t.thread.Last}, nil
}

// mapRun answers a distributed Map state, and looks at what its items would be.
func (t *trial) mapRun(ctx context.Context, run *asl.MapRun) (asl.Happening, error) {
	items, err := t.items(run)
	if err != nil {
		return asl.Happening{}, err
	}
	if err := t.selected(ctx, run, items); err != nil {
		return t.mock.failed(t, asl.Faulted, fault.Of(err)), nil
	}
	if t.mock.failure != nil {
		return t.mock.failed(t, asl.Faulted, t.mock.failure), nil
	}
	if c := t.in.StateConfiguration; c != nil && c.MapIterationFailureCount != nil {
		n := int64(*c.MapIterationFailureCount)
		if run.Exceeded(n, int64(len(items))) {
			return t.mock.failed(t, asl.Faulted, fault.New(fault.ExceedToleratedFailureThreshold,
				"The specified tolerated failure threshold was exceeded")), nil
		}
	}
	return asl.Happening{What: asl.Joined, Output: t.mock.text}, nil
}

// items are those of a map run: what its ItemReader read, by the request, or what the state's input gave.
func (t *trial) items(run *asl.MapRun) (items []asl.Item, err error) {
	text, source := run.Items, "STATE_DATA"
	if c := t.in.StateConfiguration; run.Reader != nil {
		if c == nil || c.MapItemReaderData == nil {
			return nil, nil
		}
		text = []byte(*c.MapItemReaderData)
		var at struct{ Bucket, Key string }
		if json.Unmarshal(run.Reader.Arguments, &at) == nil {
			source = "S3://" + at.Bucket + "/" + at.Key
		}
	}
	doc, err := jsondoc.Parse(text)
	if err != nil {
		return nil, invalid("The mapItemReaderData must be JSON: %v", err)
	}
	if run.Reader != nil {
		if doc, err = t.pointed(doc, run.Reader.Config); err != nil {
			return nil, err
		}
	}
	switch v := doc.(type) {
	case *jsondoc.Array:
		for i, item := range v.Items {
			items = append(items, asl.Item{Index: i, Value: jsondoc.Append(nil, item), Source: source})
		}
		return items, nil
	case *jsondoc.Object:
		for k, m := range v.All() {
			items = append(items, asl.Item{Index: len(items), Key: k, Keyed: true, Value: jsondoc.Append(nil, m), Source: source})
		}
		return items, nil
	}
	return nil, invalid("The items of a Map state must be an array or an object")
}

// pointed follows the ItemsPointer of a reader.
func (t *trial) pointed(doc any, config []byte) (any, error) {
	var c struct{ ItemsPointer string }
	if len(config) == 0 || json.Unmarshal(config, &c) != nil || c.ItemsPointer == "" {
		return doc, nil
	}
	for _, part := range strings.Split(strings.TrimPrefix(c.ItemsPointer, "/"), "/") {
		part = strings.NewReplacer("~1", "/", "~0", "~").Replace(part)
		var ok bool
		switch v := doc.(type) {
		case *jsondoc.Object:
			doc, ok = v.Get(part)
		case *jsondoc.Array:
			i, err := strconv.Atoi(part)
			if ok = err == nil && i >= 0 && i < len(v.Items); ok {
				doc = v.Items[i]
			}
		}
		if !ok {
			return nil, invalid("The ItemsPointer '%s' points to nothing", c.ItemsPointer)
		}
	}
	t.itemsPointer = jsondoc.Append(nil, doc)
	return doc, nil
}

// selected fills what the items become: by the ItemSelector, and in batches.
func (t *trial) selected(ctx context.Context, run *asl.MapRun, items []asl.Item) error {
	if !run.Selects && run.Batcher == nil {
		return nil
	}
	batches, selector := dataset.NewBatches(run.Batcher), t.machine.Selector(ctx, &t.thread, &t.set)
	all, inputs := &jsondoc.Array{Items: []any{}}, &jsondoc.Array{Items: []any{}}
	take := func(input []byte, n int) error {
		if n == 0 {
			return nil
		}
		v, err := jsondoc.Parse(input)
		inputs.Items = append(inputs.Items, v)
		return err
	}
	for _, item := range items {
		text, err := selector.Select(item)
		if err != nil {
			return err
		}
		v, err := jsondoc.Parse(text)
		if err != nil {
			return err
		}
		all.Items = append(all.Items, v)
		if err := take(batches.Add(text)); err != nil {
			return err
		}
	}
	if run.Selects {
		t.inspect.AfterItemSelector = jsondoc.Append(nil, all)
	}
	if run.Batcher != nil {
		if err := take(batches.Rest()); err != nil {
			return err
		}
		t.itemBatcher = jsondoc.Append(nil, inputs)
	}
	return nil
}
