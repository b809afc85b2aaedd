package dynamodb

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/item"
)

// exportable makes a table with point-in-time recovery.
func (w *world) exportable(name string) {
	w.must("CreateTable", `{"TableName":"`+name+`","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},
		{"AttributeName":"sk","AttributeType":"N"}],"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}]}`)
	w.must("UpdateContinuousBackups", `{"TableName":"`+name+`","PointInTimeRecoverySpecification":{"PointInTimeRecoveryEnabled":true}}`)
}

func (w *world) putSized(name, pk string, sk, size int, mark string) {
	w.must("PutItem", fmt.Sprintf(`{"TableName":%q,"Item":{"pk":{"S":%q},"sk":{"N":"%d"},"mark":{"S":%q},"data":{"S":%q}}}`,
		name, pk, sk, mark, strings.Repeat("x", size)))
}

// pass lets time go by.
func (w *world) pass(d time.Duration) {
	if _, err := w.clock.Advance(context.Background(), d); err != nil {
		w.t.Fatal(err)
	}
}

// export runs an export to its end.
func (w *world) export(in string) *api.ExportDescription {
	w.t.Helper()
	var made struct{ ExportDescription struct{ ExportArn string } }
	if err := json.Unmarshal([]byte(w.must("ExportTableToPointInTime", in)), &made); err != nil {
		w.t.Fatal(err)
	}
	w.settle()
	w.pass(time.Minute) // for another attempt
	out, err := w.s.DescribeExport(context.Background(), w.id, &api.DescribeExportInput{ExportArn: made.ExportDescription.ExportArn})
	if err != nil {
		w.t.Fatal(err)
	}
	return out.ExportDescription
}

// lines reads the files that a manifest names.
func (w *world) lines(manifest string) []string {
	w.t.Helper()
	var s struct {
		ManifestFilesS3Key string
		ItemCount          int
	}
	if err := json.Unmarshal(w.bucket.objects[manifest], &s); err != nil {
		w.t.Fatal(manifest, err)
	}
	for _, key := range []string{manifest, s.ManifestFilesS3Key} {
		sum := md5.Sum(w.bucket.objects[key])
		if got, want := string(w.bucket.objects[strings.TrimSuffix(key, ".json")+".md5"]), base64.StdEncoding.EncodeToString(sum[:]); got != want {
			w.t.Errorf("%s has the checksum %s, want %s", key, got, want)
		}
	}
	var out []string
	for line := range strings.Lines(string(w.bucket.objects[s.ManifestFilesS3Key])) {
		var f struct {
			ItemCount                        int
			MD5Checksum, Etag, DataFileS3Key string
		}
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			w.t.Fatal(err)
		}
		body := w.bucket.objects[f.DataFileS3Key]
		sum := md5.Sum(body)
		if f.MD5Checksum != base64.StdEncoding.EncodeToString(sum[:]) || f.Etag != fmt.Sprintf("%x", sum) {
			w.t.Errorf("%s has other checksums than the manifest says: %s", f.DataFileS3Key, line)
		}
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			w.t.Fatal(err)
		}
		text, err := io.ReadAll(z)
		if err != nil {
			w.t.Fatal(err)
		}
		got := slices.Collect(strings.Lines(string(text)))
		if len(got) != f.ItemCount {
			w.t.Errorf("%s has %d items, the manifest says %d", f.DataFileS3Key, len(got), f.ItemCount)
		}
		out = append(out, got...)
	}
	if len(out) != s.ItemCount {
		w.t.Errorf("%d items, the summary says %d", len(out), s.ItemCount)
	}
	return out
}

