package eventbridge

import "github.com/brume-dev/brume/store/page"

// newPage is a page of a listing by name.
func newPage(limit *int32, token, prefix *string) (*page.Page, error) {
	p, err := page.New(page.Size(limit, listLimit), token)
	if err != nil {
		return nil, invalid("Parameter NextToken is not valid. Reason: The token is not one that this operation gave.")
	}
	if prefix != nil {
		p.Prefix = *prefix
	}
	return p, nil
}
