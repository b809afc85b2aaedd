package intrinsic

import (
	"encoding/base64"
	"encoding/json"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/deploy/template"
	"github.com/brume-dev/brume/jsondoc"
)

// How CloudFormation says that a function has the wrong form.
const (
	joinForm = "every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings to be " +
		"joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined."
	splitForm = "every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to be split or a " +
		"function that returns a string to be split."
	selectForm = "every Fn::Select object requires two parameters, (1) an index and (2) a list to select from."
	subForm    = "One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string as first argument, and an " +
		"optional second argument to specify a mapping of values to replace in the string"
	mapForm = "every Fn::FindInMap object requires three parameters, the map name, map key and the attribute for return value"
	ifForm  = "Fn::If requires a list argument with the first element being a condition"
)

// call evaluates one function.
func (s *Scope) call(name string, arg any) (any, error) {
	switch name {
	case "Ref":
		id, ok := arg.(string)
		if !ok {
			return nil, failure("every Ref object must have a single String value.")
		}
		return s.ref(id)
	case "Fn::GetAtt":
		return s.getAtt(arg)
	case "Fn::Sub":
		return s.sub(arg)
	case "Fn::Join":
		return s.join(arg)
	case "Fn::Split":
		return s.split(arg)
	case "Fn::Select":
		return s.selectItem(arg)
	case "Fn::FindInMap":
		return s.findInMap(arg)
	case "Fn::If":
		return s.ifs(arg)
	case "Fn::Base64":
		t, err := s.text(name, arg)
		return base64.StdEncoding.EncodeToString([]byte(t)), err
	case "Fn::GetAZs":
		return s.zones(arg)
	case "Fn::ImportValue":
		return s.importValue(arg)
	case "Fn::Cidr":
		return s.cidr(arg)
	case "Fn::ToJsonString":
		v, err := s.Resolve(arg)
		if err != nil {
			return nil, err
		}
		return jsondoc.Text(v), nil
	case "Fn::Length":
		v, err := s.Resolve(arg)
		if err != nil {
			return nil, err
		}
		a, ok := v.(*jsondoc.Array)
		if !ok {
			return nil, failure("Fn::Length needs a list")
		}
		return json.Number(strconv.Itoa(len(a.Items))), nil
	case "Fn::Contains", "Fn::EachMemberEquals", "Fn::EachMemberIn":
		return s.members(name, arg)
	case "Condition", "Fn::And", "Fn::Or", "Fn::Not", "Fn::Equals":
		return s.condition(name, arg)
	}
	return nil, failure("%s is not an intrinsic function that can stand here", name)
}

// list resolves an argument that must be a list of min to max elements.
func (s *Scope) list(arg any, min, max int, complaint string) ([]any, error) {
	a, ok := arg.(*jsondoc.Array)
	if !ok || len(a.Items) < min || len(a.Items) > max {
		return nil, failure("%s", complaint)
	}
	r, err := s.resolve(a)
	if err != nil {
		return nil, err
	}
	items := r.(*jsondoc.Array).Items // resolve keeps the kind
	if len(items) < min {
		return nil, failure("%s", complaint)
	}
	return items, nil
}

// text resolves an argument that must be a scalar.
func (s *Scope) text(function string, arg any) (string, error) {
	v, err := s.Resolve(arg)
	if err != nil {
		return "", err
	}
	t, ok := template.Text(v)
	if !ok {
		return "", failure("every %s object must have a String-typed value.", function)
	}
	return t, nil
}

func (s *Scope) getAtt(arg any) (any, error) {
	id, attribute, err := attributeOf(arg)
	if err != nil {
		return nil, err
	}
	if attribute == "" {
		v, err := s.Resolve(arg.(*jsondoc.Array).Items[1])
		if err != nil {
			return nil, err
		}
		attribute, _ = template.Text(v)
	}
	return s.attribute(id, attribute)
}

// attributeOf reads the argument of Fn::GetAtt; the attribute is "" when it is a function itself.
func attributeOf(arg any) (id, attribute string, err error) {
	switch a := arg.(type) {
	case string:
		id, attribute, _ = strings.Cut(a, ".")
		if attribute != "" {
			return id, attribute, nil
		}
	case *jsondoc.Array:
		if len(a.Items) < 2 {
			break
		}
		id, ok := a.Items[0].(string)
		if !ok {
			break
		}
		var parts []string
		for _, item := range a.Items[1:] {
			part, isText := item.(string)
			if !isText {
				return id, "", nil
			}
			parts = append(parts, part)
		}
		return id, strings.Join(parts, "."), nil
	}
	return "", "", failure("every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute")
}

