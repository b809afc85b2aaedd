package artifact

import (
	"archive/zip"
	"bytes"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/brume-dev/brume/deploy/template"
	"github.com/brume-dev/brume/jsondoc"
)

func TestPackage(t *testing.T) {
	files := fstest.MapFS{
		"code/app.py":       {Data: []byte("x = 1")},
		"code/sub/bin":      {Data: []byte("run"), Mode: 0o755},
		"nested/child.yaml": {Data: []byte("Resources: {F: {Type: AWS::Lambda::Function, Properties: {Code: ../nested/f.zip}}}")},
		"nested/f.zip":      {Data: []byte("PK")},
		"api.json":          {Data: []byte("{}")},
	}
	files["nested/nested/f.zip"] = files["nested/f.zip"]
	doc, err := template.Read([]byte(`
Resources:
  A: {Type: AWS::Serverless::Function, Properties: {CodeUri: ./code/}}
  B: {Type: AWS::Lambda::Function, Properties: {Code: code}}
  C: {Type: AWS::Lambda::Function, Properties: {Code: {ZipFile: "x"}}}
  D: {Type: AWS::Serverless::Function, Properties: {CodeUri: s3://other/key}}
  E: {Type: AWS::ApiGateway::RestApi, Properties: {BodyS3Location: api.json}}`))
	if err != nil {
		t.Fatal(err)
	}
	sent := map[string][]byte{}
	out, err := Package(doc, files, ".", func(key string, body []byte) (string, error) {
		sent[key] = body
		return "b", nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(sent) != 2 {
		t.Errorf("%d uploads: the same folder must give the same archive", len(sent))
	}
	text := jsondoc.Text(out)
	for _, want := range []string{`"CodeUri":"s3://b/`, `"Code":{"S3Bucket":"b","S3Key":"`, `"Code":{"ZipFile":"x"}`, `"CodeUri":"s3://other/key"`,
		`"BodyS3Location":{"Bucket":"b","Key":"`} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not in %s", want, text)
		}
	}
	for _, body := range sent {
		if string(body) == "{}" {
			continue
		}
		z, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, f := range z.File {
			names = append(names, f.Name+" "+f.Mode().String())
		}
		if got := strings.Join(names, ", "); got != "app.py -rw-r--r--, sub/bin -rwxr-xr-x" {
			t.Error(got)
		}
	}
}

func TestPackageSaysWhatIsMissing(t *testing.T) {
	doc, _ := template.Read([]byte("Resources: {A: {Type: AWS::Serverless::Function, Properties: {CodeUri: ./gone/}}}"))
	_, err := Package(doc, fstest.MapFS{}, ".", nil)
	if err == nil || !strings.Contains(err.Error(), "A: CodeUri: ") {
		t.Errorf("%v", err)
	}
}

// A template in a folder of its own names code beside that folder, code for all of its functions, and files that are to be
// zipped.
func TestPackageOutsideTheFolder(t *testing.T) {
	files := fstest.MapFS{
		"src/app.py":       {Data: []byte("x = 1")},
		"deploy/one.py":    {Data: []byte("y = 2")},
		"deploy/sub/child": {Data: []byte("Resources: {F: {Type: AWS::Lambda::Function, Properties: {Code: ../../src}}}")},
	}
	doc, err := template.Read([]byte(`
Globals: {Function: {CodeUri: ../src}}
Resources:
  A: {Type: AWS::Lambda::Function, Properties: {Code: one.py}}
  B: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: sub/child}}
  C: {Type: AWS::Lambda::Function, Properties: {Code: /src}}`))
	if err != nil {
		t.Fatal(err)
	}
	sent := map[string]string{}
	out, err := Package(doc, files, "deploy", func(key string, body []byte) (string, error) {
		sent[key] = string(body)
		if z, err := zip.NewReader(bytes.NewReader(body), int64(len(body))); err == nil {
			sent[key] = z.File[0].Name
		}
		return "b", nil
	})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for key, v := range sent {
		if v = strings.TrimPrefix(v, `{"Resources"`); v != sent[key] {
			v = "template"
		}
		got[v] = true
	}
	if len(sent) != 3 || !got["app.py"] || !got["one.py"] || !got["template"] {
		t.Errorf("%v", sent)
	}
	if text := jsondoc.Text(out); !strings.Contains(text, `"Globals":{"Function":{"CodeUri":"s3://b/`) {
		t.Error(text)
	}
}
