package jsonata

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"

	"github.com/dlclark/regexp2/v2"
	"github.com/dop251/goja"
	"github.com/google/uuid"
)

// The official engine, version 2.0.6, as it is on npm (MIT, dist/LICENSE).
//
//go:embed dist/jsonata.min.js
var source string

//go:embed glue.js
var glue string

// engines is where runtimes rest. It is made when the first expression needs one: what Go evaluates itself (plan.go) never
// does. Nothing that it holds can be told from the outside but by time.
var engines = sync.OnceValues(func() (*pool, error) { return newPool(bounds{maxDepth, maxBytes, maxLive}) })

// bounds are those of an evaluation; see limits.go.
type bounds struct{ depth, bytes, live int }

// pool keeps runtimes: one for good, the others as long as the garbage collector lets them be. As many evaluate at once as
// there are processors.
type pool struct {
	script, glue *goja.Program
	bounds       bounds
	places       chan struct{}
	warm         chan *engine
	spare        sync.Pool
}

func newPool(b bounds) (*pool, error) {
	// A backtracking regular expression does not look at interrupts. The engine is the only one here to use the package.
	regexp2.DefaultMatchTimeout = maxMatch
	script, err := goja.Compile("jsonata.min.js", source, false)
	if err != nil {
		return nil, fmt.Errorf("jsonata: %w", err)
	}
	g, err := goja.Compile("glue.js", glue, true)
	if err != nil {
		return nil, fmt.Errorf("jsonata: %w", err)
	}
	return &pool{script: script, glue: g, bounds: b, warm: make(chan *engine, 1),
		places: make(chan struct{}, max(2, runtime.GOMAXPROCS(0)))}, nil
}

// with runs f with an engine of its own.
func (p *pool) with(ctx context.Context, f func(*engine) error) error {
	select {
	case p.places <- struct{}{}:
		defer func() { <-p.places }()
	case <-ctx.Done():
		return ctx.Err()
	}
	e, err := p.take()
	if err != nil {
		return err
	}
	err = f(e)
	if e.broken {
		return err // interrupted in the middle: nobody knows what is left in it
	}
	select {
	case p.warm <- e:
	default:
		p.spare.Put(e)
	}
	return err
}

func (p *pool) take() (*engine, error) {
	select {
	case e := <-p.warm:
		return e, nil
	default:
	}
	if e, ok := p.spare.Get().(*engine); ok {
		return e, nil
	}
	return p.newEngine()
}

// engine is one JavaScript runtime with jsonata in it. One evaluation at a time.
type engine struct {
	vm           *goja.Runtime
	compile, run goja.Callable
	compiled     *recent
	env          Env
	random       *rand.Rand
	broken       bool
}

func (p *pool) newEngine() (*engine, error) {
	e := &engine{vm: goja.New(), compiled: newRecent(maxCompiled), random: rand.New(rand.NewPCG(0, 0))}
	e.vm.SetMaxCallStackSize(maxCallStack)
	e.vm.SetTimeSource(func() time.Time { return e.env.Now })
	e.vm.SetRandSource(e.random.Float64)
	window := e.vm.NewObject()
	err := set(window, "btoa", encodeBase64, "atob", e.decodeBase64)
	if err == nil {
		err = e.vm.Set("window", window)
	}
	if err == nil {
		_, err = e.vm.RunProgram(p.script)
	}
	if err != nil {
		return nil, fmt.Errorf("jsonata: loading: %w", err)
	}
	return e, e.surround(p, window.Get("jsonata"))
}

// surround runs glue.js around the library.
func (e *engine) surround(p *pool, library goja.Value) error {
	v, err := e.vm.RunProgram(p.glue)
	if err != nil {
		return fmt.Errorf("jsonata: loading: %w", err)
	}
	wrap, ok := goja.AssertFunction(v)
	if !ok {
		return fmt.Errorf("jsonata: loading: glue.js is no function")
	}
	host, limits := e.vm.NewObject(), e.vm.NewObject()
	if err := set(host, "hash", hash, "uuid", e.uuid, "javaRandom", javaRandom); err != nil {
		return err
	}
	if err := set(limits, "depth", p.bounds.depth, "bytes", p.bounds.bytes, "live", p.bounds.live, "planDepth", maxPlanDepth); err != nil {
		return err
	}
	v, err = wrap(goja.Undefined(), library, host, limits)
	if err != nil {
		return fmt.Errorf("jsonata: loading: %w", err)
	}
	made := v.ToObject(e.vm)
	var ok1, ok2 bool
	e.compile, ok1 = goja.AssertFunction(made.Get("compile"))
	e.run, ok2 = goja.AssertFunction(made.Get("run"))
	if !ok1 || !ok2 {
		return fmt.Errorf("jsonata: loading: glue.js made no functions")
	}
	return nil
}

