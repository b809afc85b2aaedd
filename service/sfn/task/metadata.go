package task

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/brume-dev/brume/jsondoc"
)

// header is a header of an answer, as version 1 of the SDK saw it.
type header struct{ name, value string }

// describe adds what version 1 of the SDK knows of an answer: its headers, status and request id.
func (a *attempt) describe(out *jsondoc.Object, length, status int, more []header) {
	headers := append(more, header{"x-amzn-RequestId", a.Key}, header{"Content-Length", strconv.Itoa(length)},
		header{"Date", a.Clock.Now().UTC().Format(http.TimeFormat)}, header{"Content-Type", "application/x-amz-json-1.0"})
	all, one := jsondoc.NewObject(), jsondoc.NewObject()
	for _, h := range headers {
		if _, there := all.Get(h.name); there {
			continue
		}
		all.Set(h.name, &jsondoc.Array{Items: []any{h.value}})
		one.Set(h.name, h.value)
	}
	transport, response := jsondoc.NewObject(), jsondoc.NewObject()
	transport.Set("AllHttpHeaders", all)
	transport.Set("HttpHeaders", one)
	transport.Set("HttpStatusCode", json.Number(strconv.Itoa(status)))
	response.Set("RequestId", a.Key)
	out.Set("SdkHttpMetadata", transport)
	out.Set("SdkResponseMetadata", response)
}
