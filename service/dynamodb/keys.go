package dynamodb

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"

	"github.com/cespare/xxhash/v2"

	"github.com/brume-dev/brume/item"
	"github.com/brume-dev/brume/store"
)

// The keys of the service. A table's id is given once (global counter), so that its data is one range and its name can
// be used again at once.
//
//	shard                       key                                            value
//	global                      "dynamodb" "next"                              counter: the last table id
//	dynamodb,account,region     "dynamodb" "name" account region name          table (record)
//	                            "dynamodb" id items hash pk [sk]               item, or where it is (see stored)
//	                            "dynamodb" id large hash pk [sk]               a large item, as store.SetLarge splits it
//	                            "dynamodb" id tags key                         tag value
//	                            "dynamodb" id policy                           resource policy (record)
//	                            "dynamodb" id count                            counter: items
//	                            "dynamodb" id bytes                            counter: their sizes
//
// Kept free for what comes: local and global index entries (10, 11), stream records (12), expiry (13), tokens of
// transactions (14, with id 0), sizes of item collections (15).
//
// hash is 4 bytes of the partition key's hash, big endian: it is the order of a Scan and what its segments divide. pk
// and sk are item's key encoding; a pk whose encoding is over maxPartition is replaced by its SHA-256, since nothing
// depends on the order of partition keys.
const (
	familyItems  = 1
	familyLarge  = 2
	familyTags   = 3
	familyPolicy = 4
	familyCount  = 5
	familyBytes  = 6
)

const (
	maxPartition = 256
	tagHashed    = 0x04 // after item's tags of key encodings
)

func service() store.Tuple { return store.Tuple(nil).Text("dynamodb") }

func nextTable() store.Key { return service().Text("next") }

func (n tableName) key() store.Key { return namesOf(n.account, n.region).Text(n.name) }

func namesOf(account, region string) store.Tuple {
	return service().Text("name").Text(account).Text(region)
}

func dataOf(id uint64) store.Tuple { return service().Uint(id) }

// appendPartition appends hash and pk.
func appendPartition(b []byte, v item.Value) []byte {
	var room [maxPartition]byte
	pk := v.AppendKey(room[:0])
	b = binary.BigEndian.AppendUint32(b, uint32(xxhash.Sum64(pk)>>32))
	if len(pk) > maxPartition {
		sum := sha256.Sum256(pk)
		return append(append(b, tagHashed), sum[:]...)
	}
	return append(b, pk...)
}

// suffix returns what follows the family in the key of the item that has the given key attributes.
func (t *table) suffix(key item.Map) []byte {
	b := appendPartition(make([]byte, 0, 128), key.Get(t.hash.name))
	if t.sort.name != "" {
		b = key.Get(t.sort.name).AppendKey(b)
	}
	return b
}

// itemKey returns the key of an item from its suffix.
func (t *table) itemKey(suffix []byte) store.Key { return t.items.Raw(suffix) }

func (t *table) largeKey(suffix []byte) store.Key { return t.data.Uint(familyLarge).Raw(suffix) }

// after returns the smallest key above k that does not extend it: no item's key extends another's.
func after(k store.Key) store.Key { return append(k[:len(k):len(k)], 0) }

// all returns the range of all items. What follows the family may begin with any byte.
func (t *table) all() store.Range { return store.Range{Begin: t.items, End: past(t.items)} }

// past returns the smallest key above all that begin with prefix, which must have a byte other than 0xff.
func past(prefix []byte) store.Key {
	end := bytes.TrimRight(bytes.Clone(prefix), "\xff")
	end[len(end)-1]++
	return end
}

// segment returns the range of the items in segment i of n.
func (t *table) segment(i, n int) store.Range {
	bound := func(i int) store.Key {
		if i == n {
			return t.all().End
		}
		return t.items.Raw(binary.BigEndian.AppendUint32(nil, uint32((uint64(i)<<32+uint64(n)-1)/uint64(n))))
	}
	return store.Range{Begin: bound(i), End: bound(i + 1)}
}

// partition returns the range of the items with the given partition key value.
func (t *table) partition(hash item.Value) (prefix []byte, r store.Range) {
	prefix = t.items.Raw(appendPartition(nil, hash))
	if t.sort.name == "" {
		return prefix, store.Range{Begin: prefix, End: after(prefix)}
	}
	return prefix, store.Range{Begin: prefix, End: append(prefix[:len(prefix):len(prefix)], 0xff)}
}
