package resource

import (
	"slices"
	"strings"

	"github.com/brume-dev/brume/jsondoc"
)

var scalingKinds = map[string]*Kind{
	"AWS::ApplicationAutoScaling::ScalableTarget": {Create: registerTarget, Update: registerTarget, Delete: deregisterTarget,
		Replaces: []string{"ServiceNamespace", "ResourceId", "ScalableDimension"}},
	"AWS::ApplicationAutoScaling::ScalingPolicy": {Create: putScalingPolicy, Update: putScalingPolicy, Delete: deleteScalingPolicy,
		Replaces: []string{"PolicyName", "ServiceNamespace", "ResourceId", "ScalableDimension", "ScalingTargetId"}},
}

const scaling = "applicationautoscaling"

// registerTarget registers the target and brings its scheduled actions to what the template says.
func registerTarget(o *Op) error {
	out, err := o.call(scaling, "RegisterScalableTarget", o.properties())
	if err != nil {
		return err
	}
	o.Physical = o.text("ResourceId") + "|" + o.text("ScalableDimension") + "|" + o.text("ServiceNamespace")
	o.Attributes["Id"] = o.Physical
	o.Attributes["ScalableTargetARN"] = textOf(out, "ScalableTargetARN")
	names := func(doc *jsondoc.Object) (all []string) {
		for _, v := range list(doc, "ScheduledActions") {
			a, _ := v.(*jsondoc.Object)
			all = append(all, textOf(a, "ScheduledActionName"))
		}
		return all
	}
	for _, v := range list(o.Properties, "ScheduledActions") {
		a, ok := v.(*jsondoc.Object)
		if !ok {
			continue
		}
		if _, err := o.call(scaling, "PutScheduledAction", with(a, o.targetOf()...)); err != nil {
			return err
		}
	}
	kept := names(o.Properties)
	return each(names(o.Old), func(name string) error {
		if slices.Contains(kept, name) {
			return nil
		}
		return ignoreGone(o.do(scaling, "DeleteScheduledAction", append(o.targetOf(), "ScheduledActionName", name)...))
	})
}

// targetOf are the members that name the target.
func (o *Op) targetOf() []any {
	if id := o.text("ScalingTargetId"); id != "" {
		parts := append(strings.Split(id, "|"), "", "")
		return []any{"ResourceId", parts[0], "ScalableDimension", parts[1], "ServiceNamespace", parts[2]}
	}
	return []any{"ResourceId", o.text("ResourceId"), "ScalableDimension", o.text("ScalableDimension"), "ServiceNamespace", o.text("ServiceNamespace")}
}

func deregisterTarget(o *Op) error {
	return ignoreGone(o.do(scaling, "DeregisterScalableTarget", o.targetOf()...))
}

func putScalingPolicy(o *Op) error {
	out, err := o.call(scaling, "PutScalingPolicy", o.properties(o.targetOf()...))
	if err != nil {
		return err
	}
	o.Physical = textOf(out, "PolicyARN")
	o.Attributes["Arn"] = o.Physical
	return nil
}

func deleteScalingPolicy(o *Op) error {
	return ignoreGone(o.do(scaling, "DeleteScalingPolicy", append(o.targetOf(), "PolicyName", o.text("PolicyName"))...))
}
