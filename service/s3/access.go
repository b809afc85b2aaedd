package s3

import (
	"context"
	"reflect"

	"github.com/brume-dev/brume/aws"
)

// Access says what an operation needs.
func (s *Service) Access(ctx context.Context, id aws.Identity, op string, in any) ([]aws.Access, error) {
	v := reflect.ValueOf(in).Elem()
	name, key := text(v, "Bucket"), text(v, "Key")
	res := "*"
	if name != "" {
		res = bucketARN(name)
		if key != "" {
			res += "/" + key
		}
	}
	return []aws.Access{{Action: "s3:" + op, Resource: res}}, nil
}

// text is a member of a request that is a text, or "".
func text(v reflect.Value, member string) string {
	f := v.FieldByName(member)
	switch {
	case !f.IsValid():
		return ""
	case f.Kind() == reflect.Pointer && !f.IsNil() && f.Elem().Kind() == reflect.String:
		return f.Elem().String()
	case f.Kind() == reflect.String:
		return f.String()
	}
	return ""
}
