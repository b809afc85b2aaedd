package xray

import (
	"slices"

	"github.com/brume-dev/brume/api/xrayapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/jsondoc"
)

// maxRootCauses bounds those of one summary.
const maxRootCauses = 50

// step is an entity on the way from the root of a trace to what failed: a segment or a subsegment.
type step struct {
	doc *jsondoc.Object
	in  *part
}

// causes are the ways from the root to each entity that has failed without anything below it having failed: there lies
// the cause, and what stands above it failed for that.
func (t *trace) causes(failed func(outcome) bool) (ways [][]step) {
	root := t.root()
	if root == nil {
		return nil
	}
	called := map[string][]*part{} // by the entity that has called them
	for _, pt := range t.segments {
		if !pt.sub && pt != root {
			called[pt.parent] = append(called[pt.parent], pt)
		}
	}
	seen := map[*jsondoc.Object]bool{}
	var walk func(at step, way []step) bool
	walk = func(at step, way []step) (found bool) {
		if seen[at.doc] || len(ways) >= maxRootCauses {
			return false
		}
		seen[at.doc] = true
		way = append(slices.Clone(way), at)
		for sub := range subsegments(at.doc) {
			found = walk(step{sub, at.in}, way) || found
		}
		for _, pt := range called[textOf(at.doc, "id")] {
			found = walk(step{pt.doc, pt}, way) || found
		}
		if !failed(outcomeOf(at.doc)) {
			return found
		}
		if !found {
			ways = append(ways, way)
		}
		return true
	}
	walk(step{root.doc, root}, nil)
	return ways
}

// services are the services on a way, each with the entities in it.
func services(way []step, account string) (out []xrayapi.FaultRootCauseService) {
	var last *part
	for _, s := range way {
		if s.in != last {
			last = s.in
			id := serviceOf(s.in, account)
			inferred := s.in.inferred
			out = append(out, xrayapi.FaultRootCauseService{Name: id.Name, Names: id.Names, Type: id.Type, AccountId: id.AccountId, Inferred: &inferred})
		}
		name, namespace := textOf(s.doc, "name"), textOf(s.doc, "namespace")
		remote := namespace == "remote" || namespace == "aws"
		at := &out[len(out)-1]
		at.EntityPath = append(at.EntityPath, xrayapi.FaultRootCauseEntity{Name: &name, Remote: &remote, Exceptions: exceptionsOf(s.doc)})
	}
	return out
}

func exceptionsOf(o *jsondoc.Object) []xrayapi.RootCauseException {
	out := []xrayapi.RootCauseException{}
	v, _ := objectOf(o, "cause").Get("exceptions")
	list, ok := v.(*jsondoc.Array)
	if !ok {
		return out
	}
	for _, item := range list.Items {
		if e, ok := item.(*jsondoc.Object); ok {
			name, message := textOf(e, "type"), textOf(e, "message")
			out = append(out, xrayapi.RootCauseException{Name: &name, Message: &message})
		}
	}
	return out
}

// addRootCauses tells in a summary why the trace has failed. Why it was slow is not told.
func (t *trace) addRootCauses(id aws.Identity, out *xrayapi.TraceSummary) {
	root := t.root()
	if root == nil {
		return
	}
	own := outcomeOf(root.doc)
	for _, way := range t.causes(func(o outcome) bool { return o.fault }) {
		impacting := own.fault
		out.FaultRootCauses = append(out.FaultRootCauses, xrayapi.FaultRootCause{ClientImpacting: &impacting, Services: services(way, id.Account)})
	}
	for _, way := range t.causes(func(o outcome) bool { return o.failed }) {
		impacting := own.failed
		cause := xrayapi.ErrorRootCause{ClientImpacting: &impacting}
		for _, s := range services(way, id.Account) {
			e := xrayapi.ErrorRootCauseService{Name: s.Name, Names: s.Names, Type: s.Type, AccountId: s.AccountId, Inferred: s.Inferred}
			for _, p := range s.EntityPath {
				e.EntityPath = append(e.EntityPath, xrayapi.ErrorRootCauseEntity(p))
			}
			cause.Services = append(cause.Services, e)
		}
		out.ErrorRootCauses = append(out.ErrorRootCauses, cause)
	}
}
