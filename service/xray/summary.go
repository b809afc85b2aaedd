package xray

import (
	"slices"
	"time"

	"github.com/brume-dev/brume/api/xrayapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/xray/filter"
)

// summary is what GetTraceSummaries says of a trace. Flags and HTTP are those of the root segment, except for a
// throttle, which any segment may have had.
func (t *trace) summary(id aws.Identity, facts *filter.Trace, o order) xrayapi.TraceSummary {
	f := &facts.Facts
	start, duration, revision := time.UnixMicro(t.rec.Start).UTC(), f.Duration, t.rec.Revision
	out := xrayapi.TraceSummary{Id: &t.id, StartTime: &start, Duration: &duration, HasFault: &f.Fault, HasError: &f.Error,
		HasThrottle: &f.Throttle, IsPartial: &f.Partial, Revision: &revision, Http: &xrayapi.Http{},
		Annotations: map[string][]xrayapi.ValueWithServiceIds{}, Users: []xrayapi.TraceUser{}, ServiceIds: []xrayapi.ServiceId{}}
	if o == byEvent {
		at := time.UnixMicro(t.rec.Updated).UTC()
		out.MatchedEventTime = &at
	}
	if root := t.root(); root != nil {
		if !root.inProgress() {
			out.ResponseTime = &f.ResponseTime
		}
		entry := serviceOf(root, id.Account)
		out.EntryPoint = &entry
		out.Http = httpOf(f)
	}
	annotations := 0
	for _, pt := range t.segments {
		own := factsOf(pt.doc)
		var services []xrayapi.ServiceId
		if !pt.sub {
			services = []xrayapi.ServiceId{serviceOf(pt, id.Account)}
			out.ServiceIds = addServices(out.ServiceIds, services)
		}
		for key, values := range own.Annotations {
			for _, v := range values {
				if annotations++; annotations <= maxAnnotations {
					out.Annotations[key] = addAnnotation(out.Annotations[key], v, services)
				}
			}
		}
		for _, user := range own.Texts[filter.User] {
			out.Users = addUser(out.Users, user, services)
		}
		for _, arn := range own.Texts[filter.Resource] {
			if !slices.ContainsFunc(out.ResourceARNs, func(d xrayapi.ResourceARNDetail) bool { return *d.ARN == arn }) {
				out.ResourceARNs = append(out.ResourceARNs, xrayapi.ResourceARNDetail{ARN: &arn})
			}
		}
		for _, instance := range own.Texts[filter.Instance] {
			if !slices.ContainsFunc(out.InstanceIds, func(d xrayapi.InstanceIdDetail) bool { return *d.Id == instance }) {
				out.InstanceIds = append(out.InstanceIds, xrayapi.InstanceIdDetail{Id: &instance})
			}
		}
		for _, zone := range own.Texts[filter.Zone] {
			if !slices.ContainsFunc(out.AvailabilityZones, func(d xrayapi.AvailabilityZoneDetail) bool { return *d.Name == zone }) {
				out.AvailabilityZones = append(out.AvailabilityZones, xrayapi.AvailabilityZoneDetail{Name: &zone})
			}
		}
	}
	t.addRootCauses(id, &out)
	return out
}

func serviceOf(pt *part, account string) xrayapi.ServiceId {
	name, kind := textOf(pt.doc, "name"), textOf(pt.doc, "origin")
	out := xrayapi.ServiceId{Name: &name, Names: []string{name}}
	if kind != "" {
		out.Type = &kind
	}
	if !pt.inferred {
		out.AccountId = &account
	}
	return out
}

func addServices(to, from []xrayapi.ServiceId) []xrayapi.ServiceId {
	for _, s := range from {
		same := func(x xrayapi.ServiceId) bool { return *x.Name == *s.Name && text(x.Type) == text(s.Type) }
		if !slices.ContainsFunc(to, same) {
			to = append(to, s)
		}
	}
	return to
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func addAnnotation(to []xrayapi.ValueWithServiceIds, v any, services []xrayapi.ServiceId) []xrayapi.ValueWithServiceIds {
	value := &xrayapi.AnnotationValue{}
	switch v := v.(type) {
	case string:
		value.StringValue = &v
	case float64:
		value.NumberValue = &v
	case bool:
		value.BooleanValue = &v
	}
	for i, old := range to {
		if sameAnnotation(old.AnnotationValue, value) {
			to[i].ServiceIds = addServices(to[i].ServiceIds, services)
			return to
		}
	}
	return append(to, xrayapi.ValueWithServiceIds{AnnotationValue: value, ServiceIds: services})
}

func sameAnnotation(a, b *xrayapi.AnnotationValue) bool {
	switch {
	case a.StringValue != nil && b.StringValue != nil:
		return *a.StringValue == *b.StringValue
	case a.NumberValue != nil && b.NumberValue != nil:
		return *a.NumberValue == *b.NumberValue
	}
	return a.BooleanValue != nil && b.BooleanValue != nil && *a.BooleanValue == *b.BooleanValue
}

func addUser(to []xrayapi.TraceUser, user string, services []xrayapi.ServiceId) []xrayapi.TraceUser {
	for i := range to {
		if *to[i].UserName == user {
			to[i].ServiceIds = addServices(to[i].ServiceIds, services)
			return to
		}
	}
	return append(to, xrayapi.TraceUser{UserName: &user, ServiceIds: services})
}

func httpOf(f *filter.Facts) *xrayapi.Http {
	out := &xrayapi.Http{}
	if status := int32(f.Status); status != 0 {
		out.HttpStatus = &status
	}
	for k, to := range map[filter.Keyword]**string{filter.URL: &out.HttpURL, filter.Method: &out.HttpMethod,
		filter.UserAgent: &out.UserAgent, filter.ClientIP: &out.ClientIp} {
		if v := f.Texts[k]; len(v) > 0 {
			*to = &v[0]
		}
	}
	return out
}
