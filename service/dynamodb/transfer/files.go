package transfer

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/dynamodb/table"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

// What an export writes, as AWS lays it out:
//
//	PREFIX/AWSDynamoDB/LABEL/_started                empty
//	PREFIX/AWSDynamoDB/LABEL/data/NAME.json.gz       items, a line for each; of an incremental export …/AWSDynamoDB/data/…
//	PREFIX/AWSDynamoDB/LABEL/manifest-files.json     the files, a line for each, and .md5
//	PREFIX/AWSDynamoDB/LABEL/manifest-summary.json   the export, and .md5
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport.Output.html

// fileBytes is how many bytes of items, by DynamoDB's rules, are put into one file.
const fileBytes = 16 << 20

// familyFiles is where in the data of the copy the files lie that have been written.
const familyFiles = 21

// fileRecord is a file that has been written.
type fileRecord struct {
	Key   string `cbor:"1,keyasint"`
	Items int64  `cbor:"2,keyasint"`
	MD5   string `cbor:"3,keyasint"` // base64
	ETag  string `cbor:"4,keyasint"`
}

func (rec *exportRecord) root() string {
	if rec.Prefix == "" {
		return "AWSDynamoDB/"
	}
	return strings.TrimSuffix(rec.Prefix, "/") + "/AWSDynamoDB/"
}

func (rec *exportRecord) folder(w which) string { return rec.root() + w.Label + "/" }

// dataKey names a file: the same in every attempt to write it, so that what a crash left behind is written over.
func (rec *exportRecord) dataKey(w which, number uint64) string {
	sum := sha256.Sum256([]byte(w.arn(kindExport) + "#" + strconv.FormatUint(number, 10)))
	name := strings.ToLower(base32.StdEncoding.EncodeToString(sum[:])[:26]) + ".json.gz"
	if rec.Window != nil {
		return rec.root() + "data/" + name
	}
	return rec.folder(w) + "data/" + name
}

// put writes an object and returns its entity tag.
func (k *Carrier) put(ctx context.Context, rec *exportRecord, key string, body []byte, contentType string) (string, error) {
	in := &s3api.PutObjectRequest{Bucket: rec.Bucket, Key: key, Body: bytes.NewReader(body), ContentLength: new(int64(len(body))),
		ContentType: &contentType, ExpectedBucketOwner: aws.Some(rec.Owner)}
	switch api.S3SseAlgorithm(rec.SSE) {
	case api.S3SseAlgorithmAes256:
		in.ServerSideEncryption = s3api.ServerSideEncryptionAes256
	case api.S3SseAlgorithmKms:
		in.ServerSideEncryption, in.SSEKMSKeyId = s3api.ServerSideEncryptionAwsKms, aws.Some(rec.Key)
	}
	out, err := k.s3.PutObject(ctx, by(rec.As), in)
	if err != nil {
		return "", ofS3(err)
	}
	return strings.Trim(aws.Or(out.ETag, ""), `"`), nil
}

// keepExport keeps an exportKind promise: it writes the files that are missing, then the manifests.
func (k *Carrier) keepExport(ctx context.Context, p *timer.Kept) error {
	w, n, err := table.ReadWork(p.Args)
	if err != nil {
		return err
	}
	at := which{n.Account, n.Region, n.Name, w.Label}
	rec, err := view(ctx, k, n, func(r store.Reader) (exportRecord, error) { return findExport(r, at) })
	if _, gone := errors.AsType[*api.ExportNotFoundException](err); gone { // it has been tried for 90 days
		_, err = update(ctx, k, n, func(tx store.Tx) (any, error) {
			w.EraseExport(tx)
			return nil, p.Done(tx)
		})
		return unlessGone(err)
	}
	if err != nil {
		return err
	}
	err = k.writeExport(ctx, &rec, at, &w)
	f, failed := errors.AsType[*failure](err)
	if err != nil && !failed {
		return err
	}
	_, err = update(ctx, k, n, func(tx store.Tx) (any, error) {
		now := rec
		now.State.End = tx.Now().Truncate(time.Millisecond)
		if failed {
			now.State.Code, now.State.Message = f.code, f.message
		}
		tx.Set(at.key(kindExport), record.Encode(version, now))
		w.EraseExport(tx)
		return nil, p.Done(tx)
	})
	return unlessGone(err)
}

func (k *Carrier) writeExport(ctx context.Context, rec *exportRecord, at which, w *table.Work) error {
	if rec.Files == 0 {
		if _, err := k.put(ctx, rec, rec.folder(at)+"_started", nil, "application/octet-stream"); err != nil {
			return err
		}
	}
	for !rec.Whole {
		if err := k.writeFile(ctx, rec, at, w); err != nil {
			return err
		}
	}
	return k.writeManifests(ctx, rec, at, w)
}

