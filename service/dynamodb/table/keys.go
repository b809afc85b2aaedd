package table

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
//	                            "dynamodb" id items hash pk [sk]               item, or where it is (see Stored)
//	                            "dynamodb" id large hash pk [sk]               a large item, as store.SetLarge splits it
//	                            "dynamodb" id tags key                         tag value
//	                            "dynamodb" id policy                           resource policy (record)
//	                            "dynamodb" id count [Index]                    counter: items, or entries of an index
//	                            "dynamodb" id bytes [Index]                    counter: their sizes
//	                            "dynamodb" id local index hash pk sort… key    entry of a local index (see entry)
//	                            "dynamodb" id global index hash pk… sort… key  entry of a global index
//	                            "dynamodb" id 12 …                             stream (package stream)
//	                            "dynamodb" id expiry round second hash pk [sk] an item that expires
//	                            "dynamodb" id sweep                            when the next sweep is due (seconds, 8 bytes)
//	                            "dynamodb" id collection hash pk               counter: bytes of an item collection
//	                            "dynamodb" id filled index                     how far a back-fill is: a suffix of items
//	                            "dynamodb" id copied [copy]                    how far a copy is, or its rewinding (see copy)
//	                            "dynamodb" copy changed hash pk [sk]           an item of an incremental export: the micro-
//	                                                                           second of its last change (8 bytes)
//	                            "dynamodb" copy owed hash pk [sk]              an item that names an image of the copy's source
//	                            "dynamodb" copy restoring id                   the table with that id is being filled from the copy
//	                            "dynamodb" 0 tokens window token               a transaction that was done (record)
//	                            "dynamodb" 0 forgotten                         the oldest window of tokens (8 bytes)
//
// The key at the end of an entry is the item's pk and sk, or their SHA-256 when they are over maxEntryKey: entries with
// equal keys have no order that matters.
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
	familyLocal  = 10
	familyGlobal = 11
	familyExpiry = 13
	familyTokens = 14

	familyCollection = 15
	familyFilled     = 16
	familySweep      = 17
	familyForgotten  = 18
	familyCopied     = 19
	familyChanged    = 20
	familyOwed       = 22 // 21 is package transfer's
	familyRestoring  = 23
)

const (
	maxPartition = 256
	maxEntryKey  = 128
	tagHashed    = 0x04 // after item's tags of key encodings
)

func service() store.Tuple { return store.Tuple(nil).Text("dynamodb") }

// Next is the key of the counter of ids.
func Next() store.Key { return service().Text("next") }

// Key is the key of the table's record.
func (n Name) Key() store.Key { return Names(n.Account, n.Region).Text(n.Name) }

// Names is where the records of an account and region lie.
func Names(account, region string) store.Tuple {
	return service().Text("name").Text(account).Text(region)
}

// Tokens is where the transactions that were done lie by their tokens.
func Tokens() store.Tuple { return DataOf(0).Uint(familyTokens) }

// Forgotten is the key of the oldest window of tokens that may be there.
func Forgotten() store.Key { return DataOf(0).Uint(familyForgotten) }

// DataOf is where the data of the table with the id lies.
func DataOf(id uint64) store.Tuple { return service().Uint(id) }

// CountKey is the counter of the table (id 0) or of one of its indexes.
func (t *Table) CountKey(family, index uint64) store.Key {
	if index == 0 {
		return t.Data.Uint(family)
	}
	return t.Data.Uint(family).Uint(index)
}

// Space is a range of items in the order of a key schema: those of a table, or the entries of an index.
type Space struct {
	Index  string // its name; "" for the table's own
	Prefix store.Tuple
	Hash   []Attribute
	Sort   []Attribute
}

// appendPartition appends hash and pk, of the values of the partition key.
func appendPartition(b []byte, values ...item.Value) []byte {
	var room [maxPartition]byte
	pk := room[:0]
	for _, v := range values {
		pk = v.AppendKey(pk)
	}
	b = binary.BigEndian.AppendUint32(b, uint32(xxhash.Sum64(pk)>>32))
	return appendShort(b, pk, maxPartition)
}

// appendShort appends an encoding, or its SHA-256 when it is longer than most.
func appendShort(b, enc []byte, most int) []byte {
	if len(enc) > most {
		sum := sha256.Sum256(enc)
		return append(append(b, tagHashed), sum[:]...)
	}
	return append(b, enc...)
}

// Suffix returns what follows the family in the key of the item that has the given key attributes.
func (t *Table) Suffix(key item.Map) []byte {
	b := appendPartition(make([]byte, 0, 128), key.Get(t.hash.Name))
	if t.sort.Name != "" {
		b = key.Get(t.sort.Name).AppendKey(b)
	}
	return b
}

// ItemKey returns the key of an item from its suffix.
func (t *Table) ItemKey(suffix []byte) store.Key { return t.Items.Raw(suffix) }

func (t *Table) largeKey(suffix []byte) store.Key { return t.Data.Uint(familyLarge).Raw(suffix) }

// After returns the smallest key above k that does not extend it: no item's key extends another's.
func After(k store.Key) store.Key { return append(k[:len(k):len(k)], 0) }

// Beyond returns the end of what extends k, an Encoded value or several: what follows a value begins with a low byte.
func Beyond(k store.Key) store.Key { return append(k[:len(k):len(k)], 0xff) }

// All returns the range of all of a space. What follows the prefix may begin with any byte.
func (sp *Space) All() store.Range {
	return store.Range{Begin: store.Key(sp.Prefix), End: Past(sp.Prefix)}
}

// Past returns the smallest key above all that begin with prefix, which must have a byte other than 0xff.
func Past(prefix []byte) store.Key {
	end := bytes.TrimRight(bytes.Clone(prefix), "\xff")
	end[len(end)-1]++
	return end
}

// Segment returns the range of the items in segment i of n.
func (sp *Space) Segment(i, n int) store.Range {
	bound := func(i int) store.Key {
		if i == n {
			return sp.All().End
		}
		return sp.Prefix.Raw(binary.BigEndian.AppendUint32(nil, uint32((uint64(i)<<32+uint64(n)-1)/uint64(n))))
	}
	return store.Range{Begin: bound(i), End: bound(i + 1)}
}

// Partition returns the range of the items with the given partition key values.
func (sp *Space) Partition(hash []item.Value) (prefix []byte, r store.Range) {
	prefix = sp.Prefix.Raw(appendPartition(nil, hash...))
	return prefix, store.Range{Begin: prefix, End: Beyond(prefix)}
}