// An export is the table as it was at its time, whatever is written meanwhile and however often the process dies; what it
// wrote can be imported.
func TestExportAndImport(t *testing.T) {
	for _, fail := range []int{0, 2, 3, 5} {
		w := newWorld(t, memory)
		w.exportable("source")
		for i := range 300 {
			w.putSized("source", fmt.Sprint("p", i%7), i, 20+i%50, "old")
		}
		for i := range 45 {
			w.putSized("source", "large", i, 390_000, "old") // some 17 MB: two files
		}
		want := w.contents("source")
		w.pass(10 * time.Second)
		at := w.clock.Now().Unix()
		w.pass(10 * time.Second)
		for i := range 50 {
			w.putSized("source", fmt.Sprint("p", i%7), i, 30, "new")
		}
		w.must("DeleteItem", `{"TableName":"source","Key":{"pk":{"S":"large"},"sk":{"N":"7"}}}`)
		w.bucket.fail = fail
		in := fmt.Sprintf(`{"TableArn":"arn:aws:dynamodb:us-east-1:000000000000:table/source","S3Bucket":"the-bucket","S3Prefix":"some/where","ExportTime":%d,"ClientToken":"one"}`, at)
		d := w.export(in)
		if d.ExportStatus != api.ExportStatusCompleted || *d.ItemCount != 345 || !strings.HasPrefix(*d.ExportManifest, "some/where/AWSDynamoDB/0") {
			t.Fatalf("%+v", d)
		}
		if again := w.export(in); *again.ExportArn != *d.ExportArn {
			t.Errorf("the token made another export: %s", *again.ExportArn)
		}
		if got := w.answer("ExportTableToPointInTime", strings.Replace(in, "some", "else", 1)); !strings.Contains(got, "ExportConflictException") {
			t.Error(got)
		}
		files := 0
		for key := range w.bucket.objects {
			if strings.HasSuffix(key, ".json.gz") {
				files++
			}
		}
		if files != 2 {
			t.Errorf("%d files, want 2", files)
		}
		got := map[string]item.Map{}
		for _, line := range w.lines(*d.ExportManifest) {
			var m item.Map
			if _, err := m.DecodeJSON([]byte(strings.TrimSuffix(strings.TrimPrefix(line, `{"Item":`), "}\n"))); err != nil {
				t.Fatal(err)
			}
			got[string(item.NewMap(item.F("pk", m.Get("pk")), item.F("sk", m.Get("sk"))).AppendJSON(nil))] = m
		}
		if !maps.EqualFunc(got, want, func(a, b item.Map) bool { return item.EqualMaps(a, b) }) {
			t.Errorf("the export is not what was there: %d items, want %d", len(got), len(want))
		}
		w.bucket.fail = fail
		folder := strings.TrimSuffix(*d.ExportManifest, "manifest-summary.json") + "data/"
		in = `{"S3BucketSource":{"S3Bucket":"the-bucket","S3KeyPrefix":"` + folder + `"},"InputFormat":"DYNAMODB_JSON","InputCompressionType":"GZIP",
			"TableCreationParameters":{"TableName":"target","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},
			{"AttributeName":"sk","AttributeType":"N"},{"AttributeName":"mark","AttributeType":"S"}],"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}],
			"GlobalSecondaryIndexes":[{"IndexName":"marks","KeySchema":[{"AttributeName":"mark","KeyType":"HASH"}],"Projection":{"ProjectionType":"KEYS_ONLY"}}]}}`
		i := w.imported(in)
		if i.ImportStatus != api.ImportStatusCompleted || *i.ImportedItemCount != 345 || *i.ErrorCount != 0 || *i.ProcessedItemCount != 345 {
			t.Fatalf("%+v %v", i, i.FailureMessage)
		}
		w.mustHave("target", want)
		if got := w.must("Query", `{"TableName":"target","IndexName":"marks","Select":"COUNT","KeyConditionExpression":"mark=:m","ExpressionAttributeValues":{":m":{"S":"old"}}}`); !strings.Contains(got, `"Count":345`) {
			t.Error(got)
		}
		if len(w.bucket.via) != 1 || !w.bucket.via["dynamodb.amazonaws.com"] {
			t.Error("called S3 as", w.bucket.via)
		}
		if t.Failed() {
			t.Fatal("with a failure at", fail)
		}
	}
}

// imported runs an import to its end.
func (w *world) imported(in string) *api.ImportTableDescription {
	w.t.Helper()
	var made struct{ ImportTableDescription struct{ ImportArn string } }
	if err := json.Unmarshal([]byte(w.must("ImportTable", in)), &made); err != nil {
		w.t.Fatal(err)
	}
	w.settle()
	w.pass(time.Minute) // for another attempt
	out, err := w.s.DescribeImport(context.Background(), w.id, &api.DescribeImportInput{ImportArn: made.ImportTableDescription.ImportArn})
	if err != nil {
		w.t.Fatal(err)
	}
	return out.ImportTableDescription
}

