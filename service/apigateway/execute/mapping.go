package execute

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/jsondoc/jsonpath"
	"github.com/brume-dev/brume/service/apigateway/vtl"
)

// mapping sets a parameter from a source,
// https://docs.aws.amazon.com/apigateway/latest/developerguide/request-response-data-mappings.html.
type mapping struct{ to, from string }

func compileMappings(m map[string]string) []mapping {
	out := make([]mapping, 0, len(m))
	for to, from := range m {
		out = append(out, mapping{to, from})
	}
	slices.SortFunc(out, func(a, b mapping) int { return strings.Compare(a.to, b.to) })
	return out
}

func invalidMapping(s string) error {
	return fmt.Errorf("Invalid mapping expression specified: %s", s) //nolint:staticcheck // AWS's text
}

// static is the text of a source in single quotes.
func static(from string) (string, bool) {
	if len(from) >= 2 && from[0] == '\'' && from[len(from)-1] == '\'' {
		return from[1 : len(from)-1], true
	}
	return "", false
}

// checkSource checks a source: one that the pattern takes, static text, the context or a stage variable.
func checkSource(from, pattern string) error {
	if _, ok := static(from); ok {
		return nil
	}
	if regexp.MustCompile(`^(context\.[A-Za-z0-9_.\-]+|stageVariables\.[A-Za-z0-9_]+)$`).MatchString(from) {
		return nil
	}
	if !regexp.MustCompile(pattern).MatchString(from) {
		return invalidMapping(from)
	}
	if _, path, ok := strings.Cut(from, ".body."); ok && strings.Contains(from, ".body.") {
		if _, err := jsonpath.Compile(rooted(path)); err != nil {
			return invalidMapping(from)
		}
	}
	return nil
}

func rooted(path string) string {
	if strings.HasPrefix(path, "$") {
		return path
	}
	return "$." + path
}

// CheckRequestMapping checks an entry of an integration's request parameters.
func CheckRequestMapping(to, from string) error {
	if !regexp.MustCompile(`^integration\.request\.(path|querystring|header)\.[^\s]+$`).MatchString(to) {
		return fmt.Errorf("Invalid mapping expression parameter specified: %s", to) //nolint:staticcheck // AWS's text
	}
	return checkSource(from, `^method\.request\.((path|querystring|multivaluequerystring|header|multivalueheader)\.[^\s]+|body(\..+)?)$`)
}

// CheckResponseMapping checks an entry of an integration response's parameters.
func CheckResponseMapping(to, from string) error {
	if !regexp.MustCompile(`^method\.response\.header\.[^\s]+$`).MatchString(to) {
		return fmt.Errorf("Invalid mapping expression parameter specified: %s", to) //nolint:staticcheck // AWS's text
	}
	return checkSource(from, `^integration\.response\.((header|multivalueheader)\.[^\s]+|body(\..+)?)$`)
}

// CheckGatewayMapping checks the source of a gateway response's parameter.
func CheckGatewayMapping(from string) error {
	return checkSource(from, `^method\.request\.(path|querystring|multivaluequerystring|header|multivalueheader)\.[^\s]+$`)
}

// resolve gives the values of a source; none when it is not there.
func (c *call) resolve(from string) []string {
	if s, ok := static(from); ok {
		return []string{s}
	}
	group, rest, _ := strings.Cut(from, ".")
	switch group {
	case "context":
		if v := c.value(rest); v != "" {
			return []string{v}
		}
	case "stageVariables":
		if v, ok := c.variables[rest]; ok {
			return []string{v}
		}
	case "method":
		return c.requested(strings.TrimPrefix(rest, "request."))
	case "integration":
		return c.replied(strings.TrimPrefix(rest, "response."))
	}
	return nil
}

// requested are the values of a parameter of the request: "header.X", "querystring.x", "path.x", "body.$.x".
func (c *call) requested(what string) []string {
	kind, name, _ := strings.Cut(what, ".")
	switch kind {
	case "path":
		if v, ok := c.param(name); ok {
			return []string{v}
		}
	case "querystring":
		if v := c.values()[name]; len(v) > 0 {
			return v[len(v)-1:]
		}
	case "multivaluequerystring":
		return c.values()[name]
	case "header":
		if v, ok := c.headerValue(name); ok {
			return []string{v}
		}
	case "multivalueheader":
		return c.header.Values(name)
	case "body":
		return inBody(name, c.body, c.doc)
	}
	return nil
}

// replied are the values of a part of the integration's answer.
func (c *call) replied(what string) []string {
	kind, name, _ := strings.Cut(what, ".")
	h := c.reply.header
	switch kind {
	case "header":
		if v := h.Values(name); len(v) > 0 {
			return v[len(v)-1:]
		}
	case "multivalueheader":
		return h.Values(name)
	case "body":
		return inBody(name, c.reply.body, c.reply.doc)
	}
	return nil
}

func (r *reply) doc() (any, bool) {
	if !r.parsed {
		r.parsed = true
		r.document = parseBody(r.body)
	}
	return r.document, r.document != notJSON
}

// docOrText is doc, but a body that is no JSON is a text: endpoints answer in other formats too.
func (r *reply) docOrText() (any, bool) {
	if v, ok := r.doc(); ok {
		return v, true
	}
	return string(r.body), true
}

func inBody(path string, body []byte, doc func() (any, bool)) []string {
	if path == "" {
		return []string{string(body)}
	}
	d, ok := doc()
	if !ok {
		return nil
	}
	p, err := jsonpath.Compile(rooted(path))
	if err != nil {
		return nil
	}
	v, err := p.Eval(d)
	if err != nil {
		return nil
	}
	return []string{plainText(v)}
}

// plainText is a value as a header has it: scalars without quotes, documents as JSON.
func plainText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number, bool:
		return vtl.Text(v)
	case nil:
		return ""
	}
	return jsondoc.Text(v)
}

// mapped is what a request's mappings say of the request to the integration.
type mapped struct {
	header http.Header
	query  map[string][]string
	path   map[string]string
}

func (c *call) mapRequest() mapped {
	m := mapped{header: http.Header{}, query: map[string][]string{}, path: map[string]string{}}
	for _, one := range c.method.integration.mappings {
		v := c.resolve(one.from)
		if len(v) == 0 {
			continue
		}
		kind, name, _ := strings.Cut(strings.TrimPrefix(one.to, "integration.request."), ".")
		switch kind {
		case "header":
			m.header[http.CanonicalHeaderKey(name)] = v
		case "querystring":
			m.query[name] = v
		case "path":
			m.path[name] = v[len(v)-1]
		}
	}
	return m
}

// override lets what the template set go over the mappings.
func (m *mapped) override(o *overrides) {
	if o == nil {
		return
	}
	for k, v := range overridden(o.request, "header") {
		m.header.Set(k, v)
	}
	for k, v := range overridden(o.request, "querystring") {
		m.query[k] = []string{v}
	}
	for k, v := range overridden(o.request, "path") {
		m.path[k] = v
	}
}
