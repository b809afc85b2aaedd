package xray

import (
	"encoding/json"
	"slices"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/service/xray/filter"
)

// outcome is how a segment or subsegment ended.
type outcome struct {
	status                 int
	failed, fault, refused bool // error, fault, throttle
}

// outcomeOf takes a document's flags, and the status of its response for those that it does not set.
func outcomeOf(o *jsondoc.Object) outcome {
	status, _ := numberOf(objectOf(o, "http", "response"), "status")
	out := outcome{status: int(status), failed: flagOf(o, "error"), fault: flagOf(o, "fault"), refused: flagOf(o, "throttle")}
	out.refused = out.refused || out.status == 429
	out.failed = out.failed || out.refused || out.status >= 400 && out.status < 500
	out.fault = out.fault || out.status >= 500
	return out
}

func (o outcome) ok() bool {
	if o.status != 0 {
		return o.status >= 200 && o.status < 300
	}
	return !o.failed && !o.fault
}

// factsOf are what filter expressions may ask of one segment or subsegment.
func factsOf(o *jsondoc.Object) filter.Facts {
	out := outcomeOf(o)
	start, _ := numberOf(o, "start_time")
	end, ended := numberOf(o, "end_time")
	f := filter.Facts{OK: out.ok(), Error: out.failed, Throttle: out.refused, Fault: out.fault, Status: out.status,
		Partial: flagOf(o, "in_progress"), Inferred: flagOf(o, "inferred"), Texts: map[filter.Keyword][]string{}, Annotations: map[string][]any{}}
	if ended {
		f.ResponseTime = max(0, end-start)
		f.Duration = f.ResponseTime
	}
	request := objectOf(o, "http", "request")
	ec2 := objectOf(o, "aws", "ec2")
	for k, v := range map[filter.Keyword]string{
		filter.URL: textOf(request, "url"), filter.Method: textOf(request, "method"), filter.UserAgent: textOf(request, "user_agent"),
		filter.ClientIP: textOf(request, "client_ip"), filter.User: textOf(o, "user"), filter.Name: textOf(o, "name"),
		filter.Type: textOf(o, "origin"), filter.Zone: textOf(ec2, "availability_zone"), filter.Instance: textOf(ec2, "instance_id"),
		filter.Resource: textOf(o, "resource_arn"),
	} {
		if v != "" {
			f.Texts[k] = []string{v}
		}
	}
	addIndexed(&f, o)
	for sub := range descendants(o) {
		addIndexed(&f, sub)
	}
	return f
}

// addIndexed adds what counts for a segment wherever in it it is: annotations and the messages of exceptions.
func addIndexed(f *filter.Facts, o *jsondoc.Object) {
	for key, v := range objectOf(o, "annotations").All() {
		if value := annotationOf(v); value != nil && !slices.Contains(f.Annotations[key], value) {
			f.Annotations[key] = append(f.Annotations[key], value)
		}
	}
	v, _ := objectOf(o, "cause").Get("exceptions")
	list, ok := v.(*jsondoc.Array)
	if !ok {
		return
	}
	for _, item := range list.Items {
		if exception, ok := item.(*jsondoc.Object); ok {
			if text := textOf(exception, "message"); text != "" {
				f.Texts[filter.Message] = append(f.Texts[filter.Message], text)
			}
		}
	}
}

// annotationOf is the value of an annotation: a string, a float64 or a bool; nil for what cannot be one.
func annotationOf(v any) any {
	switch v := v.(type) {
	case string, bool:
		return v
	case json.Number:
		if f, err := v.Float64(); err == nil {
			return f
		}
	}
	return nil
}

// root is the segment that the trace begins with: the first that has no parent, or whose parent is not here.
func (t *trace) root() *part {
	var found *part
	for _, pt := range t.segments {
		switch {
		case pt.sub || pt.inferred:
		case pt.parent == "":
			return pt
		case found == nil && t.elements[pt.parent] == nil:
			found = pt
		}
	}
	return found
}

// facts are what filter expressions may ask of the trace.
func (t *trace) facts(id aws.Identity) *filter.Trace {
	out := &filter.Trace{}
	services := map[*part]*filter.Service{}
	whole := filter.Facts{OK: true, Duration: t.duration(), Texts: map[filter.Keyword][]string{}, Annotations: map[string][]any{}}
	whole.Texts[filter.GroupName], whole.Texts[filter.GroupARN] = []string{defaultName}, []string{groupARN(id)}
	for _, pt := range t.segments {
		f := factsOf(pt.doc)
		for _, k := range []filter.Keyword{filter.User, filter.Name, filter.Type, filter.Message, filter.Zone, filter.Instance, filter.Resource} {
			whole.Texts[k] = append(whole.Texts[k], f.Texts[k]...)
		}
		for key, values := range f.Annotations {
			whole.Annotations[key] = append(whole.Annotations[key], values...)
		}
		whole.Throttle = whole.Throttle || f.Throttle && !pt.inferred
		whole.Partial = whole.Partial || f.Partial
		if !pt.sub {
			services[pt] = &filter.Service{Name: textOf(pt.doc, "name"), Type: textOf(pt.doc, "origin"), Account: id.Account, Facts: f}
			out.Services = append(out.Services, services[pt])
		}
	}
	if root := t.root(); root != nil {
		f := services[root].Facts
		whole.OK, whole.Error, whole.Fault, whole.Status, whole.ResponseTime = f.OK, f.Error, f.Fault, f.Status, f.ResponseTime
		for _, k := range []filter.Keyword{filter.URL, filter.Method, filter.UserAgent, filter.ClientIP} {
			whole.Texts[k] = f.Texts[k]
		}
	}
	out.Facts = whole
	for _, pt := range t.segments {
		caller := t.elements[pt.parent]
		if pt.sub || caller == nil {
			continue
		}
		from := services[t.segmentOf(caller.in)]
		if from == nil {
			continue
		}
		edge := filter.Edge{From: from, To: services[pt], Facts: services[pt].Facts}
		if caller.doc != caller.in.doc { // a call that the caller has measured
			edge.Facts = factsOf(caller.doc)
		}
		out.Edges = append(out.Edges, edge)
	}
	return out
}