// An incremental export holds each item that was changed in its window, once: as it was before and as it is after, and
// nothing of items that came and went inside of it.
func TestIncrementalExport(t *testing.T) {
	w := newWorld(t, memory)
	w.exportable("source")
	for i := range 4 {
		w.putSized("source", "before", i, 10, "old")
	}
	w.pass(time.Minute)
	from := w.clock.Now().Unix()
	w.putSized("source", "before", 1, 10, "between")
	w.putSized("source", "new", 1, 10, "new")
	w.putSized("source", "gone", 1, 10, "new")
	w.pass(time.Minute)
	w.putSized("source", "before", 1, 10, "after")
	changed := w.clock.Now().UnixMicro()
	for _, key := range []string{`"before"},"sk":{"N":"2"}`, `"gone"},"sk":{"N":"1"}`} {
		w.must("DeleteItem", `{"TableName":"source","Key":{"pk":{"S":`+key+`}}`)
	}
	w.pass(20 * time.Minute)
	to := w.clock.Now().Unix()
	w.putSized("source", "before", 3, 10, "too late")
	w.pass(time.Second)
	in := func(view string, to int64) string {
		return fmt.Sprintf(`{"TableArn":"arn:aws:dynamodb:us-east-1:000000000000:table/source","S3Bucket":"the-bucket","ExportType":"INCREMENTAL_EXPORT",
			"IncrementalExportSpecification":{"ExportFromTime":%d,"ExportToTime":%d,"ExportViewType":%q}}`, from, to, view)
	}
	d := w.export(in("NEW_AND_OLD_IMAGES", to))
	if d.ExportStatus != api.ExportStatusCompleted {
		t.Fatalf("%+v %s", d, *d.FailureMessage)
	}
	lines := strings.Join(slices.Sorted(slices.Values(w.lines(*d.ExportManifest))), "")
	const image = `{"data":{"S":"xxxxxxxxxx"},"mark":{"S":"%s"},"pk":{"S":"%s"},"sk":{"N":"%d"}}`
	want := []string{
		fmt.Sprintf(`{"Metadata":{"WriteTimestampMicros":{"N":"%d"}},"Keys":{"pk":{"S":"before"},"sk":{"N":"1"}},"OldImage":`+image+`,"NewImage":`+image+"}\n",
			changed, "old", "before", 1, "after", "before", 1),
		fmt.Sprintf(`{"Metadata":{"WriteTimestampMicros":{"N":"%d"}},"Keys":{"pk":{"S":"before"},"sk":{"N":"2"}},"OldImage":`+image+"}\n", changed, "old", "before", 2),
		fmt.Sprintf(`{"Metadata":{"WriteTimestampMicros":{"N":"%d"}},"Keys":{"pk":{"S":"new"},"sk":{"N":"1"}},"NewImage":`+image+"}\n", changed-60e6, "new", "new", 1),
	}
	if slices.Sort(want); lines != strings.Join(want, "") {
		t.Errorf("got\n%swant\n%s", lines, strings.Join(want, ""))
	}
	d = w.export(in("NEW_IMAGE", to))
	if got := strings.Join(w.lines(*d.ExportManifest), ""); strings.Contains(got, "OldImage") || strings.Count(got, "NewImage") != 2 || strings.Count(got, "\n") != 3 {
		t.Error(got)
	}
	for _, end := range []int64{from + 14*60, from - 1, to + 100_000} {
		if got := w.answer("ExportTableToPointInTime", in("NEW_IMAGE", end)); !strings.Contains(got, "InvalidExportTimeException") {
			t.Errorf("to %d: %s", end, got)
		}
	}
}

