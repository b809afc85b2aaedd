// Package web makes those requests of Task states that are HTTP rather than calls of AWS operations: to API Gateway's
// invoke URLs and to any HTTP endpoint with an EventBridge connection.
//
// https://docs.aws.amazon.com/step-functions/latest/dg/connect-api-gateway.html
// https://docs.aws.amazon.com/step-functions/latest/dg/call-https-apis.html
package web

import (
	"encoding/json"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/event/connection"
	"github.com/brume-dev/brume/jsondoc"
)

// Config is what requests need.
type Config struct {
	Policies    aws.Policies
	APIs        func() aws.DataPlane
	Connections func() connection.Keeper
	HTTP        http.RoundTripper
}

// Request is a request of a task.
type Request struct {
	ID        aws.Identity // the role's
	Machine   string       // ARN
	Account   string       // the machine's
	Region    string
	Arguments *jsondoc.Object
}

// Unusable says that arguments are not what a request takes.
type Unusable []string

func (u Unusable) Error() string { return strings.Join(u, ", ") }

// methods are those that a request may have.
var methods = []string{"GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"}

// forbidden are the headers that a definition may not set, in lower case; those that begin with x-amz, x-amzn and
// x-forwarded belong to them.
var forbidden = []string{"authorization", "connection", "content-md5", "date", "expect", "from", "host", "max-forwards", "proxy-authenticate",
	"server", "te", "trailer", "transfer-encoding", "upgrade", "via", "www-authenticate"}

// arguments reads the members of a request's arguments and collects what is wrong with them.
type arguments struct {
	*jsondoc.Object
	problems Unusable
}

func (a *arguments) problem(text string) { a.problems = append(a.problems, text) }

// text is a member that must be a string.
func (a *arguments) text(name string) string {
	v, there := a.Get(name)
	s, ok := v.(string)
	if there && v != nil && !ok {
		a.problem("The value for the field '" + name + "' must be a STRING")
	}
	return s
}

func (a *arguments) method() string {
	m := a.text("Method")
	if !slices.Contains(methods, m) {
		a.problem("The value for the field 'Method' must be one of " + strings.Join(methods, ", "))
	}
	return m
}

// lists reads an object whose values are strings or lists of them; other scalars are their JSON text. nulls says that null
// is the text "null" rather than nothing.
func (a *arguments) lists(name string, nulls bool) (names []string, values map[string][]string) {
	v, _ := a.Get(name)
	if v == nil {
		return nil, nil
	}
	o, ok := v.(*jsondoc.Object)
	if !ok {
		a.problem("The value for the field '" + name + "' must be an OBJECT")
		return nil, nil
	}
	values = map[string][]string{}
	for k, v := range o.All() {
		items := []any{v}
		if list, isList := v.(*jsondoc.Array); isList {
			items = list.Items
		}
		for _, item := range items {
			if item == nil && !nulls {
				continue
			}
			if values[k] == nil {
				names = append(names, k)
			}
			values[k] = append(values[k], plain(item))
		}
	}
	return names, values
}

// plain is a value as a header or parameter has it.
func plain(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return jsondoc.Text(v)
}

// headers are those of the arguments; ones that are forbidden are problems.
func (a *arguments) headers() http.Header {
	h := http.Header{}
	names, values := a.lists("Headers", false)
	for _, k := range names {
		low := strings.ToLower(k)
		if slices.Contains(forbidden, low) || strings.HasPrefix(low, "x-amz") || strings.HasPrefix(low, "x-forwarded") {
			a.problem("The header '" + k + "' is not allowed")
			continue
		}
		for _, v := range values[k] {
			h.Add(k, v)
		}
	}
	return h
}

// result is what a task gets of an answer.
func result(status int, header http.Header, contentType string, body []byte) *jsondoc.Object {
	out, headers := jsondoc.NewObject(), jsondoc.NewObject()
	for _, k := range slices.Sorted(maps.Keys(header)) {
		list := &jsondoc.Array{}
		for _, v := range header[k] {
			list.Items = append(list.Items, v)
		}
		headers.Set(k, list)
	}
	out.Set("Headers", headers)
	out.Set("ResponseBody", document(contentType, body))
	out.Set("StatusCode", json.Number(strconv.Itoa(status)))
	out.Set("StatusText", http.StatusText(status))
	return out
}

// document is a body as JSON when it is that, else as text.
func document(contentType string, body []byte) any {
	media, _, err := mime.ParseMediaType(contentType)
	if err == nil && media != "application/json" && !strings.HasSuffix(media, "+json") && !strings.HasPrefix(media, "text/") {
		return string(body)
	}
	if v, err := jsondoc.Parse(body); err == nil {
		return v
	}
	return string(body)
}

// succeeded reports whether a status lets a task go on.
func succeeded(status int) bool { return status >= 200 && status < 300 }
