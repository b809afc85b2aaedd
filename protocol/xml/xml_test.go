package xml

import (
	stdxml "encoding/xml"
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/shape"
)

type owner struct {
	ID   string  `aws:"ID,req"`
	Type *string `aws:"Type,xml=xsi:type,attr"`
}

type thing struct {
	Name    *string           `aws:"Name"`
	Size    *int64            `aws:"Size"`
	Ratio   *float64          `aws:"Ratio"`
	On      *bool             `aws:"On"`
	At      *time.Time        `aws:"At"`
	Blob    []byte            `aws:"Blob"`
	Owner   *owner            `aws:"Owner,ns=xsi:http://www.w3.org/2001/XMLSchema-instance"`
	Keys    []string          `aws:"Keys,item=Key"`
	Flat    []owner           `aws:"Flat,xml=F,flat"`
	Map     map[string]string `aws:"Map,kv=K:V"`
	FlatMap map[string]owner  `aws:"FlatMap,flat"`
	Lists   [][]string        `aws:"Lists"`
	Child   *thing            `aws:"Child"`
}

func encode(v *thing) string {
	return string(Encoder{}.AppendElement(nil, "T", shape.Namespace{URI: "http://x/"}, shape.ValueOf(v), false))
}

func decodeText(s string) (*thing, shape.Notes, error) {
	n, err := Parse([]byte(s))
	if err != nil {
		return nil, nil, err
	}
	var notes shape.Notes
	v := new(thing)
	err = Decode(n, shape.ValueOf(v), false, &notes)
	return v, notes, err
}

func TestRoundTrip(t *testing.T) {
	const doc = `<T xmlns="http://x/"><Name>a &amp; &lt;b&gt; &quot;c&quot;` + "\n\t" + `&#xd;</Name><Size>-5</Size><Ratio>1.5</Ratio><On>true</On>` +
		`<At>2020-01-02T03:04:05.678Z</At><Blob>AQI=</Blob><Owner xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="User"><ID>o</ID></Owner>` +
		`<Keys><Key>x</Key><Key></Key></Keys><F><ID>1</ID></F><F xsi:type="G"><ID>2</ID></F><Map><entry><K>k</K><V>v</V></entry></Map>` +
		`<FlatMap><key>a</key><value><ID>b</ID></value></FlatMap><Lists><member><member>p</member></member><member></member></Lists><Child><Name> </Name></Child></T>`
	v, notes, err := decodeText(strings.Replace(doc, "<T ", "<!-- c --><T a='1' ", 1))
	if err != nil || notes != nil {
		t.Fatal(notes, err)
	}
	if got := encode(v); got != doc {
		t.Errorf("\n got %s\nwant %s", got, doc)
	}
}

func TestDecodeTakesWhatClientsSend(t *testing.T) {
	v, notes, err := decodeText("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<x:T xmlns:x='http://x/'>\n <x:Name><![CDATA[<&>]]></x:Name>\n <Size> 7 </Size>\n" +
		"<Unknown><Name>no</Name></Unknown><Owner/><At>2020-01-02T03:04:05+01:00</At></x:T>\n")
	if err != nil || *v.Name != "<&>" || *v.Size != 7 || v.At.Hour() != 2 || v.Child != nil {
		t.Errorf("%+v, %v", v, err)
	}
	if len(notes) != 1 || notes[0].Path != "owner.iD" {
		t.Errorf("notes %v", notes)
	}
}

func TestMalformed(t *testing.T) {
	for _, s := range []string{
		"", "x", "<a>", "<a></b>", "<a/><b/>", "<a>&nbsp;</a>", "<!DOCTYPE a><a/>", "<a/>x", "<a b></a>", "<a>\x01</a>", "<a>\xff</a>",
		strings.Repeat("<a>", maxDepth+1) + strings.Repeat("</a>", maxDepth+1),
	} {
		if _, err := Parse([]byte(s)); err != ErrSyntax {
			t.Errorf("%.20q: %v", s, err)
		}
	}
	for _, s := range []string{"<T><Size>x</Size></T>", "<T><On>yes</On></T>", "<T><At>now</At></T>", "<T><Blob>!</Blob></T>", "<T><Map><entry><K>k</K></entry></Map></T>"} {
		if _, _, err := decodeText(s); err == nil {
			t.Errorf("%s was taken", s)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(`<T><Name>a</Name><F><ID>1</ID></F><Map><entry><K>k</K><V>v</V></entry></Map><Lists><member/></Lists><At>2020-01-01T00:00:00Z</At></T>`)
	f.Fuzz(func(t *testing.T, s string) {
		v, _, err := decodeText(s)
		if err != nil {
			return
		}
		if v.At != nil && (v.At.Year() < 0 || v.At.Year() > 9999) {
			return
		}
		one := encode(v)
		again, _, err := decodeText(one)
		if err != nil {
			t.Fatalf("%q gave %s: %v", s, one, err)
		}
		if two := encode(again); one != two {
			t.Errorf("%q gave %s and then %s", s, one, two)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	name, size := "photos/2020/01/02/picture.jpg", int64(12345)
	at := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
	v := &thing{}
	for range 10 {
		v.Flat = append(v.Flat, owner{ID: name})
	}
	v.Name, v.Size, v.At = &name, &size, &at
	b.ReportAllocs()
	var buf []byte
	for b.Loop() {
		buf = Encoder{}.AppendElement(buf[:0], "T", shape.Namespace{}, shape.ValueOf(v), false)
	}
}

// A refusal quotes what was sent; every parser can read it all the same.
func TestReadable(t *testing.T) {
	got := string(AppendReadable(nil, "Message", "Value '\x00\x1f<\uffff\r\n\té' at 'x'"))
	if want := "<Message>Value '\ufffd\ufffd&lt;\ufffd&#xd;\n\té' at 'x'</Message>"; got != want {
		t.Errorf("%q\nwant %q", got, want)
	}
	var text string
	if err := stdxml.Unmarshal([]byte(got), &text); err != nil {
		t.Error(err)
	}
}
