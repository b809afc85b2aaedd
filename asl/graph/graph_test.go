package graph

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "draw the pictures in testdata anew")

func TestPictures(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal(err, files)
	}
	for _, file := range files {
		definition, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		g, err := Parse(string(definition))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		for suffix, o := range map[string]Options{
			".svg":           {Title: name},
			".execution.svg": {Title: name + " <1>", Subtitle: "RUNNING", States: someMarks(g)},
		} {
			got := g.SVG(o)
			check(t, name+suffix, got, g.scene(o))
			want := strings.TrimSuffix(file, ".json") + suffix
			if *update {
				if err := os.WriteFile(want, got, 0o600); err != nil {
					t.Fatal(err)
				}
				continue
			}
			if b, err := os.ReadFile(want); err != nil || !bytes.Equal(b, got) {
				t.Errorf("%s is drawn otherwise (%v): look at it, and run with -update", want, err)
			}
		}
	}
}

// someMarks gives the states all statuses in turn.
func someMarks(g *Graph) map[string]Mark {
	all, out, i := []Status{Succeeded, Caught, Failed, Aborted, Running, NotReached}, map[string]Mark{}, 0
	for name := range g.States {
		out[name] = Mark{Status: all[i%len(all)]}
		if i%3 == 0 {
			out[name] = Mark{Status: all[i%len(all)], Note: "2 times"}
		}
		i++
	}
	return out
}

// check looks whether a picture is XML, and whether anything in it lies over anything else.
func check(t testing.TB, name string, svg []byte, s *scene) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(svg))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%s is no XML: %v", name, err)
		}
	}
	for i, a := range s.boxes {
		if a.x < -0.1 || a.y < -0.1 || a.x+a.w > s.width+0.1 || a.y+a.h > s.height+0.1 {
			t.Fatalf("%s: %s is outside of the picture", name, a.name)
		}
		if a.parent >= 0 && !contains(s.boxes[a.parent], a) {
			t.Fatalf("%s: %s is not inside of %s", name, a.name, s.boxes[a.parent].name)
		}
		for j, b := range s.boxes[:i] {
			if overlap(a, b) && !above(s, i, j) && !above(s, j, i) {
				t.Fatalf("%s: %s lies over %s", name, a.name, b.name)
			}
		}
	}
	for i, l := range s.labels {
		for j, b := range s.boxes {
			if overlap(l, b) && !within(s, l.parent, j) {
				t.Fatalf("%s: the label %q lies over %s", name, l.name, b.name)
			}
		}
		for _, m := range s.labels[:i] {
			if overlap(l, m) {
				t.Fatalf("%s: the labels %q and %q overlap", name, l.name, m.name)
			}
		}
	}
	for _, l := range s.lines {
		checkLine(t, name, s, l)
	}
}

// checkLine follows an edge and looks whether it goes through a box that it has no business in.
func checkLine(t testing.TB, name string, s *scene, l line) {
	t.Helper()
	for i := 1; i < len(l.points); i++ {
		a, b := l.points[i-1], l.points[i]
		for step := range 21 {
			u := float64(step) / 20
			p := point{a.x + (b.x-a.x)*u, a.y + (b.y-a.y)*u}
			if i%2 == 0 { // a cubic whose control points lie at half height
				p = point{a.x + (b.x-a.x)*(3*u*u-2*u*u*u), a.y + (b.y-a.y)*(1.5*u-1.5*u*u+u*u*u)}
			}
			for j, box := range s.boxes {
				inner := p.x > box.x+0.5 && p.x < box.x+box.w-0.5 && p.y > box.y+0.5 && p.y < box.y+box.h-0.5
				if inner && !above(s, l.from, j) && !above(s, l.to, j) {
					t.Fatalf("%s: the edge from %s to %s goes through %s", name, s.boxes[l.from].name, s.boxes[l.to].name, box.name)
				}
			}
		}
	}
	first, last := l.points[0], l.points[len(l.points)-1]
	if !touches(s.boxes[l.from], first) || !touches(s.boxes[l.to], last) {
		t.Fatalf("%s: the edge from %s to %s does not reach them", name, s.boxes[l.from].name, s.boxes[l.to].name)
	}
}

func touches(b box, p point) bool {
	return p.x >= b.x && p.x <= b.x+b.w && (near(p.y, b.y) || near(p.y, b.y+b.h))
}

func near(a, b float64) bool { return a-b < 0.1 && b-a < 0.1 }

