package jsonpath

import (
	"errors"
	"strings"
	"testing"

	"github.com/brume-dev/brume/jsondoc"
)

const shop = `{"store":{"book":[
 {"category":"reference","author":"Rees","title":"Sayings","price":8.95},
 {"category":"fiction","author":"Waugh","title":"Sword","price":12.99},
 {"category":"fiction","author":"Melville","title":"Moby","isbn":"0-553","price":8.99},
 {"category":"fiction","author":"Tolkien","title":"Lord","isbn":"0-395","price":22.99}],
 "bicycle":{"color":"red","price":19.95}},"expensive":10,"empty":[],"n":null,"a b":{"c.d":1},"tags":["x","y"]}`

func TestEval(t *testing.T) {
	doc, err := jsondoc.Parse([]byte(shop))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ path, want string }{
		{"$.expensive", "10"},
		{"$['expensive']", "10"},
		{"$.n", "null"},
		{"$['a b']['c.d']", "1"},
		{"$.store.bicycle['color','price']", `{"color":"red","price":19.95}`},
		{"$.store.book[0].title", `"Sayings"`},
		{"$.store.book[-1].title", `"Lord"`},
		{"$.store.book[0,2].title", `["Sayings","Moby"]`},
		{"$.store.book[1:3].title", `["Sword","Moby"]`},
		{"$.store.book[-2:].title", `["Moby","Lord"]`},
		{"$.store.book[:1].title", `["Sayings"]`},
		{"$.store.book[*].author", `["Rees","Waugh","Melville","Tolkien"]`},
		{"$..author", `["Rees","Waugh","Melville","Tolkien"]`},
		{"$.store..price", `[8.95,12.99,8.99,22.99,19.95]`},
		{"$..book[2].title", `["Moby"]`},
		{"$.store.book[?(@.isbn)].title", `["Moby","Lord"]`},
		{"$.store.book[?(!@.isbn)].title", `["Sayings","Sword"]`},
		{"$.store.book[?(@.price < $.expensive)].title", `["Sayings","Moby"]`},
		{"$.store.book[?(@.price >= 12.99 && @.category == 'fiction')].title", `["Sword","Lord"]`},
		{"$.store.book[?(@.author == 'Rees' || @.author == \"Waugh\")].price", `[8.95,12.99]`},
		{"$.store.book[?(@.author =~ /.*EES/i)].title", `["Sayings"]`},
		{"$.store.book[?(@.author in ['Rees', 'Nobody'])].title", `["Sayings"]`},
		{"$.store.book[?(@.category nin ['fiction'])].title", `["Sayings"]`},
		{"$[?(@.tags size 2)].expensive", `[10]`},
		{"$[?(@.empty empty true)].expensive", `[10]`},
		{"$[?(@.tags subsetof ['x','y','z'])].expensive", `[10]`},
		{"$[?(@.tags contains 'y')].expensive", `[10]`},
		{"$[?(@.tags noneof ['q'])].expensive", `[10]`},
		{"$.store.book.length()", "4"},
		{"$..book.length()", "4"},
		{"$.store.book[?(@.price<10&&@.price>8.96)].title", `["Moby"]`},
		{"$..nope.length()", "0"},
		{"$.store.book[*].price.max()", "22.99"},
		{"$.store.book[?(@.price > 100)]", "[]"},
		{"$.store.bicycle.keys()", `["color","price"]`},
		{"$.empty[*]", "[]"},
		{"$..[?(@.isbn)].title", `["Moby","Lord"]`},
		{"$..[?(@.color)].price", `[19.95]`},
		{"$..[?(@ == 'x')]", "[]"},
		{"$..[0].title", `["Sayings"]`},
		{"$['store','a b'].bicycle.color", `["red"]`},
		{"$.store[*].nope", "[]"},
		{"$.empty[3:]", "[]"},
		{"$.empty[5].a[*]", "[]"},
		{"$..bicycle['color','price']", `[{"color":"red","price":19.95}]`},
	} {
		p, err := Compile(c.path)
		if err != nil {
			t.Errorf("%s: %v", c.path, err)
			continue
		}
		v, err := p.Eval(doc)
		if err != nil {
			t.Errorf("%s: %v", c.path, err)
		} else if got := jsondoc.Text(v); got != c.want {
			t.Errorf("%s: %s, want %s", c.path, got, c.want)
		}
	}
}

// TestNames: outside of filters a name ends only where a path goes on (the first is of the specification of the States Language).
func TestNames(t *testing.T) {
	for _, name := range []string{"&Ж中", "a=b", "a<b>|c", "a-b", "!"} {
		doc := jsondoc.NewObject()
		doc.Set(name, "here")
		p, err := Compile("$." + name)
		if err != nil {
			t.Error(err)
			continue
		}
		if v, err := p.Eval(doc); v != "here" {
			t.Errorf("%s: %v, %v", name, v, err)
		}
	}
}

func TestDefinitePathThatNamesNothing(t *testing.T) {
	doc, _ := jsondoc.Parse([]byte(shop))
	for _, path := range []string{"$.nope", "$.store.nope.deeper", "$.store.book[9]", "$.expensive.x", "$.empty[0]",
		"$.nope[*]", "$.nope[1:]", "$.expensive[1:]", "$.expensive[?(@.a)]", "$.nope..a", "$.expensive[0,1]"} {
		p, err := Compile(path)
		if err != nil {
			t.Fatal(err)
		}
		if v, err := p.Eval(doc); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v, %v", path, v, err)
		}
	}
}

func TestCompileRefuses(t *testing.T) {
	for _, path := range []string{"", "a", "$.", "$..", "$[", "$['a", "$[a]", "$[?(@.a ==)]", "$[?(@.a", "$.a b", "$[1:x]", "$[?(1)]",
		"$" + strings.Repeat("[?(@", 40), strings.Repeat("$", MaxLength+1), "$[?(@.a =~ /(/)]"} {
		if p, err := Compile(path); err == nil {
			t.Errorf("%q became %v", path, p)
		}
	}
}

func FuzzCompile(f *testing.F) {
	f.Add("$.store.book[?(@.price < $.expensive)].title")
	f.Add("$..[?(!(@.a =~ /x/i) && @.b in [1,'2'])].length()")
	doc, _ := jsondoc.Parse([]byte(shop))
	f.Fuzz(func(t *testing.T, s string) {
		if p, err := Compile(s); err == nil {
			if v, err := p.Eval(doc); err == nil && p.fn == nil {
				jsondoc.Text(v)
			}
		}
	})
}

func BenchmarkEval(b *testing.B) {
	doc, _ := jsondoc.Parse([]byte(shop))
	p, _ := Compile("$.store.book[0].title")
	for b.Loop() {
		if _, err := p.Eval(doc); err != nil {
			b.Fatal(err)
		}
	}
}
