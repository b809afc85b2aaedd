package graph

import (
	"cmp"
	"math"
	"slices"
)

// layout gives every node of the block, and of the blocks inside, a size and a place. Nodes stand in layers; labels have layers
// of their own between those of the states, and edges go straight through a layer and bend between two: so nothing can lie
// over anything else.
func (b *block) layout(measure func(*node)) {
	for _, n := range b.nodes {
		for _, in := range n.inner {
			in.layout(measure)
		}
		measure(n)
	}
	b.turnBack()
	b.rank()
	b.fill(measure)
	b.order()
	b.place()
}

// turnBack turns round the edges that close a cycle, as a walk from the start finds them.
func (b *block) turnBack() {
	out := map[*node][]*edge{}
	for _, e := range b.edges {
		out[e.from] = append(out[e.from], e)
	}
	const walking, left = 1, 2
	seen := map[*node]int{}
	var walk func(n *node)
	walk = func(n *node) {
		seen[n] = walking
		for _, e := range out[n] {
			switch seen[e.to] {
			case walking:
				e.back = true
			case 0:
				walk(e.to)
			}
		}
		seen[n] = left
	}
	for _, n := range b.nodes {
		if n.kind == "Start" || n.name == b.start {
			walk(n)
			break
		}
	}
	for _, n := range b.nodes {
		if seen[n] == 0 {
			walk(n)
		}
	}
	for _, e := range b.edges {
		if e.back {
			e.from, e.to = e.to, e.from
		}
	}
}

// rank puts each node below all that lead to it, in even layers, and End at the bottom.
func (b *block) rank() {
	into := map[*node]int{}
	out := map[*node][]*node{}
	for _, e := range b.edges {
		into[e.to]++
		out[e.from] = append(out[e.from], e.to)
	}
	var ready []*node
	for _, n := range b.nodes {
		if into[n] == 0 {
			ready = append(ready, n)
		}
	}
	deepest := 0
	for len(ready) > 0 {
		n := ready[0]
		ready = ready[1:]
		deepest = max(deepest, n.rank)
		for _, to := range out[n] {
			to.rank = max(to.rank, n.rank+2)
			if into[to]--; into[to] == 0 {
				ready = append(ready, to)
			}
		}
	}
	for _, n := range b.nodes {
		if n.kind == "End" {
			n.rank = deepest
		}
	}
}

// fill puts the nodes into layers, and into each layer that an edge crosses a place for it: the edge's label into the
// first.
func (b *block) fill(measure func(*node)) {
	deepest := 0
	for _, n := range b.nodes {
		deepest = max(deepest, n.rank)
	}
	b.layers = make([][]*node, deepest+1)
	add := func(n *node) { b.layers[n.rank] = append(b.layers[n.rank], n) }
	for _, n := range b.nodes {
		add(n)
	}
	for _, e := range b.edges {
		at := e.from.rank + 1
		if e.back { // the label stands where the edge really begins
			at = e.to.rank - 1
		}
		last := e.from
		for r := e.from.rank + 1; r < e.to.rank; r++ {
			n := &node{kind: "bend", rank: r}
			if r == at && e.label != "" {
				n.kind, n.name = "label", e.label
			}
			measure(n)
			add(n)
			e.route = append(e.route, n)
			last.out, n.in = append(last.out, n), append(n.in, last)
			last = n
		}
		last.out, e.to.in = append(last.out, e.to), append(e.to.in, last)
	}
}

// order sorts the layers so that few edges cross: each node near the middle of its neighbours, up and down a few times.
func (b *block) order() {
	b.number()
	best, crossings := b.remember(), b.crossings()
	for i := 0; i < sweeps && crossings > 0; i++ {
		if i%2 == 0 {
			for _, layer := range b.layers {
				sortBy(layer, func(n *node) []*node { return n.in })
			}
		} else {
			for _, layer := range slices.Backward(b.layers) {
				sortBy(layer, func(n *node) []*node { return n.out })
			}
		}
		if c := b.crossings(); c < crossings {
			best, crossings = b.remember(), c
		}
	}
	b.layers = best
	b.number()
}

// How often the layers are gone through to order and to place their nodes.
const (
	sweeps   = 16
	placings = 60
)

func (b *block) number() {
	for _, layer := range b.layers {
		for i, n := range layer {
			n.pos = i
		}
	}
}

func (b *block) remember() [][]*node {
	out := make([][]*node, len(b.layers))
	for i, layer := range b.layers {
		out[i] = slices.Clone(layer)
	}
	return out
}

// sortBy sorts a layer by the mean position of neighbours; a node without any keeps its place.
func sortBy(layer []*node, neighbours func(*node) []*node) {
	mean := map[*node]float64{}
	for _, n := range layer {
		mean[n] = float64(n.pos)
		if list := neighbours(n); len(list) > 0 {
			sum := 0
			for _, m := range list {
				sum += m.pos
			}
			mean[n] = float64(sum) / float64(len(list))
		}
	}
	slices.SortStableFunc(layer, func(a, c *node) int { return cmp.Compare(mean[a], mean[c]) })
	for i, n := range layer {
		n.pos = i
	}
}

func (b *block) crossings() int {
	total := 0
	for _, layer := range b.layers {
		var ends []int // of the edges below the layer, from left to right
		for _, n := range layer {
			var own []int
			for _, m := range n.out {
				own = append(own, m.pos)
			}
			slices.Sort(own)
			for _, p := range own {
				for _, q := range ends {
					if q > p {
						total++
					}
				}
			}
			ends = append(ends, own...)
		}
	}
	return total
}

