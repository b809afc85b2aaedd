package dataset

import (
	"encoding/json"
	"io"
	"strings"

	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/jsondoc"
)

type kind uint8

const (
	kindState     kind = iota // the items are the state's own
	kindList                  // the items are objects
	kindFlatten               // the items are in the objects of a list
	kindFile                  // the items are in one object
	kindInventory             // in the files of an S3 inventory
	kindAthena                // in the files of a manifest of Athena
)

// config is an ItemReader, read.
type config struct {
	kind                         kind
	bucket, prefix, key, version string
	max                          int64
	items                        []byte

	input     string // CSV, JSON, JSONL
	pointer   string // ItemsPointer
	delimiter rune
	header    []string // GIVEN
	firstRow  bool
}

// wire is ReaderConfig.
type wire struct {
	InputType         string
	CSVHeaderLocation string
	CSVHeaders        []string
	CSVDelimiter      string
	MaxItems          json.Number
	ManifestType      string
	Transformation    string
	ItemsPointer      string
}

var delimiters = map[string]rune{"": ',', "COMMA": ',', "PIPE": '|', "SEMICOLON": ';', "SPACE": ' ', "TAB": '\t'}

func parseConfig(r *asl.Reader) (*config, error) {
	var place struct{ Bucket, Key, VersionId, Prefix string }
	if err := json.Unmarshal(r.Arguments, &place); err != nil || place.Bucket == "" {
		return nil, failed("The ItemReader's parameters must name a Bucket.")
	}
	var w wire
	if len(r.Config) > 0 {
		if err := json.Unmarshal(r.Config, &w); err != nil {
			return nil, failed("The ReaderConfig is not valid: %v", err)
		}
	}
	c := &config{bucket: place.Bucket, prefix: place.Prefix, key: place.Key, version: place.VersionId, max: MaxItems, input: w.InputType,
		pointer: w.ItemsPointer}
	if w.MaxItems != "" {
		n, err := w.MaxItems.Int64()
		if err != nil || n < 0 || n > MaxItems {
			return nil, failed("MaxItems must be an integer between 0 and %d, but is %s.", MaxItems, w.MaxItems)
		}
		if n > 0 { // 0 is as if it were not there
			c.max = n
		}
	}
	if err := c.choose(r.Resource, &w); err != nil {
		return nil, err
	}
	return c, c.form(&w)
}

// choose finds where the items are.
func (c *config) choose(resource string, w *wire) error {
	switch {
	case strings.HasSuffix(resource, ":s3:listObjectsV2"):
		c.kind = kindList
		if w.Transformation == "LOAD_AND_FLATTEN" {
			c.kind = kindFlatten
		}
		return nil
	case !strings.HasSuffix(resource, ":s3:getObject"):
		return failed("The resource %s is not supported by an ItemReader.", resource)
	case c.key == "":
		return failed("The ItemReader's parameters must name a Key.")
	}
	c.kind = kindFile
	switch {
	case w.ManifestType == "ATHENA_DATA":
		c.kind = kindAthena
	case c.input == "MANIFEST" || w.ManifestType == "S3_INVENTORY":
		c.kind, c.input = kindInventory, "CSV"
	}
	return nil
}

// form finds how the items are written.
func (c *config) form(w *wire) error {
	if c.kind == kindList {
		return nil
	}
	switch c.input {
	case "JSON", "JSONL":
	case "CSV":
		delimiter, ok := delimiters[w.CSVDelimiter]
		if !ok {
			return failed("The CSVDelimiter %s is not supported.", w.CSVDelimiter)
		}
		c.delimiter, c.header = delimiter, w.CSVHeaders
		c.firstRow = w.CSVHeaderLocation == "FIRST_ROW"
		if c.kind != kindInventory && !c.firstRow && (w.CSVHeaderLocation != "GIVEN" || len(c.header) == 0) {
			return failed("A CSV file needs the CSVHeaderLocation FIRST_ROW, or GIVEN with CSVHeaders.")
		}
	case "PARQUET":
		return failed("The InputType PARQUET is not supported by Brume: convert the data to JSONL or CSV.")
	default:
		return failed("The InputType %s is not supported.", c.input)
	}
	return nil
}

// open reads a file from the cursor on; body stands there.
func (c *config) open(body io.ReadCloser, at Cursor) (rows, error) {
	switch c.input {
	case "JSON":
		return openArray(body, c.pointer, at), nil
	case "JSONL":
		return openLines(body, at), nil
	}
	header := c.header
	if len(at.Header) > 0 {
		header = at.Header
	}
	return openTable(body, c.delimiter, header, c.firstRow && len(at.Header) == 0, at)
}

// item is an object as listObjectsV2 items show it.
func (o *Object) item() []byte {
	d := jsondoc.NewObject()
	d.Set("Etag", o.ETag)
	d.Set("Key", o.Key)
	d.Set("LastModified", number(o.LastModified))
	d.Set("Size", number(o.Size))
	d.Set("StorageClass", o.StorageClass)
	return jsondoc.Append(nil, d)
}
