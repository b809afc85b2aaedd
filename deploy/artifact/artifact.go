// Package artifact finds the local files that a template names and packs them, as aws cloudformation package does: folders
// of code become zip archives whose names are their digests, so that what has not changed is not sent again.
// https://docs.aws.amazon.com/cli/latest/reference/cloudformation/package.html
package artifact

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/brume-dev/brume/deploy/template"
	"github.com/brume-dev/brume/jsondoc"
)

// MaxSize is the size of an unpacked artifact: that of a function's code.
const MaxSize = 250 << 20

// kind says how a property that may name a local file is written once the file lies in a bucket.
type kind uint8

const (
	asURI      kind = iota // "s3://bucket/key"
	asCode                 // {S3Bucket, S3Key}
	asTemplate             // "https://s3.amazonaws.com/bucket/key", the text of a nested template
	asBody                 // {Bucket, Key}
)

// properties are those that may name a local file, by resource type.
// https://docs.aws.amazon.com/cli/latest/reference/cloudformation/package.html lists them.
var properties = map[string]map[string]kind{
	"AWS::Serverless::Function":        {"CodeUri": asURI},
	"AWS::Serverless::LayerVersion":    {"ContentUri": asURI},
	"AWS::Serverless::Api":             {"DefinitionUri": asURI},
	"AWS::Serverless::HttpApi":         {"DefinitionUri": asURI},
	"AWS::Serverless::StateMachine":    {"DefinitionUri": asURI},
	"AWS::Serverless::Application":     {"Location": asTemplate},
	"AWS::Lambda::Function":            {"Code": asCode},
	"AWS::Lambda::LayerVersion":        {"Content": asCode},
	"AWS::ApiGateway::RestApi":         {"BodyS3Location": asBody},
	"AWS::StepFunctions::StateMachine": {"DefinitionS3Location": asBody},
	"AWS::CloudFormation::Stack":       {"TemplateURL": asTemplate},
}

// Upload stores bytes under a key and returns the bucket that they lie in.
type Upload func(key string, body []byte) (bucket string, err error)

// Package uploads every local file that the template names and returns the template with what stands for them. Paths
// are relative to the template's folder in files, and may lead out of it; absolute ones begin at the root of files. doc is
// not changed.
func Package(doc *jsondoc.Object, files fs.FS, folder string, upload Upload) (*jsondoc.Object, error) {
	p := packager{files, folder, upload}
	out, err := jsondoc.Parse(jsondoc.Append(nil, doc))
	if err != nil {
		return nil, err
	}
	packed := out.(*jsondoc.Object) // doc is one
	if err := p.globals(packed); err != nil {
		return nil, fmt.Errorf("Globals: %w", err)
	}
	resources, _ := packed.Get("Resources")
	all, ok := resources.(*jsondoc.Object)
	if !ok {
		return packed, nil
	}
	for id, v := range all.All() {
		if err := p.resource(v); err != nil {
			return nil, fmt.Errorf("%s: %w", id, err)
		}
	}
	return packed, nil
}

// packager packs what one template names.
type packager struct {
	files  fs.FS
	folder string // of the template
	upload Upload
}

// globals packs the code that Globals give to all functions of a template.
func (p packager) globals(doc *jsondoc.Object) error {
	g, _ := doc.Get("Globals")
	globals, ok := g.(*jsondoc.Object)
	if !ok {
		return nil
	}
	f, _ := globals.Get("Function")
	function, ok := f.(*jsondoc.Object)
	if !ok {
		return nil
	}
	return p.replace(function, "CodeUri", asURI)
}

func (p packager) resource(v any) error {
	r, ok := v.(*jsondoc.Object)
	if !ok {
		return nil
	}
	t, _ := r.Get("Type")
	name, _ := t.(string)
	o, _ := r.Get("Properties")
	props, ok := o.(*jsondoc.Object)
	if !ok {
		return nil
	}
	for property, k := range properties[name] {
		if err := p.replace(props, property, k); err != nil {
			return err
		}
	}
	return nil
}

