package shape

import (
	"reflect"
	"testing"

	"github.com/brume-dev/brume/aws"
)

type color string

func (color) EnumValues() []string { return []string{"RED", "GREEN"} }

type leaf struct {
	ID    string  `aws:"Id,req,len=1:3"`
	Count int32   `aws:"Count,req,range=1:10"`
	Ratio float64 `aws:"Ratio,req"`
	Flag  *bool   `aws:"Flag"`
}

type tree struct {
	Name     string            `aws:"Name,req,len=3:8" pattern:"[a-z]+"`
	KMSKey   *string           `aws:"KMSKey,len=:4"`
	Color    color             `aws:"Color,req"`
	Colors   []color           `aws:"Colors"`
	Leaf     *leaf             `aws:"Leaf"`
	Leaves   []leaf            `aws:"Leaves,len=:2"`
	Tags     map[string]string `aws:"Tags" keys:"len=1:4" keyspattern:"[a-z]+" each:"len=:3"`
	Secret   *string           `aws:"Secret,len=8:,sens"`
	ByName   map[string][]leaf `aws:"ByName"`
	Doc      aws.Document      `aws:"Doc"`
	Blob     []byte            `aws:"Blob,len=:2"`
	Children []*tree           `aws:"Children"`
	Strings  []string          `aws:"Strings" each:"len=1:2" eachpattern:"\\x{61}+" eachpatterntext:"\\u0061+"`
}

func TestOfCompilesRecursiveTypes(t *testing.T) {
	s := Of(reflect.TypeFor[tree]())
	if c := s.Member("Children"); c.Shape.Elem != s || !c.Shape.ElemPointer {
		t.Errorf("Children is %+v", c.Shape)
	}
	if p := s.Member("KMSKey").Path; p != "kMSKey" {
		t.Errorf("path %q", p)
	}
	if Of(reflect.TypeFor[*tree]()) != s {
		t.Error("compiled twice")
	}
}

func TestOfRefusesWhatTheGeneratorDoesNotWrite(t *testing.T) {
	for _, v := range []any{
		struct{ C chan int }{},
		struct {
			S string `aws:"S,lenn=1:2"`
		}{},
		struct {
			S string `aws:"S,len=1"`
		}{},
		struct{ M map[int]string }{},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%T was accepted", v)
				}
			}()
			Of(reflect.TypeOf(v))
		}()
	}
}
