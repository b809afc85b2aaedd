package bucket

import (
	"net/http"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/s3/fault"
)

// Fill says of a new object what its body is.
func (o *Object) Fill(got Received) {
	o.Size, o.ETag, o.Sum, o.Blob, o.Inline = got.Size, got.Etag, got.Sum, got.Blob, got.Blob.Blob == "" && got.Size > 0
}

// Committed is an object that has been written.
type Committed struct {
	B          *Bucket
	O          *Object
	Expiration *string
	Garbage    Garbage
}

// Complete checks what a client says of a new object and fills in what it does not say.
func (o *Object) Complete(tagging *string) (err error) {
	if o.About.Type == "" {
		o.About.Type = "binary/octet-stream"
	}
	if err := CheckMetadata(o.About.Meta); err != nil {
		return err
	}
	if err := checkRedirect(o.About.Redirect); err != nil {
		return err
	}
	if err := checkClass(&o.Class); err != nil {
		return err
	}
	if tagging != nil {
		o.Tags, err = tagHeader(*tagging)
	}
	return err
}

// CheckMetadata keeps user-defined metadata to the size that S3 allows.
func CheckMetadata(meta map[string]string) error {
	size := 0
	for k, v := range meta {
		size += len(k) + len(v)
	}
	if size > maxMetadata {
		return &metadataTooLarge{int64(size), maxMetadata}
	}
	return nil
}

type metadataTooLarge struct {
	Size           int64 `aws:"Size"`
	MaxSizeAllowed int64 `aws:"MaxSizeAllowed"`
}

func (e *metadataTooLarge) Error() string { return "MetadataTooLarge" }

// ErrorInfo implements aws.Error.
func (e *metadataTooLarge) ErrorInfo() aws.ErrorInfo {
	return aws.ErrorInfo{Code: "MetadataTooLarge", Status: http.StatusBadRequest,
		Message: "Your metadata headers exceed the maximum allowed metadata size"}
}

// checkClass keeps STANDARD as "". Classes only show: every object can be read at once.
func checkClass(class *string) error {
	switch s3api.StorageClass(*class) {
	case "", s3api.StorageClassStandard:
		*class = ""
		return nil
	case s3api.StorageClassReducedRedundancy, s3api.StorageClassStandardIa, s3api.StorageClassOnezoneIa,
		s3api.StorageClassIntelligentTiering, s3api.StorageClassGlacierIr:
		return nil
	case s3api.StorageClassGlacier, s3api.StorageClassDeepArchive:
		return fault.NotImplemented("Brume has no archives to restore from: storage class " + *class)
	}
	return aws.Errorf("InvalidStorageClass", http.StatusBadRequest, "The storage class you specified is not valid")
}

func checkRedirect(to string) error {
	if to == "" || to[0] == '/' || len(to) > 7 && (to[:7] == "http://" || to[:min(8, len(to))] == "https://") {
		return nil
	}
	return aws.Errorf("InvalidRedirectLocation", http.StatusBadRequest, "The website redirect location must have a prefix of 'http://' or 'https://' or '/'.")
}