// placeholders yields the parts of a Fn::Sub text: plain text, and names in ${}; ${!x} is the text ${x}.
func placeholders(text string) (parts []struct{ plain, name string }) {
	for {
		before, rest, found := strings.Cut(text, "${")
		inner, after, closed := strings.Cut(rest, "}")
		if !found || !closed {
			return append(parts, struct{ plain, name string }{text, ""})
		}
		if literal, ok := strings.CutPrefix(inner, "!"); ok {
			parts = append(parts, struct{ plain, name string }{before + "${" + literal + "}", ""})
		} else {
			parts = append(parts, struct{ plain, name string }{before, strings.TrimSpace(inner)})
		}
		text = after
	}
}

// subParts are the text of Fn::Sub and the values beside it, which are not evaluated.
func subParts(arg any) (text string, vars *jsondoc.Object, err error) {
	text, ok := arg.(string)
	vars = jsondoc.NewObject()
	if ok {
		return text, vars, nil
	}
	a, isList := arg.(*jsondoc.Array)
	if !isList || len(a.Items) == 0 || len(a.Items) > 2 {
		return "", nil, failure(subForm)
	}
	if text, ok = a.Items[0].(string); !ok {
		return "", nil, failure(subForm)
	}
	if len(a.Items) == 2 {
		if vars, ok = a.Items[1].(*jsondoc.Object); !ok {
			return "", nil, failure(subForm)
		}
	}
	return text, vars, nil
}

func (s *Scope) sub(arg any) (any, error) {
	text, given, err := subParts(arg)
	if err != nil {
		return nil, err
	}
	vars := jsondoc.NewObject()
	for name, v := range given.All() {
		r, err := s.Resolve(v)
		if err != nil {
			return nil, err
		}
		vars.Set(name, r)
	}
	var b strings.Builder
	for _, part := range placeholders(text) {
		b.WriteString(part.plain)
		if part.name == "" {
			continue
		}
		v, ok := vars.Get(part.name)
		if !ok {
			var err error
			if v, err = s.named(part.name); err != nil {
				return nil, err
			}
		}
		t, ok := template.Text(v)
		if !ok {
			return nil, failure("variable %s in Fn::Sub expression does not resolve to a string", part.name)
		}
		b.WriteString(t)
	}
	return s.dynamic(b.String())
}

// named is ${name} or ${resource.attribute}.
func (s *Scope) named(name string) (any, error) {
	if id, attribute, ok := strings.Cut(name, "."); ok {
		return s.attribute(id, attribute)
	}
	return s.ref(name)
}

func (s *Scope) join(arg any) (any, error) {
	args, err := s.list(arg, 2, 2, joinForm)
	if err != nil {
		return nil, err
	}
	delimiter, ok1 := args[0].(string)
	items, ok2 := args[1].(*jsondoc.Array)
	if !ok1 || !ok2 {
		return nil, failure(joinForm)
	}
	parts := make([]string, len(items.Items))
	for i, item := range items.Items {
		t, ok := template.Text(item)
		if !ok {
			return nil, failure(joinForm)
		}
		parts[i] = t
	}
	return strings.Join(parts, delimiter), nil
}

func (s *Scope) split(arg any) (any, error) {
	args, err := s.list(arg, 2, 2, splitForm)
	if err != nil {
		return nil, err
	}
	delimiter, ok1 := args[0].(string)
	text, ok2 := template.Text(args[1])
	if !ok1 || !ok2 || delimiter == "" {
		return nil, failure(splitForm)
	}
	out := &jsondoc.Array{}
	for _, part := range strings.Split(text, delimiter) {
		out.Items = append(out.Items, part)
	}
	return out, nil
}

func (s *Scope) selectItem(arg any) (any, error) {
	args, err := s.list(arg, 2, 2, selectForm)
	if err != nil {
		return nil, err
	}
	text, ok := template.Text(args[0])
	items, isList := args[1].(*jsondoc.Array)
	i, convErr := strconv.Atoi(text)
	if !ok || !isList || convErr != nil {
		return nil, failure(selectForm)
	}
	if i < 0 || i >= len(items.Items) {
		return nil, failure("Fn::Select  cannot select nonexistent value at index %d", i)
	}
	return items.Items[i], nil
}

func (s *Scope) findInMap(arg any) (any, error) {
	args, err := s.list(arg, 3, 4, mapForm)
	if err != nil {
		return nil, err
	}
	var keys [3]string
	for i := range keys {
		t, ok := template.Text(args[i])
		if !ok {
			return nil, failure(mapForm)
		}
		keys[i] = t
	}
	var at any = s.Mappings
	for _, k := range keys {
		o, ok := at.(*jsondoc.Object)
		if ok && o != nil {
			if at, ok = o.Get(k); ok {
				continue
			}
		}
		if len(args) == 4 {
			if o, ok := args[3].(*jsondoc.Object); ok {
				if v, ok := o.Get("DefaultValue"); ok {
					return v, nil
				}
			}
		}
		return nil, failure("Unable to get mapping for %s::%s::%s", keys[0], keys[1], keys[2])
	}
	return at, nil
}

