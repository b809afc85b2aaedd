package sns

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"

	"github.com/brume-dev/brume/store"
)

// sumSize is the length of the checksum that a token begins with, by which one that somebody made up is told.
const sumSize = 4

// page reads one answer of a listing: what lies below prefix, after the token of the answer before. item reads an entry's
// key after the prefix, and gives what is listed.
func page[T any](ctx context.Context, shard store.Shard, prefix store.Tuple, token *string,
	item func(e *store.Elements, v store.Value) (T, error)) (list []T, next *string, err error) {
	rng := prefix.Range()
	if token != nil && *token != "" {
		b, err := base64.RawURLEncoding.DecodeString(*token)
		if err != nil || len(b) <= sumSize || len(b) > store.MaxKey-len(prefix)-1 || binary.BigEndian.Uint32(b) != crc32.ChecksumIEEE(b[sumSize:]) {
			return nil, nil, invalid("NextToken Reason: Invalid NextToken")
		}
		rng = store.Tuple(nil).Raw(prefix).Raw(b[sumSize:]).After(rng)
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
				t := base64.RawURLEncoding.EncodeToString(append(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(last)), last...))
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
