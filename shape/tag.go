package shape

import (
	"fmt"
	"reflect"
	"strings"
)

// The grammar of the tags that api/gen writes. Key "aws" holds the wire name and then options:
//
//	xml=N        name in XML and Query when it is another    uri=L      HTTP label
//	ec2=N        name in ec2Query                            query=N    query parameter
//	flat         list or map without a wrapper               querymap   all other query parameters
//	item=N       list element, default "member"              header=N   header
//	kv=K:V       map entry names, default "key:value"        headers=P  all headers with prefix P
//	attr         XML attribute                               status     HTTP status code
//	ns=URI       XML namespace, or ns=PREFIX:URI             payload    the whole body
//	ts=F         iso8601, unix or http                       stream     streaming payload
//	req          required                                    host       also the host name's prefix
//	idem         idempotency token                           sens       not to be shown
//	len=a:b      length, either side may be empty            range=a:b  value, likewise
//
// Key "pattern" holds a regular expression (RE2). Keys "each" and "keys" hold "len=a:b", "range=a:b" and "sens" for the
// elements of a list or the values of a map and for the keys of a map; "eachpattern" and "keyspattern" their
// regular expressions; each pattern key may be followed by its "text" twin, AWS's own spelling, where RE2's differs. A blank field holds the facts of a structure: `aws:"union"`, `aws:"xml=Root,ns=URI"`.

func (m *Member) parse(tag reflect.StructTag) error {
	name, rest, _ := strings.Cut(tag.Get("aws"), ",")
	if name == "" {
		name = m.Go
	}
	m.Name, m.XML, m.Item, m.Key, m.Value = name, name, "member", "key", "value"
	m.Path = lowerFirst(name)
	for _, o := range options(rest) {
		if err := m.option(o); err != nil {
			return err
		}
	}
	if m.EC2 == "" {
		m.EC2 = upperFirst(m.XML)
	}
	m.Own.Pattern = pattern(tag, "pattern")
	for _, c := range []struct {
		to  *Constraint
		key string
	}{{&m.Each, "each"}, {&m.Keys, "keys"}} {
		for _, o := range options(tag.Get(c.key)) {
			k, v, _ := strings.Cut(o, "=")
			if k == "sens" {
				m.Secret = true
			} else if err := c.to.bound(k, v); err != nil {
				return fmt.Errorf("%s: %w", c.key, err)
			}
		}
		c.to.Pattern = pattern(tag, c.key+"pattern")
	}
	return nil
}

func options(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

func (m *Member) option(o string) error {
	k, v, _ := strings.Cut(o, "=")
	switch k {
	case "xml":
		m.XML = v
	case "ec2":
		m.EC2 = v
	case "flat":
		m.Flat = true
	case "item":
		m.Item = v
	case "kv":
		m.Key, m.Value, _ = strings.Cut(v, ":")
	case "attr":
		m.Attr = true
	case "ns":
		m.NS = namespace(v)
	case "req":
		m.Required = true
	case "idem":
		m.Token = true
	case "sens":
		m.Secret = true
	case "host":
		m.Host = true
	case "stream":
		m.Stream = true
	case "ts":
		return m.Time.parse(v)
	case "len", "range":
		return m.Own.bound(k, v)
	default:
		return m.binding(k, v)
	}
	return nil
}

func (m *Member) binding(k, v string) error {
	switch k {
	case "uri":
		m.In = Label
	case "query":
		m.In = Query
	case "querymap":
		m.In = QueryMap
	case "header":
		m.In = Header
	case "headers":
		m.In = HeaderMap
	case "status":
		m.In = Status
	case "payload":
		m.In = Payload
	default:
		return fmt.Errorf("unknown option %q", k)
	}
	m.Wire = v
	return nil
}

func (f *TimeFormat) parse(v string) error {
	switch v {
	case "iso8601":
		*f = ISO8601
	case "unix":
		*f = UnixTime
	case "http":
		*f = HTTPTime
	default:
		return fmt.Errorf("unknown timestamp format %q", v)
	}
	return nil
}

// namespace reads URI or PREFIX:URI. A URI's own scheme is told from a prefix by the slashes that follow it.
func namespace(v string) Namespace {
	if p, uri, ok := strings.Cut(v, ":"); ok && !strings.HasPrefix(uri, "//") {
		return Namespace{Prefix: p, URI: uri}
	}
	return Namespace{URI: v}
}

// facts reads the blank field of a structure.
func (s *Shape) facts(f reflect.StructField) {
	for _, o := range options(f.Tag.Get("aws")) {
		k, v, _ := strings.Cut(o, "=")
		switch k {
		case "union":
			s.Union = true
		case "xml":
			s.Root = v
		case "ns":
			s.NS = namespace(v)
		default:
			panic(fmt.Sprintf("shape: %v: unknown fact %q", s.Type, k))
		}
	}
}

func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
