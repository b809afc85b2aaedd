package main

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// docLimit keeps the one-line documentation of generated declarations short.
const docLimit = 150

// usesPackage reports whether declarations name the package p outside comments and struct tags.
func usesPackage(decls []byte, p string) bool {
	code := regexp.MustCompile("(?m)^\\s*//.*$|`[^`]*`|\"(\\\\.|[^\"\\\\])*\"").ReplaceAll(decls, nil)
	return regexp.MustCompile(`\b` + p + `\.[A-Z]`).Match(code)
}

// service emits the handler interface and the operation table.
func (g *generator) service(b *bytes.Buffer) {
	fmt.Fprintf(b, "// Handler serves the operations of %s that Brume has.\ntype Handler interface {\n", g.model.Metadata.ServiceID)
	for _, op := range g.ops {
		if d := sentence(op.Documentation, docLimit); d != "" {
			fmt.Fprintf(b, "// %s: %s\n", op.Name, d)
		}
		fmt.Fprintf(b, "%s(context.Context, aws.Identity, *%s) (*%s, error)\n", op.Name, g.input(op), g.output(op))
	}
	b.WriteString("}\n\n")
	fmt.Fprintf(b, "// Service describes the API: all operations of the model, with a handler method where Brume has one.\n")
	fmt.Fprintf(b, "var Service = aws.Describe[Handler](%s,\n", g.meta())
	has := map[string]bool{}
	for _, op := range g.ops {
		has[op.Name] = true
	}
	for _, op := range g.all {
		if !has[op.Name] {
			fmt.Fprintf(b, "\taws.Lacks(%q, %q, %q%s),\n", op.Name, op.HTTP.Method, op.HTTP.URI, g.needs(op))
			continue
		}
		opts := ""
		if op.AuthType == "none" {
			opts += ", aws.Unsigned()"
		}
		if w := g.wrapper(op); w != "" {
			opts += fmt.Sprintf(", aws.Wrapped(%q)", w)
		}
		fmt.Fprintf(b, "\taws.Has(%q, %q, %q, %d, Handler.%s%s),\n", op.Name, op.HTTP.Method, op.HTTP.URI,
			firstOf(op.HTTP.Status, 200), op.Name, opts)
	}
	b.WriteString(")\n")
}

// needs are the options that tell a missing operation from the others of its path, by what is required in query and
// headers: without them a request for it would be taken for one of those.
func (g *generator) needs(op *operation) string {
	template := func(o *operation) string {
		path, _, _ := strings.Cut(o.HTTP.URI, "?")
		return o.HTTP.Method + " " + path
	}
	shared := 0
	for _, o := range g.all {
		if template(o) == template(op) {
			shared++
		}
	}
	if shared < 2 || op.Input == nil || op.HTTP.URI == "/" {
		return ""
	}
	in, _ := g.model.Shapes.Get(op.Input.Shape)
	opts := ""
	for _, kind := range []struct{ location, option string }{{"querystring", "NeedsQuery"}, {"header", "NeedsHeader"}} {
		var names []string
		for _, name := range in.Required {
			if m, ok := in.Members.Get(name); ok && m.Location == kind.location {
				names = append(names, strconv.Quote(firstOf(m.LocationName, name)))
			}
		}
		if len(names) > 0 {
			opts += fmt.Sprintf(", aws.%s(%s)", kind.option, strings.Join(names, ", "))
		}
	}
	return opts
}

// wrapper is the element that the Query protocol puts around a result.
func (g *generator) wrapper(op *operation) string {
	switch {
	case op.Output != nil && op.Output.Wrapper != "":
		return op.Output.Wrapper
	case op.Output != nil && g.model.Metadata.Protocol != "query" && strings.Contains(g.protocols(), "aws.Query"):
		return op.Name + "Result"
	}
	return ""
}

// meta emits the aws.Meta literal.
func (g *generator) meta() string {
	md := g.model.Metadata
	signing := firstOf(md.SigningName, md.EndpointPrefix)
	var b strings.Builder
	field := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "\t%s: %s,\n", name, strconv.Quote(value))
		}
	}
	b.WriteString("aws.Meta{\n")
	field("Name", g.name)
	field("ID", md.ServiceID)
	field("Shape", md.TargetPrefix)
	field("Signing", signing)
	field("Prefix", firstOf(g.overlay.Prefix, signing))
	field("Target", md.TargetPrefix)
	field("Version", md.APIVersion)
	field("Namespace", firstOf(g.overlay.Namespace, md.XMLNamespace))
	field("Endpoint", md.EndpointPrefix)
	fmt.Fprintf(&b, "\tProtocols: %s,\n", g.protocols())
	if md.QueryCompatible != nil {
		b.WriteString("\tQueryCompatible: true,\n")
	}
	b.WriteString("}")
	return b.String()
}

