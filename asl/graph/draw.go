package graph

import (
	"fmt"
	"strconv"
	"strings"
)

// writer puts SVG together.
type writer struct{ strings.Builder }

func (w *writer) printf(format string, args ...any) { fmt.Fprintf(&w.Builder, format, args...) }

// number writes a coordinate with a tenth of a pixel.
func number(f float64) string {
	s := strconv.FormatFloat(f, 'f', 1, 64)
	if s = strings.TrimSuffix(s, ".0"); s == "-0" {
		return "0"
	}
	return s
}

// escape makes a text fit for XML: markup is escaped, and what XML cannot hold is replaced.
func escape(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == '\t' || r == '\n' || r == '\r' || r >= 0x20 && r <= 0xD7FF || r >= 0xE000 && r <= 0xFFFD || r >= 0x10000 {
			return r
		}
		return '\uFFFD'
	}, s)
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace(s)
}

// draw writes boxes that hold others, then edges, then states, then labels: what is inside lies above what is around it.
func (s *scene) draw(w *writer, execution bool) {
	for _, b := range s.boxes {
		if b.holds {
			w.state(b, execution)
		}
	}
	for _, l := range s.lines {
		w.edge(l)
	}
	for _, b := range s.boxes {
		if b.loop {
			w.loop(b)
		}
		if !b.holds {
			w.state(b, execution)
		}
	}
	for _, l := range s.labels {
		w.label(l)
	}
}

func (w *writer) edge(l line) {
	class, marker := "edge", "arrow"
	if l.kind == "catch" {
		class, marker = "edge catch", "arrow-catch"
	}
	var d strings.Builder
	for i, p := range l.points {
		switch {
		case i == 0:
			fmt.Fprintf(&d, "M%s %s", number(p.x), number(p.y))
		case i%2 == 1: // straight through a layer
			if p != l.points[i-1] {
				fmt.Fprintf(&d, "L%s %s", number(p.x), number(p.y))
			}
		default:
			from := l.points[i-1]
			middle := number((from.y + p.y) / 2)
			fmt.Fprintf(&d, "C%s %s %s %s %s %s", number(from.x), middle, number(p.x), middle, number(p.x), number(p.y))
		}
	}
	w.printf(`<path class="%s" d="%s" marker-end="url(#%s)"/>`+"\n", class, d.String(), marker)
}

// loop draws the edge of a state that leads to itself.
func (w *writer) loop(b box) {
	x, y := b.x+b.w, b.y+b.h/2
	w.printf(`<path class="edge" d="M%s %sC%s %s %s %s %s %s" marker-end="url(#arrow)"/>`+"\n", number(x), number(y+8),
		number(x+loopWidth-4), number(y+14), number(x+loopWidth-4), number(y-14), number(x+1), number(y-8))
}

func (w *writer) label(b box) {
	w.printf(`<g class="label"><title>%s</title><rect x="%s" y="%s" width="%s" height="%s" rx="%s"/>`, escape(b.name), number(b.x), number(b.y), number(b.w), number(b.h), number(min(b.h/2, 9)))
	for i, l := range b.lines {
		w.printf(`<text x="%s" y="%s" text-anchor="middle">%s</text>`, number(b.x+b.w/2), number(b.y+13+14*float64(i)), escape(l))
	}
	w.printf("</g>\n")
}

func (w *writer) state(b box, execution bool) {
	if b.kind == "Start" || b.kind == "End" {
		w.printf(`<g class="stop"><rect x="%s" y="%s" width="%s" height="%s" rx="14"/><text x="%s" y="%s" text-anchor="middle">%s</text></g>`+"\n",
			number(b.x), number(b.y), number(b.w), number(b.h), number(b.x+b.w/2), number(b.y+18.5), b.name)
		return
	}
	class, title := "state", b.name+" ("+b.kind+")"
	if b.holds {
		class += " holder"
	}
	if b.kind == "Map" && b.holds {
		class += " map"
	}
	if execution {
		status := Status(orElse(b.status, string(NotReached)))
		class += " " + string(status)
		title += ": " + words(status)
	}
	w.printf(`<g class="%s"><title>%s</title>`, class, escape(title))
	w.printf(`<rect x="%s" y="%s" width="%s" height="%s" rx="8"/>`, number(b.x), number(b.y), number(b.w), number(b.h))
	x, y := b.x+sidePadding, b.y+9
	w.printf(`<path class="icon" transform="translate(%s %s)" d="%s"/>`, number(x), number(y+1), icon(b.kind))
	for i, l := range b.lines {
		w.printf(`<text class="name" x="%s" y="%s">%s</text>`, number(x+iconSpace), number(y+12.5+lineHeight*float64(i)), escape(l))
	}
	if b.detail != "" {
		w.printf(`<text class="detail" x="%s" y="%s">%s</text>`, number(x+iconSpace), number(y+12+lineHeight*float64(len(b.lines))), escape(b.detail))
	}
	w.printf("</g>\n")
}

// icon is the sign of a type of state: strokes in a square of 14 pixels.
func icon(kind string) string {
	switch kind {
	case "Task":
		return "M2 2h10v10h-10zM5 5.5l4 1.5l-4 1.5z"
	case "Pass":
		return "M1 7h11M8 3l4 4l-4 4"
	case "Choice":
		return "M7 1l6 6l-6 6l-6 -6z"
	case "Wait":
		return "M7 1a6 6 0 1 0 0.01 0M7 4v3.5l2.5 1.5"
	case "Succeed":
		return "M7 1a6 6 0 1 0 0.01 0M4.2 7.2l2 2l3.6 -4"
	case "Fail":
		return "M7 1a6 6 0 1 0 0.01 0M4.8 4.8l4.4 4.4M9.2 4.8l-4.4 4.4"
	case "Parallel":
		return "M3 2v10M7 2v10M11 2v10"
	case "Map":
		return "M2 2h4v4h-4zM8 2h4v4h-4zM2 8h4v4h-4zM8 8h4v4h-4z"
	default:
		return "M2 2h10v10h-10z"
	}
}

// legend is which statuses the picture shows, in the order of the legend.
func (s *scene) legend(o Options) []Status {
	if o.States == nil {
		return nil
	}
	seen := map[Status]bool{}
	for _, b := range s.boxes {
		if b.kind != "Start" && b.kind != "End" {
			seen[Status(orElse(b.status, string(NotReached)))] = true
		}
	}
	var out []Status
	for _, status := range []Status{Running, Succeeded, Caught, Failed, Aborted, NotReached} {
		if seen[status] {
			out = append(out, status)
		}
	}
	return out
}

// legendGap is what an entry of the legend takes beside its text.
const legendGap = 38

func legendWidth(legend []Status) float64 {
	width := 0.0
	for _, status := range legend {
		width += textWidth(words(status), detailSize) + legendGap
	}
	return width
}

func (w *writer) legend(legend []Status, y float64) {
	x := margin
	for _, status := range legend {
		w.printf(`<g class="legend state %s"><rect x="%s" y="%s" width="14" height="14" rx="4"/><text x="%s" y="%s">%s</text></g>`+"\n",
			status, number(x), number(y-12), number(x+20), number(y-1), words(status))
		x += textWidth(words(status), detailSize) + legendGap
	}
}
