package web

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/brume-dev/brume/jsondoc"
)

// The formats of arrays in form bodies.
const (
	indices  = "INDICES" // the default: a[0]=x&a[1]=y
	repeat   = "REPEAT"  // a=x&a=y
	commas   = "COMMAS"  // a=x,y
	brackets = "BRACKETS"
	none     = "NONE" // a=["x","y"]
)

// form encodes an object as a form. Members of objects are a[b].
// https://docs.aws.amazon.com/step-functions/latest/dg/call-https-apis.html#connect-http-task-definition
func form(o *jsondoc.Object, arrays string) string {
	f := &formWriter{arrays: arrays}
	for k, v := range o.All() {
		f.write(k, v)
	}
	return f.String()
}

type formWriter struct {
	strings.Builder
	arrays string
}

func (f *formWriter) pair(k, v string) {
	if f.Len() > 0 {
		f.WriteByte('&')
	}
	f.WriteString(url.QueryEscape(k))
	f.WriteByte('=')
	f.WriteString(url.QueryEscape(v))
}

func (f *formWriter) write(k string, v any) {
	switch v := v.(type) {
	case nil:
		f.pair(k, "")
	case *jsondoc.Object:
		for name, m := range v.All() {
			f.write(k+"["+name+"]", m)
		}
	case *jsondoc.Array:
		f.list(k, v)
	default:
		f.pair(k, plain(v))
	}
}

func (f *formWriter) list(k string, v *jsondoc.Array) {
	switch f.arrays {
	case repeat:
		for _, item := range v.Items {
			f.write(k, item)
		}
	case brackets:
		for _, item := range v.Items {
			f.write(k+"[]", item)
		}
	case commas:
		texts := make([]string, len(v.Items))
		for i, item := range v.Items {
			texts[i] = plain(item)
		}
		f.pair(k, strings.Join(texts, ","))
	case none:
		f.pair(k, jsondoc.Text(v))
	default:
		for i, item := range v.Items {
			f.write(k+"["+strconv.Itoa(i)+"]", item)
		}
	}
}
