package main

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// model is an API model in botocore's form, service-2.json.
type model struct {
	Metadata      metadata            `json:"metadata"`
	Operations    ordered[*operation] `json:"operations"`
	Shapes        ordered[*shape]     `json:"shapes"`
	Documentation string              `json:"documentation"`
}

type metadata struct {
	APIVersion       string    `json:"apiVersion"`
	EndpointPrefix   string    `json:"endpointPrefix"`
	JSONVersion      string    `json:"jsonVersion"`
	Protocol         string    `json:"protocol"`
	QueryCompatible  *struct{} `json:"awsQueryCompatible"`
	ServiceFullName  string    `json:"serviceFullName"`
	ServiceID        string    `json:"serviceId"`
	SigningName      string    `json:"signingName"`
	TargetPrefix     string    `json:"targetPrefix"`
	XMLNamespace     string    `json:"xmlNamespace"`
	ServiceAbbreviat string    `json:"serviceAbbreviation"`
}

type operation struct {
	Name string `json:"name"`
	HTTP struct {
		Method string `json:"method"`
		URI    string `json:"requestUri"`
		Status int    `json:"responseCode"`
	} `json:"http"`
	Input  *ref `json:"input"`
	Output *struct {
		ref
		Wrapper string `json:"resultWrapper"`
	} `json:"output"`
	Errors        []*ref `json:"errors"`
	AuthType      string `json:"authtype"`
	Documentation string `json:"documentation"`
}

type shape struct {
	Type          string         `json:"type"`
	Documentation string         `json:"documentation"`
	Members       ordered[*ref]  `json:"members"`
	Required      []string       `json:"required"`
	Payload       string         `json:"payload"`
	Member        *ref           `json:"member"`
	Key           *ref           `json:"key"`
	Value         *ref           `json:"value"`
	Enum          []string       `json:"enum"`
	Min           json.Number    `json:"min"`
	Max           json.Number    `json:"max"`
	Pattern       string         `json:"pattern"`
	Flattened     bool           `json:"flattened"`
	Sensitive     bool           `json:"sensitive"`
	Streaming     bool           `json:"streaming"`
	Union         bool           `json:"union"`
	Document      bool           `json:"document"`
	EventStream   bool           `json:"eventstream"`
	Exception     bool           `json:"exception"`
	Fault         bool           `json:"fault"`
	Timestamp     string         `json:"timestampFormat"`
	LocationName  string         `json:"locationName"`
	XMLNamespace  *namespace     `json:"xmlNamespace"`
	Error         *errorMetadata `json:"error"`
}

type errorMetadata struct {
	Code   string `json:"code"`
	Status int    `json:"httpStatusCode"`
	Fault  bool   `json:"fault"`
}

// ref is the use of a shape by a member, a list, a map or an operation, with the traits of that use.
type ref struct {
	Shape            string     `json:"shape"`
	Documentation    string     `json:"documentation"`
	Location         string     `json:"location"`
	LocationName     string     `json:"locationName"`
	QueryName        string     `json:"queryName"`
	XMLNamespace     *namespace `json:"xmlNamespace"`
	XMLAttribute     bool       `json:"xmlAttribute"`
	Flattened        bool       `json:"flattened"`
	Streaming        bool       `json:"streaming"`
	IdempotencyToken bool       `json:"idempotencyToken"`
	HostLabel        bool       `json:"hostLabel"`
	JSONValue        bool       `json:"jsonvalue"`
	Timestamp        string     `json:"timestampFormat"`
}

type namespace struct {
	Prefix string `json:"prefix"`
	URI    string `json:"uri"`
}

// UnmarshalJSON accepts both forms that the models have: an object and a bare URI.
func (n *namespace) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, &n.URI)
	}
	type plain namespace
	return json.Unmarshal(b, (*plain)(n))
}

// ordered is a JSON object whose order of members matters: AWS reports violations in the order of the model.
type ordered[T any] struct {
	Keys []string
	m    map[string]T
}

// Get returns the member called k.
func (o *ordered[T]) Get(k string) (T, bool) {
	v, ok := o.m[k]
	return v, ok
}

// UnmarshalJSON keeps the order of the members.
func (o *ordered[T]) UnmarshalJSON(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return fmt.Errorf("model: want an object, have %v: %w", t, err)
	}
	o.m = make(map[string]T)
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return err
		}
		var v T
		if err := d.Decode(&v); err != nil {
			return fmt.Errorf("%v: %w", t, err)
		}
		k := t.(string)
		if _, dup := o.m[k]; dup {
			return fmt.Errorf("model: %q stands twice", k)
		}
		o.Keys = append(o.Keys, k)
		o.m[k] = v
	}
	return nil
}

// shape returns the shape called name. The model is trusted to be closed; a hole in it ends the generator.
func (m *model) shape(name string) *shape {
	s, ok := m.Shapes.Get(name)
	if !ok {
		panic(failure(fmt.Sprintf("the model names a shape %q that it does not have", name)))
	}
	return s
}

// scalar reports whether values of s are written by the generated structs as a plain value or a pointer to one.
func (s *shape) scalar() bool {
	switch s.Type {
	case "string", "boolean", "integer", "long", "float", "double", "timestamp", "short", "byte":
		return true
	}
	return false
}

// document reports whether s is free-form JSON.
func (s *shape) document() bool { return s.Document || s.Type == "document" }
