package graph

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Status is how far an execution has come with a state.
type Status string

// The statuses, in the colours of AWS's console.
const (
	NotReached Status = "not-reached"
	Running    Status = "running"
	Succeeded  Status = "succeeded"
	Caught     Status = "caught"
	Failed     Status = "failed"
	Aborted    Status = "aborted"
)

// Mark is what a picture of an execution says of a state.
type Mark struct {
	Status Status
	// Note is shown below the state's name: how often it ran, how long.
	Note string
}

// Options say what a picture shows beside the states.
type Options struct {
	// Title stands above the graph: the name of the machine or execution. Subtitle below it.
	Title, Subtitle string
	// States are the marks by the state's name; nil draws the machine alone. States without a mark have not been reached.
	States map[string]Mark
}

// SVG draws the graph.
func (g *Graph) SVG(o Options) []byte {
	s := g.scene(o)
	head := 0.0
	if o.Title != "" {
		head = 34
		if o.Subtitle != "" {
			head += 16
		}
	}
	legend := s.legend(o)
	foot := 0.0
	if legend != nil {
		foot = 34
	}
	width := max(s.width+2*margin, textWidth(o.Title, 15)*1.1+2*margin, textWidth(o.Subtitle, 12)+2*margin, legendWidth(legend)+2*margin)
	height := s.height + 2*margin + head + foot
	w := &writer{}
	w.printf(`<svg xmlns="http://www.w3.org/2000/svg" width="%s" height="%s" viewBox="0 0 %s %s" role="img" aria-labelledby="title desc">`+"\n",
		number(width), number(height), number(width), number(height))
	w.printf("<title id=\"title\">%s</title>\n<desc id=\"desc\">%s</desc>\n", escape(orElse(o.Title, "State machine")), escape(g.describe(o)))
	w.printf("%s", style)
	w.printf(`<rect class="page" width="%s" height="%s"/>`+"\n", number(width), number(height))
	if o.Title != "" {
		w.printf(`<text class="title" x="%s" y="%s">%s</text>`+"\n", number(margin), number(margin+12), escape(o.Title))
	}
	if o.Subtitle != "" {
		w.printf(`<text class="subtitle" x="%s" y="%s">%s</text>`+"\n", number(margin), number(margin+30), escape(o.Subtitle))
	}
	w.printf(`<g transform="translate(%s %s)">`+"\n", number((width-s.width)/2), number(margin+head))
	s.draw(w, o.States != nil)
	w.printf("</g>\n")
	w.legend(legend, height-margin)
	w.printf("</svg>\n")
	return []byte(w.String())
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func (g *Graph) scene(o Options) *scene {
	b := readBlock(g.doc)
	b.frame()
	b.layout(o.measure)
	s := &scene{width: b.width, height: b.height}
	s.show(b, 0, 0, 0, -1, o)
	return s
}

// describe says in words what the picture shows.
func (g *Graph) describe(o Options) string {
	count, by := 0, map[Status]int{}
	for name := range g.States {
		count++
		by[statusOf(o.States, name)]++
	}
	parts := []string{fmt.Sprintf("%d states", count)}
	if count == 1 {
		parts[0] = "1 state"
	}
	if o.States != nil {
		for _, status := range slices.Sorted(maps.Keys(by)) {
			parts = append(parts, fmt.Sprintf("%d %s", by[status], words(status)))
		}
	}
	if g.Comment != "" {
		parts = append([]string{g.Comment}, parts...)
	}
	return strings.Join(parts, ", ")
}

func statusOf(marks map[string]Mark, name string) Status {
	if m, ok := marks[name]; ok && m.Status != "" {
		return m.Status
	}
	return NotReached
}

func words(s Status) string {
	switch s {
	case NotReached:
		return "not reached"
	case Running:
		return "in progress"
	case Caught:
		return "caught an error"
	default:
		return string(s)
	}
}

// style is the picture's style sheet.
const style = `<style>
.page{fill:#fff}
text{font-family:-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;fill:#16191f}
.title{font-size:15px;font-weight:600}.subtitle{font-size:12px;fill:#5f6b7a}
.name{font-size:13px;font-weight:600}.detail,.label text,.legend text{font-size:11px}.detail{fill:#5f6b7a}
.state rect{fill:#fff;stroke:#545b64;stroke-width:1.25}
.holder rect{fill:#f6f8fa;stroke:#8d99a8}.map>rect{stroke-dasharray:6 4}
.icon{fill:none;stroke:#545b64;stroke-width:1.5;stroke-linecap:round;stroke-linejoin:round}
.stop rect{fill:#545b64;stroke:none}.stop text{fill:#fff;font-size:12px;font-weight:600}
.edge{fill:none;stroke:#687078;stroke-width:1.4}.catch{stroke:#c2570c;stroke-dasharray:5 4}
.arrow{fill:#687078}.arrow-catch{fill:#c2570c}
.label rect{fill:#fff;stroke:#d5dbdb}.label text{fill:#414d5c}
.not-reached rect{fill:#fff;stroke:#b6bec9}.not-reached .name,.not-reached .detail{fill:#7d8998}.not-reached .icon{stroke:#b6bec9}
.succeeded rect{fill:#e9f7ec;stroke:#1d8102;stroke-width:1.75}.succeeded .icon{stroke:#1d8102}
.failed rect{fill:#fdecea;stroke:#d13212;stroke-width:1.75}.failed .icon{stroke:#d13212}
.caught rect{fill:#fff1e0;stroke:#e07700;stroke-width:1.75}.caught .icon{stroke:#e07700}
.running rect{fill:#e7f1fd;stroke:#0972d3;stroke-width:1.75}.running .icon{stroke:#0972d3}
.holder.succeeded rect{fill:#f6fcf7}.holder.failed rect{fill:#fef6f5}.holder.caught rect{fill:#fff9f1}.holder.running rect{fill:#f4f9fe}
.aborted rect{fill:#eef0f2;stroke:#687078;stroke-dasharray:3 3}.aborted .icon{stroke:#687078}
</style>
<defs>
<marker id="arrow" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="8" markerHeight="8" orient="auto" markerUnits="userSpaceOnUse"><path class="arrow" d="M0 0.5L8 4L0 7.5z"/></marker>
<marker id="arrow-catch" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="8" markerHeight="8" orient="auto" markerUnits="userSpaceOnUse"><path class="arrow-catch" d="M0 0.5L8 4L0 7.5z"/></marker>
</defs>
`
