package execution

import (
	"strconv"
	"strings"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
)

// The keys of executions, in the shard of their state machine, under its Resource (see package machine):
//
//	"x" name                            head: what an execution is, and how far it is
//	"d" name "in" | "out"               its input and output, when they are too long for the head (SetLarge)
//	"h" name first                      events, packed: those of one commit, under the id of the first (SetLarge)
//	"t" name path… "t"                  thread (SetLarge); path is the way of indexes from the execution's own thread, which has none
//	"t" name path… "i"|"v"|"o"|"e"      its input, variables, output and item, when they are too long for the thread (SetLarge)
//	"t" name path… "f"                  fork: how far the children are
//	"t" name path… "b"                  the input of the branches (SetLarge)
//	"t" name path… "n" first            items of a Map state, packed by chunks (SetLarge)
//	"l" scope status start name         summary, for lists; scope is "", of children the map run's own name
//	"w" name task                       who waits for the end of an execution: a .sync task
//
// The name of a child execution is "label/name". All of a thread and those below it are one range, and so are those below
// it: texts are less than numbers.
const (
	docInput = 1 << iota
	docVariables
	docOutput
	docItem
)

// Below root are the keys of one execution.
func (r Ref) head() store.Key { return r.under().Text("x").Text(r.Name) }
func (r Ref) document(s string) store.Key {
	return store.Key(r.under().Text("d").Text(r.Name).Text(s))
}
func (r Ref) documents() store.Range { return r.under().Text("d").Text(r.Name).Range() }
func (r Ref) history() store.Tuple   { return r.under().Text("h").Text(r.Name) }
func (r Ref) threads() store.Tuple   { return r.under().Text("t").Text(r.Name) }
func (r Ref) watchers() store.Tuple  { return r.under().Text("w").Text(r.Name) }
func (r Ref) list(scope string, s Status) store.Tuple {
	return r.under().Text("l").Text(scope).Uint(uint64(s))
}

// root is what the keys of a thread and of those below it begin with.
func (a At) root() store.Tuple {
	t := a.threads()
	for _, i := range a.Path {
		t = t.Uint(uint64(i))
	}
	return t
}

func (a At) thread() store.Key      { return store.Key(a.root().Text("t")) }
func (a At) doc(s string) store.Key { return store.Key(a.root().Text(s)) }
func (a At) fork() store.Key        { return store.Key(a.root().Text("f")) }
func (a At) branchInput() store.Key { return store.Key(a.root().Text("b")) }
func (a At) items() store.Tuple     { return a.root().Text("n") }

// below is the range of all threads below a.
func (a At) below() store.Range {
	root := a.root()
	return store.Range{Begin: store.Key(root.Uint(0)), End: root.Range().End}
}

// child is the thread with this index below a; parent the one above it.
func (a At) child(i int) At {
	return At{a.Ref, append(a.Path[:len(a.Path):len(a.Path)], i)}
}

func (a At) parent() At { return At{a.Ref, a.Path[:len(a.Path)-1]} }

// promise is the ID of a promise of the thread: what it is for, and which thread it is.
func (a At) promise(role byte) string {
	b := make([]byte, 0, 96)
	b = append(b, role)
	for _, part := range [...]string{a.Account, a.Region, strconv.FormatUint(a.ID, 10), a.Name} {
		b = append(append(b, ':'), part...)
	}
	for _, i := range a.Path {
		b = strconv.AppendInt(append(b, ':'), int64(i), 10)
	}
	return string(b)
}

// The roles of promises that have an ID.
const (
	roleWake      = 'w'
	roleTimeout   = 't'
	roleHeartbeat = 'h'
	rolePoll      = 'p'
	roleDeadline  = 'x'
)

func cutLabel(name string) (label, rest string, child bool) {
	label, rest, child = strings.Cut(name, "/")
	if !child {
		return "", name, false
	}
	return label, rest, true
}

func (r Ref) labelled(label, name string) string {
	return aws.MakeARN("states", r.Region, r.Account, "execution:"+r.Spot.Name+"/"+label+":"+name).String()
}

// Short is the name as the API shows it: of a child without the label.
func (r Ref) Short() string {
	_, name, _ := cutLabel(r.Name)
	return name
}

// Label is that of the Map state whose child it is, or "".
func (r Ref) Label() string {
	label, _, _ := cutLabel(r.Name)
	return label
}

// scopeOf is the scope of the children of a map run.
func scopeOf(mapRun string) string {
	return mapRun[strings.LastIndexByte(mapRun, ':')+1:]
}
