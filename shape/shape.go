// Package shape knows what an API model says of a Go type: which members a structure has and what they are called on
// the wire, where each travels, which are required, and within which bounds their values must lie. It compiles that
// knowledge from the struct tags of the generated packages, lazily and once per type, into a Shape; the protocols run
// over Shapes and Values instead of over emitted code.
//
// Validate checks an input against its constraints and answers with AWS's texts. DecodeJSON and AppendJSON turn JSON
// documents with the model's member names into typed structures and back, for callers that learn the operation only
// at run time, and are what the JSON protocols are made of.
package shape

import (
	"fmt"
	"io"
	"reflect"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/brume-dev/brume/aws"
)

// Kind is the sort of value that a shape describes.
type Kind uint8

const (
	String    Kind = iota + 1
	Boolean        // bool
	Integer        // int32
	Long           // int64
	Float          // float32
	Double         // float64
	Blob           // []byte
	Timestamp      // time.Time
	Document       // aws.Document: free JSON
	Structure      // a struct; a union when Shape.Union is set
	List           // a slice
	Map            // a map with string keys
	Stream         // io.Reader: a streaming blob payload
	Custom         // a hand-written type that implements JSONCodec
)

// Shape is the compiled knowledge of one Go type. It never changes after Of returned it.
type Shape struct {
	Kind Kind
	Type reflect.Type // never a pointer
	Name string       // of a structure: its name in the model

	// Enum is the set of values that the model allows, of a String with an EnumValues method. The empty string
	// stands for an absent value.
	Enum []string

	// Members are the members of a Structure in the order of the model.
	Members []Member
	// Union says that exactly one member must be there.
	Union bool
	// Root and NS name the XML element that a structure is when it stands alone; "" and zero when the model does
	// not say.
	Root string
	NS   Namespace
	// Payload is the member that is the whole HTTP body, or nil.
	Payload *Member

	// Elem describes what a List or the values of a Map hold, ElemPointer that the Go type holds a pointer to it.
	Elem        *Shape
	ElemPointer bool

	byName   map[string]*Member
	byGo     map[string]*Member
	required Seen // the required members whose absence only Notes can tell
	enum     map[string]bool
	json     []string // member names as they are written: `"Name":`
	checks   bool     // a value of this shape can violate something
}

// Member is one member of a structure.
type Member struct {
	Name    string // its name in JSON and REST bodies, and in documents
	Go      string // its Go field
	Path    string // its name in validation messages: the model's, in lower camel case
	Shape   *Shape
	Pointer bool // the field is a pointer to Shape.Type

	XML   string     // name in XML and Query
	EC2   string     // name in ec2Query requests
	Flat  bool       // list or map elements are not wrapped
	Item  string     // XML name of list elements
	Key   string     // XML name of map keys
	Value string     // XML name of map values
	Attr  bool       // an XML attribute of the enclosing element
	NS    Namespace  // XML namespace to declare on the element
	Time  TimeFormat // of a timestamp; DefaultTime leaves it to the protocol

	In   Location
	Wire string // the header, prefix, query parameter or label, by In

	Required bool
	Token    bool // an idempotency token
	Secret   bool // must not be shown in messages or logs
	Host     bool // also the prefix of the host name
	Stream   bool // a streaming payload

	Own  Constraint // on the value itself
	Each Constraint // on list elements and map values
	Keys Constraint // on map keys

	index int
	order int  // position in Shape.Members
	bit   Seen // non-zero for a required member whose absence only Notes can tell
	own   bool // the member itself can violate something, whatever is below it
}

// Location says where in an HTTP message a member travels. Protocols without HTTP bindings ignore it.
type Location uint8

const (
	Body Location = iota
	Label
	Query     // one query parameter, repeated for lists
	QueryMap  // every query parameter that no other member binds
	Header    // one header
	HeaderMap // all headers with the prefix Wire
	Status    // the HTTP status code
	Payload   // the whole body
)

// Namespace is an XML namespace declaration.
type Namespace struct{ Prefix, URI string }

// TimeFormat is how a timestamp is written.
type TimeFormat uint8

const (
	DefaultTime   TimeFormat = iota
	ISO8601                  // 2006-01-02T15:04:05.999Z
	UnixTime                 // seconds since 1970, with a fraction
	HTTPTime                 // Mon, 02 Jan 2006 15:04:05 GMT
	ISO8601Millis            // 2006-01-02T15:04:05.000Z: ISO8601 that always has milliseconds
)

// JSONCodec is implemented by hand-written types that read and write themselves in JSON, such as DynamoDB's items.
type JSONCodec interface {
	// AppendJSON appends the value to dst.
	AppendJSON(dst []byte) []byte
	// DecodeJSON reads one JSON value from the beginning of b, which has no leading white space, and returns
	// what follows it. It keeps no reference to b. Errors that are aws.Errors reach the client as they are;
	// others become SerializationExceptions with their text.
	DecodeJSON(b []byte) (rest []byte, err error)
}

type enumerated interface{ EnumValues() []string }

// shapes caches what Of compiled, by type. It is a cache of pure facts and the only package variable that is written.
var (
	shapes  sync.Map // reflect.Type -> *Shape
	compile sync.Mutex
)

var (
	typeTime     = reflect.TypeFor[time.Time]()
	typeDocument = reflect.TypeFor[aws.Document]()
	typeReader   = reflect.TypeFor[io.Reader]()
	typeCodec    = reflect.TypeFor[JSONCodec]()
	typeEnum     = reflect.TypeFor[enumerated]()
	typeBytes    = reflect.TypeFor[[]byte]()
)