// What lies in a bucket is read in each format and compression, and what is wrong with it is counted and logged.
func TestImportFormats(t *testing.T) {
	zipped := func(s string) []byte {
		e, err := zstd.NewWriter(nil)
		if err != nil {
			t.Fatal(err)
		}
		return e.EncodeAll([]byte(s), nil)
	}
	const fine, wrong = api.ImportStatusCompleted, api.ImportStatusFailed
	for _, c := range []struct {
		name, options string
		objects       map[string][]byte
		want          string
		status        api.ImportStatus
		imported      int64
		errors        int64
		logged        string
	}{
		{"header", `"InputFormat":"CSV"`, map[string][]byte{"a/1": []byte("pk,sk,x\na,1,hello\nb,2.50,\"with, comma\"\n")},
			`{"pk":{"S":"a"},"sk":{"N":"1"},"x":{"S":"hello"}}{"pk":{"S":"b"},"sk":{"N":"2.5"},"x":{"S":"with, comma"}}`, fine, 2, 0, ""},
		{"header of each object", `"InputFormat":"CSV"`, map[string][]byte{"a/1": []byte("pk,sk\na,1\n"), "a/2": []byte("sk,pk\n2,b"), "a/3": []byte("sk,pk\n3,b"), "a/": nil},
			`{"pk":{"S":"a"},"sk":{"N":"1"}}{"pk":{"S":"b"},"sk":{"N":"2"}}{"pk":{"S":"b"},"sk":{"N":"3"}}`, fine, 3, 0, ""},
		{"list", `"InputFormat":"CSV","InputFormatOptions":{"Csv":{"Delimiter":";","HeaderList":["pk","sk"]}}`, map[string][]byte{"a/1": []byte("pk;1\nb;2")},
			`{"pk":{"S":"b"},"sk":{"N":"2"}}{"pk":{"S":"pk"},"sk":{"N":"1"}}`, fine, 2, 0, ""},
		{"columns", `"InputFormat":"CSV"`, map[string][]byte{"a/1": []byte("pk,sk\na,1,2\nb,x\nc,3\n")},
			`{"pk":{"S":"c"},"sk":{"N":"3"}}`, wrong, 1, 2, "the record has 3 columns, the header 2"},
		{"quotation", `"InputFormat":"CSV"`, map[string][]byte{"a/1": []byte("pk,sk\n\"a\"b,1\nc,3\n"), "a/2": []byte("pk,sk\nd,4\n")},
			`{"pk":{"S":"d"},"sk":{"N":"4"}}`, wrong, 1, 1, "cannot be read"},
		{"zstd", `"InputFormat":"DYNAMODB_JSON","InputCompressionType":"ZSTD"`, map[string][]byte{"a/1": zipped("\n" + `{"Item":{"pk":{"S":"a"},"sk":{"N":"1e2"},"l":{"L":[{"NULL":true}]}}}` + "\n\n")},
			`{"l":{"L":[{"NULL":true}]},"pk":{"S":"a"},"sk":{"N":"100"}}`, fine, 1, 0, ""},
		{"damaged", `"InputFormat":"DYNAMODB_JSON","InputCompressionType":"GZIP"`, map[string][]byte{"a/1": []byte("this is no gzip at all")}, "", wrong, 0, 1, "gzip"},
		{"items", `"InputFormat":"DYNAMODB_JSON"`, map[string][]byte{"a/1": []byte(`{"Item":{"pk":{"S":"a"},"sk":{"N":"1"}}}
			{"Item":{"pk":{"S":"a"}}}
			{"pk":{"S":"a"},"sk":{"N":"1"}}
			{"Item":{"pk":{"S":"a"},"sk":{"N":"1"},"v":{"S":"later"}}}
			{"Item":{"pk":{"S":""},"sk":{"N":"1"}}}
			{"Item":{"pk":{"S":"c"},"sk":{"N":"1"},"v":{"NS":["1","1"]}}}`)},
			`{"pk":{"S":"a"},"sk":{"N":"1"},"v":{"S":"later"}}`, wrong, 2, 4, "Missing the key sk in the item"},
		{"nothing", `"InputFormat":"DYNAMODB_JSON"`, map[string][]byte{"b/1": nil}, "", wrong, 0, 0, ""},
	} {
		w := newWorld(t, memory)
		w.bucket.objects = c.objects
		d := w.imported(`{"S3BucketSource":{"S3Bucket":"the-bucket","S3KeyPrefix":"a/"},` + c.options + `,"TableCreationParameters":{"TableName":"target","BillingMode":"PAY_PER_REQUEST",
			"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"N"}],
			"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}]}}`)
		if d.ImportStatus != c.status || *d.ImportedItemCount != c.imported || *d.ErrorCount != c.errors || *d.ProcessedItemCount != c.imported+c.errors {
			t.Errorf("%s: %s with %d items, %d errors, %d processed", c.name, d.ImportStatus, *d.ImportedItemCount, *d.ErrorCount, *d.ProcessedItemCount)
		}
		var got strings.Builder
		all := w.contents("target")
		for _, key := range slices.Sorted(maps.Keys(all)) {
			got.Write(all[key].AppendJSON(nil))
		}
		if got.String() != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got.String(), c.want)
		}
		if log := strings.Join(w.bucket.logged, "\n"); int64(len(w.bucket.logged)) != c.errors || !strings.Contains(log, c.logged) {
			t.Errorf("%s: logged %s", c.name, log)
		}
	}
}