// writeFile writes the next file and notes it.
func (k *Carrier) writeFile(ctx context.Context, rec *exportRecord, at which, w *table.Work) error {
	var body bytes.Buffer
	zip := gzip.NewWriter(&body)
	f := fileRecord{Key: rec.dataKey(at, rec.Files)}
	place, size := rec.Place, 0
	var line []byte
	for {
		type some struct {
			items []table.Exported
			size  int
			place []byte
		}
		got, err := view(ctx, k, at.name(), func(r store.Reader) (out some, err error) {
			out.items, out.size, out.place, err = w.Exported(r, place)
			return out, err
		})
		if err != nil {
			return err
		}
		for i := range got.items {
			line = appendLine(line[:0], &got.items[i], rec.Window)
			if _, err := zip.Write(line); err != nil {
				return err
			}
		}
		f.Items += int64(len(got.items))
		size += got.size
		if place = got.place; place == nil || size >= fileBytes {
			break
		}
	}
	if err := zip.Close(); err != nil {
		return err
	}
	sum := md5.Sum(body.Bytes())
	f.MD5 = base64.StdEncoding.EncodeToString(sum[:])
	var err error
	if f.ETag, err = k.put(ctx, rec, f.Key, body.Bytes(), "application/octet-stream"); err != nil {
		return err
	}
	next := *rec
	next.Items, next.Bytes, next.Place, next.Whole = rec.Items+f.Items, rec.Bytes+int64(size), place, place == nil
	next.Files++
	_, err = update(ctx, k, at.name(), func(tx store.Tx) (any, error) {
		tx.Set(table.DataOf(w.Index).Uint(familyFiles).Uint(rec.Files), record.Encode(version, f))
		tx.Set(at.key(kindExport), record.Encode(version, next))
		return nil, nil
	})
	*rec = next
	return err
}

// appendLine appends an item as a line of a file.
func appendLine(b []byte, e *table.Exported, win *windowRecord) []byte {
	if win == nil {
		return append(e.New.AppendJSON(append(b, `{"Item":`...)), '}', '\n')
	}
	b = fmt.Appendf(b, `{"Metadata":{"WriteTimestampMicros":{"N":"%d"}},"Keys":`, e.Changed.UnixMicro())
	b = e.Keys.AppendJSON(b)
	if e.Old != nil && win.View == string(api.ExportViewTypeNewAndOldImages) {
		b = e.Old.AppendJSON(append(b, `,"OldImage":`...))
	}
	if e.New != nil {
		b = e.New.AppendJSON(append(b, `,"NewImage":`...))
	}
	return append(b, '}', '\n')
}

// fileLine is a line of manifest-files.json.
type fileLine struct {
	Items int64  `json:"itemCount"`
	MD5   string `json:"md5Checksum"`
	ETag  string `json:"etag"`
	Key   string `json:"dataFileS3Key"`
}

// summary is manifest-summary.json.
type summary struct {
	Version   string  `json:"version"`
	ARN       string  `json:"exportArn"`
	Start     string  `json:"startTime"`
	End       string  `json:"endTime"`
	Table     string  `json:"tableArn"`
	TableID   string  `json:"tableId"`
	Time      string  `json:"exportTime,omitempty"`
	From      string  `json:"exportFromTime,omitempty"`
	To        string  `json:"exportToTime,omitempty"`
	Bucket    string  `json:"s3Bucket"`
	Prefix    *string `json:"s3Prefix"`
	Algorithm string  `json:"s3SseAlgorithm"`
	Key       *string `json:"s3SseKmsKeyId"`
	Files     string  `json:"manifestFilesS3Key"`
	Billed    int64   `json:"billedSizeBytes"`
	Items     int64   `json:"itemCount"`
	Format    string  `json:"outputFormat"`
	View      string  `json:"outputView,omitempty"`
	Type      string  `json:"exportType"`
}

const stamped = "2006-01-02T15:04:05.000Z"

// writeManifests writes the manifests and their checksums.
func (k *Carrier) writeManifests(ctx context.Context, rec *exportRecord, at which, w *table.Work) error {
	files, err := view(ctx, k, at.name(), func(r store.Reader) ([]byte, error) {
		var out []byte
		pairs, done := r.Scan(table.DataOf(w.Index).Uint(familyFiles).Range(), store.ScanOpt{})
		for kv := range pairs {
			var f fileRecord
			if err := record.Decode(kv.Value, version, &f); err != nil {
				return nil, err
			}
			line, err := json.Marshal(fileLine{f.Items, f.MD5, f.ETag, f.Key})
			if err != nil {
				return nil, err
			}
			out = append(append(out, line...), '\n')
		}
		return out, done()
	})
	if err != nil {
		return err
	}
	s := summary{Version: "2020-06-30", ARN: at.arn(kindExport), Start: rec.State.Start.UTC().Format(stamped), End: k.clock.Now().UTC().Format(stamped),
		Table: at.name().ARN(), TableID: rec.TableID, Bucket: rec.Bucket, Prefix: aws.Some(rec.Prefix), Algorithm: rec.SSE, Key: aws.Some(rec.Key),
		Files: rec.folder(at) + "manifest-files.json", Billed: rec.Bytes, Items: rec.Items, Format: string(api.ExportFormatDynamodbJson), Type: rec.Type}
	if s.Algorithm == "" {
		s.Algorithm = string(api.S3SseAlgorithmAes256)
	}
	if win := rec.Window; win != nil {
		s.Version, s.From, s.To, s.View = "2023-08-01", win.From.UTC().Format(stamped), win.To.UTC().Format(stamped), win.View
	} else {
		s.Time = rec.Time.UTC().Format(stamped)
	}
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	for _, m := range []struct {
		name string
		body []byte
	}{{"manifest-files", files}, {"manifest-summary", text}} {
		sum := md5.Sum(m.body)
		if _, err := k.put(ctx, rec, rec.folder(at)+m.name+".json", m.body, "application/json"); err != nil {
			return err
		}
		if _, err := k.put(ctx, rec, rec.folder(at)+m.name+".md5", []byte(base64.StdEncoding.EncodeToString(sum[:])), "text/plain"); err != nil {
			return err
		}
	}
	return nil
}
