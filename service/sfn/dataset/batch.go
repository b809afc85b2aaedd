package dataset

import "github.com/brume-dev/brume/asl"

// Batches groups items into the inputs of child executions.
// https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itembatcher.html
type Batches struct {
	most  int    // items, 0: no bound
	bytes int    // of an input
	head  []byte // {"BatchInput":…,"Items":[
	text  []byte
	items int
}

// NewBatches groups as b says; nil makes each item an input of its own.
func NewBatches(b *asl.Batcher) *Batches {
	if b == nil {
		return &Batches{most: 1, bytes: asl.MaxData}
	}
	out := &Batches{most: int(b.MaxItems), bytes: asl.MaxData, head: []byte{'{'}}
	if b.MaxBytes > 0 {
		out.bytes = int(min(b.MaxBytes, asl.MaxData))
	}
	if len(b.Input) > 0 {
		out.head = append(append(append(out.head, `"BatchInput":`...), b.Input...), ',')
	}
	out.head = append(out.head, `"Items":[`...)
	return out
}

// Add takes an item. What it returns, when items is not 0, is the input that was complete before it.
func (b *Batches) Add(item []byte) (input []byte, items int) {
	if b.items > 0 && (b.items == b.most || len(b.text)+len(item)+3 > b.bytes) {
		input, items = b.Rest()
	}
	if b.items == 0 {
		b.text = append(b.text, b.head...)
	} else {
		b.text = append(b.text, ',')
	}
	b.text = append(b.text, item...)
	b.items++
	return input, items
}

// Full reports whether the next item begins another input whatever it is.
func (b *Batches) Full() bool { return b.items == b.most && b.items > 0 }

// Rest returns the input of the items since the last one; 0 when there are none.
func (b *Batches) Rest() (input []byte, items int) {
	if b.items == 0 {
		return nil, 0
	}
	input, items = b.text, b.items
	if b.head != nil {
		input = append(input, "]}"...)
	}
	b.text, b.items = nil, 0
	return input, items
}
