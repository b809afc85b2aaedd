package execute

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/jsondoc/jsonpath"
	"github.com/brume-dev/brume/service/apigateway/vtl"
)

// inputNode is $input: a body, and the parameters of the request.
type inputNode struct {
	body []byte
	doc  func() (any, bool)
	c    *call
}

// Property implements vtl.Object.
func (n inputNode) Property(name string) (any, bool) {
	if name == "body" {
		return string(n.body), true
	}
	return nil, false
}

// Call implements vtl.Object: json, path and params,
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html#input-variable-reference.
func (n inputNode) Call(method string, args []any) (any, error) {
	switch {
	case method == "json" && len(args) == 1:
		v, ok, err := n.at(vtl.Text(args[0]))
		if err != nil || !ok {
			return `""`, err
		}
		return jsondoc.Text(v), nil
	case method == "path" && len(args) == 1:
		v, _, err := n.at(vtl.Text(args[0]))
		return v, err
	case method == "params" && len(args) == 0:
		return n.params(), nil
	case method == "params" && len(args) == 1:
		return n.param(vtl.Text(args[0])), nil
	}
	return nil, vtl.ErrNoMethod
}

// at looks into the body. A body that is no JSON is an error.
func (n inputNode) at(path string) (any, bool, error) {
	p, err := jsonpath.Compile(path)
	if err != nil {
		return nil, false, fmt.Errorf("invalid JSON path %q: %w", path, err)
	}
	doc, ok := n.doc()
	if !ok {
		return nil, false, errNotJSON
	}
	v, err := p.Eval(doc)
	if errors.Is(err, jsonpath.ErrNotFound) {
		return nil, false, nil
	}
	return v, err == nil, err
}

// param is a parameter of the path, else of the query string, else a header.
func (n inputNode) param(name string) string {
	if v, ok := n.c.param(name); ok {
		return v
	}
	if v := n.c.values()[name]; len(v) > 0 {
		return v[len(v)-1]
	}
	v, _ := n.c.headerValue(name)
	return v
}

// params are all parameters, {path, querystring, header}.
func (n inputNode) params() *jsondoc.Object {
	path, query, header := jsondoc.NewObject(), jsondoc.NewObject(), jsondoc.NewObject()
	for _, p := range n.c.params {
		path.Set(p.name, p.value)
	}
	for _, k := range slices.Sorted(maps.Keys(n.c.values())) {
		v := n.c.values()[k]
		query.Set(k, v[len(v)-1])
	}
	if n.c.host != "" {
		header.Set("Host", n.c.host)
	}
	for _, k := range slices.Sorted(maps.Keys(n.c.header)) {
		v := n.c.header[k]
		header.Set(k, v[len(v)-1])
	}
	out := jsondoc.NewObject()
	out.Set("path", path)
	out.Set("querystring", query)
	out.Set("header", header)
	return out
}

func keysOf(m map[string]string) []any {
	out := make([]any, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, k)
	}
	return out
}

// util is $util.
type util struct{}

// Property implements vtl.Object.
func (util) Property(string) (any, bool) { return nil, false }

// Call implements vtl.Object.
func (util) Call(method string, args []any) (any, error) {
	if len(args) != 1 {
		return nil, vtl.ErrNoMethod
	}
	if args[0] == nil {
		return nil, nil
	}
	s := vtl.Text(args[0])
	switch method {
	case "escapeJavaScript":
		return escapeJavaScript(s), nil
	case "parseJson":
		v, err := jsondoc.Parse([]byte(s))
		if err != nil {
			return nil, nil
		}
		return v, nil
	case "urlEncode":
		return url.QueryEscape(s), nil
	case "urlDecode":
		d, err := url.QueryUnescape(s)
		if err != nil {
			return nil, fmt.Errorf("urlDecode: %w", err)
		}
		return d, nil
	case "base64Encode":
		return base64.StdEncoding.EncodeToString([]byte(s)), nil
	case "base64Decode":
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			return nil, fmt.Errorf("base64Decode: %w", err)
		}
		return string(b), nil
	}
	return nil, vtl.ErrNoMethod
}

// escapeJavaScript is that of Apache commons-lang 2.
func escapeJavaScript(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\'' || r == '"' || r == '\\' || r == '/':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\b':
			b.WriteString(`\b`)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\f':
			b.WriteString(`\f`)
		case r == '\r':
			b.WriteString(`\r`)
		case r >= 0x20 && r < 0x7f:
			b.WriteRune(r)
		case r > 0xffff:
			hi, lo := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04X\u%04X`, hi, lo)
		default:
			fmt.Fprintf(&b, `\u%04X`, r)
		}
	}
	return b.String()
}

// render runs a mapping template over a body.
func (c *call) render(t template, body []byte, doc func() (any, bool)) ([]byte, error) {
	if t.err != nil {
		return nil, t.err
	}
	out, err := t.compiled.Render(map[string]any{"input": inputNode{body, doc, c}, "context": contextNode{c: c}, "util": util{},
		"stageVariables": variableNode{c}})
	return []byte(out), err
}

// lastOf is a header map with one value each.
func lastOf(h http.Header) map[string]string {
	out := make(map[string]string, len(h))
	for k, v := range h {
		out[k] = v[len(v)-1]
	}
	return out
}
