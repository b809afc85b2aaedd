package sqs

import (
	"fmt"
	"net/http"

	"github.com/brume-dev/brume/api/sqsapi"
	"github.com/brume-dev/brume/aws"
)

// The errors of SQS that its model does not list, and the texts of those that it does.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html

func noQueue() error {
	return &sqsapi.QueueDoesNotExist{Message: "The specified queue does not exist."}
}

func missing(parameter string) error {
	return aws.Errorf("MissingParameter", http.StatusBadRequest, "The request must contain the parameter %s.", parameter)
}

// invalid is InvalidParameterValue with its own text.
func invalid(format string, args ...any) error {
	return aws.Errorf("InvalidParameterValue", http.StatusBadRequest, format, args...)
}

// badValue is InvalidParameterValue in its usual words.
func badValue(value any, parameter, reason string, args ...any) error {
	return invalid("Value %v for parameter %s is invalid. Reason: %s", value, parameter, fmt.Sprintf(reason, args...))
}

// notForThisType refuses a parameter that only the other type of queue has.
func notForThisType(value any, parameter string) error {
	return badValue(value, parameter, "The request include parameter that is not valid for this queue type")
}

func unknownAttribute(name string) error {
	return &sqsapi.InvalidAttributeName{Message: "Unknown Attribute " + name + "."}
}

func badAttribute(name string) error {
	return &sqsapi.InvalidAttributeValue{Message: "Invalid value for the parameter " + name + "."}
}

func badHandle(handle string) error {
	return &sqsapi.ReceiptHandleIsInvalid{Message: fmt.Sprintf("The input receipt handle \"%s\" is not a valid receipt handle.", handle)}
}

// codeOf is the code of an error as the failed entries of a batch have it.
func codeOf(err error) (code, message string, sender bool) {
	info := aws.InfoOf(err)
	if info.Query != "" {
		info.Code = info.Query
	}
	return info.Code, info.Message, !info.Fault
}
