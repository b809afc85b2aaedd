package vtl

import (
	"errors"
	"strings"
	"testing"

	"github.com/brume-dev/brume/jsondoc"
)

// upper is an Object with a method, as $util is one.
type upper struct{}

func (upper) Property(name string) (any, bool) { return strings.ToUpper(name), name != "none" }
func (upper) Call(method string, args []any) (any, error) {
	if method != "up" {
		return nil, ErrNoMethod
	}
	return strings.ToUpper(Text(args[0])), nil
}

func vars(t testing.TB) map[string]any {
	doc, err := jsondoc.Parse([]byte(`{"name":"Ada","n":3,"f":2.50,"big":12345678901234567890,"list":[1,"two",null,{"k":"v"}],
		"map":{"b":1,"a":{"c":true}},"quote":"a\"b","empty":"","no":false,"double":1e10}`))
	if err != nil {
		t.Fatal(err)
	}
	return map[string]any{"in": doc, "u": upper{}, "name": "Ada", "zero": int64(0), "no": false}
}

func TestRender(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		// references
		{"$name ${name}s $!name $!{name}!", "Ada Adas Ada Ada!"},
		{"$nope $!nope ${nope.x} $!{nope.x()}|", "$nope  ${nope.x} |"},
		{"$in.name $in.map.a.c $in.map['b'] $in.list[1] $in.list[-4]", "Ada true 1 two 1"},
		{"$in.n $in.f $in.big $in.double", "3 2.5 12345678901234567890 1.0E10"},
		{"$in.list $in.map", "[1, two, null, {k=v}] {b=1, a={c=true}}"},
		{"$u.abc $u.up('x') $u.other() $u.none", "ABC X $u.other() $u.none"},
		{"cost: $5 $ 5 $$name a@b.c $name.", "cost: $5 $ 5 $Ada a@b.c Ada."},
		{`\$name \$nope \\$name \#set(1) \# \n`, `$name \$nope \Ada #set(1) \# \n`},
		{"$name.length() $name.substring(1) $name.substring(0,1).toLowerCase()", "3 da a"},
		// set
		{"#set($x = 5)$x #set($x = 'a $name')$x #set($x = \"a $name\")$x", "5a $namea Ada"},
		{"#set($x = $nope)[$!x]#set($x=1)#set($x = $nope)[$x]", "[][1]"},
		{"a\n  #set( $x = 1 )  \nb$x", "a\nb1"},
		{"#set($m = {'a': 1, \"b\": [1,2]})$m.a$m.b#set($m.c = 3)$m #set($m['d'] = 4)$m.d", "1[1, 2]{a=1, b=[1, 2], c=3}4"},
		{"#set($l = [1..3])$l#set($l[0] = 9)$l#set($r = [3..1])$r", "[1, 2, 3][9, 2, 3][3, 2, 1]"},
		{`#set($q = "say ""hi""")$q#set($q = 'it''s')$q`, `say "hi"it's`},
		// arithmetic and logic
		{"#set($x = 7 / 2)$x #set($x = 7 % 2)$x #set($x = 1 + 2 * 3)$x #set($x = (1 + 2) * 3)$x #set($x = 7.0 / 2)$x", "3179" + "3.5"},
		{"#set($x = 'a' + 1)$x#set($x = 1 / 0)$x#set($x = -$in.n)$x", "a1a1-3"},
		{"#if(1 == 1.0 && 'a' == \"a\" && !(1 != 1) && 2 > 1 && 1 <= 1)y#end", "y"},
		{"#if(1 gt 2 or not (3 lt 2) and 1 ne 2)y#{else}n#end", "y"},
		{"#if($nope)a#elseif($no)b#elseif($in.empty)c#{else}d#end", "c"},
		{"#if($nope == $null)y#end#if($in.n == '3')y#end#if($nope == '')n#end", "yy"},
		{"#if('a' < 'b')y#{else}n#end", "n"},
		// foreach
		{"#foreach($x in $in.list)$foreach.count:$!x#if($foreach.hasNext),#end#end", "1:1,2:two,3:,4:{k=v}"},
		{"#foreach($x in $in.map)$x;#end#foreach($e in $in.map.entrySet())$e.key=$e.value;#end#foreach($k in $in.map.keySet())$k#end",
			"1;{c=true};b=1;a={c=true};ba"},
		{"#foreach($x in [1..9])#if($x == 3)#break#end$x#end|$!x", "12|"},
		{"#foreach($i in [1,2])#foreach($j in [1..2])$foreach.parent.index$foreach.index #end#end", "00 01 10 11 "},
		{"#foreach($x in 'text')n#end#foreach($x in $nope)n#end$velocityCount", "$velocityCount"},
		{"#foreach($x in [1..3])\n$x\n#end\n.", "1\n2\n3\n."},
		// macros, define, evaluate, literals, comments
		{"#macro(hi $a $b)<${a}-$!b>#end#hi('x')#hi('x' $name)#hi(1, 2)", "<x-><x-Ada><1-2>"},
		{"#macro(wrap)[$bodyContent]#end#@wrap()in $name#end", "[in Ada]"},
		{"#define($d)v$x#end#set($x=1)$d#set($x=2)$d", "v1v2"},
		{"#set($t = '#set($y = 1)$y')#evaluate($t)", "1"},
		{"a## comment\nb#* c\n *#d#[[$name #if]]#e", "abd$name #ife"},
		{"#unknown #nope(1) {#} #ffffff # $name#", "#unknown #nope(1) {#} #ffffff # Ada#"},
		{"a#stop b", "a"},
		// methods
		{"$in.list.size() $in.list.get(1) $in.list.contains('two') $in.list.indexOf('x') $in.list.isEmpty()", "4 two true -1 false"},
		{"#set($l=[])#set($x=$l.add(1))$x$l#set($x=$l.add('b'))#set($x=$l.remove(0))$x$l", "true[1]1[b]"},
		{"#set($m={})#set($x=$m.put('k',1))$!x$m.put('k',2)$m.containsKey('k')$m.size()$m.getOrDefault('z','d')", "1true1d"},
		{"$in.quote.replaceAll('\"', '\\\\\"') $in.name.replace('A','E') #foreach($p in 'a,b,,'.split(','))$p;#end", `a\"b Eda a;b;`},
		{"$name.matches('[A-Z].*') $name.indexOf('d') $name.equals('Ada') $name.contains('z') 'x'", "true 1 true false 'x'"},
		{"$in.f.intValue() $in.n.toString().length() $in.n.equals(3) $in.n.equals('3')", "2 1 true false"},
		{"${name.replaceAll('(d)','<$1>')}", "A<d>a"},
		{`{"id": "$name", "parameters": $in.map.b}`, `{"id": "Ada", "parameters": 1}`},
	} {
		// 'a,b'.split is not a reference in Velocity: write it as one for the test's sake.
		in := strings.ReplaceAll(c.in, "'a,b,,'.split(',')", "$split.split(',')")
		tpl, err := Parse(in)
		if err != nil {
			t.Errorf("%s\n  %v", in, err)
			continue
		}
		v := vars(t)
		v["split"] = "a,b,,"
		got, err := tpl.Render(v)
		if err != nil {
			t.Errorf("%s\n  %v", in, err)
		} else if got != c.want {
			t.Errorf("%s\n  gave %q\n  want %q", in, got, c.want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, in := range []string{"#if($x)", "#end", "#foreach($x of $y)#end", "#set($x)", "#set(x = 1)", "#set($x = )", "#* no end",
		"#if(1 ==)#end", "#set($x = 'abc)", "#parse('a')", "#[[x", "#macro()#end", "#set($x = [1,2)",
		strings.Repeat("#if(true)", 100), strings.Repeat("x", MaxSize+1)} {
		if _, err := Parse(in); err == nil {
			t.Errorf("%.40q parses", in)
		}
	}
}

func TestErrorNamesThePlace(t *testing.T) {
	_, err := Parse("line one\nand #set($x 1)")
	if err == nil || !strings.Contains(err.Error(), "line 2, column") {
		t.Errorf("%v", err)
	}
}

func TestLimits(t *testing.T) {
	for _, in := range []string{
		"#macro(m)#m()#end#m()",
		"#set($s='0123456789')#foreach($i in [1..900])#set($s=$s.concat($s))#end",
		"#foreach($a in [1..1000])#foreach($b in [1..1000])#foreach($c in [1..1000])#end.#end#end",
		"#set($t='#evaluate($t)')#evaluate($t)",
	} {
		tpl, err := Parse(in)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tpl.Render(map[string]any{}); !errors.Is(err, ErrLimit) {
			t.Errorf("%s: %v", in, err)
		}
	}
	tpl, _ := Parse("#set($n=0)#foreach($i in [1..5000])#set($n=$n+1)#end$n")
	if got, _ := tpl.Render(map[string]any{}); got != "1000" {
		t.Errorf("a loop went round %s times", got)
	}
}

func TestDouble(t *testing.T) {
	for f, want := range map[float64]string{0: "0.0", 1: "1.0", 0.001: "0.001", 0.0001: "1.0E-4", 1e7: "1.0E7", 9999999: "9999999.0", 1.5e300: "1.5E300", -2.5: "-2.5"} {
		if got := double(f); got != want {
			t.Errorf("%g: %s, want %s", f, got, want)
		}
	}
}

func FuzzRender(f *testing.F) {
	for _, s := range []string{"#set($x = [1..3])#foreach($i in $x)$i#end", "#if($a.b('c', 1)[0] == 1)x#else\ny#end", "#macro(a $b)$b#end#a(1)",
		`\$in.name ${in.map.a} "$!{x}" #define($y)z#end$y`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if tpl, err := Parse(s); err == nil {
			_, _ = tpl.Render(vars(t))
		}
	})
}

func BenchmarkRender(b *testing.B) {
	tpl, err := Parse(`{"id": "$u.requestId", "parameters": $in.map.b, "l": [#foreach($x in $in.list)"$!x"#if($foreach.hasNext),#end#end]}`)
	if err != nil {
		b.Fatal(err)
	}
	v := vars(b)
	for b.Loop() {
		if _, err := tpl.Render(v); err != nil {
			b.Fatal(err)
		}
	}
}
