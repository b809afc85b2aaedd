package iam

import (
	"net/http"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
	pages "github.com/brume-dev/brume/store/page"
)

// page is one page of a listing.
type page struct {
	size   int
	marker string
	more   bool
	next   string
}

func newPage(marker *string, items *int32) *page {
	return &page{marker: aws.Or(marker, ""), size: int(aws.Or(items, defaultPage))}
}

// result gives IsTruncated and Marker of the answer.
func (p *page) result() (*bool, *string) {
	if !p.more {
		return new(false), nil
	}
	return new(true), new(p.next)
}

// keys lists the keys below t, in order, from where the marker says. take is told each with what comes after t, and
// whether it is on the page. A page that looked at scanPage keys ends, full or not.
func (c *scope) keys(t store.Tuple, p *page, take func(*store.Elements, store.Value) (bool, error)) error {
	pg, err := p.open()
	if err != nil {
		return err
	}
	pg.Looks = scanPage
	defer p.close(pg)
	return pg.Keys(c, t, take)
}

// open is the page as a listing reads it, and close takes from there how it ended.
func (p *page) open() (*pages.Page, error) {
	pg, err := pages.New(p.size, &p.marker)
	if err != nil {
		return nil, badMarker()
	}
	return pg, nil
}

func (p *page) close(pg *pages.Page) {
	p.more, p.next = pg.More(), pg.End()
}

func badMarker() error {
	return aws.Errorf("ValidationError", http.StatusBadRequest, "Invalid Marker.")
}

// slice is keys for lists that are in memory: it returns the bounds of the page in n items, each named by name.
func (p *page) slice(n int, name func(int) string) (from, to int, err error) {
	pg, err := p.open()
	if err != nil {
		return 0, 0, err
	}
	defer p.close(pg)
	on := pages.Slice(pg, ordinals(n), name)
	if len(on) == 0 {
		return 0, 0, nil
	}
	return on[0], on[len(on)-1] + 1, nil
}

// ordinals are the numbers below n.
func ordinals(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}
