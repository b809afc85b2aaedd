package resource

import (
	"strings"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/deploy/resource/fit"
	"github.com/brume-dev/brume/deploy/template"
	"github.com/brume-dev/brume/jsondoc"
)

const (
	maxMachineName       = 80
	maxMachineDefinition = 1 << 20
	initialRevision      = "INITIAL" // the revision id of a machine that was never updated
)

// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/AWS_StepFunctions.html
var stateKinds = map[string]*Kind{
	"AWS::StepFunctions::StateMachine": {Create: createMachine, Update: updateMachine, Delete: deleteMachine,
		Replaces: []string{"StateMachineName", "StateMachineType"}, Name: "StateMachineName", Tags: true},
	"AWS::StepFunctions::StateMachineVersion": {Create: createMachineVersion, Delete: deleteMachineVersion},
	"AWS::StepFunctions::StateMachineAlias": {Create: createMachineAlias, Update: updateMachineAlias, Delete: deleteMachineAlias,
		Replaces: []string{"Name"}},
	"AWS::StepFunctions::Activity": {Create: createActivity, Update: updateActivity, Delete: deleteActivity,
		Replaces: []string{"Name", "EncryptionConfiguration"}, Name: "Name", Tags: true},
}

// stateName is the name that the property gives, or LogicalId-SUFFIX: what the names of machines and activities are made of
// has no stack in it.
func (o *Op) stateName(property string) string {
	if n := o.text(property); n != "" {
		return n
	}
	return o.LogicalID[:min(len(o.LogicalID), maxMachineName-suffixSize-1)] + "-" + o.suffix()
}

// machineDefinition is the definition, with what the template substitutes in it.
func (o *Op) machineDefinition() (string, error) {
	var text string
	switch d := get(o.Properties, "Definition").(type) {
	case *jsondoc.Object:
		text = jsondoc.Text(d)
	default:
		text = o.text("DefinitionString")
	}
	if where := inside(o.Properties, "DefinitionS3Location"); where != nil {
		b, err := o.stored(where, maxMachineDefinition)
		if err != nil {
			return "", err
		}
		if text = string(b); !strings.HasPrefix(strings.TrimSpace(text), "{") {
			doc, err := template.Read(b) // definitions in YAML are taken from S3 only
			if err != nil {
				return "", err
			}
			text = jsondoc.Text(doc)
		}
	}
	if text == "" {
		return "", aws.Errorf("ValidationError", 400, "Exactly one of Definition, DefinitionString and DefinitionS3Location must be given.")
	}
	var pairs []string
	if all := inside(o.Properties, "DefinitionSubstitutions"); all != nil {
		for k, v := range all.All() {
			pairs = append(pairs, "${"+k+"}", scalarOrJSON(v))
		}
	}
	return strings.NewReplacer(pairs...).Replace(text), nil
}

// machineSettings are the members that creation and update have in common. What the template does not name any more gets its
// usual value.
func (o *Op) machineSettings() (*jsondoc.Object, error) {
	definition, err := o.machineDefinition()
	if err != nil {
		return nil, err
	}
	doc := input("definition", definition, "roleArn", o.text("RoleArn"))
	for property, usual := range map[string]*jsondoc.Object{"LoggingConfiguration": input("level", "OFF"),
		"TracingConfiguration": input("enabled", false), "EncryptionConfiguration": input("type", "AWS_OWNED_KEY")} {
		switch v := get(o.Properties, property); {
		case v != nil:
			doc.Set(fit.Lowered(property), v)
		case get(o.Old, property) != nil:
			doc.Set(fit.Lowered(property), usual)
		}
	}
	return doc, nil
}

func createMachine(o *Op) error {
	name := o.stateName("StateMachineName")
	arn := aws.MakeARN("states", o.ID.Region, o.ID.Account, "stateMachine:"+name).String()
	if err := o.vacant(arn, "sfn", "DescribeStateMachine", "stateMachineArn", arn); err != nil {
		return err
	}
	in, err := o.machineSettings()
	if err != nil {
		return err
	}
	in = with(in, "name", name, "type", o.text("StateMachineType"), "tags", tagList(o))
	if _, err := o.call("sfn", "CreateStateMachine", in); err != nil {
		return err
	}
	o.Physical = arn
	o.Attributes["Arn"], o.Attributes["Name"], o.Attributes["StateMachineRevisionId"] = arn, name, initialRevision
	return nil
}

