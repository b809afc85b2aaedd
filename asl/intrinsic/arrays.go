package intrinsic

import (
	"errors"
	"fmt"
	"slices"

	"github.com/brume-dev/brume/asl/path"
	"github.com/brume-dev/brume/jsondoc"
)

// The functions of https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html#asl-intrsc-func-arrays.

func array(_ *path.Scope, args []any) (any, error) {
	return &jsondoc.Array{Items: slices.Clone(args)}, nil
}

func arrayPartition(_ *path.Scope, args []any) (any, error) {
	a, err := arrayArgument(args, 0)
	if err != nil {
		return nil, err
	}
	size, err := integerArgument(args, 1)
	if err != nil {
		return nil, err
	}
	if size <= 0 {
		return nil, errors.New("The second argument must be a positive integer")
	}
	out := &jsondoc.Array{Items: []any{}}
	for chunk := range slices.Chunk(a.Items, int(size)) {
		out.Items = append(out.Items, &jsondoc.Array{Items: chunk})
	}
	return out, nil
}

func arrayContains(_ *path.Scope, args []any) (any, error) {
	a, err := arrayArgument(args, 0)
	if err != nil {
		return nil, err
	}
	return slices.ContainsFunc(a.Items, func(v any) bool { return jsondoc.Equal(v, args[1]) }), nil
}

func arrayRange(_ *path.Scope, args []any) (any, error) {
	var n [3]int64
	for i := range n {
		var err error
		if n[i], err = integerArgument(args, i); err != nil {
			return nil, err
		}
	}
	from, to, by := n[0], n[1], n[2]
	if by == 0 {
		return nil, errors.New("The third argument must not be zero")
	}
	out := &jsondoc.Array{Items: []any{}}
	for v := from; by > 0 && v <= to || by < 0 && v >= to; v += by {
		if len(out.Items) == MaxRange {
			return nil, fmt.Errorf("The array must not have more than %d elements", MaxRange)
		}
		out.Items = append(out.Items, number(v))
	}
	return out, nil
}

func arrayGetItem(_ *path.Scope, args []any) (any, error) {
	a, err := arrayArgument(args, 0)
	if err != nil {
		return nil, err
	}
	i, err := integerArgument(args, 1)
	if err != nil {
		return nil, err
	}
	if i < 0 || i >= int64(len(a.Items)) {
		return nil, fmt.Errorf("Index %d out of bounds for length %d", i, len(a.Items))
	}
	return a.Items[i], nil
}

func arrayLength(_ *path.Scope, args []any) (any, error) {
	a, err := arrayArgument(args, 0)
	if err != nil {
		return nil, err
	}
	return number(int64(len(a.Items))), nil
}

// arrayUnique keeps the first of equal elements. Scalars are told apart by a set; only objects and arrays are compared.
func arrayUnique(_ *path.Scope, args []any) (any, error) {
	a, err := arrayArgument(args, 0)
	if err != nil {
		return nil, err
	}
	out := &jsondoc.Array{Items: []any{}}
	seen := map[any]bool{}
	var documents []any
	for _, v := range a.Items {
		switch v.(type) {
		case *jsondoc.Object, *jsondoc.Array:
			if slices.ContainsFunc(documents, func(d any) bool { return jsondoc.Equal(d, v) }) {
				continue
			}
			documents = append(documents, v)
		default:
			if seen[v] {
				continue
			}
			seen[v] = true
		}
		out.Items = append(out.Items, v)
	}
	return out, nil
}
