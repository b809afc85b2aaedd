package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// overlayDir is the folder of overlays below the root of the repository.
const overlayDir = "api/gen/overlay"

// overlay holds the facts about a service that its model in botocore's form does not hold or has lost. Each is AWS's
// own, taken from the Smithy model (as the JavaScript clients show it) or from AWS's documentation.
type overlay struct {
	// Model is the service's folder among the models, when it differs from our name.
	Model string `json:"model"`
	// Version of the model; empty is the newest.
	Version string `json:"version"`
	// Prefix is the IAM action prefix, when it is not the signing name.
	Prefix string `json:"prefix"`
	// Namespace is the XML namespace of the answers, when the model has none.
	Namespace string `json:"namespace"`
	// Protocols are those that the service speaks beside the model's own: "json10", "query", "cbor", ….
	Protocols []string `json:"protocols"`
	// Members repairs members, "Shape.Member".
	Members map[string]memberFix `json:"members"`
	// Roots are root elements of XML outputs by shape.
	Roots map[string]string `json:"roots"`
	// Unions are the structures that are unions without the model saying so.
	Unions []string `json:"unions"`
	// Errors completes errors by shape.
	Errors map[string]errorFix `json:"errors"`
	// Types maps shapes to hand-written Go types, "item.Value".
	Types map[string]string `json:"types"`
	// Service is the folder below service that serves the API, when it has not the API's name.
	Service string `json:"service"`
	// Imports are the packages that Types needs.
	Imports []string `json:"imports"`
	// Patterns gives the RE2 form of the pattern of a shape which RE2 cannot express literally; "" where there is none and the
	// service checks by hand.
	Patterns map[string]string `json:"patterns"`
	// Unsigned are operations that take no signature, or one, without the model saying so.
	Unsigned []string `json:"unsigned"`
	// Status is the HTTP status of the success of operations that have another than their model says.
	Status map[string]int `json:"status"`
	// Enums adds values to enums that are Brume's own and not AWS's.
	Enums map[string][]string `json:"enums"`
	// Names renames shapes whose names would collide in Go.
	Names map[string]string `json:"names"`
}

type memberFix struct {
	XML      string `json:"xml"`      // the name in the Query protocol and in XML
	Item     string `json:"item"`     // the name of list elements
	KV       string `json:"kv"`       // the names of map keys and values, "Name:Value"
	Shape    string `json:"shape"`    // another shape
	Optional bool   `json:"optional"` // not required after all
	Lax      bool   `json:"lax"`      // AWS does not check its constraints
}

type errorFix struct {
	Code   string `json:"code"`
	Query  string `json:"query"`
	Status int    `json:"status"`
}

// readOverlay returns the overlay of the service called name, an empty one when there is none.
func readOverlay(root, name string) (*overlay, error) {
	o := new(overlay)
	b, err := os.ReadFile(filepath.Join(root, overlayDir, name+".json"))
	if errors.Is(err, fs.ErrNotExist) {
		o.Model = name
		return o, nil
	}
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(o); err != nil {
		return nil, fmt.Errorf("%s/%s.json: %w", overlayDir, name, err)
	}
	if o.Model == "" {
		o.Model = name
	}
	return o, nil
}

// apply changes m as the overlay says. What the model no longer has is an error, so that the overlay does not rot.
func (o *overlay) apply(m *model) error {
	for _, n := range o.Unions {
		s, ok := m.Shapes.Get(n)
		if !ok || s.Union {
			return fmt.Errorf("overlay: union %s is gone or marked by now", n)
		}
		s.Union = true
	}
	for _, n := range o.Unsigned {
		op, ok := m.Operations.Get(n)
		if !ok || op.AuthType == "none" {
			return fmt.Errorf("overlay: operation %s is gone or unsigned by now", n)
		}
		op.AuthType = "none"
	}
	for n, status := range o.Status {
		op, ok := m.Operations.Get(n)
		if !ok || op.HTTP.Status == status {
			return fmt.Errorf("overlay: operation %s is gone or answers %d by now", n, status)
		}
		op.HTTP.Status = status
	}
	for n, f := range o.Members {
		if err := f.apply(m, n); err != nil {
			return err
		}
	}
	for n, f := range o.Errors {
		s, ok := m.Shapes.Get(n)
		if !ok {
			return fmt.Errorf("overlay: error %s is gone", n)
		}
		if s.Error == nil {
			s.Error = new(errorMetadata)
		}
		if f.Status != 0 {
			s.Error.Status = f.Status
		}
		if f.Code != "" {
			s.Error.Code = f.Code
		}
	}
	for n, values := range o.Enums {
		s, ok := m.Shapes.Get(n)
		if !ok || len(s.Enum) == 0 {
			return fmt.Errorf("overlay: enum %s is gone", n)
		}
		s.Enum = append(s.Enum, values...)
	}
	for _, names := range []map[string]string{o.Roots, o.Types, o.Patterns, o.Names} {
		for n := range names {
			if _, ok := m.Shapes.Get(n); !ok {
				return fmt.Errorf("overlay: shape %s is gone", n)
			}
		}
	}
	return nil
}

func (f memberFix) apply(m *model, name string) error {
	owner, member, _ := strings.Cut(name, ".")
	s, ok := m.Shapes.Get(owner)
	if !ok {
		return fmt.Errorf("overlay: shape %s is gone", owner)
	}
	r, ok := s.Members.Get(member)
	if !ok {
		return fmt.Errorf("overlay: member %s is gone", name)
	}
	if f.Shape != "" {
		r.Shape = f.Shape
	}
	if f.Optional {
		i := slices.Index(s.Required, member)
		if i < 0 {
			return fmt.Errorf("overlay: member %s is optional by now", name)
		}
		s.Required = slices.Delete(s.Required, i, i+1)
	}
	return nil
}
