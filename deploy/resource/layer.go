package resource

import (
	"strconv"
	"strings"
	"time"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/jsondoc"
)

// layerKinds are layers, function URLs and code signing.
var layerKinds = map[string]*Kind{
	"AWS::Lambda::LayerVersion":           {Create: createLayerVersion, Delete: deleteLayerVersion},
	"AWS::Lambda::LayerVersionPermission": {Create: createLayerPermission, Delete: deleteLayerPermission},
	"AWS::Lambda::Url": {Create: createURL, Update: updateURL, Delete: deleteURL,
		Replaces: []string{"TargetFunctionArn", "Qualifier"}},
	"AWS::Lambda::CodeSigningConfig": {Create: createSigning, Update: updateSigning, Delete: deleteSigning, Tags: true},
}

func createLayerVersion(o *Op) error {
	if o.Physical == "" {
		name := o.name("LayerName", 140)
		out, err := o.call("lambda", "PublishLayerVersion", o.properties("LayerName", name))
		if err != nil {
			return err
		}
		o.Physical = textOf(out, "LayerVersionArn")
	}
	o.Attributes["LayerVersionArn"] = o.Physical
	return nil
}

// layerOf takes the ARN of a layer's version apart.
func layerOf(arn string) (layer, version string) {
	i := strings.LastIndexByte(arn, ':')
	return arn[:max(i, 0)], arn[i+1:]
}

func deleteLayerVersion(o *Op) error {
	layer, version := layerOf(o.Physical)
	return ignoreGone(o.do("lambda", "DeleteLayerVersion", "LayerName", layer, "VersionNumber", version))
}

func createLayerPermission(o *Op) error {
	if o.Physical == "" {
		o.Physical = o.name("", 100)
	}
	layer, version := layerOf(o.text("LayerVersionArn"))
	_, err := o.call("lambda", "AddLayerVersionPermission", o.properties("LayerName", layer, "VersionNumber", version, "StatementId", o.Physical))
	return o.made(err)
}

func deleteLayerPermission(o *Op) error {
	layer, version := layerOf(o.text("LayerVersionArn"))
	return ignoreGone(o.do("lambda", "RemoveLayerVersionPermission", "LayerName", layer, "VersionNumber", version, "StatementId", o.Physical))
}

func createURL(o *Op) error {
	_, err := o.call("lambda", "CreateFunctionUrlConfig", o.urlInput())
	if err := o.made(err); err != nil {
		return err
	}
	return o.readURL()
}

func (o *Op) urlInput() *jsondoc.Object {
	return o.properties("FunctionName", o.text("TargetFunctionArn"))
}

func (o *Op) readURL() error {
	out, err := o.call("lambda", "GetFunctionUrlConfig", o.urlInput())
	if err != nil {
		return err
	}
	o.Physical = textOf(out, "FunctionArn")
	o.Attributes["FunctionArn"], o.Attributes["FunctionUrl"] = o.Physical, textOf(out, "FunctionUrl")
	return nil
}

func updateURL(o *Op) error {
	doc := o.urlInput()
	if !o.has("Cors") {
		doc.Set("Cors", jsondoc.NewObject())
	}
	if !o.has("InvokeMode") {
		doc.Set("InvokeMode", "BUFFERED")
	}
	if _, err := o.call("lambda", "UpdateFunctionUrlConfig", doc); err != nil {
		return err
	}
	return o.readURL()
}

func deleteURL(o *Op) error {
	return ignoreGone(o.do("lambda", "DeleteFunctionUrlConfig", "FunctionName", o.text("TargetFunctionArn"), "Qualifier", o.text("Qualifier")))
}

func createSigning(o *Op) error {
	if o.Physical == "" {
		out, err := o.call("lambda", "CreateCodeSigningConfig", o.properties())
		if err != nil {
			return err
		}
		config := inside(out, "CodeSigningConfig")
		o.Physical = textOf(config, "CodeSigningConfigArn")
		o.Attributes["CodeSigningConfigId"] = textOf(config, "CodeSigningConfigId")
	}
	o.Attributes["CodeSigningConfigArn"] = o.Physical
	return nil
}

func updateSigning(o *Op) error {
	doc := o.properties("CodeSigningConfigArn", o.Physical)
	if !o.has("Description") {
		doc.Set("Description", "")
	}
	_, err := o.call("lambda", "UpdateCodeSigningConfig", doc)
	return err
}

func deleteSigning(o *Op) error {
	err := o.do("lambda", "DeleteCodeSigningConfig", "CodeSigningConfigArn", o.Physical)
	return ignoreGone(err)
}

// provisionPoll is how long a step waits before it looks again whether environments have been initialised.
const provisionPoll = 250 * time.Millisecond

// provision brings the provisioned concurrency of a version or alias to what the template says, and waits for it.
func (o *Op) provision(function, qualifier string) error {
	n := get(inside(o.Properties, "ProvisionedConcurrencyConfig"), "ProvisionedConcurrentExecutions")
	if n == nil {
		if get(o.Old, "ProvisionedConcurrencyConfig") == nil {
			return nil
		}
		return ignoreGone(o.do("lambda", "DeleteProvisionedConcurrencyConfig", "FunctionName", function, "Qualifier", qualifier))
	}
	if o.Attributes["step"] != "provisioning" {
		err := o.do("lambda", "PutProvisionedConcurrencyConfig", "FunctionName", function, "Qualifier", qualifier, "ProvisionedConcurrentExecutions", n)
		if err != nil {
			return err
		}
		o.Attributes["step"] = "provisioning"
	}
	out, err := o.call("lambda", "GetProvisionedConcurrencyConfig", input("FunctionName", function, "Qualifier", qualifier))
	if err != nil {
		return err
	}
	switch textOf(out, "Status") {
	case "READY":
		delete(o.Attributes, "step")
		return nil
	case "FAILED":
		return aws.Errorf("NotStabilized", 400, "Provisioned Concurrency configuration failed to be applied. Reason: %s", textOf(out, "StatusReason"))
	}
	return &Pending{provisionPoll}
}

// settle applies those properties of a function that operations of their own are for.
func (o *Op) settle() error {
	return inSequence(o.reserve, o.sign, func() error {
		m := inside(o.Properties, "RuntimeManagementConfig")
		if m == nil {
			if inside(o.Old, "RuntimeManagementConfig") == nil {
				return nil
			}
			m = input("UpdateRuntimeOn", "Auto")
		}
		_, err := o.call("lambda", "PutRuntimeManagementConfig", with(m, "FunctionName", o.Physical))
		return err
	}, func() error {
		if !o.has("RecursiveLoop") && get(o.Old, "RecursiveLoop") == nil {
			return nil
		}
		loop := o.text("RecursiveLoop")
		if loop == "" {
			loop = "Terminate"
		}
		return o.do("lambda", "PutFunctionRecursionConfig", "FunctionName", o.Physical, "RecursiveLoop", loop)
	})
}

// sign changes the code signing configuration of a function that is there already.
func (o *Op) sign() error {
	if o.Old == nil || !o.changed("CodeSigningConfigArn") {
		return nil
	}
	if arn := o.text("CodeSigningConfigArn"); arn != "" {
		return o.do("lambda", "PutFunctionCodeSigningConfig", "FunctionName", o.Physical, "CodeSigningConfigArn", arn)
	}
	return o.do("lambda", "DeleteFunctionCodeSigningConfig", "FunctionName", o.Physical)
}

// versionNumber is the number at the end of a version's ARN.
func versionNumber(arn string) string {
	_, number := layerOf(arn)
	if _, err := strconv.Atoi(number); err != nil {
		return ""
	}
	return number
}
