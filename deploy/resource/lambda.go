package resource

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"strings"
	"time"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/jsondoc"
)

const maxFunctionName = 64

var lambdaKinds = map[string]*Kind{
	"AWS::Lambda::Function": {Create: createFunction, Update: updateFunction, Delete: deleteFunction,
		Replaces: []string{"FunctionName", "PackageType"}, Name: "FunctionName", Tags: true},
	"AWS::Lambda::Version":    {Create: createVersion, Delete: keep},
	"AWS::Lambda::Alias":      {Create: createAlias, Update: updateAlias, Delete: deleteAlias, Replaces: []string{"Name", "FunctionName"}},
	"AWS::Lambda::Permission": {Create: createPermission, Delete: deletePermission},
	"AWS::Lambda::EventSourceMapping": {Create: createMapping, Update: updateMapping, Delete: deleteMapping, Tags: true,
		Replaces: []string{"EventSourceArn", "StartingPosition", "StartingPositionTimestamp", "SelfManagedEventSource",
			"AmazonManagedKafkaEventSourceConfig", "SelfManagedKafkaEventSourceConfig"}},
	"AWS::Lambda::EventInvokeConfig": {Create: putInvokeConfig, Update: putInvokeConfig, Delete: deleteInvokeConfig,
		Replaces: []string{"FunctionName", "Qualifier"}},
}

// keep deletes nothing.
func keep(*Op) error { return nil }

// readyPoll is how long a step waits before it looks again whether something has become active.
const readyPoll = 50 * time.Millisecond

// code is the code of a function as the API takes it: inline text is zipped, with the module that answers CloudFormation
// beside it.
func (o *Op) code() (*jsondoc.Object, error) {
	c, ok := get(o.Properties, "Code").(*jsondoc.Object)
	if !ok {
		return nil, Missing("Code")
	}
	if !has(c, "ZipFile") {
		return c, nil
	}
	b, err := inlineZip(o.text("Runtime"), o.text("Handler"), textOf(c, "ZipFile"))
	if err != nil {
		return nil, err
	}
	return input("ZipFile", base64.StdEncoding.EncodeToString(b)), nil
}

func has(doc *jsondoc.Object, name string) bool {
	_, ok := doc.Get(name)
	return ok
}

