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
	"AWS::Serverless::Function":     {"CodeUri": asURI},
	"AWS::Serverless::LayerVersion": {"ContentUri": asURI},
	"AWS::Serverless::Api":          {"DefinitionUri": asURI},
	"AWS::Serverless::HttpApi":      {"DefinitionUri": asURI},
	"AWS::Serverless::StateMachine": {"DefinitionUri": asURI},
	"AWS::Serverless::Application":  {"Location": asTemplate},
	"AWS::Lambda::Function":         {"Code": asCode},
	"AWS::Lambda::LayerVersion":     {"Content": asCode},
	"AWS::ApiGateway::RestApi":      {"BodyS3Location": asBody},
	"AWS::CloudFormation::Stack":    {"TemplateURL": asTemplate},
}

// Upload stores bytes under a key and returns the bucket that they lie in.
type Upload func(key string, body []byte) (bucket string, err error)

// Package uploads every local file that the template names and returns the template with what stands for them. Paths
// are relative to the root of files, which is the template's folder. doc is not changed.
func Package(doc *jsondoc.Object, files fs.FS, upload Upload) (*jsondoc.Object, error) {
	out, err := jsondoc.Parse(jsondoc.Append(nil, doc))
	if err != nil {
		return nil, err
	}
	packed := out.(*jsondoc.Object) // doc is one
	resources, _ := packed.Get("Resources")
	all, ok := resources.(*jsondoc.Object)
	if !ok {
		return packed, nil
	}
	for id, v := range all.All() {
		if err := packageResource(v, files, upload); err != nil {
			return nil, fmt.Errorf("%s: %w", id, err)
		}
	}
	return packed, nil
}

func packageResource(v any, files fs.FS, upload Upload) error {
	r, ok := v.(*jsondoc.Object)
	if !ok {
		return nil
	}
	t, _ := r.Get("Type")
	name, _ := t.(string)
	p, _ := r.Get("Properties")
	props, ok := p.(*jsondoc.Object)
	if !ok {
		return nil
	}
	for property, k := range properties[name] {
		value, _ := props.Get(property)
		local, ok := value.(string)
		if !ok || remote(local) {
			continue
		}
		replaced, err := send(local, k, files, upload)
		if err != nil {
			return fmt.Errorf("%s: %w", property, err)
		}
		props.Set(property, replaced)
	}
	return nil
}

func remote(s string) bool {
	return strings.HasPrefix(s, "s3://") || strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://")
}

func send(local string, k kind, files fs.FS, upload Upload) (any, error) {
	name := path.Clean(strings.TrimPrefix(strings.ReplaceAll(local, `\`, "/"), "./"))
	var body []byte
	var err error
	suffix := ""
	if k == asTemplate {
		body, err = nested(name, files, upload)
		suffix = ".template"
	} else {
		body, err = pack(name, files)
	}
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	key := hex.EncodeToString(sum[:16]) + suffix
	bucket, err := upload(key, body)
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

func object(pairs ...string) *jsondoc.Object {
	o := jsondoc.NewObject()
	for i := 0; i < len(pairs); i += 2 {
		o.Set(pairs[i], pairs[i+1])
	}
	return o
}

// nested packages a template of its own, whose paths are relative to its folder.
func nested(name string, files fs.FS, upload Upload) ([]byte, error) {
	text, err := fs.ReadFile(files, name)
	if err != nil {
		return nil, err
	}
	doc, err := template.Read(text)
	if err != nil {
		return nil, err
	}
	folder, err := fs.Sub(files, path.Dir(name))
	if err != nil {
		return nil, err
	}
	packed, err := Package(doc, folder, upload)
	if err != nil {
		return nil, err
	}
	return jsondoc.Append(nil, packed), nil
}

// pack reads a file as it is, or zips a folder: the same folder gives the same bytes.
func pack(name string, files fs.FS) ([]byte, error) {
	info, err := fs.Stat(files, name)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return fs.ReadFile(files, name)
	}
	folder, err := fs.Sub(files, name)
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	total := int64(0)
	err = fs.WalkDir(folder, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		n, err := addFile(z, folder, p)
		if total += n; total > MaxSize {
			return fmt.Errorf("%s is larger than %d bytes", name, MaxSize)
		}
		return err
	})
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
