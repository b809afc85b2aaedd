package expression

// Mentioned returns the names of the top-level attributes that an expression mentions, with repetitions, for those who
// ask what a request touches before it is checked: an expression that is wrong mentions nothing.
func (r *Request) Mentioned(kind Kind, src string) []string {
	t, err := r.Cache.parse(kind, src)
	if err != nil {
		return nil
	}
	var out []string
	add := func(p path) {
		if name := p[0].name; p[0].alias < 0 {
			out = append(out, name)
		} else if name, ok := r.Names[t.aliases[p[0].alias]]; ok {
			out = append(out, name)
		}
	}
	var operands func([]operand)
	operands = func(os []operand) {
		for i := range os {
			if os[i].kind == operandPath {
				add(os[i].path)
			}
			operands(os[i].args)
		}
	}
	var nodes func(*node)
	nodes = func(n *node) {
		for _, sub := range n.subs {
			nodes(sub)
		}
		operands(n.args)
	}
	if t.cond != nil {
		nodes(t.cond)
	}
	for i := range t.actions {
		add(t.actions[i].path)
		if t.actions[i].kind == actionSet {
			operands([]operand{t.actions[i].operand})
		}
	}
	for _, p := range t.paths {
		add(p)
	}
	return out
}
