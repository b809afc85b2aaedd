package dataset

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/asl/fault"
)

// shelf is a bucket in memory.
type shelf map[string]string

func (s shelf) Get(_ context.Context, bucket, key, _, etag string, offset int64) (*Content, error) {
	text, ok := s[bucket+"/"+key]
	if !ok {
		return nil, failed("The specified key does not exist.")
	}
	if etag != "" && etag != "E"+key {
		return nil, failed("At least one of the pre-conditions you specified did not hold")
	}
	return &Content{Body: newBytes([]byte(text), offset), ETag: "E" + key}, nil
}

func (s shelf) List(_ context.Context, bucket, prefix, after string) (out []Object, more bool, err error) {
	var keys []string
	for k := range s {
		if k = strings.TrimPrefix(k, bucket+"/"); strings.HasPrefix(k, prefix) && k > after {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	for _, k := range keys[:min(2, len(keys))] {
		out = append(out, Object{ETag: `"e"`, Key: k, LastModified: 1668699881, Size: int64(len(s[bucket+"/"+k])), StorageClass: "STANDARD"})
	}
	return out, len(keys) > 2, nil
}

func packed(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(text))
	_ = z.Close()
	return b.String()
}

var objects = shelf{
	"b/a.csv":          "\ufeffid,name,note\r\n1,\"Ann, \"\"A\"\"\",x\n2,Bob\n3,Cy,z,more\n",
	"b/pipe.csv":       "1|2\n3|4\n",
	"b/a.jsonl":        "{\"n\":1}\n\n[2]\r\n\"three\"",
	"b/a.json":         ` [ 1, {"a":[2,"]"]} ,"x,y" , -3.5e1 ]`,
	"b/deep.json":      `{"skip":{"x":[1,2,{"y":"}"}]},"a/b":[{"items":0},{"items":[true,null]}]}`,
	"b/object.json":    `{"k1":1,"k\"2":{"v":2}}`,
	"b/empty.json":     `[]`,
	"b/z/one.jsonl":    "1\n2\n",
	"b/z/empty/":       "",
	"b/z/two.jsonl.gz": packed("3\n4\n"),
	"b/scalar.json":    `7`,
	"b/cut.json":       `[1,{"a":`,
	"b/bad.jsonl":      "{\"a\":1}\n{nope}\n",
	"b/inv/manifest.json": `{"sourceBucket":"s","destinationBucket":"arn:aws:s3:::b","fileFormat":"CSV","fileSchema":"Bucket, Key, Size",
		"files":[{"key":"inv/1.csv.gz"},{"key":"inv/2.csv.gz"}]}`,
	"b/inv/1.csv.gz": packed("\"s\",\"k1\",\"1\"\n\"s\",\"k2\",\"2\"\n"),
	"b/inv/2.csv.gz": packed("\"s\",\"k3\",\"3\"\n"),
	"b/unload.csv":   "s3://b/z/one.jsonl\ns3://b/z/two.jsonl.gz\n",
}

type example struct{ resource, arguments, config, want string }

var examples = map[string]example{
	"csv": {"getObject", `{"Bucket":"b","Key":"a.csv"}`, `{"InputType":"CSV","CSVHeaderLocation":"FIRST_ROW"}`,
		`{"id":"1","name":"Ann, \"A\"","note":"x"} {"id":"2","name":"Bob","note":""} {"id":"3","name":"Cy","note":"z"}`},
	"given": {"getObject", `{"Bucket":"b","Key":"pipe.csv"}`, `{"InputType":"CSV","CSVHeaderLocation":"GIVEN","CSVHeaders":["x","y"],"CSVDelimiter":"PIPE"}`,
		`{"x":"1","y":"2"} {"x":"3","y":"4"}`},
	"jsonl":   {"getObject", `{"Bucket":"b","Key":"a.jsonl"}`, `{"InputType":"JSONL"}`, `{"n":1} [2] "three"`},
	"json":    {"getObject", `{"Bucket":"b","Key":"a.json"}`, `{"InputType":"JSON"}`, `1 {"a":[2,"]"]} "x,y" -3.5e1`},
	"pointer": {"getObject", `{"Bucket":"b","Key":"deep.json"}`, `{"InputType":"JSON","ItemsPointer":"/a~1b/1/items"}`, `true null`},
	"object":  {"getObject", `{"Bucket":"b","Key":"object.json"}`, `{"InputType":"JSON"}`, `k1=1 k"2={"v":2}`},
	"empty":   {"getObject", `{"Bucket":"b","Key":"empty.json"}`, `{"InputType":"JSON"}`, ``},
	"most":    {"getObject", `{"Bucket":"b","Key":"a.json"}`, `{"InputType":"JSON","MaxItems":2}`, `1 {"a":[2,"]"]}`},
	"list": {"listObjectsV2", `{"Bucket":"b","Prefix":"z/"}`, ``, `{"Etag":"\"e\"","Key":"z/empty/","LastModified":1668699881,"Size":0,"StorageClass":"STANDARD"}` +
		` {"Etag":"\"e\"","Key":"z/one.jsonl","LastModified":1668699881,"Size":4,"StorageClass":"STANDARD"}` +
		` {"Etag":"\"e\"","Key":"z/two.jsonl.gz","LastModified":1668699881,"Size":28,"StorageClass":"STANDARD"}`},
	"flatten": {"listObjectsV2", `{"Bucket":"b","Prefix":"z/"}`, `{"InputType":"JSONL","Transformation":"LOAD_AND_FLATTEN"}`, `1 2 3 4`},
	"inventory": {"getObject", `{"Bucket":"b","Key":"inv/manifest.json"}`, `{"InputType":"MANIFEST"}`,
		`{"Bucket":"s","Key":"k1","Size":"1"} {"Bucket":"s","Key":"k2","Size":"2"} {"Bucket":"s","Key":"k3","Size":"3"}`},
	"athena": {"getObject", `{"Bucket":"b","Key":"unload.csv"}`, `{"InputType":"JSONL","ManifestType":"ATHENA_DATA"}`, `1 2 3 4`},

	"no key":  {"getObject", `{"Bucket":"b","Key":"none"}`, `{"InputType":"JSON"}`, `!The specified key does not exist.`},
	"parquet": {"getObject", `{"Bucket":"b","Key":"x"}`, `{"InputType":"PARQUET"}`, `!The InputType PARQUET is not supported by Brume: convert the data to JSONL or CSV.`},
	"scalar":  {"getObject", `{"Bucket":"b","Key":"scalar.json"}`, `{"InputType":"JSON"}`, `!Error reading S3://b/scalar.json: attempting to map over a value that is neither an array nor an object`},
	"cut":     {"getObject", `{"Bucket":"b","Key":"cut.json"}`, `{"InputType":"JSON"}`, `1 !Error reading S3://b/cut.json: the JSON ends too early`},
	"bad":     {"getObject", `{"Bucket":"b","Key":"bad.jsonl"}`, `{"InputType":"JSONL"}`, `{"a":1} !Error reading S3://b/bad.jsonl: the line that ends at byte 15 is not valid JSON`},
	"nowhere": {"getObject", `{"Bucket":"b","Key":"deep.json"}`, `{"InputType":"JSON","ItemsPointer":"/skip/z"}`, `!Error reading S3://b/deep.json: the ItemsPointer /skip/z points at nothing`},
	"header":  {"getObject", `{"Bucket":"b","Key":"a.csv"}`, `{"InputType":"CSV"}`, `!A CSV file needs the CSVHeaderLocation FIRST_ROW, or GIVEN with CSVHeaders.`},
}

func (e example) reader() *asl.Reader {
	return &asl.Reader{Resource: "arn:aws:states:::s3:" + e.resource, Arguments: []byte(e.arguments), Config: []byte(e.config)}
}

// read reads items until the end, an error, or most.
func read(t *testing.T, r *asl.Reader, items string, from Cursor, most int) (got []string, at Cursor) {
	t.Helper()
	reading, err := Open(objects, r, []byte(items), from)
	if err != nil {
		return []string{"!" + fault.Of(err).Cause}, from
	}
	defer reading.Close()
	for len(got) < most {
		it, err := reading.Next(t.Context())
		if errors.Is(err, io.EOF) {
			break
		}
		if f, ok := errors.AsType[*fault.Error](err); ok {
			if f.Name != fault.ItemReaderFailed {
				t.Error(f)
			}
			return append(got, "!"+f.Cause), reading.Cursor()
		}
		if err != nil {
			t.Fatal(err)
		}
		if it.Key != "" {
			it.Key += "="
		}
		got = append(got, it.Key+string(it.Value))
	}
	return got, reading.Cursor()
}

func TestReading(t *testing.T) {
	for name, e := range examples {
		got, _ := read(t, e.reader(), "", Cursor{}, 100)
		if strings.Join(got, " ") != e.want {
			t.Errorf("%s: %s", name, strings.Join(got, " "))
		}
	}
	got, at := read(t, nil, `[1,"a",{"b":[]}]`, Cursor{}, 100)
	if strings.Join(got, " ") != `1 "a" {"b":[]}` || at.Items != 3 {
		t.Error(got, at)
	}
}

// TestLongRow: a quotation that is not closed is not read to the end of the file.
func TestLongRow(t *testing.T) {
	for _, text := range []string{"a,b\n\"" + strings.Repeat("x", 3*maxRow), "\"" + strings.Repeat("x", 3*maxRow)} {
		file := strings.NewReader(text)
		rows, err := openTable(io.NopCloser(file), ',', nil, true, Cursor{})
		if err == nil {
			_, _, err = rows.next()
		}
		if err == nil || !strings.Contains(err.Error(), "maximum of") || file.Len() < maxRow {
			t.Errorf("%v, %d bytes are not read", err, file.Len())
		}
	}
}

// TestCursors: reading on from any cursor gives the rest.
func TestCursors(t *testing.T) {
	for name, e := range examples {
		all, _ := read(t, e.reader(), "", Cursor{}, 100)
		for n := range all {
			if strings.HasPrefix(all[n], "!") {
				continue
			}
			head, at := read(t, e.reader(), "", Cursor{}, n)
			rest, _ := read(t, e.reader(), "", at, 100)
			if got := append(head, rest...); !slices.Equal(got, all) {
				t.Errorf("%s, cut at %d: %q", name, n, got)
			}
		}
	}
}

func TestBatches(t *testing.T) {
	for _, c := range []struct {
		b    *asl.Batcher
		want string
	}{
		{nil, `1:10 1:200 1:3`},
		{&asl.Batcher{MaxItems: 2}, `2:{"Items":[10,200]} 1:{"Items":[3]}`},
		{&asl.Batcher{MaxItems: 9, Input: []byte(`{"f":1}`)}, `3:{"BatchInput":{"f":1},"Items":[10,200,3]}`},
		{&asl.Batcher{MaxBytes: 18}, `2:{"Items":[10,200]} 1:{"Items":[3]}`},
	} {
		b := NewBatches(c.b)
		var got []string
		put := func(text []byte, n int) {
			if n > 0 {
				got = append(got, fmt.Sprintf("%d:%s", n, text))
			}
		}
		for _, item := range []string{"10", "200", "3"} {
			put(b.Add([]byte(item)))
			if b.Full() {
				put(b.Rest())
			}
		}
		put(b.Rest())
		if strings.Join(got, " ") != c.want {
			t.Errorf("%+v: %s", c.b, got)
		}
	}
}

// FuzzArray compares with reading all at once, and reads on from each cursor.
func FuzzArray(f *testing.F) {
	f.Add(`[1,{"a":"]"},[[]],"\""]`, "")
	f.Add(`{"a":{"b":[1,2]}}`, "/a/b")
	f.Add("\ufeff[ ]", "/0")
	f.Fuzz(func(t *testing.T, text, pointer string) {
		var all []string
		a := openArray(newBytes([]byte(text), 0), pointer, Cursor{})
		for {
			key, value, err := a.next()
			if err != nil {
				break
			}
			all = append(all, key+string(value))
			var at Cursor
			a.mark(&at)
			if at.Offset <= 0 || at.Offset > int64(len(text)) {
				t.Fatalf("offset %d of %q", at.Offset, text)
			}
			if len(all) > 1 {
				continue
			}
			on := openArray(newBytes([]byte(text), at.Offset), pointer, at)
			_, _, errHere := on.next()
			again := openArray(newBytes([]byte(text), 0), pointer, Cursor{})
			_, _, _ = again.next()
			if _, _, errThere := again.next(); (errHere == nil) != (errThere == nil) {
				t.Fatalf("%q: %v from the cursor, %v otherwise", text, errHere, errThere)
			}
		}
	})
}

// FuzzConfig: no reader config and no content brings a reading down.
func FuzzConfig(f *testing.F) {
	for _, e := range examples {
		f.Add(e.resource, e.config, objects["b/a.csv"])
	}
	f.Fuzz(func(t *testing.T, resource, config, content string) {
		r, err := Open(shelf{"b/k": content}, &asl.Reader{Resource: resource, Arguments: []byte(`{"Bucket":"b","Key":"k"}`), Config: []byte(config)}, nil, Cursor{})
		if err != nil {
			return
		}
		defer r.Close()
		for range 100 {
			if _, err := r.Next(t.Context()); err != nil {
				return
			}
		}
	})
}

func BenchmarkReading(b *testing.B) {
	text := "id,name\n" + strings.Repeat("12345,some name\n", 10_000)
	r := &asl.Reader{Resource: "arn:aws:states:::s3:getObject", Arguments: []byte(`{"Bucket":"b","Key":"k"}`),
		Config: []byte(`{"InputType":"CSV","CSVHeaderLocation":"FIRST_ROW"}`)}
	b.ReportAllocs()
	for b.Loop() {
		reading, err := Open(shelf{"b/k": text}, r, nil, Cursor{})
		if err != nil {
			b.Fatal(err)
		}
		for err == nil {
			_, err = reading.Next(b.Context())
		}
		if reading.Cursor().Items != 10_000 {
			b.Fatal(err)
		}
	}
}