func updateMachine(o *Op) error {
	in, err := o.machineSettings()
	if err != nil {
		return err
	}
	out, err := o.call("sfn", "UpdateStateMachine", with(in, "stateMachineArn", o.Physical))
	if err != nil {
		return err
	}
	if o.Attributes["StateMachineRevisionId"] = textOf(out, "revisionId"); o.Attributes["StateMachineRevisionId"] == "" {
		o.Attributes["StateMachineRevisionId"] = initialRevision
	}
	return o.retagState()
}

func (o *Op) retagState() error {
	return o.retag(
		func(tags *jsondoc.Object) error {
			return o.do("sfn", "TagResource", "resourceArn", o.Physical, "tags", tags)
		},
		func(keys []any) error {
			return o.do("sfn", "UntagResource", "resourceArn", o.Physical, "tagKeys", &jsondoc.Array{Items: keys})
		})
}

// deleteMachine waits until the machine is gone, which it is when its last execution has ended.
func deleteMachine(o *Op) error {
	if err := o.do("sfn", "DeleteStateMachine", "stateMachineArn", o.Physical); err != nil {
		return ignoreGone(err)
	}
	if err := o.do("sfn", "DescribeStateMachine", "stateMachineArn", o.Physical); err != nil {
		return ignoreGone(err)
	}
	return &Pending{readyPoll}
}

func createMachineVersion(o *Op) error {
	out, err := o.call("sfn", "PublishStateMachineVersion", input("stateMachineArn", o.text("StateMachineArn"),
		"revisionId", o.text("StateMachineRevisionId"), "description", o.text("Description")))
	if err != nil {
		return err
	}
	o.Physical = textOf(out, "stateMachineVersionArn")
	o.Attributes["Arn"] = o.Physical
	return nil
}

func deleteMachineVersion(o *Op) error {
	return ignoreGone(o.do("sfn", "DeleteStateMachineVersion", "stateMachineVersionArn", o.Physical))
}

// machineRoutes are what an alias routes to. A DeploymentPreference moves it at once, whatever pace it names.
func (o *Op) machineRoutes() (any, error) {
	routes, preference := get(o.Properties, "RoutingConfiguration"), inside(o.Properties, "DeploymentPreference")
	switch {
	case (routes == nil) == (preference == nil):
		return nil, aws.Errorf("ValidationError", 400, "Exactly one of RoutingConfiguration and DeploymentPreference must be given.")
	case preference != nil:
		return &jsondoc.Array{Items: []any{input("stateMachineVersionArn", textOf(preference, "StateMachineVersionArn"), "weight", "100")}}, nil
	}
	return routes, nil
}

func createMachineAlias(o *Op) error {
	routes, err := o.machineRoutes()
	if err != nil {
		return err
	}
	out, err := o.call("sfn", "CreateStateMachineAlias", input("name", o.stateName("Name"), "description", o.text("Description"), "routingConfiguration", routes))
	if err != nil {
		return err
	}
	o.Physical = textOf(out, "stateMachineAliasArn")
	o.Attributes["Arn"] = o.Physical
	return nil
}

func updateMachineAlias(o *Op) error {
	routes, err := o.machineRoutes()
	if err != nil {
		return err
	}
	return o.do("sfn", "UpdateStateMachineAlias", "stateMachineAliasArn", o.Physical, "description", new(o.text("Description")), "routingConfiguration", routes)
}

func deleteMachineAlias(o *Op) error {
	return ignoreGone(o.do("sfn", "DeleteStateMachineAlias", "stateMachineAliasArn", o.Physical))
}

func createActivity(o *Op) error {
	name := o.stateName("Name")
	arn := aws.MakeARN("states", o.ID.Region, o.ID.Account, "activity:"+name).String()
	if err := o.vacant(arn, "sfn", "DescribeActivity", "activityArn", arn); err != nil {
		return err
	}
	if err := o.do("sfn", "CreateActivity", "name", name, "encryptionConfiguration", get(o.Properties, "EncryptionConfiguration"), "tags", tagList(o)); err != nil {
		return err
	}
	o.Physical = arn
	o.Attributes["Arn"], o.Attributes["Name"] = arn, name
	return nil
}

func updateActivity(o *Op) error { return o.retagState() }

func deleteActivity(o *Op) error {
	return ignoreGone(o.do("sfn", "DeleteActivity", "activityArn", o.Physical))
}
