package resource

import (
	"strings"

	"github.com/brume-dev/brume/jsondoc"
)

const (
	maxRuleName    = 64
	maxArchiveName = 48
	maxGroupName   = 512
)

var eventKinds = map[string]*Kind{
	"AWS::Events::EventBus":       {Create: createBus, Update: updateBus, Delete: deleteBus, Replaces: []string{"Name", "EventSourceName"}, Name: "Name", Tags: true},
	"AWS::Events::EventBusPolicy": {Create: putBusPolicy, Update: putBusPolicy, Delete: deleteBusPolicy, Replaces: []string{"EventBusName", "StatementId"}},
	"AWS::Events::Rule":           {Create: createRule, Update: updateRule, Delete: deleteRule, Replaces: []string{"Name", "EventBusName"}, Name: "Name"},
	"AWS::Events::Archive":        {Create: createArchive, Update: updateArchive, Delete: deleteArchive, Replaces: []string{"ArchiveName", "SourceArn"}, Name: "ArchiveName"},
}

var logKinds = map[string]*Kind{
	"AWS::Logs::LogGroup":       {Create: createLogGroup, Update: updateLogGroup, Delete: deleteLogGroup, Replaces: []string{"LogGroupName", "LogGroupClass"}, Name: "LogGroupName", Tags: true},
	"AWS::Logs::LogStream":      {Create: createLogStream, Delete: deleteLogStream},
	"AWS::Logs::ResourcePolicy": {Create: putLogPolicy, Update: putLogPolicy, Delete: deleteLogPolicy, Replaces: []string{"PolicyName"}},
}

var keyKinds = map[string]*Kind{
	"AWS::KMS::Key":   {Create: createKey, Update: updateKey, Delete: deleteKey, Replaces: []string{"KeySpec", "KeyUsage", "MultiRegion", "Origin"}, Tags: true},
	"AWS::KMS::Alias": {Create: createKeyAlias, Update: updateKeyAlias, Delete: deleteKeyAlias, Replaces: []string{"AliasName"}},
}

func createBus(o *Op) error {
	o.Physical = o.text("Name")
	if _, err := o.call("eventbridge", "CreateEventBus", o.properties()); o.made(err) != nil {
		return err
	}
	out, err := o.call("eventbridge", "DescribeEventBus", input("Name", o.Physical))
	if err != nil {
		return err
	}
	o.Attributes["Arn"], o.Attributes["Name"] = textOf(out, "Arn"), o.Physical
	if p := get(o.Properties, "Policy"); p != nil {
		return o.do("eventbridge", "PutPermission", "EventBusName", o.Physical, "Policy", p)
	}
	return nil
}

func updateBus(o *Op) error {
	return inSequence(
		func() error {
			if !o.changed("Description", "DeadLetterConfig", "KmsKeyIdentifier", "LogConfig") {
				return nil
			}
			_, err := o.call("eventbridge", "UpdateEventBus", o.properties("Name", o.Physical))
			return err
		},
		func() error {
			return o.putOrDelete("Policy", func(p any) error {
				return o.do("eventbridge", "PutPermission", "EventBusName", o.Physical, "Policy", p)
			}, func() error {
				return o.do("eventbridge", "RemovePermission", "EventBusName", o.Physical, "RemoveAllPermissions", true)
			})
		},
		func() error { return o.retagEvents(o.Attributes["Arn"]) })
}

func (o *Op) retagEvents(arn string) error {
	return o.retag(
		func(tags *jsondoc.Object) error {
			return o.do("eventbridge", "TagResource", "ResourceARN", arn, "Tags", tags)
		},
		func(keys []any) error {
			return o.do("eventbridge", "UntagResource", "ResourceARN", arn, "TagKeys", &jsondoc.Array{Items: keys})
		})
}

func deleteBus(o *Op) error {
	return ignoreGone(o.do("eventbridge", "DeleteEventBus", "Name", o.Physical))
}

func putBusPolicy(o *Op) error {
	o.Physical = o.text("StatementId")
	doc := o.properties()
	if st := inside(o.Properties, "Statement"); st != nil {
		statement := with(st, "Sid", o.Physical)
		policy := input("Version", "2012-10-17", "Statement", &jsondoc.Array{Items: []any{statement}})
		doc = input("EventBusName", o.text("EventBusName"), "Policy", policy)
	}
	_, err := o.call("eventbridge", "PutPermission", doc)
	return err
}

func deleteBusPolicy(o *Op) error {
	return ignoreGone(o.do("eventbridge", "RemovePermission", "EventBusName", o.text("EventBusName"), "StatementId", o.Physical))
}

func createRule(o *Op) error {
	name := o.name("Name", maxRuleName)
	if err := o.vacant(name, "eventbridge", "DescribeRule", "Name", name, "EventBusName", o.text("EventBusName")); err != nil {
		return err
	}
	o.Physical, o.Old = name, jsondoc.NewObject()
	return updateRule(o)
}

