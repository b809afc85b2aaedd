package dataset

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"strconv"
	"strings"
)

func number(n int64) json.Number { return json.Number(strconv.FormatInt(n, 10)) }

// newBytes is content that is at hand.
func newBytes(b []byte, offset int64) io.ReadCloser {
	return io.NopCloser(bytes.NewReader(b[min(int64(len(b)), offset):]))
}

// content opens a file from an offset in what it holds, which is unpacked when it is packed: then it is read from the
// beginning.
func (r *Reading) content(ctx context.Context, f file, etag string, offset int64) (io.ReadCloser, string, error) {
	packed := strings.HasSuffix(f.key, ".gz")
	from := offset
	if packed {
		from = 0
	}
	c, err := r.bucket.Get(ctx, f.bucket, f.key, f.version, etag, from)
	if err != nil {
		return nil, "", err
	}
	if c.Gzip && !packed && offset > 0 { // only now do we know
		c.Body.Close()
		if c, err = r.bucket.Get(ctx, f.bucket, f.key, f.version, etag, 0); err != nil {
			return nil, "", err
		}
	}
	if !c.Gzip && !packed {
		return c.Body, c.ETag, nil
	}
	z, err := gzip.NewReader(c.Body)
	if err == nil {
		_, err = io.CopyN(io.Discard, z, offset)
	}
	if err != nil {
		c.Body.Close()
		if errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
			err = failed("Error reading %s: the file is not in the GZIP format.", f.source())
		}
		return nil, "", err
	}
	return struct {
		io.Reader
		io.Closer
	}{z, c.Body}, c.ETag, nil
}

// manifest reads which files hold the items.
func (r *Reading) manifest(ctx context.Context) error {
	f := file{r.config.bucket, r.config.key, r.config.version}
	body, _, err := r.content(ctx, f, "", 0)
	if err != nil {
		return err
	}
	defer body.Close()
	b, err := io.ReadAll(io.LimitReader(body, maxManifest+1))
	if err != nil {
		return err
	}
	if len(b) > maxManifest {
		return failed("The manifest %s is larger than %d bytes.", f.source(), maxManifest)
	}
	if r.config.kind == kindAthena {
		r.files, err = athenaFiles(b)
	} else {
		r.files, r.config.header, err = inventoryFiles(b)
	}
	return err
}

// inventoryFiles reads the manifest.json of an S3 inventory: the files, and the names of their columns.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory-location.html
func inventoryFiles(b []byte) (files []file, header []string, err error) {
	var m struct {
		DestinationBucket, FileFormat, FileSchema string
		Files                                     []struct{ Key string }
	}
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, nil, failed("The inventory manifest is not valid: %v", err)
	}
	if m.FileFormat != "CSV" {
		return nil, nil, failed("The inventory's file format %s is not supported: only CSV is.", m.FileFormat)
	}
	for _, name := range strings.Split(m.FileSchema, ",") {
		header = append(header, strings.TrimSpace(name))
	}
	bucket := m.DestinationBucket[strings.LastIndexByte(m.DestinationBucket, ':')+1:] // an ARN
	for _, f := range m.Files {
		files = append(files, file{bucket: bucket, key: f.Key})
	}
	return files, header, nil
}

// athenaFiles reads the manifest that UNLOAD writes: a line with an S3 URI for each file.
// https://docs.aws.amazon.com/athena/latest/ug/unload.html
func athenaFiles(b []byte) (files []file, err error) {
	lines := csv.NewReader(bytes.NewReader(b))
	lines.FieldsPerRecord, lines.LazyQuotes = -1, true
	for {
		line, err := lines.Read()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, failed("The manifest is not valid: %v", err)
		}
		u, err := url.Parse(strings.TrimSpace(line[0]))
		if err != nil || u.Scheme != "s3" || u.Host == "" || len(u.Path) < 2 {
			return nil, failed("The manifest is not valid: %s is no S3 URI.", line[0])
		}
		files = append(files, file{bucket: u.Host, key: u.Path[1:]})
	}
}
