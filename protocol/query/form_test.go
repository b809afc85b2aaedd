package query

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/brume-dev/brume/protocol"
	"github.com/brume-dev/brume/shape"
)

func request(query, body string) *protocol.Request {
	return &protocol.Request{Method: "POST", Query: query, Body: strings.NewReader(body), Length: int64(len(body))}
}

type leaf struct {
	Key   string  `aws:"Key,req"`
	Value *string `aws:"Value"`
}

type tree struct {
	Name    *string             `aws:"Name"`
	Names   []string            `aws:"Names"`
	Tags    []leaf              `aws:"Tags"`
	Flat    []string            `aws:"Flat,flat,xml=F"`
	Map     map[string]string   `aws:"Map"`
	Attr    map[string]leaf     `aws:"Attr,flat,kv=N:V"`
	Child   *tree               `aws:"Child"`
	Lists   map[string][]string `aws:"Lists"`
	Limit   *int32              `aws:"Limit"`
	NameSet []string            `aws:"NameSet"`
}

func decodeForm(body string) (*tree, shape.Notes, error) {
	ps, err := parse(request("", body))
	if err != nil {
		return nil, nil, err
	}
	var notes shape.Notes
	in := new(tree)
	err = decoder{notes: &notes}.structure(form(ps), shape.ValueOf(in))
	return in, notes, err
}

func TestFormOrder(t *testing.T) {
	in, notes, err := decodeForm("Tags.member.10.Key=j&Tags.member.2.Key=b&Tags.member.1.Key=a&Tags.member.1.Value=&" +
		"Names.member.3=z&Names.member.1=x&NameSet.member.1=s&Name=n&Names-x=1&F.2=b&F.1=a&" +
		"Map.entry.1.key=k&Map.entry.1.value=v&Attr.1.N=a&Attr.1.V.Key=b&Child.Child.Name=deep&Lists.entry.1.key=l&Lists.entry.1.value.member.1=q")
	if err != nil || notes != nil {
		t.Fatal(notes, err)
	}
	tags := ""
	for _, l := range in.Tags {
		tags += l.Key
	}
	if tags != "abj" || *in.Tags[0].Value != "" || strings.Join(in.Names, "") != "xz" || strings.Join(in.Flat, "") != "ab" {
		t.Errorf("%+v", in)
	}
	if in.Map["k"] != "v" || in.Attr["a"].Key != "b" || *in.Child.Child.Name != "deep" || in.Lists["l"][0] != "q" || *in.Name != "n" || in.NameSet[0] != "s" {
		t.Errorf("%+v", in)
	}
}

func TestFormCorners(t *testing.T) {
	in, notes, err := decodeForm("Tags.member.1.Value=v&Names=&F=All&Name=first&Name=last&&=x&Names.member.x=y")
	if err != nil {
		t.Fatal(err)
	}
	if len(notes) != 1 || notes[0].Path != "tags.1.member.key" {
		t.Errorf("notes %v", notes)
	}
	if in.Names == nil || len(in.Names) != 0 || in.Flat[0] != "All" || *in.Name != "last" {
		t.Errorf("%+v", in)
	}
}

func TestParse(t *testing.T) {
	ps, err := parse(request("Action=A&Version=1", "Name=%41+b&Version=2"))
	if want := []pair{{"Action", "A"}, {"Version", "1"}, {"Name", "A b"}, {"Version", "2"}}; err != nil || !slices.Equal(ps, want) {
		t.Errorf("%v, %v", ps, err)
	}
}

func FuzzForm(f *testing.F) {
	f.Add("Tags.member.1.Key=a&Map.entry.1.key=k&Map.entry.1.value=v&F.1=x&Child.Names.member.1=%41&Limit=3")
	f.Add("Child.Child.Child.Tags.member..Key=a&Names.member.-1=x&Names.member.99999999999999999999=y")
	f.Fuzz(func(t *testing.T, s string) {
		in, _, err := decodeForm(s)
		if err != nil {
			return
		}
		q, err := url.ParseQuery(strings.ReplaceAll(s, ";", "%3B"))
		if err != nil {
			t.Fatalf("%q was taken: %v", s, err)
		}
		if vs := q["Name"]; len(vs) > 0 && (in.Name == nil || *in.Name != vs[len(vs)-1]) {
			t.Errorf("%q: Name is %v, want %q", s, in.Name, vs)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	const body = "Action=CreateThing&Version=2010-05-08&Name=thing&Names.member.1=a&Names.member.2=b&Tags.member.1.Key=k1&Tags.member.1.Value=v1&" +
		"Tags.member.2.Key=k2&Tags.member.2.Value=v2&Map.entry.1.key=x&Map.entry.1.value=y&Limit=10&Child.Name=child"
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := decodeForm(body); err != nil {
			b.Fatal(err)
		}
	}
}
