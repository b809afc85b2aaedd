package dynamodb

import (
	"errors"
	"net/http"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/dynamodb/expression"
	"github.com/brume-dev/brume/service/dynamodb/table"
)

// problem is what DynamoDB says of a request that it does not take. Outside of this package it is always wrapped in a
// ValidationException.
type problem = expression.Problem

const invalidValues = "One or more parameter values were invalid: "

func invalid(text string) error { return table.Invalid(text) }

func refused(err error) error { return table.Refused(err) }

// refusedOne is refused in the envelope that PutItem, UpdateItem and DeleteItem put around what they find before they
// look at the table, and Query around what is wrong with Select.
func refusedOne(err error) error {
	if p, ok := errors.AsType[problem](err); ok {
		return invalid("1 validation error detected: " + string(p))
	}
	return err
}

// noTable is the answer of operations on items.
func noTable() error { return &api.ResourceNotFoundException{Message: "Requested resource not found"} }

// noTableNamed is the answer of operations on tables.
func noTableNamed(name string) error {
	return &api.ResourceNotFoundException{Message: "Requested resource not found: Table: " + name + " not found"}
}

// notYet is the answer to a parameter that Brume does not have.
func notYet(what string) error {
	return aws.Errorf("NotImplemented", http.StatusNotImplemented,
		"Brume does not implement %s of DynamoDB yet; docs/COMPATIBILITY.md lists what is there", what)
}