// inlineZip puts the text into the file that the handler names.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-lambda-function-code.html
func inlineZip(runtime, handler, text string) ([]byte, error) {
	module, _, ok := strings.Cut(handler, ".")
	var files [][2]string
	switch {
	case !ok || module == "":
		return nil, aws.Errorf("InvalidRequest", 400, "Handler %s is not of the form file.function", handler)
	case strings.HasPrefix(runtime, "python"):
		files = [][2]string{{module + ".py", text}, {"cfnresponse.py", responsePython}}
	case strings.HasPrefix(runtime, "nodejs"):
		files = [][2]string{{module + ".js", text}, {"node_modules/cfn-response/index.js", responseNode}}
	default:
		return nil, aws.Errorf("InvalidRequest", 400, "ZipFile can only be used when Runtime is set to either of nodejs or python")
	}
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for _, f := range files {
		h := &zip.FileHeader{Name: f[0], Method: zip.Deflate}
		h.SetMode(0o644)
		w, err := z.CreateHeader(h)
		if err != nil {
			return nil, err
		}
		if _, err := w.Write([]byte(f[1])); err != nil {
			return nil, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

func createFunction(o *Op) error {
	if o.Physical == "" {
		code, err := o.code()
		if err != nil {
			return err
		}
		name := o.name("FunctionName", maxFunctionName)
		_, err = o.call("lambda", "CreateFunction", o.properties("FunctionName", name, "Code", code))
		if err := o.made(err); err != nil {
			return err
		}
		o.Physical = name
	}
	if err := o.awaitFunction(); err != nil {
		return err
	}
	return o.settle()
}

// awaitFunction reads the function's attributes, and waits while it is changing.
func (o *Op) awaitFunction() error {
	out, err := o.call("lambda", "GetFunctionConfiguration", input("FunctionName", o.Physical))
	if err != nil {
		return err
	}
	o.Attributes["Arn"] = textOf(out, "FunctionArn")
	state, update := textOf(out, "State"), textOf(out, "LastUpdateStatus")
	switch {
	case state == "Failed" || update == "Failed":
		return aws.Errorf("GeneralServiceException", 400, "%s%s", textOf(out, "StateReason"), textOf(out, "LastUpdateStatusReason"))
	case state == "Pending" || update == "InProgress":
		return &Pending{readyPoll}
	}
	return nil
}

func (o *Op) reserve() error {
	v := get(o.Properties, "ReservedConcurrentExecutions")
	if v != nil {
		return o.do("lambda", "PutFunctionConcurrency", "FunctionName", o.Physical, "ReservedConcurrentExecutions", v)
	}
	if get(o.Old, "ReservedConcurrentExecutions") != nil {
		return o.do("lambda", "DeleteFunctionConcurrency", "FunctionName", o.Physical)
	}
	return nil
}

func updateFunction(o *Op) error {
	// Code first, then configuration; Lambda takes one change at a time.
	if o.Attributes["step"] == "" && o.changed("Code", "Architectures") {
		code, err := o.code()
		if err != nil {
			return err
		}
		doc := with(code, "FunctionName", o.Physical, "Architectures", get(o.Properties, "Architectures"))
		if _, err := o.call("lambda", "UpdateFunctionCode", doc); err != nil {
			return err
		}
	}
	if o.Attributes["step"] == "" {
		o.Attributes["step"] = "configure"
	}
	if err := o.awaitFunction(); err != nil {
		return err
	}
	if o.Attributes["step"] == "configure" {
		o.Attributes["step"] = "wait"
		if err := o.configure(); err != nil {
			return err
		}
		if err := o.awaitFunction(); err != nil {
			return err
		}
	}
	delete(o.Attributes, "step")
	return inSequence(o.settle, func() error {
		arn := o.Attributes["Arn"]
		return o.retag(
			func(tags *jsondoc.Object) error { return o.do("lambda", "TagResource", "Resource", arn, "Tags", tags) },
			func(keys []any) error {
				return o.do("lambda", "UntagResource", "Resource", arn, "TagKeys", &jsondoc.Array{Items: keys})
			})
	})
}

// unset are the values by which UpdateFunctionConfiguration takes a property away that the template no longer has.
var unset = map[string]func() any{
	"Description":      func() any { return "" },
	"Timeout":          func() any { return "3" },
	"MemorySize":       func() any { return "128" },
	"Environment":      func() any { return input("Variables", jsondoc.NewObject()) },
	"DeadLetterConfig": func() any { return input("TargetArn", new(string)) },
	"Layers":           func() any { return &jsondoc.Array{Items: []any{}} },
	"TracingConfig":    func() any { return input("Mode", "PassThrough") },
	"EphemeralStorage": func() any { return input("Size", "512") },
	"KmsKeyArn":        func() any { return "" },
}

// unconfigured are the properties that UpdateFunctionConfiguration has nothing to do with.
var unconfigured = []string{"Code", "Tags", "ReservedConcurrentExecutions", "Architectures"}

func (o *Op) configure() error {
	if jsondoc.Equal(without(o.Old, unconfigured...), without(o.Properties, unconfigured...)) {
		return nil
	}
	doc := with(without(o.Properties, "Code", "Tags"), "FunctionName", o.Physical)
	for name, value := range unset {
		if has(o.Old, name) && !has(o.Properties, name) {
			doc.Set(name, value())
		}
	}
	_, err := o.call("lambda", "UpdateFunctionConfiguration", doc)
	return err
}

func deleteFunction(o *Op) error {
	return ignoreGone(o.do("lambda", "DeleteFunction", "FunctionName", o.Physical))
}

func createVersion(o *Op) error {
	if o.Physical == "" {
		out, err := o.call("lambda", "PublishVersion", o.properties())
		if err != nil {
			return err
		}
		o.Physical = textOf(out, "FunctionArn")
		o.Attributes["Version"] = textOf(out, "Version")
		o.Attributes["FunctionArn"] = o.Physical
	}
	return o.provision(o.text("FunctionName"), versionNumber(o.Physical))
}

func createAlias(o *Op) error {
	if o.Attributes["step"] == "provisioning" {
		return o.provision(o.text("FunctionName"), o.text("Name"))
	}
	out, err := o.call("lambda", "CreateAlias", o.aliasInput())
	if err := o.made(err); err != nil {
		return err
	}
	if out == nil {
		if out, err = o.call("lambda", "GetAlias", o.aliasInput()); err != nil {
			return err
		}
	}
	o.Physical = textOf(out, "AliasArn")
	o.Attributes["AliasArn"] = o.Physical
	return o.provision(o.text("FunctionName"), o.text("Name"))
}

// aliasInput writes the routing configuration of templates as that of the API: a list of weights as a map.
func (o *Op) aliasInput() *jsondoc.Object {
	doc := o.properties()
	weights := jsondoc.NewObject()
	for _, v := range list(inside(o.Properties, "RoutingConfig"), "AdditionalVersionWeights") {
		if w, ok := v.(*jsondoc.Object); ok {
			weights.Set(textOf(w, "FunctionVersion"), get(w, "FunctionWeight"))
		}
	}
	doc.Set("RoutingConfig", input("AdditionalVersionWeights", weights))
	return doc
}

func updateAlias(o *Op) error {
	if o.Attributes["step"] != "provisioning" {
		if _, err := o.call("lambda", "UpdateAlias", o.aliasInput()); err != nil {
			return err
		}
	}
	return o.provision(o.text("FunctionName"), o.text("Name"))
}

func deleteAlias(o *Op) error {
	return ignoreGone(o.do("lambda", "DeleteAlias", "FunctionName", o.text("FunctionName"), "Name", o.text("Name")))
}

func createPermission(o *Op) error {
	if o.Physical == "" {
		o.Physical = o.name("", 100)
	}
	_, err := o.call("lambda", "AddPermission", o.properties("StatementId", o.Physical))
	return o.made(err)
}

func deletePermission(o *Op) error {
	return ignoreGone(o.do("lambda", "RemovePermission", "FunctionName", o.text("FunctionName"), "StatementId", o.Physical))
}

func putInvokeConfig(o *Op) error {
	if o.Physical == "" {
		o.Physical = o.name("", 100)
	}
	_, err := o.call("lambda", "PutFunctionEventInvokeConfig", o.properties())
	return err
}

func deleteInvokeConfig(o *Op) error {
	return ignoreGone(o.do("lambda", "DeleteFunctionEventInvokeConfig", "FunctionName", o.text("FunctionName"), "Qualifier", o.text("Qualifier")))
}
