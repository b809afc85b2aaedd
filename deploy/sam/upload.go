package sam

import (
	"slices"

	"github.com/brume-dev/brume/jsondoc"
)

// uploadEvent has a bucket of the template tell a function what happens to its objects. The bucket waits for the permission,
// without which S3 would refuse to tell the function.
// https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-s3.html
func (t *transformer) uploadEvent(id, name string, r, props *jsondoc.Object, function, arn any) error {
	bucketRef, _ := get(props, "Bucket").(*jsondoc.Object)
	bucketID := text(bucketRef, "Ref")
	bucket, ok := get(t.in, bucketID).(*jsondoc.Object)
	switch {
	case get(props, "Bucket") == nil:
		return badResource(id, "Event with id [%s] is invalid. Missing required property 'Bucket'.", name)
	case get(props, "Events") == nil:
		return badResource(id, "Event with id [%s] is invalid. Missing required property 'Events'.", name)
	case bucketID == "" || !ok:
		return badResource(id, "Event with id [%s] is invalid. S3 events must reference an S3 bucket in the same template.", name)
	}
	permission := id + name + "Permission"
	t.emit(permission, "AWS::Lambda::Permission", obj("Action", "lambda:InvokeFunction", "FunctionName", function, "Principal", "s3.amazonaws.com",
		"SourceAccount", ref("AWS::AccountId")), r, true)
	properties := member(bucket, "Properties")
	condition := get(r, "Condition")
	if condition != nil { // DependsOn takes no conditions: a tag that refers to the permission waits for it too
		extend(properties, "Tags", obj("Key", "sam:ConditionalDependsOn:"+permission,
			"Value", obj("Fn::If", arr(condition, ref(permission), "no dependency"))))
	} else {
		waits := dependencies(bucket)
		if !slices.Contains(waits.Items, any(permission)) {
			waits.Items = append(waits.Items, permission)
		}
		bucket.Set("DependsOn", waits)
	}
	told := list(member(properties, "NotificationConfiguration"), "LambdaConfigurations")
	for _, kind := range anyList(get(props, "Events")) {
		one := obj("Function", arn, "Filter", get(props, "Filter"), "Event", kind)
		if condition != nil {
			one = obj("Fn::If", arr(condition, one, ref("AWS::NoValue")))
		}
		if !slices.ContainsFunc(told.Items, func(v any) bool { return jsondoc.Equal(v, one) }) {
			told.Items = append(told.Items, one)
		}
	}
	return nil
}

// member is a member that is an object, made when it is not there.
func member(o *jsondoc.Object, name string) *jsondoc.Object {
	if m, ok := get(o, name).(*jsondoc.Object); ok {
		return m
	}
	m := jsondoc.NewObject()
	o.Set(name, m)
	return m
}

// list is a member that is a list, made when it is not there.
func list(o *jsondoc.Object, name string) *jsondoc.Array {
	if l, ok := get(o, name).(*jsondoc.Array); ok {
		return l
	}
	l := arr()
	o.Set(name, l)
	return l
}

// extend adds an item to a member that is a list.
func extend(o *jsondoc.Object, name string, item any) {
	l := list(o, name)
	l.Items = append(l.Items, item)
}

// dependencies are what DependsOn names.
func dependencies(r *jsondoc.Object) *jsondoc.Array {
	return arr(anyList(get(r, "DependsOn"))...)
}

// anyList are the items of a list, or the one value that stands alone.
func anyList(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case *jsondoc.Array:
		return v.Items
	}
	return []any{v}
}
