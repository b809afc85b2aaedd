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