// ruleName is the rule's own name: Ref of a rule on another bus than the default one is bus|name.
func (o *Op) ruleName() string {
	_, name, ok := strings.Cut(o.Physical, "|")
	if !ok {
		return o.Physical
	}
	return name
}

func updateRule(o *Op) error {
	name, bus := o.ruleName(), o.text("EventBusName")
	out, err := o.call("eventbridge", "PutRule", o.properties("Name", name))
	if err != nil {
		return err
	}
	o.Attributes["Arn"] = textOf(out, "RuleArn")
	if bus != "" && bus != "default" {
		o.Physical = bus[strings.LastIndexByte(bus, '/')+1:] + "|" + name
	}
	ids := func(doc *jsondoc.Object) (out []string) {
		for _, v := range list(doc, "Targets") {
			if t, ok := v.(*jsondoc.Object); ok {
				out = append(out, textOf(t, "Id"))
			}
		}
		return out
	}
	if targets := get(o.Properties, "Targets"); targets != nil {
		out, err := o.call("eventbridge", "PutTargets", input("Rule", name, "EventBusName", bus, "Targets", targets))
		if err := entriesFailed(out, err); err != nil {
			return err
		}
	}
	_, removed := difference(ids(o.Old), ids(o.Properties))
	return o.removeTargets(name, bus, removed)
}

func entriesFailed(out *jsondoc.Object, err error) error {
	if err != nil {
		return err
	}
	for _, v := range list(out, "FailedEntries") {
		if f, ok := v.(*jsondoc.Object); ok {
			return Missing(textOf(f, "TargetId") + ": " + textOf(f, "ErrorMessage"))
		}
	}
	return nil
}

func (o *Op) removeTargets(name, bus string, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	a := &jsondoc.Array{}
	for _, id := range ids {
		a.Items = append(a.Items, id)
	}
	return ignoreGone(o.do("eventbridge", "RemoveTargets", "Rule", name, "EventBusName", bus, "Ids", a))
}

func deleteRule(o *Op) error {
	name, bus := o.ruleName(), o.text("EventBusName")
	out, err := o.call("eventbridge", "ListTargetsByRule", input("Rule", name, "EventBusName", bus))
	if err != nil {
		return ignoreGone(err)
	}
	var ids []string
	for _, v := range list(out, "Targets") {
		if t, ok := v.(*jsondoc.Object); ok {
			ids = append(ids, textOf(t, "Id"))
		}
	}
	if err := o.removeTargets(name, bus, ids); err != nil {
		return err
	}
	return ignoreGone(o.do("eventbridge", "DeleteRule", "Name", name, "EventBusName", bus))
}

// archiveInput gives the source the name that the API has for it.
func (o *Op) archiveInput() *jsondoc.Object {
	return o.properties("ArchiveName", o.Physical, "EventSourceArn", o.text("SourceArn"))
}

func createArchive(o *Op) error {
	o.Physical = o.name("ArchiveName", maxArchiveName)
	if _, err := o.call("eventbridge", "CreateArchive", o.archiveInput()); o.made(err) != nil {
		return err
	}
	o.Attributes["ArchiveName"] = o.Physical
	o.Attributes["Arn"] = "arn:aws:events:" + o.ID.Region + ":" + o.ID.Account + ":archive/" + o.Physical
	return nil
}

func updateArchive(o *Op) error {
	_, err := o.call("eventbridge", "UpdateArchive", o.archiveInput())
	return err
}

func deleteArchive(o *Op) error {
	return ignoreGone(o.do("eventbridge", "DeleteArchive", "ArchiveName", o.Physical))
}

func createLogGroup(o *Op) error {
	o.Physical = o.name("LogGroupName", maxGroupName)
	if _, err := o.call("logs", "CreateLogGroup", o.properties("LogGroupName", o.Physical)); o.made(err) != nil {
		return err
	}
	o.Attributes["Arn"] = "arn:aws:logs:" + o.ID.Region + ":" + o.ID.Account + ":log-group:" + o.Physical + ":*"
	o.Old = input("KmsKeyId", get(o.Properties, "KmsKeyId"), "Tags", get(o.properties(), "Tags"))
	return updateLogGroup(o)
}

func updateLogGroup(o *Op) error {
	group := []any{"logGroupName", o.Physical}
	arn := strings.TrimSuffix(o.Attributes["Arn"], ":*")
	return inSequence(
		func() error {
			return o.putOrDelete("RetentionInDays", func(days any) error {
				return o.do("logs", "PutRetentionPolicy", append(group, "retentionInDays", days)...)
			}, func() error { return o.do("logs", "DeleteRetentionPolicy", group...) })
		},
		func() error {
			return o.putOrDelete("KmsKeyId", func(key any) error {
				return o.do("logs", "AssociateKmsKey", append(group, "kmsKeyId", key)...)
			}, func() error { return o.do("logs", "DisassociateKmsKey", group...) })
		},
		func() error {
			return o.retag(
				func(tags *jsondoc.Object) error { return o.do("logs", "TagResource", "resourceArn", arn, "tags", tags) },
				func(keys []any) error {
					return o.do("logs", "UntagResource", "resourceArn", arn, "tagKeys", &jsondoc.Array{Items: keys})
				})
		})
}

