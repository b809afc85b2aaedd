package s3

import (
	"github.com/brume-dev/brume/service/s3/shelf"
	"github.com/brume-dev/brume/store"
)

func nameKey(bucket string) store.Tuple { return shelf.GlobalKey("name").Text(bucket) }

func ownedPrefix(account string) store.Tuple { return shelf.GlobalKey("owned").Text(account) }
