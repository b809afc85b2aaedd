package maprun

import "testing"

// TestChildren: a child's name tells its number to who knows the map run, and to nobody else.
func TestChildren(t *testing.T) {
	k, other := key{Run: "4977ded7-b097-3bee-81e1-7863c5660f29"}, key{Run: "x"}
	seen := map[string]bool{}
	for _, i := range []int64{0, 1, 2, 99_999, 1 << 40} {
		name := k.child(i)
		if len(name) != 36 || name[14] != '3' || seen[name] || k.index(name) != i || other.index(name) != -1 {
			t.Errorf("child %d is %s, which is child %d", i, name, k.index(name))
		}
		seen[name] = true
	}
	if k.index("4977ded7-b097-3bee-81e1-7863c5660f29") != -1 || k.index("") != -1 {
		t.Error("a name that is none of the run's")
	}
}

func FuzzARN(f *testing.F) {
	f.Add("arn:aws:states:us-east-1:123456789012:mapRun:m/Map:4977ded7-b097-3bee-81e1-7863c5660f29")
	f.Fuzz(func(t *testing.T, arn string) {
		if ref, run, err := parseARN(arn); err == nil && (ref.Name == "" && run == "") {
			t.Errorf("%q", arn)
		}
	})
}