func deleteLogGroup(o *Op) error {
	return ignoreGone(o.do("logs", "DeleteLogGroup", "logGroupName", o.Physical))
}

func createLogStream(o *Op) error {
	o.Physical = o.name("LogStreamName", maxGroupName)
	_, err := o.call("logs", "CreateLogStream", o.properties("LogStreamName", o.Physical))
	return o.made(err)
}

func deleteLogStream(o *Op) error {
	return ignoreGone(o.do("logs", "DeleteLogStream", "logGroupName", o.text("LogGroupName"), "logStreamName", o.Physical))
}

func putLogPolicy(o *Op) error {
	o.Physical = o.text("PolicyName")
	_, err := o.call("logs", "PutResourcePolicy", o.properties())
	return err
}

func deleteLogPolicy(o *Op) error {
	return ignoreGone(o.do("logs", "DeleteResourcePolicy", "policyName", o.Physical))
}

func createKey(o *Op) error {
	if o.Physical == "" {
		out, err := o.call("kms", "CreateKey", o.properties("Policy", get(o.Properties, "KeyPolicy")))
		if err != nil {
			return err
		}
		key := inside(out, "KeyMetadata")
		o.Physical = textOf(key, "KeyId")
		o.Attributes["KeyId"], o.Attributes["Arn"] = o.Physical, textOf(key, "Arn")
	}
	o.Old = input("KeyPolicy", get(o.Properties, "KeyPolicy"), "Description", get(o.Properties, "Description"), "Tags", get(o.properties(), "Tags"))
	return updateKey(o)
}

func updateKey(o *Op) error {
	key := []any{"KeyId", o.Physical}
	if o.changed("KeyPolicy") {
		if err := o.do("kms", "PutKeyPolicy", append(key, "Policy", get(o.Properties, "KeyPolicy"))...); err != nil {
			return err
		}
	}
	if o.changed("Description") {
		description := o.text("Description")
		if err := o.do("kms", "UpdateKeyDescription", append(key, "Description", &description)...); err != nil {
			return err
		}
	}
	if err := o.keyState(key); err != nil {
		return err
	}
	return o.retag(
		func(tags *jsondoc.Object) error {
			list := &jsondoc.Array{}
			for k, v := range tags.All() {
				list.Items = append(list.Items, input("TagKey", k, "TagValue", v))
			}
			return o.do("kms", "TagResource", append(key, "Tags", list)...)
		},
		func(keys []any) error {
			return o.do("kms", "UntagResource", append(key, "TagKeys", &jsondoc.Array{Items: keys})...)
		})
}

// keyState enables and disables the key and its rotation.
func (o *Op) keyState(key []any) error {
	on := func(doc *jsondoc.Object, property string, usual bool) bool {
		if t := textOf(doc, property); t != "" {
			return t == "true"
		}
		return usual
	}
	if now := on(o.Properties, "EnableKeyRotation", false); now != on(o.Old, "EnableKeyRotation", false) || now && o.changed("RotationPeriodInDays") {
		operation := "DisableKeyRotation"
		if now {
			operation = "EnableKeyRotation"
		}
		if err := o.do("kms", operation, append(key, "RotationPeriodInDays", get(o.Properties, "RotationPeriodInDays"))...); err != nil {
			return err
		}
	}
	if now := on(o.Properties, "Enabled", true); now != on(o.Old, "Enabled", true) {
		operation := "DisableKey"
		if now {
			operation = "EnableKey"
		}
		return o.do("kms", operation, key...)
	}
	return nil
}

func deleteKey(o *Op) error {
	err := o.do("kms", "ScheduleKeyDeletion", "KeyId", o.Physical, "PendingWindowInDays", get(o.Properties, "PendingWindowInDays"))
	if o.Retried && err != nil && strings.Contains(err.Error(), "pending deletion") {
		return nil
	}
	return ignoreGone(err)
}

func createKeyAlias(o *Op) error {
	o.Physical = o.text("AliasName")
	_, err := o.call("kms", "CreateAlias", o.properties())
	return o.made(err)
}

func updateKeyAlias(o *Op) error {
	_, err := o.call("kms", "UpdateAlias", o.properties())
	return err
}

func deleteKeyAlias(o *Op) error {
	return ignoreGone(o.do("kms", "DeleteAlias", "AliasName", o.Physical))
}
