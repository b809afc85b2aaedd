package asl

import "github.com/brume-dev/brume/jsondoc"

// Item is one item that a Map state goes over, as the context object's Map.Item has it.
type Item struct {
	Index int
	// Key is the item's name when the data set is an object, which Keyed says.
	Key   string
	Keyed bool
	// Value is JSON text.
	Value []byte
	// Source is of a distributed Map: "STATE_DATA", or "S3://bucket/key".
	Source string
}

// Input is what an iteration gets of the item where there is no ItemSelector: the value, or of an object the pair
// {"Key": …, "Value": …}.
//
// https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemspath.html
func (i *Item) Input() []byte {
	if !i.Keyed {
		return i.Value
	}
	out := jsondoc.AppendString([]byte(`{"Key":`), i.Key)
	out = append(out, `,"Value":`...)
	out = append(out, i.Value...)
	return append(out, '}')
}

func itemOf(t *Thread) *Item {
	return &Item{Index: t.Index, Key: t.Key, Keyed: t.Keyed, Value: t.Item}
}
