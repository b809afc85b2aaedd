package sns

import (
	"context"

	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/page"
)

// answer reads one answer of a listing: what lies below prefix, after the token of the answer before. item reads an entry's
// key after the prefix, and gives what is listed.
func answer[T any](ctx context.Context, shard store.Shard, prefix store.Tuple, token *string,
	item func(e *store.Elements, v store.Value) (T, error)) (list []T, next *string, err error) {
	rng := prefix.Range()
	if token != nil && *token != "" {
		last, err := page.Open(*token)
		if err != nil || len(last) > store.MaxKey-len(prefix)-1 {
			return nil, nil, invalid("NextToken Reason: Invalid NextToken")
		}
		rng = store.Tuple(nil).Raw(prefix).Raw([]byte(last)).After(rng)
	}
	type read struct {
		list []T
		next *string
	}
	out, err := store.View(ctx, shard, func(_ context.Context, r store.Reader) (out read, err error) {
		pairs, done := r.Scan(rng, store.ScanOpt{Limit: listPage + 1})
		var last []byte
		for kv := range pairs {
			if len(out.list) == listPage {
				t := page.Seal(string(last))
				out.next = &t
				break
			}
			v, err := item(store.Decode(kv.Key, len(prefix)), kv.Value)
			if err != nil {
				return out, err
			}
			last = append(last[:0], kv.Key[len(prefix):]...)
			out.list = append(out.list, v)
		}
		return out, done()
	})
	return out.list, out.next, err
}