// protocols emits the set of wire protocols: the model's, then the overlay's.
func (g *generator) protocols() string {
	names := map[string]string{"json1.0": "aws.JSON10", "json1.1": "aws.JSON11", "query": "aws.Query", "ec2": "aws.EC2Query",
		"rest-json": "aws.RestJSON", "rest-xml": "aws.RestXML", "smithy-rpc-v2-cbor": "aws.CBOR"}
	own := g.model.Metadata.Protocol
	if own == "json" {
		own += g.model.Metadata.JSONVersion
	}
	var out []string
	for _, p := range append([]string{own}, g.overlay.Protocols...) {
		n, ok := names[p]
		if !ok {
			panic(failure(fmt.Sprintf("unknown protocol %q", p)))
		}
		out = append(out, n)
	}
	return strings.Join(out, " | ")
}

// client emits the typed client.
func (g *generator) client(b *bytes.Buffer) {
	fmt.Fprintf(b, "// Client calls %s through the table of operations. It is itself a Handler.\n", g.model.Metadata.ServiceID)
	b.WriteString("type Client struct{ caller aws.Caller }\n\n")
	b.WriteString("var _ Handler = Client{}\n\n")
	b.WriteString("// NewClient returns a client that calls through c.\n")
	b.WriteString("func NewClient(c aws.Caller) Client { return Client{c} }\n\n")
	for _, op := range g.ops {
		fmt.Fprintf(b, "// %s calls the operation of that name.\n", op.Name)
		fmt.Fprintf(b, "func (c Client) %s(ctx context.Context, id aws.Identity, in *%s) (*%s, error) {\n", op.Name, g.input(op), g.output(op))
		fmt.Fprintf(b, "\treturn aws.Invoke[%s](ctx, c.caller, id, aws.Op{Service: %q, Name: %q}, in)\n}\n\n", g.output(op), g.name, op.Name)
	}
}

func (g *generator) input(op *operation) string {
	if op.Input == nil {
		return op.Name + "Input"
	}
	return g.names[op.Input.Shape]
}

func (g *generator) output(op *operation) string {
	if op.Output == nil {
		return op.Name + "Output"
	}
	return g.names[op.Output.Shape]
}

func (g *generator) inputStructs(b *bytes.Buffer) {
	for _, n := range sorted(g.inputs) {
		g.structure(b, n)
	}
	for _, n := range g.invented {
		if strings.HasSuffix(n, "Input") {
			fmt.Fprintf(b, "// %s is the empty input of an operation.\ntype %s struct{}\n\n", n, n)
		}
	}
}

func (g *generator) outputStructs(b *bytes.Buffer) {
	for _, n := range sorted(g.outputs) {
		g.structure(b, n)
	}
	for _, n := range g.invented {
		if strings.HasSuffix(n, "Output") {
			fmt.Fprintf(b, "// %s is the empty output of an operation.\ntype %s struct{}\n\n", n, n)
		}
	}
}

func (g *generator) otherStructs(b *bytes.Buffer) {
	for _, n := range sorted(g.reached) {
		if g.model.shape(n).Type == "structure" && !g.inputs[n] && !g.outputs[n] {
			g.structure(b, n)
		}
	}
}

// structure emits one struct.
func (g *generator) structure(b *bytes.Buffer, name string) {
	s := g.model.shape(name)
	g.doc(b, g.names[name], s.Documentation)
	fmt.Fprintf(b, "type %s struct {\n", g.names[name])
	if facts := g.facts(name, s); facts != "" {
		fmt.Fprintf(b, "\t_ struct{} `aws:%q`\n", facts)
	}
	g.fields(b, name, s, "")
	b.WriteString("}\n\n")
}

// facts returns the tag of the blank field: what holds for the structure as a whole.
func (g *generator) facts(name string, s *shape) string {
	var t tagBuilder
	if s.Union {
		t.opt("union")
	}
	root := g.overlay.Roots[name]
	if root != "" {
		t.opt("xml=" + root)
		if ns := firstOf(g.overlay.Namespace, g.model.Metadata.XMLNamespace); ns != "" {
			t.opt("ns=" + ns)
		}
	}
	return t.String()
}

// fields emits the fields of a struct except the one called skip.
func (g *generator) fields(b *bytes.Buffer, name string, s *shape, skip string) {
	seen := map[string]bool{}
	for _, m := range g.members(name) {
		field := exported(m.name)
		if m.name == skip {
			continue
		}
		if seen[field] {
			panic(failure(fmt.Sprintf("%s has two members called %s in Go", name, field)))
		}
		seen[field] = true
		fmt.Fprintf(b, "\t%s %s %s\n", field, g.fieldType(s, m), quoteTag(g.tag(s, m)))
	}
}

