package definition

import (
	"os"
	"testing"
)

func FuzzRead(f *testing.F) {
	for _, name := range []string{"swagger.json", "openapi.yaml"} {
		b, err := os.ReadFile("../testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"swagger":"2.0","info":{"title":"x"},"paths":{"/a":{"get":{"parameters":[{"$ref":"#/parameters/a"}]}}},"parameters":{"a":{"$ref":"#/parameters/a"}}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := Read(b)
		if err != nil {
			return
		}
		if d.Name == "" {
			t.Error("a definition without a name was taken")
		}
		for _, p := range d.Paths {
			if p.Path == "" || p.Path[0] != '/' {
				t.Errorf("path %q", p.Path)
			}
		}
	})
}

// TestReadForm reads the extensions of an export in any combination.
func TestReadForm(t *testing.T) {
	for extensions, want := range map[string]Form{"": {Three: true}, "none": {Three: true}, "apigateway": {Three: true, Integrations: true},
		"integrations,authorizers": {Three: true, Integrations: true, Authorizer: true}} {
		if f, err := ReadForm("oas30", extensions); err != nil || f != want {
			t.Errorf("%q: %v %v", extensions, f, err)
		}
	}
	for _, wrong := range [][2]string{{"oas30", "integrations,nope"}, {"raml", ""}} {
		if _, err := ReadForm(wrong[0], wrong[1]); err == nil {
			t.Errorf("%v: no error", wrong)
		}
	}
}
