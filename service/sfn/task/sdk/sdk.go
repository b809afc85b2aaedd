// Package sdk is the SDK for Java as Step Functions' "aws-sdk" integrations show it: what services, actions, members and
// exceptions are called there, and how timestamps and blobs are written in JSON. The operations are those of the table.
//
// https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
package sdk

import (
	"reflect"
	"strings"
	"sync"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/shape"
)

// Catalogue knows every operation that a task can name. It is safe for any number of goroutines.
type Catalogue struct {
	services map[string]*service // by the name in a resource: "cloudwatchlogs"
	names    sync.Map            // *shape.Shape -> *names
}

// service is one service of the SDK.
type service struct {
	actions map[string]*aws.Operation // by the name of the method: "putItem"
}

// New returns the catalogue of services.
func New(services []*aws.Service) *Catalogue {
	c := &Catalogue{services: make(map[string]*service, len(services))}
	for _, s := range services {
		actions := make(map[string]*aws.Operation, len(s.Ops))
		for _, op := range s.Ops {
			if op.Implemented() && !streams(op) {
				actions[Action(op.Name)] = op
			}
		}
		c.services[strings.ToLower(Name(s.ID))] = &service{actions}
	}
	return c
}

// streams reports whether an operation answers with a stream of events, which a task has no use for: AWS does not
// support those.
func streams(op *aws.Operation) bool {
	switch op.Name {
	case "InvokeWithResponseStream", "SelectObjectContent", "StartLiveTail", "InvokeAsync":
		return true
	}
	return false
}

// Find returns the operation that "aws-sdk:name:action" names, nil when Brume has none.
func (c *Catalogue) Find(name, action string) *aws.Operation {
	s := c.services[name]
	if s == nil {
		return nil
	}
	return s.actions[action]
}

// names are the members of a structure by their names in the SDK, and the other way.
type names struct {
	members map[string]*shape.Member
	shown   map[string]string // model's name -> the SDK's
}

func (c *Catalogue) of(s *shape.Shape) *names {
	if n, ok := c.names.Load(s); ok {
		return n.(*names)
	}
	n := &names{members: make(map[string]*shape.Member, len(s.Members)), shown: make(map[string]string, len(s.Members))}
	for i := range s.Members {
		m := &s.Members[i]
		shown := Name(m.Name)
		n.members[shown], n.shown[m.Name] = m, shown
	}
	c.names.Store(s, n)
	return n
}

// input and output are the shapes of an operation.
func input(op *aws.Operation) *shape.Shape  { return shape.Of(op.In) }
func output(op *aws.Operation) *shape.Shape { return shape.Of(op.Out) }

// attribute reports whether s is DynamoDB's attribute value, whose JSON form is its own.
func attribute(s *shape.Shape) bool { return s.Kind == shape.Custom && s.Type.Kind() == reflect.Struct }