// Distances in pixels.
const (
	gapX      = 28 // between nodes of a layer
	gapBend   = 16 // between a node and an edge that goes by
	gapY      = 22 // between layers
	loopWidth = 34 // what a loop needs to the right of its node
)

// place gives coordinates: each node as near to the middle of its neighbours as those beside it let it be.
func (b *block) place() {
	for _, layer := range b.layers {
		x := 0.0
		for i, n := range layer {
			if i > 0 {
				x += separation(layer[i-1], n)
			}
			n.x = x
		}
	}
	for i := range placings {
		if i%2 == 0 {
			for _, layer := range b.layers {
				settle(layer, i)
			}
		} else {
			for _, layer := range slices.Backward(b.layers) {
				settle(layer, i)
			}
		}
	}
	b.straighten()
	b.snap()
	b.finish()
}

// snap puts what is nearly below the only thing that leads to it right below it.
func (b *block) snap() {
	const nearly = 12
	for _, layer := range b.layers {
		for _, n := range layer {
			if len(n.in) != 1 || len(n.in[0].out) != 1 || math.Abs(n.x-n.in[0].x) > nearly {
				continue
			}
			low, high := b.room(n)
			n.x = min(max(n.in[0].x, low), high)
		}
	}
}

// straighten puts what an edge goes through on one vertical, or on few: as far as the neighbours leave room.
func (b *block) straighten() {
	for range 3 {
		for _, e := range b.edges {
			rest := e.route
			for len(rest) > 0 {
				rest = rest[b.align(rest):]
			}
		}
	}
}

// align puts as many of the nodes on one vertical as can be, and returns how many.
func (b *block) align(route []*node) int {
	low, high := b.room(route[0])
	sum, count := route[0].x, 1
	for _, n := range route[1:] {
		l, h := b.room(n)
		if l, h = max(l, low), min(h, high); l > h {
			break
		}
		low, high = l, h
		sum, count = sum+n.x, count+1
	}
	x := min(max(sum/float64(count), low), high)
	for _, n := range route[:count] {
		n.x = x
	}
	return count
}

// room is between which places a node may stand without moving its neighbours.
func (b *block) room(n *node) (low, high float64) {
	layer := b.layers[n.rank]
	low, high = math.Inf(-1), math.Inf(1)
	if n.pos > 0 {
		low = layer[n.pos-1].x + separation(layer[n.pos-1], n)
	}
	if n.pos < len(layer)-1 {
		high = layer[n.pos+1].x - separation(n, layer[n.pos+1])
	}
	return min(low, n.x), max(high, n.x)
}

// finish moves the block to the origin and gives the layers their heights.
func (b *block) finish() {
	left, right := 0.0, 0.0
	first := true
	for _, layer := range b.layers {
		for _, n := range layer {
			l, r := n.x-n.width/2, n.x+n.width/2
			if n.loop {
				r += loopWidth
			}
			if first || l < left {
				left = l
			}
			if first || r > right {
				right = r
			}
			first = false
		}
	}
	y := 0.0
	for i, layer := range b.layers {
		height := 0.0
		for _, n := range layer {
			height = max(height, n.height)
		}
		for _, n := range layer {
			n.x -= left
			n.y = y + height/2
		}
		b.bands = append(b.bands, band{y, y + height})
		y += height
		if i < len(b.layers)-1 {
			y += gapY
		}
	}
	b.width, b.height = right-left, y
}

// separation is how far apart the centres of two neighbours in a layer must be.
func separation(a, c *node) float64 {
	gap := float64(gapX)
	if a.kind == "bend" || c.kind == "bend" {
		gap = gapBend
	}
	if a.loop {
		gap += loopWidth
	}
	return a.width/2 + gap + c.width/2
}

// settle moves the nodes of a layer as near to where they want to be as their order and sizes allow: the isotonic regression of
// their wishes, by merging neighbours that get in each other's way.
func settle(layer []*node, round int) {
	type run struct {
		wish, weight float64
		count        int
	}
	var runs []run
	offsets := make([]float64, len(layer))
	for i, n := range layer {
		if i > 0 {
			offsets[i] = offsets[i-1] + separation(layer[i-1], n)
		}
		wish, weight := wanted(n, round)
		runs = append(runs, run{wish - offsets[i], weight, 1})
		for len(runs) > 1 && runs[len(runs)-2].wish > runs[len(runs)-1].wish {
			a, c := runs[len(runs)-2], runs[len(runs)-1]
			w := a.weight + c.weight
			runs = append(runs[:len(runs)-2], run{(a.wish*a.weight + c.wish*c.weight) / w, w, a.count + c.count})
		}
	}
	i := 0
	for _, r := range runs {
		for range r.count {
			layer[i].x = r.wish + offsets[i]
			i++
		}
	}
}

// wanted is where a node would stand, and how much it matters. What long edges go through pulls at each other most, so that they
// are straight.
func wanted(n *node, round int) (x, weight float64) {
	sum := 0.0
	pull := func(near []*node) {
		for _, m := range near {
			w := 1.0
			switch {
			case n.passed() && m.passed():
				w = 12
			case n.passed() || m.passed():
				w = 2
			}
			sum, weight = sum+w*m.x, weight+w
		}
	}
	if round >= placings/2 || round%2 == 0 {
		pull(n.in)
	}
	if round >= placings/2 || round%2 == 1 {
		pull(n.out)
	}
	if weight == 0 {
		return n.x, 0.1
	}
	return sum / weight, weight
}

// passed reports whether an edge goes through the node.
func (n *node) passed() bool { return n.kind == "bend" || n.kind == "label" }