// Of returns the shape of t or, when t is a pointer, of what it points to. It panics when t, or a struct tag below it,
// is not of the form that api/gen writes: that is a fault of ours and found by the first test that touches the type.
func Of(t reflect.Type) *Shape {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if s, ok := shapes.Load(t); ok {
		return s.(*Shape)
	}
	compile.Lock()
	defer compile.Unlock()
	c := compiler{}
	s := c.of(t)
	c.markChecks()
	for t, s := range c {
		shapes.Store(t, s) // only whole shapes become visible
	}
	return s
}

// compiler holds the shapes under construction, so that recursive types find themselves.
type compiler map[reflect.Type]*Shape

func (c compiler) of(t reflect.Type) *Shape {
	if s, ok := shapes.Load(t); ok {
		return s.(*Shape)
	}
	if s, ok := c[t]; ok {
		return s
	}
	s := &Shape{Type: t, Name: t.Name(), Kind: kindOf(t)}
	c[t] = s
	switch s.Kind {
	case String:
		if t.Implements(typeEnum) {
			s.Enum = reflect.Zero(t).Interface().(enumerated).EnumValues()
			s.enum = make(map[string]bool, len(s.Enum))
			for _, v := range s.Enum {
				s.enum[v] = true
			}
		}
	case List:
		s.Elem, s.ElemPointer = c.elem(t.Elem())
	case Map:
		if t.Key().Kind() != reflect.String {
			panic(fmt.Sprintf("shape: %v has keys that are not strings", t))
		}
		s.Elem, s.ElemPointer = c.elem(t.Elem())
		if t.Key().Implements(typeEnum) {
			c.of(t.Key())
		}
	case Structure:
		c.structure(s)
	}
	return s
}

// markChecks finds the shapes that a validator must look into. Types refer to each other, so it goes round until nothing
// new is found.
func (c compiler) markChecks() {
	for again := true; again; {
		again = false
		for _, s := range c {
			if s.checks {
				continue
			}
			s.checks = s.Union || s.enum != nil || s.Elem != nil && s.Elem.checks
			for i := range s.Members {
				m := &s.Members[i]
				m.own = m.Required && m.nilable() || !m.Own.IsZero() || !m.Each.IsZero() || !m.Keys.IsZero()
				s.checks = s.checks || m.own || m.Shape.checks
			}
			again = again || s.checks
		}
	}
}

func (c compiler) elem(t reflect.Type) (s *Shape, pointer bool) {
	if t.Kind() == reflect.Pointer {
		return c.of(t.Elem()), true
	}
	return c.of(t), false
}

func kindOf(t reflect.Type) Kind {
	switch {
	case reflect.PointerTo(t).Implements(typeCodec):
		return Custom
	case t == typeTime:
		return Timestamp
	case t == typeDocument:
		return Document
	case t == typeReader:
		return Stream
	case t == typeBytes:
		return Blob
	}
	switch t.Kind() {
	case reflect.String:
		return String
	case reflect.Bool:
		return Boolean
	case reflect.Int32:
		return Integer
	case reflect.Int64:
		return Long
	case reflect.Float32:
		return Float
	case reflect.Float64:
		return Double
	case reflect.Struct:
		return Structure
	case reflect.Slice:
		return List
	case reflect.Map:
		return Map
	}
	panic(fmt.Sprintf("shape: %v is not a type of an API model", t))
}

func (c compiler) structure(s *Shape) {
	for i := range s.Type.NumField() {
		f := s.Type.Field(i)
		if f.Name == "_" {
			s.facts(f)
			continue
		}
		if !f.IsExported() {
			continue
		}
		m := Member{Go: f.Name, index: i, order: len(s.Members)}
		m.Shape, m.Pointer = c.elem(f.Type)
		if err := m.parse(f.Tag); err != nil {
			panic(fmt.Sprintf("shape: %v.%s: %v", s.Type, f.Name, err))
		}
		s.Members = append(s.Members, m)
	}
	s.byName = make(map[string]*Member, len(s.Members))
	s.byGo = make(map[string]*Member, len(s.Members))
	var bit Seen = 1
	for i := range s.Members {
		m := &s.Members[i]
		s.byName[m.Name], s.byGo[m.Go] = m, m
		s.json = append(s.json, string(append(AppendString(nil, m.Name), ':')))
		if m.In == Payload {
			s.Payload = m
		}
		if m.Required && !m.nilable() {
			if bit == 0 {
				panic(fmt.Sprintf("shape: %v has more than 64 required scalars", s.Type))
			}
			m.bit, s.required = bit, s.required|bit
			bit <<= 1
		}
	}
}

// nilable reports whether the Go field itself can say that the member is absent.
func (m *Member) nilable() bool {
	if m.Pointer {
		return true
	}
	switch m.Shape.Kind {
	case List, Map, Blob, Document, Stream:
		return true
	case Custom:
		k := m.Shape.Type.Kind()
		return k == reflect.Map || k == reflect.Slice
	case String:
		return m.Shape.Enum != nil
	}
	return false
}

// Member returns the member called name in JSON, or nil.
func (s *Shape) Member(name string) *Member { return s.byName[name] }

// Allows reports whether v is in the enum set of s, true when s has none.
func (s *Shape) Allows(v string) bool { return s.enum == nil || s.enum[v] }

// lowerFirst is the Java name of a member, which AWS's messages use: "KMSKeyArn" is "kMSKeyArn".
func lowerFirst(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 || !unicode.IsUpper(r) {
		return s
	}
	return string(unicode.ToLower(r)) + s[n:]
}