// quoteTag writes a struct tag as a Go literal, raw where that is possible.
func quoteTag(tag string) string {
	tag = strings.TrimSpace(tag)
	if strings.Contains(tag, "`") {
		return strconv.Quote(tag)
	}
	return "`" + tag + "`"
}

func (g *generator) doc(b *bytes.Buffer, name, html string) {
	if d := sentence(html, docLimit); d != "" {
		fmt.Fprintf(b, "// %s: %s\n", name, d)
		return
	}
	what := "a structure of the API model"
	if strings.HasSuffix(name, "Exception") || strings.HasSuffix(name, "Fault") {
		what = "an error of the API"
	}
	for _, op := range g.ops {
		if g.input(op) == name {
			what = "the input of " + op.Name
		} else if g.output(op) == name {
			what = "the output of " + op.Name
		}
	}
	fmt.Fprintf(b, "// %s is %s.\n", name, what)
}

// enums emits the string types with closed sets of values.
func (g *generator) enums(b *bytes.Buffer) {
	for _, n := range sorted(g.reached) {
		s := g.model.shape(n)
		if s.Type != "string" {
			continue
		}
		typ := g.names[n]
		d := sentence(s.Documentation, docLimit)
		if d != "" {
			d = ": " + d
		} else {
			d = " is one of the values below; \"\" is absent."
		}
		fmt.Fprintf(b, "// %s%s\ntype %s string\n\n", typ, d, typ)
		names := constNames(typ, s.Enum)
		fmt.Fprintf(b, "// Values of %s.\nconst (\n", typ)
		for i, v := range s.Enum {
			fmt.Fprintf(b, "\t%s %s = %q\n", names[i], typ, v)
		}
		fmt.Fprintf(b, ")\n\n// EnumValues returns the values of %s in the order of the model.\n", typ)
		fmt.Fprintf(b, "func (%s) EnumValues() []string {\nreturn []string{", typ)
		for i, v := range s.Enum {
			if i > 0 && i%6 == 0 {
				b.WriteString("\n")
			}
			fmt.Fprintf(b, "%q, ", v)
		}
		b.WriteString("}\n}\n\n")
	}
}

// errorStructs emits the errors that the chosen operations name.
func (g *generator) errorStructs(b *bytes.Buffer) {
	for _, n := range g.errors {
		s := g.model.shape(n)
		typ := g.names[n]
		wire := "message"
		skip := ""
		for _, k := range s.Members.Keys {
			if strings.EqualFold(k, "message") {
				wire, skip = k, k
			}
			if e := exported(k); e == "Error" || e == "ErrorInfo" {
				panic(failure(n + " has a member that collides with a method: rename it"))
			}
		}
		g.doc(b, typ, s.Documentation)
		fmt.Fprintf(b, "type %s struct {\n\tMessage string `aws:%q`\n", typ, wire)
		g.fields(b, n, s, skip)
		b.WriteString("}\n\n")
		code, query, status, fault := g.errorInfo(n, s)
		fmt.Fprintf(b, "func (e *%s) Error() string { return %q + e.Message }\n\n", typ, code+": ")
		fmt.Fprintf(b, "// ErrorInfo says how the protocols render the error.\n")
		fmt.Fprintf(b, "func (e *%s) ErrorInfo() aws.ErrorInfo {\n\treturn aws.ErrorInfo{Code: %q, ", typ, code)
		if query != "" {
			fmt.Fprintf(b, "Query: %q, ", query)
		}
		fmt.Fprintf(b, "Status: %d, Message: e.Message", status)
		if fault {
			b.WriteString(", Fault: true")
		}
		b.WriteString("}\n}\n\n")
	}
}

// errorInfo returns the code of an error, its code in the Query protocol where that differs, and its HTTP status. Query and
// REST-XML services know an error by its code, the others by the name of its shape.
func (g *generator) errorInfo(name string, s *shape) (code, query string, status int, fault bool) {
	code, status, fault = name, 400, s.Fault
	if e := s.Error; e != nil {
		fault = fault || e.Fault
		switch g.model.Metadata.Protocol {
		case "query", "ec2", "rest-xml":
			code = firstOf(e.Code, name)
		default:
			query = firstOf(g.overlay.Errors[name].Query, e.Code)
		}
		status = firstOf(e.Status, status)
	}
	if fault && status == 400 {
		status = 500
	}
	if query == code {
		query = ""
	}
	return code, query, status, fault || status >= 500
}