func overlap(a, b box) bool {
	const eps = 0.1
	return a.x+a.w > b.x+eps && b.x+b.w > a.x+eps && a.y+a.h > b.y+eps && b.y+b.h > a.y+eps
}

func contains(a, b box) bool {
	return b.x >= a.x && b.y >= a.y && b.x+b.w <= a.x+a.w && b.y+b.h <= a.y+a.h
}

// above reports whether box j holds box i, at any depth.
func above(s *scene, i, j int) bool { return i != j && within(s, s.boxes[i].parent, j) }

func within(s *scene, i, j int) bool {
	for ; i >= 0; i = s.boxes[i].parent {
		if i == j {
			return true
		}
	}
	return false
}

// definition makes up a machine: any of its states may lead to any other.
func definition(r *rand.Rand, prefix string, depth int) string {
	n := 1 + r.IntN(9)
	if depth > 0 {
		n = 1 + r.IntN(4)
	}
	name := func(i int) string { return fmt.Sprintf("%s%d%s", prefix, i, strings.Repeat(" word", i%4)) }
	any := func() string { return name(r.IntN(n)) }
	var states []string
	for i := range n {
		state := ""
		switch k := r.IntN(8); {
		case k == 0 && depth < 2:
			state = fmt.Sprintf(`"Type":"Parallel","Branches":[%s,%s],"Catch":[{"ErrorEquals":["States.ALL"],"Next":%q}]`,
				definition(r, name(i)+"a", depth+1), definition(r, name(i)+"b", depth+1), any())
		case k == 1 && depth < 2:
			state = `"Type":"Map","ItemProcessor":` + definition(r, name(i)+"m", depth+1)
		case k < 4:
			state = fmt.Sprintf(`"Type":"Choice","Choices":[{"Variable":"$.a","NumericEquals":%d,"Next":%q},{"Variable":"$.some.long.path","StringMatches":"a*","Next":%q}],"Default":%q`, i, any(), any(), any())
		case k == 4:
			state = `"Type":"Succeed"`
		default:
			state = fmt.Sprintf(`"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage","Catch":[{"ErrorEquals":["E"],"Next":%q}]`, any())
		}
		if !strings.Contains(state, "Choice") && r.IntN(4) > 0 {
			state += fmt.Sprintf(`,"Next":%q`, any())
		}
		states = append(states, fmt.Sprintf("%q:{%s}", name(i), state))
	}
	return fmt.Sprintf(`{"StartAt":%q,"States":{%s}}`, name(0), strings.Join(states, ","))
}

func TestNothingOverlaps(t *testing.T) {
	for seed := range uint64(300) {
		text := definition(rand.New(rand.NewPCG(seed, 7)), "s", 0)
		g, err := Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		o := Options{Title: "t", States: someMarks(g)}
		check(t, text, g.SVG(o), g.scene(o))
	}
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{"", "[]", "{}", `{"States":{}}`, `{"States":[]}`} {
		if g, err := Parse(text); err == nil {
			t.Errorf("%q gave %+v", text, g)
		}
	}
}

func TestDescriptions(t *testing.T) {
	g, err := Parse(`{"Comment":"c & d","StartAt":"A","States":{"A":{"Type":"Pass","Next":"B"},"B":{"Type":"Succeed"}}}`)
	if err != nil {
		t.Fatal(err)
	}
	svg := string(g.SVG(Options{Title: "a<b", States: map[string]Mark{"A": {Status: Succeeded}}}))
	for _, want := range []string{`<title id="title">a&lt;b</title>`, `<desc id="desc">c &amp; d, 2 states, 1 not reached, 1 succeeded</desc>`,
		`<title>A (Pass): succeeded</title>`, `<title>B (Succeed): not reached</title>`, `role="img"`} {
		if !strings.Contains(svg, want) {
			t.Errorf("the picture lacks %s", want)
		}
	}
}

func FuzzSVG(f *testing.F) {
	f.Add(definition(rand.New(rand.NewPCG(1, 1)), "s", 0))
	f.Add(`{"StartAt":"A","States":{"A":{"Type":"Choice","Choices":[{"Not":{"Variable":"$.a","IsPresent":false},"Next":"A"}],"Default":"\u0000"}}}`)
	f.Fuzz(func(t *testing.T, text string) {
		g, err := Parse(text)
		if err != nil {
			return
		}
		o := Options{Title: text}
		check(t, text, g.SVG(o), g.scene(o))
	})
}

func BenchmarkSVG(b *testing.B) {
	g, err := Parse(definition(rand.New(rand.NewPCG(3, 7)), "s", 0))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		g.SVG(Options{})
	}
}
