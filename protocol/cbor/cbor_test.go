package cbor

import (
	"bytes"
	"encoding/hex"
	"math"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/brume-dev/brume/shape"
)

type thing struct {
	Name   *string             `aws:"Name"`
	Size   *int64              `aws:"Size"`
	Small  *int32              `aws:"Small"`
	Ratio  *float64            `aws:"Ratio"`
	Half   *float32            `aws:"Half"`
	On     *bool               `aws:"On"`
	At     *time.Time          `aws:"At"`
	Blob   []byte              `aws:"Blob"`
	List   []string            `aws:"List"`
	Map    map[string]thing    `aws:"Map"`
	Lists  map[string][]string `aws:"Lists"`
	Child  *thing              `aws:"Child"`
	Needed string              `aws:"Needed,req"`
}

func unhex(t *testing.T, s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestNumbers reads the examples of RFC 8949, appendix A.
func TestNumbers(t *testing.T) {
	for in, want := range map[string]float64{
		"00": 0, "17": 23, "1818": 24, "1903e8": 1000, "1a000f4240": 1000000, "1b000000e8d4a51000": 1000000000000, "20": -1, "3903e7": -1000,
		"f90000": 0, "f93c00": 1, "fb3ff199999999999a": 1.1, "f93e00": 1.5, "f97bff": 65504, "fa47c35000": 100000, "fa7f7fffff": 3.4028234663852886e+38,
		"f90001": 5.960464477539063e-8, "f90400": 0.00006103515625, "f9c400": -4, "fbc010666666666666": -4.1, "f97c00": math.Inf(1), "f9fc00": math.Inf(-1),
	} {
		var notes shape.Notes
		v := new(thing)
		if err := decode(unhex(t, "a165526174696f"+in), shape.ValueOf(v), &notes); err != nil || *v.Ratio != want {
			t.Errorf("%s: %v, %v; want %v", in, v.Ratio, err, want)
		}
	}
}

func TestDecode(t *testing.T) {
	for _, c := range []struct {
		name, in string
		ok       func(v *thing) bool
	}{
		{"indefinite map and text", "bf644e616d657f61616162ffff", func(v *thing) bool { return *v.Name == "ab" }},
		{"indefinite list", "a1644c6973749f61616162ff", func(v *thing) bool { return len(v.List) == 2 && v.List[1] == "b" }},
		{"null is absent", "a1644e616d65f6", func(v *thing) bool { return v.Name == nil }},
		{"undefined is absent", "a1644e616d65f7", func(v *thing) bool { return v.Name == nil }},
		{"unknown members", "a26178c24101644e616d656161", func(v *thing) bool { return *v.Name == "a" }},
		{"epoch integer", "a1624174c11a514b67b0", func(v *thing) bool { return v.At.Unix() == 1363896240 }},
		{"epoch float", "a1624174c1fb41d452d9ec200000", func(v *thing) bool { return v.At.UnixMilli() == 1363896240500 }},
		{"whole float as integer", "a16453697a65f93c00", func(v *thing) bool { return *v.Size == 1 }},
	} {
		var notes shape.Notes
		v := new(thing)
		if err := decode(unhex(t, c.in), shape.ValueOf(v), &notes); err != nil || !c.ok(v) {
			t.Errorf("%s: %+v, %v", c.name, v, err)
		}
		if len(notes) != 1 || notes[0].Path != "needed" {
			t.Errorf("%s: notes %v", c.name, notes)
		}
	}
}

func TestMalformed(t *testing.T) {
	for _, in := range []string{
		"", "ff", "a1", "a16153", "bf", "a1ff", "a101f6", "1c", "fc", "a1644e616d6562c328", "a1644e616d6564", "a1644e616d657f4161ff", "a1644c6973749bffffffffffffffff",
		"a164536d616c6c1b7fffffffffffffff", "a16453697a651bffffffffffffffff", "a1624174c16161", "a162417401", "a1624f6e01", "a164426c6f626161", "80",
	} {
		var notes shape.Notes
		if err := decode(unhex(t, in), shape.ValueOf(new(thing)), &notes); err == nil {
			t.Errorf("%s was taken", in)
		}
	}
}

// FuzzDecode compares with a CBOR library what is well-formed, and reads back what was written.
func FuzzDecode(f *testing.F) {
	name, size, at := "a", int64(-5), time.UnixMilli(1500)
	seed, err := appendValue(nil, shape.ValueOf(&thing{Name: &name, Size: &size, At: &at, Blob: []byte{1}, List: []string{"x"}, Map: map[string]thing{"k": {}}}))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add([]byte("\xbf\x64List\x9f\x7f\x61a\xff\xff\x61x\xc2\x41\x01\xff"))
	library, err := cbor.DecOptions{MaxNestedLevels: 2 * maxDepth}.DecMode()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var notes shape.Notes
		v := new(thing)
		if err := decode(b, shape.ValueOf(v), &notes); err != nil {
			return
		}
		if err := library.Wellformed(b); err != nil {
			t.Fatalf("%x was taken: %v", b, err)
		}
		one, err := appendValue(nil, shape.ValueOf(v))
		if err != nil {
			t.Fatal(err)
		}
		if err := library.Wellformed(one); err != nil {
			t.Fatalf("%x gave %x: %v", b, one, err)
		}
		again := new(thing)
		if err := decode(one, shape.ValueOf(again), &notes); err != nil {
			t.Fatalf("%x gave %x: %v", b, one, err)
		}
		if two, _ := appendValue(nil, shape.ValueOf(again)); !bytes.Equal(one, two) {
			t.Errorf("%x gave %x and then %x", b, one, two)
		}
	})
}
