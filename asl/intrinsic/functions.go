package intrinsic

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/brume-dev/brume/asl/path"
	"github.com/brume-dev/brume/jsondoc"
)

// function is one intrinsic function.
type function struct {
	name     string
	min, max int  // number of arguments; max < 0: any
	text     bool // it can give a string
	template bool // its first argument is a template: a constant keeps its escapes
	apply    func(*path.Scope, []any) (any, error)
}

// find knows the functions by name. A switch rather than a table: a package has no variables.
func find(name string) *function {
	switch name {
	case "States.Format":
		return &function{name, 1, -1, true, true, format}
	case "States.StringToJson":
		return &function{name, 1, 1, true, false, stringToJSON}
	case "States.JsonToString":
		return &function{name, 1, 1, true, false, jsonToString}
	case "States.Array":
		return &function{name, 0, -1, false, false, array}
	case "States.ArrayPartition":
		return &function{name, 2, 2, false, false, arrayPartition}
	case "States.ArrayContains":
		return &function{name, 2, 2, false, false, arrayContains}
	case "States.ArrayRange":
		return &function{name, 3, 3, false, false, arrayRange}
	case "States.ArrayGetItem":
		return &function{name, 2, 2, true, false, arrayGetItem}
	case "States.ArrayLength":
		return &function{name, 1, 1, false, false, arrayLength}
	case "States.ArrayUnique":
		return &function{name, 1, 1, false, false, arrayUnique}
	case "States.Base64Encode":
		return &function{name, 1, 1, true, false, base64Encode}
	case "States.Base64Decode":
		return &function{name, 1, 1, true, false, base64Decode}
	case "States.Hash":
		return &function{name, 2, 2, true, false, hash}
	case "States.JsonMerge":
		return &function{name, 3, 3, false, false, jsonMerge}
	case "States.MathRandom":
		return &function{name, 2, 3, false, false, mathRandom}
	case "States.MathAdd":
		return &function{name, 2, 2, false, false, mathAdd}
	case "States.StringSplit":
		return &function{name, 2, 2, false, false, stringSplit}
	case "States.UUID":
		return &function{name, 0, 0, true, false, uuid}
	default:
		return nil
	}
}

// position names an argument in messages: the functions have three at the most.
func position(i int) string { return [...]string{"first", "second", "third"}[i] }

func stringArgument(args []any, i int) (string, error) {
	s, ok := args[i].(string)
	if !ok {
		return "", fmt.Errorf("The %s argument must be a string", position(i))
	}
	return s, nil
}

func arrayArgument(args []any, i int) (*jsondoc.Array, error) {
	a, ok := args[i].(*jsondoc.Array)
	if !ok {
		return nil, fmt.Errorf("The %s argument must be an array", position(i))
	}
	return a, nil
}

// integerArgument reads a number as an integer; what is not one is rounded, as AWS does.
func integerArgument(args []any, i int) (int64, error) {
	n, ok := args[i].(json.Number)
	if !ok {
		return 0, fmt.Errorf("The %s argument must be a number", position(i))
	}
	v, err := n.Int64()
	if err != nil {
		f, err := n.Float64()
		if err != nil || f > MaxNumber || f < MinNumber {
			return 0, outOfRange(i)
		}
		v = int64(math.Floor(f + 0.5))
	}
	if v > MaxNumber || v < MinNumber {
		return 0, outOfRange(i)
	}
	return v, nil
}

func outOfRange(i int) error {
	return fmt.Errorf("The %s argument must be an integer in the range %d to %d", position(i), MinNumber, MaxNumber)
}

func number(n int64) json.Number { return json.Number(strconv.FormatInt(n, 10)) }

// mathAdd is https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html#asl-intrsc-func-math-operation.
func mathAdd(_ *path.Scope, args []any) (any, error) {
	a, err := integerArgument(args, 0)
	if err != nil {
		return nil, err
	}
	b, err := integerArgument(args, 1)
	if err != nil {
		return nil, err
	}
	return number(a + b), nil
}

// mathRandom gives an integer from the first argument up to, and without, the second. With a seed it gives always the same,
// as Java's java.util.Random does.
func mathRandom(s *path.Scope, args []any) (any, error) {
	from, err := integerArgument(args, 0)
	if err != nil {
		return nil, err
	}
	to, err := integerArgument(args, 1)
	if err != nil {
		return nil, err
	}
	if from >= to {
		return nil, errors.New("The first argument must be less than the second argument")
	}
	if len(args) == 3 {
		seed, err := integerArgument(args, 2)
		if err != nil {
			return nil, err
		}
		return number(from + newJavaRandom(seed).below(to-from)), nil
	}
	if s.Random == nil {
		return nil, errNoRandom
	}
	return number(from + int64(s.Random.Uint64()%uint64(to-from))), nil // the bias is below 2^-31
}

var errNoRandom = errors.New("there is no source of randomness here")

// javaRandom is the generator that java.util.Random documents.
type javaRandom struct{ state uint64 }

func newJavaRandom(seed int64) *javaRandom {
	return &javaRandom{(uint64(seed) ^ 0x5DEECE66D) & (1<<48 - 1)}
}

func (r *javaRandom) next(bits uint) int32 {
	r.state = (r.state*0x5DEECE66D + 0xB) & (1<<48 - 1)
	return int32(uint32(r.state >> (48 - bits)))
}

// below is nextInt(n) for n up to 2^31-1; wider ranges are taken out of two numbers.
func (r *javaRandom) below(n int64) int64 {
	if n > MaxNumber {
		wide := uint64(uint32(r.next(32)))<<32 | uint64(uint32(r.next(32)))
		return int64(wide % uint64(n))
	}
	bound := int32(n)
	if bound&-bound == bound {
		return int64(uint64(bound) * uint64(r.next(31)) >> 31)
	}
	for {
		bits := r.next(31)
		if v := bits % bound; bits-v+(bound-1) >= 0 {
			return int64(v)
		}
	}
}

// uuid gives a random UUID (version 4).
func uuid(s *path.Scope, _ []any) (any, error) {
	if s.Random == nil {
		return nil, errNoRandom
	}
	high, low := s.Random.Uint64(), s.Random.Uint64()
	high = high&^0xF000 | 0x4000
	low = low&^(3<<62) | 2<<62
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", high>>32, high>>16&0xFFFF, high&0xFFFF, low>>48, low&(1<<48-1)), nil
}

// jsonMerge puts the members of the second object over those of the first. Only the shallow mode exists: the third argument
// must be false.
func jsonMerge(_ *path.Scope, args []any) (any, error) {
	var objects [2]*jsondoc.Object
	for i := range objects {
		var ok bool
		if objects[i], ok = args[i].(*jsondoc.Object); !ok {
			return nil, fmt.Errorf("The %s argument must be a JSON object", position(i))
		}
	}
	switch deep, ok := args[2].(bool); {
	case !ok:
		return nil, errors.New("The third argument must be a boolean")
	case deep:
		return nil, errors.New("The third argument must be false: the deep merging mode is not supported")
	}
	out := objects[0].Clone()
	for k, v := range objects[1].All() {
		out.Set(k, v)
	}
	return out, nil
}