func (s *Scope) ifs(arg any) (any, error) {
	a, ok := arg.(*jsondoc.Array)
	if !ok || len(a.Items) != 3 {
		return nil, failure(ifForm)
	}
	name, ok := a.Items[0].(string)
	if !ok {
		return nil, failure(ifForm)
	}
	holds, known := s.Conditions[name]
	if !known {
		return nil, failure("Unresolved condition %s in Fn::If", name)
	}
	if holds {
		return s.resolve(a.Items[1])
	}
	return s.resolve(a.Items[2])
}

// zonesPerRegion is how many availability zones each region is said to have.
const zonesPerRegion = 3

func (s *Scope) zones(arg any) (any, error) {
	region, err := s.text("Fn::GetAZs", arg)
	if err != nil {
		return nil, err
	}
	if region == "" {
		region = s.Region
	}
	out := &jsondoc.Array{}
	for i := range zonesPerRegion {
		out.Items = append(out.Items, region+string(rune('a'+i)))
	}
	return out, nil
}

func (s *Scope) importValue(arg any) (any, error) {
	name, err := s.text("Fn::ImportValue", arg)
	if err != nil {
		return nil, err
	}
	if s.Import != nil {
		if v, ok := s.Import(name); ok {
			return v, nil
		}
	}
	return nil, aws.Errorf("ValidationError", 400, "No export named %s found.", name)
}

// members are the functions of rules over lists.
func (s *Scope) members(name string, arg any) (any, error) {
	complaint := "every " + name + " object requires a list and a value"
	args, err := s.list(arg, 2, 2, complaint)
	if err != nil {
		return nil, err
	}
	a, ok := args[0].(*jsondoc.Array)
	if !ok {
		return nil, failure("%s", complaint)
	}
	in := func(list []any, v any) bool {
		return slices.ContainsFunc(list, func(item any) bool { return jsondoc.Equal(item, v) })
	}
	switch b, isList := args[1].(*jsondoc.Array); {
	case name == "Fn::Contains":
		return in(a.Items, args[1]), nil
	case name == "Fn::EachMemberEquals":
		return !slices.ContainsFunc(a.Items, func(v any) bool { return !jsondoc.Equal(v, args[1]) }), nil
	case isList:
		return !slices.ContainsFunc(a.Items, func(v any) bool { return !in(b.Items, v) }), nil
	}
	return nil, failure("%s", complaint)
}

// cidr is Fn::Cidr [block, count, bits]: count blocks of bits host bits each.
func (s *Scope) cidr(arg any) (any, error) {
	const complaint = "every Fn::Cidr object requires an ipBlock, a count from 1 to 256 and the number of cidrBits"
	args, err := s.list(arg, 2, 3, complaint)
	if err != nil {
		return nil, err
	}
	block, _ := template.Text(args[0])
	prefix, err := netip.ParsePrefix(block)
	if err != nil {
		return nil, failure(complaint)
	}
	countText, _ := template.Text(args[1])
	count, err := strconv.Atoi(countText)
	if err != nil || count < 1 || count > 256 {
		return nil, failure(complaint)
	}
	bits := 8
	if prefix.Addr().Is6() {
		bits = 64
	}
	if len(args) == 3 {
		text, _ := template.Text(args[2])
		if bits, err = strconv.Atoi(text); err != nil {
			return nil, failure(complaint)
		}
	}
	length := prefix.Addr().BitLen() - bits
	if bits < 1 || length < prefix.Bits() || length-prefix.Bits() < 8 && count > 1<<(length-prefix.Bits()) {
		return nil, failure("Fn::Cidr: %d blocks of %d bits do not fit into %s", count, bits, block)
	}
	out := &jsondoc.Array{}
	at := prefix.Masked().Addr()
	for range count {
		out.Items = append(out.Items, netip.PrefixFrom(at, length).String())
		at = advance(at, bits)
	}
	return out, nil
}

// advance adds 1<<bits to an address.
func advance(a netip.Addr, bits int) netip.Addr {
	b := slices.Clone(a.AsSlice())
	i := len(b) - 1 - bits/8
	carry := 1 << (bits % 8)
	for ; i >= 0 && carry > 0; i-- {
		carry += int(b[i])
		b[i] = byte(carry)
		carry >>= 8
	}
	out, _ := netip.AddrFromSlice(b) // the length is an address's
	return out
}
