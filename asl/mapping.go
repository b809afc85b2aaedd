package asl

import (
	"crypto/sha256"
	"fmt"
)

// mapFields is what only a Map state has.
type mapFields struct {
	distributed bool
	items       field // ItemsPath or Items; nil: the effective input
	selector    field // ItemSelector, or Parameters of old definitions
	// selectsInput says that a JSONPath selector looks at the state's input, and not only at the item.
	selectsInput bool
	concurrency  field

	// of a distributed Map
	toleratedCount, toleratedPercentage field
	reader                              *readerFields
	batcher                             *batcherFields
	writer                              *writerFields
}

type readerFields struct {
	resource  string
	arguments field
	config    field // ReaderConfig without MaxItems
	maxItems  field
}

type batcherFields struct{ items, bytes, input field }

type writerFields struct {
	resource                   string
	arguments                  field
	transformation, outputType string
}

// mapping reads a Map state.
func (c compiler) mapping() {
	s := c.state
	m := &mapFields{concurrency: c.scalar("MaxConcurrency")}
	s.mapping = m
	c.ExactlyOne("ItemProcessor", "Iterator")
	processor, ok := c.Inner("ItemProcessor")
	if !ok {
		if processor, ok = c.Inner("Iterator"); !ok {
			return
		}
	}
	if config, ok := processor.Inner("ProcessorConfig"); ok && config.OneOf("Mode", "INLINE", "DISTRIBUTED") == "DISTRIBUTED" {
		m.distributed = true
		config.Required("ExecutionType")
		s.Express = config.OneOf("ExecutionType", "STANDARD", "EXPRESS") == "EXPRESS"
	}
	if s.JSONata {
		m.items = c.value("Items")
	} else {
		m.items = c.path("ItemsPath")
	}
	m.selector = c.value("ItemSelector")
	if m.selector == nil && !s.JSONata {
		m.selector = c.value("Parameters")
	}
	if p, ok := m.selector.(payload); ok {
		m.selectsInput = p.looksAtInput()
	}
	if m.distributed {
		c.distributed(m)
	}
	s.Blocks = []*Block{c.r.block(processor, s, m.distributed)}
	c.handlers()
}

func (c compiler) distributed(m *mapFields) {
	s := c.state
	s.Label = c.Text("Label")
	if len(s.Label) > MaxLabel {
		c.Fail("Label", "Label must be at most %d characters", MaxLabel)
	}
	if s.Label == "" {
		s.Label = madeLabel(s.Name)
	}
	m.toleratedCount = c.scalar("ToleratedFailureCount")
	m.toleratedPercentage = c.scalar("ToleratedFailurePercentage")
	if n, ok := c.Inner("ItemReader"); ok {
		one := c.of(n)
		n.Required("Resource")
		m.reader = &readerFields{resource: n.Text("Resource"), arguments: one.arguments("ItemReader")}
		if config, ok := n.Inner("ReaderConfig"); ok {
			inner := c.of(config)
			m.reader.maxItems = inner.scalarAt("MaxItems", "ItemReader/ReaderConfig/")
			rest := config.Object.Clone()
			rest.Delete("MaxItems")
			rest.Delete("MaxItemsPath")
			m.reader.config = one.compiled(rest, "ItemReader/ReaderConfig")
		}
	}
	if n, ok := c.Inner("ItemBatcher"); ok {
		one := c.of(n)
		m.batcher = &batcherFields{
			items: one.scalarAt("MaxItemsPerBatch", "ItemBatcher/"),
			bytes: one.scalarAt("MaxInputBytesPerBatch", "ItemBatcher/"),
		}
		if v, ok := n.Object.Get("BatchInput"); ok {
			m.batcher.input = one.compiled(v, "ItemBatcher/BatchInput")
		}
	}
	if n, ok := c.Inner("ResultWriter"); ok {
		one := c.of(n)
		m.writer = &writerFields{resource: n.Text("Resource"), arguments: one.arguments("ResultWriter")}
		if config, ok := n.Inner("WriterConfig"); ok {
			m.writer.transformation, m.writer.outputType = config.Text("Transformation"), config.Text("OutputType")
		}
	}
}

// arguments is Parameters or Arguments of an ItemReader or ResultWriter.
func (c compiler) arguments(where string) field {
	key := "Parameters"
	if c.state.JSONata {
		key = "Arguments"
	}
	v, ok := c.Object.Get(key)
	if !ok {
		return nil
	}
	return c.compiled(v, where+"/"+key)
}

func (c compiler) compiled(v any, at string) field {
	f, err := compileValue(v, at, c.state.JSONata)
	if err != nil {
		c.Wrong("%v", err)
		return nil
	}
	return f
}

// scalarAt is scalar where messages name the field by its way down from the state.
func (c compiler) scalarAt(key, where string) field {
	f := c.scalar(key)
	switch f := f.(type) {
	case expressions:
		f.at = where + f.at
		return f
	default:
		return f
	}
}

// madeLabel is the label of a distributed Map that has none: in the form of a UUID, the same for the same state.
func madeLabel(state string) string {
	h := sha256.Sum256([]byte(state))
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[:4], h[4:6], h[6:8], h[8:10], h[10:16])
}
