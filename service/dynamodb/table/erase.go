package table

import (
	"github.com/brume-dev/brume/service/dynamodb/stream"
	"github.com/brume-dev/brume/store"
)

// Erase erases the data of a table that has gone, or of a copy, but for its streams: they can be read for a day more, and go
// by themselves. kept says that the items stay, since a backup has them now.
func Erase(tx store.Tx, id uint64, kept bool) {
	data := DataOf(id)
	all, streams := data.Range(), stream.Range(id)
	if kept {
		tx.DeleteRange(store.Range{Begin: store.Key(data.Uint(familyTags)), End: store.Key(data.Uint(familyCount))})
		all.Begin = store.Key(data.Uint(familyLocal))
	}
	tx.DeleteRange(store.Range{Begin: all.Begin, End: streams.Begin})
	tx.DeleteRange(store.Range{Begin: streams.End, End: all.End})
	tx.DeleteRange(History(id).Range())
}
