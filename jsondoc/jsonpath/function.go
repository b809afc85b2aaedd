package jsonpath

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/brume-dev/brume/jsondoc"
)

// function ends a path: $.a.length().
type function struct {
	name  string
	apply func(any) (any, error)
}

// counts reports whether the function is length or size.
func (f *function) counts() bool { return f.name == "length" || f.name == "size" }

var functions = map[string]func(any) (any, error){
	"length": size,
	"size":   size,
	"keys":   keys,
	"first":  first,
	"last":   last,
	"concat": concat,
	"min": aggregate(func(xs []float64) float64 {
		m := xs[0]
		for _, x := range xs {
			m = math.Min(m, x)
		}
		return m
	}),
	"max": aggregate(func(xs []float64) float64 {
		m := xs[0]
		for _, x := range xs {
			m = math.Max(m, x)
		}
		return m
	}),
	"sum":    aggregate(sum),
	"avg":    aggregate(func(xs []float64) float64 { return sum(xs) / float64(len(xs)) }),
	"stddev": aggregate(deviation),
}

var errNotApplicable = errors.New("jsonpath: the function does not apply to that value")

func itoa(n int) string { return strconv.Itoa(n) }

func size(v any) (any, error) {
	n, ok := length(v)
	if !ok {
		return nil, errNotApplicable
	}
	return json.Number(itoa(n)), nil
}

func keys(v any) (any, error) {
	o, ok := v.(*jsondoc.Object)
	if !ok {
		return nil, errNotApplicable
	}
	a := &jsondoc.Array{}
	for _, k := range o.Keys() {
		a.Items = append(a.Items, k)
	}
	return a, nil
}

func first(v any) (any, error) { return element(v, 0) }
func last(v any) (any, error)  { return element(v, -1) }

func element(v any, i int) (any, error) {
	a, ok := v.(*jsondoc.Array)
	if !ok {
		return nil, errNotApplicable
	}
	if i < 0 {
		i += len(a.Items)
	}
	if i < 0 || i >= len(a.Items) {
		return nil, fmt.Errorf("%w: the list is empty", ErrNotFound)
	}
	return a.Items[i], nil
}

func concat(v any) (any, error) {
	a, ok := v.(*jsondoc.Array)
	if !ok {
		return nil, errNotApplicable
	}
	var s string
	for _, item := range a.Items {
		switch item := item.(type) {
		case string:
			s += item
		case json.Number:
			s += string(item)
		}
	}
	return s, nil
}

// aggregate makes a function over the numbers of a list; it fails when there are none.
func aggregate(f func([]float64) float64) func(any) (any, error) {
	return func(v any) (any, error) {
		a, ok := v.(*jsondoc.Array)
		if !ok {
			return nil, errNotApplicable
		}
		var xs []float64
		for _, item := range a.Items {
			if n, ok := item.(json.Number); ok {
				if x, err := n.Float64(); err == nil {
					xs = append(xs, x)
				}
			}
		}
		if len(xs) == 0 {
			return nil, errNotApplicable
		}
		return json.Number(javaDouble(f(xs))), nil
	}
}

func sum(xs []float64) (s float64) {
	for _, x := range xs {
		s += x
	}
	return s
}

func deviation(xs []float64) float64 {
	mean, square := sum(xs)/float64(len(xs)), 0.0
	for _, x := range xs {
		square += (x - mean) * (x - mean)
	}
	return math.Sqrt(square / float64(len(xs)))
}

// javaDouble writes a double as Java does where that is JSON too: 3 as 3.0.
func javaDouble(f float64) string {
	if f == math.Trunc(f) && math.Abs(f) < 1e7 {
		return strconv.FormatFloat(f, 'f', 1, 64)
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}
