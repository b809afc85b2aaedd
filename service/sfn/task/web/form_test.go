package web

import (
	"net/url"
	"testing"

	"github.com/brume-dev/brume/jsondoc"
)

func TestForm(t *testing.T) {
	v, err := jsondoc.Parse([]byte(`{"s":"a&b","n":1.50,"o":{"x":{"y":true}},"l":["p","q"],"z":null}`))
	if err != nil {
		t.Fatal(err)
	}
	for arrays, list := range map[string]string{indices: "l[0]=p&l[1]=q", repeat: "l=p&l=q", commas: "l=p,q", brackets: "l[]=p&l[]=q", none: `l=["p","q"]`, "": "l[0]=p&l[1]=q"} {
		got, err := url.QueryUnescape(form(v.(*jsondoc.Object), arrays))
		if want := "s=a&b&n=1.50&o[x][y]=true&" + list + "&z="; got != want || err != nil {
			t.Errorf("%s: %s, want %s", arrays, got, want)
		}
	}
}
