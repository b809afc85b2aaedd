package resource

import "github.com/brume-dev/brume/jsondoc"

// AWS::Lambda::EventSourceMapping.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-lambda-eventsourcemapping.html

func createMapping(o *Op) error {
	if o.Physical == "" {
		out, err := o.call("lambda", "CreateEventSourceMapping", o.mapping())
		if err := o.made(err); err != nil {
			return err
		}
		if out == nil { // the attempt before has made it
			if out, err = o.madeMapping(); err != nil {
				return err
			}
		}
		o.Physical = textOf(out, "UUID")
	}
	return o.awaitMapping()
}

// mapping is the document of the API: it writes one member otherwise.
func (o *Op) mapping(pairs ...any) *jsondoc.Object {
	return with(o.properties(pairs...), "KMSKeyArn", get(o.Properties, "KmsKeyArn"))
}

// madeMapping finds the mapping of the function and the source.
func (o *Op) madeMapping() (*jsondoc.Object, error) {
	out, err := o.call("lambda", "ListEventSourceMappings", input("FunctionName", o.text("FunctionName"), "EventSourceArn", o.text("EventSourceArn")))
	if err != nil {
		return nil, err
	}
	for _, v := range list(out, "EventSourceMappings") {
		if m, ok := v.(*jsondoc.Object); ok {
			return m, nil
		}
	}
	return jsondoc.NewObject(), nil
}

// awaitMapping reads the mapping's attributes, and waits while it is changing.
func (o *Op) awaitMapping() error {
	out, err := o.call("lambda", "GetEventSourceMapping", input("UUID", o.Physical))
	if err != nil {
		return err
	}
	o.Attributes["Id"], o.Attributes["EventSourceMappingArn"] = o.Physical, textOf(out, "EventSourceMappingArn")
	switch textOf(out, "State") {
	case "Enabled", "Disabled":
		return nil
	}
	return &Pending{readyPoll}
}

// unmapped are the values by which UpdateEventSourceMapping takes a property away that the template no longer has.
var unmapped = map[string]func() any{
	"Enabled":                        func() any { return true },
	"ParallelizationFactor":          func() any { return "1" },
	"MaximumRecordAgeInSeconds":      func() any { return "-1" },
	"MaximumRetryAttempts":           func() any { return "-1" },
	"BisectBatchOnFunctionError":     func() any { return false },
	"TumblingWindowInSeconds":        func() any { return "0" },
	"DestinationConfig":              func() any { return input("OnFailure", jsondoc.NewObject()) },
	"MaximumBatchingWindowInSeconds": func() any { return "0" },
	"FilterCriteria":                 func() any { return jsondoc.NewObject() },
	"FunctionResponseTypes":          func() any { return &jsondoc.Array{Items: []any{}} },
	"ScalingConfig":                  func() any { return jsondoc.NewObject() },
	"ProvisionedPollerConfig":        func() any { return jsondoc.NewObject() },
	"MetricsConfig":                  func() any { return input("Metrics", &jsondoc.Array{Items: []any{}}) },
	"KmsKeyArn":                      func() any { return "" },
}

func updateMapping(o *Op) error {
	if o.Attributes["step"] == "" {
		if err := o.awaitMapping(); err != nil { // an attempt before may have begun
			return err
		}
		doc := with(o.mapping(), "UUID", o.Physical)
		for name, value := range unmapped {
			if has(o.Old, name) && !has(o.Properties, name) {
				doc.Set(map[bool]string{true: "KMSKeyArn", false: name}[name == "KmsKeyArn"], value())
			}
		}
		if has(o.Old, "BatchSize") && !has(o.Properties, "BatchSize") {
			batch := "10"
			if has(o.Properties, "StartingPosition") { // of streams
				batch = "100"
			}
			doc.Set("BatchSize", batch)
		}
		if _, err := o.call("lambda", "UpdateEventSourceMapping", doc); err != nil {
			return err
		}
		o.Attributes["step"] = "wait"
	}
	if err := o.awaitMapping(); err != nil {
		return err
	}
	delete(o.Attributes, "step")
	arn := o.Attributes["EventSourceMappingArn"]
	return o.retag(
		func(tags *jsondoc.Object) error { return o.do("lambda", "TagResource", "Resource", arn, "Tags", tags) },
		func(keys []any) error {
			return o.do("lambda", "UntagResource", "Resource", arn, "TagKeys", &jsondoc.Array{Items: keys})
		})
}

// deleteMapping waits until the mapping is gone: what it reads and writes must not go before it.
func deleteMapping(o *Op) error {
	out, err := o.call("lambda", "GetEventSourceMapping", input("UUID", o.Physical))
	if err != nil {
		return ignoreGone(err)
	}
	switch textOf(out, "State") {
	case "Enabled", "Disabled":
		if err := o.do("lambda", "DeleteEventSourceMapping", "UUID", o.Physical); err != nil {
			return ignoreGone(err)
		}
	}
	return &Pending{readyPoll}
}
