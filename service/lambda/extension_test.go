package lambda_test

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/brume-dev/brume/api/lambdaapi"
)

// program is an archive of one file that can be executed.
func program(t *testing.T, name, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	h := &zip.FileHeader{Name: name}
	h.SetMode(0o755)
	w, err := z.CreateHeader(h)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const slowExtension = `#!/usr/bin/env python3
import http.client, json, os, time
c = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
c.request("POST", "/2020-01-01/extension/register", json.dumps({"events": ["INVOKE", "SHUTDOWN"]}), {"Lambda-Extension-Name": "slow"})
r = c.getresponse()
me = {"Lambda-Extension-Identifier": r.headers["Lambda-Extension-Identifier"]}
print("registered for", json.loads(r.read())["functionName"], flush=True)
for n in range(1, 1000):
    c.request("GET", "/2020-01-01/extension/event/next", headers=me)
    event = json.loads(c.getresponse().read())
    if event["eventType"] == "SHUTDOWN":
        break
    open("/tmp/invoked%d" % n, "w").close()
    time.sleep(0.1 if n < 3 else 60)
    print("extension is done", flush=True)
`

// An extension from a layer runs beside the function: its environment takes the next invocation when both are done, and
// the report comes after what the extension prints.
func TestRealExtension(t *testing.T) {
	r := realRig(t)
	layer, err := r.client.PublishLayerVersion(t.Context(), alice, &lambdaapi.PublishLayerVersionRequest{LayerName: "ext",
		Content: &lambdaapi.LayerVersionContentInput{ZipFile: program(t, "extensions/slow", slowExtension)}})
	if err != nil {
		t.Fatal(err)
	}
	minute := int32(60)
	r.python("f", "import os, time\nn = 0\ndef handler(e, c):\n    global n\n    n += 1\n    while not os.path.exists('/tmp/invoked%d' % n): time.sleep(0.001)\n    return n\n",
		func(in *lambdaapi.CreateFunctionRequest) {
			in.Layers, in.Timeout = []string{*layer.LayerVersionArn}, &minute
		})
	for _, want := range []string{"1", "2"} {
		out, err := r.invoke("f", "{}", func(in *lambdaapi.InvocationRequest) { in.LogType = lambdaapi.LogTypeTail })
		if err != nil {
			t.Fatal(err)
		}
		tail, _ := base64.StdEncoding.DecodeString(*out.LogResult)
		if string(out.Payload) != want || !strings.Contains(string(tail), "extension is done\n") ||
			strings.Index(string(tail), "extension is done") > strings.Index(string(tail), "REPORT") {
			t.Errorf("%s, want %s\n%s", out.Payload, want, tail)
		}
	}
	// Without the log the answer does not wait; the environment is used again only when the extension is done, which takes
	// longer now than to start a second one.
	for _, want := range []string{"3", "1"} {
		if got := r.must("f", "{}", nil); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
