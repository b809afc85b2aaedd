package main

import (
	"slices"
	"strconv"
	"strings"
)

// member is a field of a generated struct on its way from the model.
type member struct {
	owner string
	name  string // in the model
	ref   *ref
	shape *shape
}

// tag returns the struct tag of a member of struct s, in the grammar that package shape reads.
func (g *generator) tag(s *shape, m member) string {
	var b tagBuilder
	fix := g.overlay.Members[m.owner+"."+m.name]
	required := slices.Contains(s.Required, m.name)
	b.names(g, m, fix)
	b.location(s, m)
	if m.ref.XMLAttribute {
		b.opt("attr")
	}
	if ns := firstOf(m.ref.XMLNamespace, m.shape.XMLNamespace); ns != nil {
		uri := ns.URI
		if ns.Prefix != "" {
			uri = ns.Prefix + ":" + uri
		}
		b.opt("ns=" + uri)
	}
	switch firstOf(m.ref.Timestamp, m.shape.Timestamp) {
	case "iso8601":
		b.opt("ts=iso8601")
	case "unixTimestamp":
		b.opt("ts=unix")
	case "rfc822":
		b.opt("ts=http")
	}
	if required {
		b.opt("req")
	}
	if m.ref.IdempotencyToken {
		b.opt("idem")
	}
	if !fix.Lax && g.overlay.Types[m.ref.Shape] == "" {
		b.constraints(m.shape)
	}
	if m.shape.Sensitive {
		b.opt("sens")
	}
	out := tagKey("aws", b.String())
	if !fix.Lax {
		out += g.patterns(m.ref.Shape, m.shape)
	}
	return out
}

// tagBuilder joins the options of one tag key with commas.
type tagBuilder struct{ strings.Builder }

func (b *tagBuilder) opt(s string) {
	if b.Len() > 0 {
		b.WriteByte(',')
	}
	b.WriteString(s)
}

// names writes the wire name and how XML and Query write the member.
func (b *tagBuilder) names(g *generator, m member, fix memberFix) {
	wire, local := m.name, ""
	if m.ref.Location == "" {
		local = firstOf(m.ref.LocationName, m.shape.LocationName)
	}
	if !g.xmlOnly() { // where there is no JSON, documents and messages go by the model's names
		wire = firstOf(local, m.name)
	}
	b.opt(wire)
	if !g.xml() {
		return
	}
	flat := m.ref.Flattened || m.shape.Flattened
	xml := fix.XML
	if m.shape.Type == "list" {
		item := firstOf(fix.Item, m.shape.Member.LocationName)
		if flat {
			xml = firstOf(xml, item) // a flattened list is named by its element
		} else if item != "" && item != "member" {
			b.opt("item=" + item)
		}
	}
	if xml = firstOf(xml, local); xml != "" && xml != wire {
		b.opt("xml=" + xml)
	}
	if m.ref.QueryName != "" {
		b.opt("ec2=" + m.ref.QueryName)
	}
	if flat {
		b.opt("flat")
	}
	if m.shape.Type == "map" {
		kv := firstOf(fix.KV, firstOf(m.shape.Key.LocationName, "key")+":"+firstOf(m.shape.Value.LocationName, "value"))
		if kv != "key:value" {
			b.opt("kv=" + kv)
		}
	}
}

// location writes where in the HTTP message the member stands.
func (b *tagBuilder) location(s *shape, m member) {
	at := firstOf(m.ref.LocationName, m.name)
	switch m.ref.Location {
	case "uri":
		b.opt("uri=" + at)
	case "querystring":
		if m.shape.Type == "map" {
			b.opt("querymap")
		} else {
			b.opt("query=" + at)
		}
	case "header":
		b.opt("header=" + at)
	case "headers":
		b.opt("headers=" + m.ref.LocationName)
	case "statusCode":
		b.opt("status")
	}
	if m.ref.HostLabel {
		b.opt("host")
	}
	if s.Payload == m.name {
		b.opt("payload")
	}
	if m.streams() {
		b.opt("stream")
	}
}

// constraints writes the length or range of a shape.
func (b *tagBuilder) constraints(s *shape) {
	lo, hi := s.Min.String(), s.Max.String()
	if lo == "" && hi == "" || len(s.Enum) > 0 {
		return
	}
	switch s.Type {
	case "string", "blob", "list", "map":
		if lo == "0" && hi == "" {
			return
		}
		b.opt("len=" + lo + ":" + hi)
	case "integer", "long", "float", "double", "short", "byte":
		b.opt("range=" + lo + ":" + hi)
	}
}

// patterns returns the tag keys beside "aws": the pattern of a string, and the constraints of the elements of a list (each,
// eachpattern) and of the keys and values of a map (keys, keyspattern; each, eachpattern).
func (g *generator) patterns(name string, s *shape) string {
	if g.overlay.Types[name] != "" {
		return ""
	}
	switch s.Type {
	case "string":
		return g.pattern("pattern", name, s)
	case "list":
		return g.element("each", s.Member)
	case "map":
		return g.element("keys", s.Key) + g.element("each", s.Value)
	}
	return ""
}

func (g *generator) element(key string, r *ref) string {
	s := g.model.shape(r.Shape)
	if g.overlay.Types[r.Shape] != "" {
		return ""
	}
	var b tagBuilder
	b.constraints(s)
	if s.Sensitive {
		b.opt("sens")
	}
	out := ""
	if b.Len() > 0 {
		out = tagKey(key, b.String())
	}
	if s.Type == "string" {
		out += g.pattern(key+"pattern", r.Shape, s)
	}
	return out
}

// pattern returns the tag key for a string's pattern, and beside it AWS's own spelling (key + "text") where RE2's differs, as
// error messages show that.
func (g *generator) pattern(key, name string, s *shape) string {
	if s.Pattern == "" || len(s.Enum) > 0 {
		return ""
	}
	p, err := g.overlay.re2(name, s.Pattern)
	if err != nil {
		panic(failure(err.Error()))
	}
	if p == "" {
		return ""
	}
	out := tagKey(key, p)
	if p != s.Pattern {
		out += tagKey(key+"text", s.Pattern)
	}
	return out
}

func tagKey(key, value string) string { return " " + key + ":" + strconv.Quote(value) }

// firstOf returns the first of vs that is not the zero value.
func firstOf[T comparable](vs ...T) T {
	var zero T
	for _, v := range vs {
		if v != zero {
			return v
		}
	}
	return zero
}
