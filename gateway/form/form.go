// Package form is S3's browser-based upload: a form whose fields say what the headers of a PUT do, with a signed policy
// about what the fields may be, and a file as its last field. It reads forms, judges policies, and makes headers of
// fields; it knows no socket and no keys.
// https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html
package form

import (
	"encoding/xml"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"

	"github.com/brume-dev/brume/aws"
)

// maxFields is how much of a form may precede its file:
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList (MaxPostPreDataLengthExceeded)
const maxFields = 20 << 10

// Form is a form whose file has not been read yet.
type Form struct {
	fields   map[string]string // by name in lower case
	names    []string          // as they were sent
	File     io.Reader
	filename string
}

// Get returns a field; case does not matter.
func (f *Form) Get(name string) string { return f.fields[strings.ToLower(name)] }

// Is reports whether a request is a form at all.
func Is(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	return err == nil && kind == "multipart/form-data"
}

// Read reads a form up to its file, which must be there.
func Read(contentType string, body io.Reader) (*Form, error) {
	_, params, err := mime.ParseMediaType(contentType)
	if err != nil || params["boundary"] == "" {
		return nil, malformed()
	}
	f := &Form{fields: map[string]string{}}
	mr := multipart.NewReader(body, params["boundary"])
	for left := int64(maxFields); ; {
		p, err := mr.NextRawPart()
		if err == io.EOF {
			return nil, argument("POST requires exactly one file upload per request.", "file", "0")
		}
		if err != nil {
			return nil, malformed()
		}
		name := p.FormName()
		if strings.EqualFold(name, "file") {
			f.File, f.filename = &last{p: p, mr: mr}, p.FileName()
			return f, f.check()
		}
		b, err := io.ReadAll(io.LimitReader(p, left+1))
		if err != nil {
			return nil, malformed()
		}
		if left -= int64(len(b) + len(name)); left < 0 {
			return nil, aws.Errorf("MaxPostPreDataLengthExceeded", http.StatusBadRequest, "Your POST request fields preceding the upload file were too large.")
		}
		if _, twice := f.fields[strings.ToLower(name)]; twice {
			return nil, argument("POST requires exactly one "+name+" field.", name, string(b))
		}
		f.fields[strings.ToLower(name)] = string(b)
		f.names = append(f.names, name)
	}
}

func (f *Form) check() error {
	if f.Get("key") == "" {
		return argument("Bucket POST must contain a field named 'key'.  If it is specified, please check the order of the fields.", "key", "")
	}
	return nil
}

// Key is the key of the object; ${filename} in it stands for the name of the file.
func (f *Form) Key() string {
	return strings.ReplaceAll(f.Get("key"), "${filename}", f.filename)
}

// last is the file; a second one after it is refused, what else follows is ignored.
type last struct {
	p  *multipart.Part
	mr *multipart.Reader
}

// Read implements io.Reader.
func (l *last) Read(b []byte) (int, error) {
	n, err := l.p.Read(b)
	if err == nil {
		return n, nil
	}
	if err != io.EOF {
		return n, malformed()
	}
	for {
		next, err := l.mr.NextRawPart()
		switch {
		case err == io.EOF:
			return n, io.EOF
		case err != nil:
			return n, malformed()
		case strings.EqualFold(next.FormName(), "file"):
			return n, argument("POST requires exactly one file upload per request.", "file", "2")
		}
	}
}

// argumentError is S3's error about a field.
type argumentError struct {
	message       string
	ArgumentName  string `aws:"ArgumentName"`
	ArgumentValue string `aws:"ArgumentValue"`
}

func (e *argumentError) Error() string { return "InvalidArgument: " + e.message }

// ErrorInfo implements aws.Error.
func (e *argumentError) ErrorInfo() aws.ErrorInfo {
	return aws.ErrorInfo{Code: "InvalidArgument", Status: http.StatusBadRequest, Message: e.message}
}

func argument(message, name, value string) error { return &argumentError{message, name, value} }

func malformed() error {
	return aws.Errorf("MalformedPOSTRequest", http.StatusBadRequest, "The body of your POST request is not well-formed multipart/form-data.")
}

// headers are the fields that are headers of the PUT by another name, or by the same.
var headers = map[string]string{
	"acl": "X-Amz-Acl", "cache-control": "Cache-Control", "content-type": "Content-Type", "content-disposition": "Content-Disposition",
	"content-encoding": "Content-Encoding", "content-language": "Content-Language", "expires": "Expires", "content-md5": "Content-Md5",
}

// signing are the fields that are no headers, whatever they begin with.
func signing(name string) bool {
	switch name {
	case "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature", "x-amz-security-token":
		return true
	}
	return false
}

// Header makes the headers of a PUT of the fields.
func (f *Form) Header() (http.Header, error) {
	h := http.Header{}
	for name, value := range f.fields {
		switch {
		case name == "tagging":
			tags, err := tagging(value)
			if err != nil {
				return nil, err
			}
			h.Set("X-Amz-Tagging", tags)
		case headers[name] != "":
			h.Set(headers[name], value)
		case strings.HasPrefix(name, "x-amz-") && !signing(name):
			h.Set(name, value)
		}
	}
	return h, nil
}

// tagging turns the XML that forms have into the query that the header has.
func tagging(text string) (string, error) {
	var t struct {
		XMLName xml.Name                      `xml:"Tagging"`
		Tags    []struct{ Key, Value string } `xml:"TagSet>Tag"`
	}
	if xml.Unmarshal([]byte(text), &t) != nil {
		return "", aws.Errorf("MalformedXML", http.StatusBadRequest, "The XML you provided was not well-formed or did not validate against our published schema")
	}
	q := url.Values{}
	for _, tag := range t.Tags {
		q.Add(tag.Key, tag.Value)
	}
	return q.Encode(), nil
}

// Answer is what a client is told of an object that has been made.
type Answer struct {
	Location, Bucket, Key, ETag string
}

// Succeed says how to answer: the status, where to send the browser, or "", and the body.
func (f *Form) Succeed(a Answer) (status int, location string, body []byte) {
	to := f.Get("success_action_redirect")
	if to == "" {
		to = f.Get("redirect")
	}
	if u, err := url.Parse(to); err == nil && to != "" && u.IsAbs() {
		q := u.Query()
		q.Set("bucket", a.Bucket)
		q.Set("key", a.Key)
		q.Set("etag", a.ETag)
		u.RawQuery = q.Encode()
		return http.StatusSeeOther, u.String(), nil
	}
	switch f.Get("success_action_status") {
	case "200":
		return http.StatusOK, a.Location, nil
	case "201":
		body, err := xml.Marshal(struct {
			XMLName xml.Name `xml:"PostResponse"`
			Answer
		}{Answer: a})
		if err == nil {
			return http.StatusCreated, a.Location, append([]byte(xml.Header), body...)
		}
	}
	return http.StatusNoContent, a.Location, nil
}
