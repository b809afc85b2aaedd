package lint

import (
	"strings"
	"unicode/utf8"

	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/asl/definition"
	"github.com/brume-dev/brume/asl/path"
	"github.com/brume-dev/brume/jsondoc"
)

// maxItems is how many items a distributed map may read.
// https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemreader.html
const maxItems = 100_000_000

// states looks at the states of a branch or of an item processor.
func (n node) states(b *block, fields string) {
	n.JSONata = n.l.jsonata // the language of a state is not that of the states inside
	n.known(fields)
	n.Required("StartAt", "States")
	n.Text("Comment")
	b.inner = append(b.inner, n.block())
}

func (n node) parallel(b *block) {
	n.Required("Branches")
	for _, branch := range n.items("Branches", false) {
		branch.states(b, branchFields)
	}
}

// mapping looks at a Map state.
func (n node) mapping(b *block) {
	n.ExactlyOne("ItemProcessor", "Iterator")
	n.scalar("MaxConcurrency", "Integer", definition.Unbounded)
	n.scalar("ToleratedFailureCount", "Integer", definition.Unbounded)
	n.scalar("ToleratedFailurePercentage", "Float", 100)
	if n.JSONata {
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
	n.AtMostOne(key, key+"Path")
	n.number(key, kind, 0, high, n.JSONata)
	n.reference(key+"Path", false, path.CompileReference)
}

func (n node) itemsExpression() {
	v, ok := n.Object.Get("Items")
	if !ok {
		return
	}
	switch v := v.(type) {
	case *jsondoc.Array, *jsondoc.Object:
		n.l.expressions(n.Within("Items"), v)
	case string:
		if !strings.HasPrefix(v, "{%") {
			n.Fail("Items", "JSONata string must start with {%% and end with %%}")
			return
		}
		n.expression("Items", v)
	default:
		n.Fail("Items", "Expected value of type Array")
	}
}

func (n node) label() {
	label := n.Filled("Label")
	if label == "" {
		return
	}
	at := n.Within("Label")
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
		if config.OneOf("Mode", "INLINE", "DISTRIBUTED") == "DISTRIBUTED" {
			config.Required("ExecutionType")
			if n.l.Express {
				config.Fail("Mode", "The field 'Mode' with value 'DISTRIBUTED' is not supported inside 'EXPRESS' state machines")
			}
			n.l.Express = config.OneOf("ExecutionType", "STANDARD", "EXPRESS") == "EXPRESS" || express
		} else if config.Has("ExecutionType") {
			config.Wrong("Field 'ExecutionType' is not supported")
		}
	}
	p.states(b, branchFields+" ProcessorConfig")
	n.l.Express = express
}

// export is the resource of an ItemReader or ResultWriter, which needs one of a few.
func (n node) export(names ...string) {
	text := n.Filled("Resource")
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
	n.Fail("Resource", "The field 'Resource' does not match any of the allowed values")
}

func (n node) reader() {
	r, ok := n.inner("ItemReader")
	if !ok {
		return
	}
	r.known(readerFields)
	r.Required("Resource")
	r.export("getObject", "listObjectsV2")
	r.data("Parameters")
	r.data("Arguments")
	c, ok := r.inner("ReaderConfig")
	if !ok {
		return
	}
	c.known(configFields)
	input := c.OneOf("InputType", "CSV", "JSON", "JSONL", "PARQUET", "MANIFEST")
	c.OneOf("Transformation", "NONE", "LOAD_AND_FLATTEN")
	c.OneOf("ManifestType", "ATHENA_DATA", "S3_INVENTORY")
	c.OneOf("CSVDelimiter", "COMMA", "PIPE", "SEMICOLON", "SPACE", "TAB")
	location := c.OneOf("CSVHeaderLocation", "FIRST_ROW", "GIVEN")
	switch {
	case input == "CSV" && location == "" && !c.Has("CSVHeaderLocation"):
		c.Wrong("The field 'CSVHeaderLocation' is required")
	case input != "CSV" && input != "MANIFEST" && c.Has("CSVHeaderLocation"):
		c.Wrong("Field 'CSVHeaderLocation' is not supported")
	case location == "GIVEN":
		c.Required("CSVHeaders")
	}
	c.Texts("CSVHeaders")
	c.AtMostOne("MaxItems", "MaxItemsPath")
	c.integer("MaxItems", 1, maxItems)
	c.reference("MaxItemsPath", false, path.CompileReference)
	c.Text("ItemsPointer")
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
		present += len(b.AtMostOne(bound.key, bound.key+"Path"))
		b.integer(bound.key, 1, bound.high)
		b.reference(bound.key+"Path", false, path.CompileReference)
	}
	if present == 0 {
		b.Wrong("This object should have at least one of the following fields: [MaxItemsPerBatch, MaxItemsPerBatchPath, MaxInputBytesPerBatch, MaxInputBytesPerBatchPath]")
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
	c.OneOf("Transformation", "NONE", "COMPACT", "FLATTEN")
	c.OneOf("OutputType", "JSON", "JSONL")
}