// replace packs what a property names, if that is a local file, and puts what stands for it there.
func (p packager) replace(props *jsondoc.Object, property string, k kind) error {
	value, _ := props.Get(property)
	local, ok := value.(string)
	if !ok || remote(local) {
		return nil
	}
	replaced, err := p.send(local, k, strings.HasPrefix(property, "Co")) // Code, CodeUri, Content, ContentUri
	if err != nil {
		return fmt.Errorf("%s: %w", property, err)
	}
	props.Set(property, replaced)
	return nil
}

func remote(s string) bool {
	return strings.HasPrefix(s, "s3://") || strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://")
}

func (p packager) send(local string, k kind, code bool) (any, error) {
	name := p.locate(local)
	var body []byte
	var err error
	suffix := ""
	if k == asTemplate {
		body, err = p.nested(name)
		suffix = ".template"
	} else {
		body, err = pack(name, p.files, code)
	}
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	key := hex.EncodeToString(sum[:16]) + suffix
	bucket, err := p.upload(key, body)
	if err != nil {
		return nil, err
	}
	switch k {
	case asCode:
		return object("S3Bucket", bucket, "S3Key", key), nil
	case asBody:
		return object("Bucket", bucket, "Key", key), nil
	case asTemplate:
		return "https://s3.amazonaws.com/" + bucket + "/" + key, nil
	}
	return "s3://" + bucket + "/" + key, nil
}

// locate is the path in files that a path in the template means.
func (p packager) locate(local string) string {
	local = strings.ReplaceAll(local, `\`, "/")
	if rooted, ok := strings.CutPrefix(local, "/"); ok {
		return path.Clean(rooted)
	}
	return path.Join(p.folder, local)
}

func object(pairs ...string) *jsondoc.Object {
	o := jsondoc.NewObject()
	for i := 0; i < len(pairs); i += 2 {
		o.Set(pairs[i], pairs[i+1])
	}
	return o
}

// nested packages a template of its own, whose paths are relative to its folder.
func (p packager) nested(name string) ([]byte, error) {
	text, err := fs.ReadFile(p.files, name)
	if err != nil {
		return nil, err
	}
	doc, err := template.Read(text)
	if err != nil {
		return nil, err
	}
	packed, err := Package(doc, p.files, path.Dir(name), p.upload)
	if err != nil {
		return nil, err
	}
	return jsondoc.Append(nil, packed), nil
}

// pack reads a file as it is, or zips a folder: the same folder gives the same bytes. A file of code that is no archive is
// zipped too, under its own name.
func pack(name string, files fs.FS, code bool) ([]byte, error) {
	info, err := fs.Stat(files, name)
	if err != nil {
		return nil, err
	}
	inside := "."
	if !info.IsDir() {
		body, err := fs.ReadFile(files, name)
		if err != nil || !code || bytes.HasPrefix(body, []byte("PK")) {
			return body, err
		}
		name, inside = path.Dir(name), path.Base(name)
	}
	folder, err := fs.Sub(files, name)
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	total := int64(0)
	var walk fs.WalkDirFunc
	walk = func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if d.Type()&fs.ModeSymlink != 0 { // a link to a folder is that folder; the system ends loops
			if to, err := fs.Stat(folder, p); err == nil && to.IsDir() {
				entries, err := fs.ReadDir(folder, p)
				for _, e := range entries {
					err = errors.Join(err, fs.WalkDir(folder, path.Join(p, e.Name()), walk))
				}
				return err
			}
		}
		n, err := addFile(z, folder, p)
		if total += n; total > MaxSize {
			return fmt.Errorf("%s is larger than %d bytes", name, MaxSize)
		}
		return err
	}
	err = fs.WalkDir(folder, inside, walk)
	if err = errors.Join(err, z.Close()); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// epoch is the date of every file in an archive, so that archives depend on contents only.
var epoch = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

func addFile(z *zip.Writer, folder fs.FS, name string) (int64, error) {
	f, err := folder.Open(name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	h := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: epoch}
	mode := fs.FileMode(0o644)
	if info.Mode()&0o111 != 0 {
		mode = 0o755
	}
	h.SetMode(mode)
	w, err := z.CreateHeader(h)
	if err != nil {
		return 0, err
	}
	return io.Copy(w, f)
}
