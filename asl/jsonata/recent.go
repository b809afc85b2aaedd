package jsonata

import "container/list"

// recent keeps the scripts that were used last.
type recent struct {
	most   int
	order  *list.List // of kept, the one used last first
	byText map[string]*list.Element
}

type kept struct {
	text   string
	script *script
}

func newRecent(most int) *recent {
	return &recent{most: most, order: list.New(), byText: map[string]*list.Element{}}
}

func (r *recent) get(text string) (*script, bool) {
	e, ok := r.byText[text]
	if !ok {
		return nil, false
	}
	r.order.MoveToFront(e)
	return e.Value.(kept).script, true
}

func (r *recent) put(text string, s *script) {
	r.byText[text] = r.order.PushFront(kept{text, s})
	if r.order.Len() <= r.most {
		return
	}
	last := r.order.Back()
	delete(r.byText, last.Value.(kept).text)
	r.order.Remove(last)
}
