package lint

import (
	"strings"
	"unicode/utf8"

	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/asl/path"
	"github.com/brume-dev/brume/jsondoc"
)

// maxItems is how many items a distributed map may read.
// https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemreader.html
const maxItems = 100_000_000

// states looks at the states of a branch or of an item processor.
func (n node) states(b *block, fields string) {
	n.jsonata = n.l.jsonata // the language of a state is not that of the states inside
	n.known(fields)
	n.required("StartAt", "States")
	n.text("Comment")
	b.inner = append(b.inner, n.block())
}

func (n node) parallel(b *block) {
	n.required("Branches")
	for _, branch := range n.items("Branches", false) {
		branch.states(b, branchFields)
	}
}

// mapping looks at a Map state.
func (n node) mapping(b *block) {
	n.exactlyOne("ItemProcessor", "Iterator")
	n.scalar("MaxConcurrency", "Integer", unbounded)
	n.scalar("ToleratedFailureCount", "Integer", unbounded)
	n.scalar("ToleratedFailurePercentage", "Float", 100)
	if n.jsonata {
		n.itemsExpression()
	} else {
		n.reference("ItemsPath", false, path.CompileReference)
	}
	n.data("ItemSelector")
	n.label()
	for _, key := range []string{"ItemProcessor", "Iterator"} {
		if p, ok := n.inner(key); ok {
			n.processor(b, p)
		}
	}
	n.reader()
	n.batcher()
	n.writer()
}

// scalar is a number under key, or a path under key+"Path".
func (n node) scalar(key, kind string, high float64) {
	n.atMostOne(key, key+"Path")
	n.number(key, kind, 0, high, n.jsonata)
	n.reference(key+"Path", false, path.CompileReference)
}

func (n node) itemsExpression() {
	v, ok := n.o.Get("Items")
	if !ok {
		return
	}
	switch v := v.(type) {
	case *jsondoc.Array, *jsondoc.Object:
		n.l.expressions(within(n.at, "Items"), v)
	case string:
		if !strings.HasPrefix(v, "{%") {
			n.fail("Items", "JSONata string must start with {%% and end with %%}")
			return
		}
		n.expression("Items", v)
	default:
		n.fail("Items", "Expected value of type Array")
	}
}

func (n node) label() {
	label := n.filled("Label")
	if label == "" {
		return
	}
	at := within(n.at, "Label")
	switch {
	case utf8.RuneCountInString(label) > asl.MaxLabel:
		n.l.report(InvalidLabelName, at, "Label '%s' exceeds the %d-character limit allowed by the service", label, asl.MaxLabel)
	case strings.ContainsAny(label, " \t\r\n<>{}[]?*\"#%\\^|~`$&,;:/"):
		n.l.report(InvalidLabelName, at, "Label '%s' contains invalid characters", label)
	}
	if n.l.labels[label] {
		n.l.report(DuplicateLabelName, at, "Duplicate Label name: %s", label)
	}
	n.l.labels[label] = true
}

// processor looks at the states that a Map runs for each item.
func (n node) processor(b *block, p node) {
	express := n.l.Express
	if config, ok := p.inner("ProcessorConfig"); ok {
		config.known("Mode ExecutionType")
		if config.oneOf("Mode", "INLINE", "DISTRIBUTED") == "DISTRIBUTED" {
			config.required("ExecutionType")
			if n.l.Express {
				config.fail("Mode", "The field 'Mode' with value 'DISTRIBUTED' is not supported inside 'EXPRESS' state machines")
			}
			n.l.Express = config.oneOf("ExecutionType", "STANDARD", "EXPRESS") == "EXPRESS" || express
		} else if config.has("ExecutionType") {
			n.l.schema(config.at, "Field 'ExecutionType' is not supported")
		}
	}
	p.states(b, branchFields+" ProcessorConfig")
	n.l.Express = express
}

// export is the resource of an ItemReader or ResultWriter, which needs one of a few.
func (n node) export(names ...string) {
	text := n.filled("Resource")
	if text == "" {
		return
	}
	res, ok := asl.ParseResource(text)
	if ok {
		for _, name := range names {
			ok = res.Style == asl.Integration && res.Service == "s3" && res.Full == name
			if ok {
				return
			}
		}
	}
	n.fail("Resource", "The field 'Resource' does not match any of the allowed values")
}

func (n node) reader() {
	r, ok := n.inner("ItemReader")
	if !ok {
		return
	}
	r.known(readerFields)
	r.required("Resource")
	r.export("getObject", "listObjectsV2")
	r.data("Parameters")
	r.data("Arguments")
	c, ok := r.inner("ReaderConfig")
	if !ok {
		return
	}
	c.known(configFields)
	input := c.oneOf("InputType", "CSV", "JSON", "JSONL", "PARQUET", "MANIFEST")
	c.oneOf("Transformation", "NONE", "LOAD_AND_FLATTEN")
	c.oneOf("ManifestType", "ATHENA_DATA", "S3_INVENTORY")
	c.oneOf("CSVDelimiter", "COMMA", "PIPE", "SEMICOLON", "SPACE", "TAB")
	location := c.oneOf("CSVHeaderLocation", "FIRST_ROW", "GIVEN")
	switch {
	case input == "CSV" && location == "" && !c.has("CSVHeaderLocation"):
		c.l.schema(c.at, "The field 'CSVHeaderLocation' is required")
	case input != "CSV" && input != "MANIFEST" && c.has("CSVHeaderLocation"):
		c.l.schema(c.at, "Field 'CSVHeaderLocation' is not supported")
	case location == "GIVEN":
		c.required("CSVHeaders")
	}
	c.headers()
	c.atMostOne("MaxItems", "MaxItemsPath")
	c.integer("MaxItems", 1, maxItems)
	c.reference("MaxItemsPath", false, path.CompileReference)
	c.text("ItemsPointer")
}

func (n node) headers() {
	v, ok := n.o.Get("CSVHeaders")
	if !ok {
		return
	}
	a, ok := v.(*jsondoc.Array)
	if !ok {
		n.fail("CSVHeaders", "Expected value of type Array")
		return
	}
	for _, item := range a.Items {
		if _, ok := item.(string); !ok {
			n.fail("CSVHeaders", "Expected value of type String")
		}
	}
}

func (n node) batcher() {
	b, ok := n.inner("ItemBatcher")
	if !ok {
		return
	}
	b.known(batcherFields)
	present := 0
	for _, bound := range []struct {
		key  string
		high float64
	}{{"MaxItemsPerBatch", maxItems}, {"MaxInputBytesPerBatch", asl.MaxBatchBytes}} {
		present += len(b.atMostOne(bound.key, bound.key+"Path"))
		b.integer(bound.key, 1, bound.high)
		b.reference(bound.key+"Path", false, path.CompileReference)
	}
	if present == 0 {
		b.l.schema(b.at, "This object should have at least one of the following fields: [MaxItemsPerBatch, MaxItemsPerBatchPath, MaxInputBytesPerBatch, MaxInputBytesPerBatchPath]")
	}
	b.data("BatchInput")
}

func (n node) writer() {
	w, ok := n.inner("ResultWriter")
	if !ok {
		return
	}
	w.known(writerFields)
	w.export("putObject")
	w.data("Parameters")
	w.data("Arguments")
	c, ok := w.inner("WriterConfig")
	if !ok {
		return
	}
	c.known("Transformation OutputType")
	c.oneOf("Transformation", "NONE", "COMPACT", "FLATTEN")
	c.oneOf("OutputType", "JSON", "JSONL")
}