// What cannot work says so: at once, or in the description of the export or import.
func TestTransferErrors(t *testing.T) {
	w := newWorld(t, memory)
	w.exportable("source")
	const arn = `"TableArn":"arn:aws:dynamodb:us-east-1:000000000000:table/`
	d := w.export(`{` + arn + `source","S3Bucket":"another"}`)
	if d.ExportStatus != api.ExportStatusFailed || *d.FailureCode != "S3NoSuchBucket" || d.EndTime == nil {
		t.Errorf("%+v", d)
	}
	w.must("CreateTable", `{"TableName":"plain","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}]}`)
	const target = `"TableCreationParameters":{"TableName":"plain","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}]}`
	for _, c := range []struct{ op, in, want string }{
		{"ExportTableToPointInTime", `{` + arn + `plain","S3Bucket":"bbb"}`, "PointInTimeRecoveryUnavailableException: Point in time recovery is not enabled for table 'plain'"},
		{"ExportTableToPointInTime", `{` + arn + `nothing","S3Bucket":"bbb"}`, "TableNotFoundException"},
		{"ExportTableToPointInTime", `{` + arn + `source","S3Bucket":"bbb","ExportTime":5}`, "InvalidExportTimeException"},
		{"ExportTableToPointInTime", `{` + arn + `source","S3Bucket":"bbb","ExportFormat":"ION"}`, "NotImplemented"},
		{"ExportTableToPointInTime", `{` + arn + `source","S3Bucket":"bbb","ExportType":"INCREMENTAL_EXPORT"}`, "ValidationException"},
		{"DescribeExport", `{"ExportArn":"arn:aws:dynamodb:us-east-1:000000000000:table/source/export/01"}`, "ExportNotFoundException"},
		{"DescribeImport", `{"ImportArn":"arn:aws:dynamodb:us-east-1:000000000000:table/source/import/01"}`, "ImportNotFoundException"},
		{"ImportTable", `{"S3BucketSource":{"S3Bucket":"the-bucket"},"InputFormat":"CSV",` + target + `}`, "ResourceInUseException: Table already exists: plain"},
		{"ImportTable", `{"S3BucketSource":{"S3Bucket":"the-bucket"},"InputFormat":"ION",` + strings.Replace(target, "plain", "other", 1) + `}`, "NotImplemented"},
	} {
		if got := w.answer(c.op, c.in); !strings.Contains(got, c.want) {
			t.Errorf("%s %s: %s", c.op, c.in, got)
		}
	}
	i := w.imported(`{"S3BucketSource":{"S3Bucket":"another"},"InputFormat":"CSV",` + strings.Replace(target, "plain", "other", 1) + `}`)
	if i.ImportStatus != api.ImportStatusFailed || *i.FailureCode != "S3NoSuchBucket" {
		t.Errorf("%+v", i)
	}
	for n := range 3 {
		w.imported(`{"S3BucketSource":{"S3Bucket":"the-bucket"},"InputFormat":"CSV",` + strings.Replace(target, "plain", fmt.Sprint("more", n), 1) + `}`)
	}
	var token *string
	seen := 0
	for {
		out, err := w.s.ListImports(context.Background(), w.id, &api.ListImportsInput{PageSize: new(int32(2)), NextToken: token})
		if err != nil {
			t.Fatal(err)
		}
		seen += len(out.ImportSummaryList)
		if token = out.NextToken; token == nil {
			break
		}
	}
	if list := w.must("ListExports", `{`+arn+`source"}`); seen != 4 || strings.Count(list, "FAILED") != 1 {
		t.Errorf("%d imports, exports %s", seen, list)
	}
}
