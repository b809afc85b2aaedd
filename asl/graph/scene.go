package graph

// scene is a laid out graph in absolute coordinates: what the SVG shows, and what tests look at.
type scene struct {
	width, height float64
	boxes         []box
	labels        []box
	lines         []line
}

// box is a rectangle with a text in it.
type box struct {
	x, y, w, h float64 // x and y of the top left corner
	kind, name string
	detail     string
	lines      []string
	holds      bool // other boxes are in it
	depth      int
	parent     int // index of the box that this one is in, -1 if in none
	loop       bool
	status     string
}

// line is an edge: points where it goes straight from an even one to the next, and curves from an odd one to the next.
type line struct {
	points   []point
	kind     string
	from, to int // indexes of boxes
}

type point struct{ x, y float64 }

// Distances within boxes.
const (
	margin      = 24.0
	padding     = 18.0
	branchGap   = 22.0
	headHeight  = 40.0
	minWidth    = 132.0
	iconSpace   = 24.0
	sidePadding = 14.0
	labelChars  = 30
	nameChars   = 26
	detailChars = 36
)

// measure gives a node its size; what is inside of it has been laid out.
func (o Options) measure(n *node) {
	switch n.kind {
	case "bend":
		n.width = 2
		return
	case "label":
		n.lines = wrap(n.name, labelChars, 2)
		for _, l := range n.lines {
			n.width = max(n.width, textWidth(l, detailSize)+12)
		}
		n.height = 14*float64(len(n.lines)) + 4
		return
	case "Start", "End":
		n.width, n.height, n.lines = 64, 28, []string{n.name}
		return
	}
	n.detail = shorten(n.detail, detailChars)
	if m, ok := o.States[n.name]; ok && m.Note != "" {
		if n.detail != "" {
			n.detail += " · "
		}
		n.detail += m.Note
	}
	n.lines = wrap(n.name, nameChars, 3)
	for _, l := range n.lines {
		n.width = max(n.width, textWidth(l, nameSize)*1.04)
	}
	n.width = max(minWidth, max(n.width, textWidth(n.detail, detailSize))+iconSpace+2*sidePadding)
	n.height = lineHeight*float64(len(n.lines)) + 18
	if n.detail != "" {
		n.height += detailLine
	}
	if len(n.inner) == 0 {
		return
	}
	head, inside, tall := max(headHeight, n.height), -branchGap, 0.0
	for _, in := range n.inner {
		inside += in.width + branchGap
		tall = max(tall, in.height)
	}
	n.width = max(n.width, inside+2*padding)
	n.height = head + tall + padding
}

// show puts a block into the scene.
func (s *scene) show(b *block, x, y float64, depth, parent int, o Options) {
	index := map[*node]int{}
	for _, layer := range b.layers {
		for _, n := range layer {
			if n.kind == "bend" {
				continue
			}
			one := box{x: x + n.x - n.width/2, y: y + n.y - n.height/2, w: n.width, h: n.height, kind: n.kind, name: n.name,
				detail: n.detail, lines: n.lines, depth: depth, parent: parent, loop: n.loop, holds: len(n.inner) > 0}
			if n.kind == "label" {
				s.labels = append(s.labels, one)
				continue
			}
			if m, ok := o.States[n.name]; ok && n.kind != "Start" && n.kind != "End" {
				one.status = string(m.Status)
			}
			index[n] = len(s.boxes)
			s.boxes = append(s.boxes, one)
			s.inside(n, one, depth+1, index[n], o)
		}
	}
	for _, e := range b.edges {
		l := line{points: b.points(e, x, y), kind: e.kind, from: index[e.from], to: index[e.to]}
		if e.back {
			l.from, l.to = l.to, l.from
			for i, j := 0, len(l.points)-1; i < j; i, j = i+1, j-1 {
				l.points[i], l.points[j] = l.points[j], l.points[i]
			}
		}
		s.lines = append(s.lines, l)
	}
}

// inside puts what is in a box side by side below its head.
func (s *scene) inside(n *node, one box, depth, parent int, o Options) {
	if len(n.inner) == 0 {
		return
	}
	total, tall := -branchGap, 0.0
	for _, in := range n.inner {
		total += in.width + branchGap
		tall = max(tall, in.height)
	}
	x, top := one.x+(one.w-total)/2, one.y+one.h-padding-tall
	for _, in := range n.inner {
		s.show(in, x, top, depth, parent, o)
		x += in.width + branchGap
	}
}

// points is the way of an edge: out of the bottom of a box to the end of its layer, curving to the next layer, straight
// through it, and so on, into the top of the other box.
func (b *block) points(e *edge, x, y float64) []point {
	way := append(append([]*node{e.from}, e.route...), e.to)
	var out []point
	for i, n := range way {
		px := x + n.x
		at := b.bands[n.rank]
		if at.top == at.bottom {
			continue // nothing stands in this layer
		}
		top, bottom := at.top, at.bottom
		if i == 0 {
			px += port(n, n.out, way[1])
			top = n.y + n.height/2
		}
		if i == len(way)-1 {
			px += port(n, n.in, way[i-1])
			bottom = n.y - n.height/2
		}
		out = append(out, point{px, y + top}, point{px, y + bottom})
	}
	return out
}

// port is where on a side of a node, from its middle, the edge to one of the neighbours on that side begins.
func port(n *node, near []*node, to *node) float64 {
	left := 0
	for _, m := range near {
		if m.pos < to.pos {
			left++
		}
	}
	const most = 18.0
	step := min(most, (n.width-40)/float64(max(1, len(near))))
	return (float64(left) - float64(len(near)-1)/2) * max(step, 0)
}