func set(o *goja.Object, pairs ...any) error {
	for i := 0; i < len(pairs); i += 2 {
		if err := o.Set(pairs[i].(string), pairs[i+1]); err != nil {
			return fmt.Errorf("jsonata: loading: %w", err)
		}
	}
	return nil
}

// script is an expression compiled in one engine, with what it reads.
type script struct {
	value  goja.Value
	names  []string // variables
	states []string // members of $states; nil means all of it
}

// script compiles text or finds it compiled.
func (e *engine) script(text string) (*script, error) {
	if s, ok := e.compiled.get(text); ok {
		return s, nil
	}
	v, err := e.guard(context.Background(), func() (goja.Value, error) { return e.compile(goja.Undefined(), e.vm.ToValue(text)) })
	if err != nil {
		return nil, e.syntaxError(err)
	}
	s := &script{value: v}
	o := v.ToObject(e.vm)
	if err := e.vm.ExportTo(o.Get("names"), &s.names); err != nil {
		return nil, fmt.Errorf("jsonata: %w", err)
	}
	if states := o.Get("states"); !goja.IsNull(states) {
		if err := e.vm.ExportTo(states, &s.states); err != nil {
			return nil, fmt.Errorf("jsonata: %w", err)
		}
	}
	e.compiled.put(text, s)
	return s, nil
}

// guard runs JavaScript within the bounds of time, and marks the engine broken when they were not kept.
func (e *engine) guard(ctx context.Context, f func() (goja.Value, error)) (v goja.Value, err error) {
	alarm := time.AfterFunc(maxTime, func() { e.vm.Interrupt(errTime) })
	stop := context.AfterFunc(ctx, func() { e.vm.Interrupt(ctx.Err()) })
	defer func() {
		if r := recover(); r != nil {
			e.broken, err = true, fmt.Errorf("jsonata: the engine gave up: %v", r)
		}
		if !alarm.Stop() || !stop() && ctx.Err() != nil {
			e.broken = true // an interrupt may have come too late for this evaluation: it must not hit the next
		}
	}()
	v, err = f()
	switch err.(type) {
	case *goja.InterruptedError, *goja.StackOverflowError:
		e.broken = true
	}
	return v, err
}

// seed makes the randomness and the time of the next evaluation.
func (e *engine) seed(env Env) {
	e.env = env
	*e.random = *rand.New(rand.NewPCG(env.Seed[0], env.Seed[1]))
}

func (e *engine) uuid() string {
	var b [16]byte
	for i := range b {
		b[i] = byte(e.random.Uint32())
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80 // version 4, RFC 9562
	return uuid.UUID(b).String()
}

func hash(s, algorithm string) string {
	switch algorithm {
	case "MD5":
		h := md5.Sum([]byte(s))
		return hex.EncodeToString(h[:])
	case "SHA-1":
		h := sha1.Sum([]byte(s))
		return hex.EncodeToString(h[:])
	case "SHA-256":
		h := sha256.Sum256([]byte(s))
		return hex.EncodeToString(h[:])
	case "SHA-384":
		h := sha512.Sum384([]byte(s))
		return hex.EncodeToString(h[:])
	case "SHA-512":
		h := sha512.Sum512([]byte(s))
		return hex.EncodeToString(h[:])
	}
	return ""
}

// javaRandom is what AWS's $random(seed) gives: the first nextDouble of java.util.Random.
func javaRandom(seed float64) float64 {
	const multiplier, mask = 0x5DEECE66D, 1<<48 - 1
	state := (uint64(int64(math.Trunc(seed))) ^ multiplier) & mask
	next := func(bits uint) uint64 {
		state = (state*multiplier + 0xB) & mask
		return state >> (48 - bits)
	}
	high := next(26) << 27
	return float64(high+next(27)) / (1 << 53)
}

// encodeBase64 is btoa: each character of s is one byte.
func encodeBase64(s string) string {
	b := make([]byte, 0, len(s))
	for _, r := range s {
		b = append(b, byte(r))
	}
	return base64.StdEncoding.EncodeToString(b)
}

var errEncoding = errors.New("The string to be decoded is not correctly encoded.") //nolint:staticcheck // as browsers have it

func (e *engine) decodeBase64(s string) string {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		b, err = base64.RawStdEncoding.DecodeString(s)
	}
	if err != nil {
		panic(e.vm.NewGoError(errEncoding))
	}
	r := make([]rune, len(b))
	for i, c := range b {
		r[i] = rune(c)
	}
	return string(r)
}
