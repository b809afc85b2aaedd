package sdk

import (
	"errors"
	"reflect"
	"strings"

	"github.com/brume-dev/brume/asl/fault"
	"github.com/brume-dev/brume/aws"
)

// Failure is what a task fails with when op answered err: the service and the exception that the SDK throws for it, and the
// exception's message.
func Failure(op *aws.Operation, err error, request string) *fault.Error {
	service := Name(op.Service.ID)
	info := aws.InfoOf(err)
	more := ""
	if op.Service.ID == "S3" {
		more = ", Extended Request ID: " + request
	}
	return fault.New(service+"."+Exception(err, service+"Exception"),
		"%s (Service: %s, Status Code: %d, Request ID: %s%s)", info.Message, service, info.Status, request, more)
}

// Exception is the class of the exception that an SDK throws for err: that of the model's error shape, or base, the
// service's own, for errors that the model does not have.
func Exception(err error, base string) string {
	name := Modelled(err)
	if name == "" {
		return base
	}
	name = strings.TrimSuffix(name, "Fault")
	if !strings.HasSuffix(name, "Exception") {
		name += "Exception"
	}
	return name
}

// Modelled is the name of err's shape in the API model; empty when it is no error of a model.
func Modelled(err error) string {
	known, ok := errors.AsType[aws.Error](err)
	if !ok {
		return ""
	}
	t := reflect.TypeOf(known)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() == reflect.Struct && strings.HasSuffix(t.PkgPath(), "api") {
		return t.Name()
	}
	switch code := known.ErrorInfo().Code; code {
	case "NoSuchUpload": // which service/s3 answers without its type
		return code
	}
	return ""
}

// Old is Failure in the words of version 1 of the SDK, which the optimized integrations speak: prefix is the service in
// error names, service that in messages, base the exception for what the model does not have.
func Old(prefix, service, base string, err error, request string) *fault.Error {
	info := aws.InfoOf(err)
	return fault.New(prefix+"."+Exception(err, base), "%s (Service: %s; Status Code: %d; Error Code: %s; Request ID: %s; Proxy: null)",
		info.Message, service, info.Status, info.Code, request)
}
