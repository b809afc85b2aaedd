package ssm

import (
	"time"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// Everything lies in the home shard of its account and region. Keys, after store.Home(account, region):
//
//	"ssm" "p" name          version: the newest, the only one that most reads need
//	"ssm" "v" name number   version: those before it, at most maxVersions with the newest
//	"ssm" "l" name label    the number of the version that has the label
//	"ssm" "t" name          tags
//	"ssm" "n" tier          counter: the parameters of a tier
//
// Names hold no zero byte and are compared bytewise, so that a hierarchy is a range.

const recordVersion = 1

// version is one version of a parameter.
type version struct {
	Number      int64     `cbor:"1,keyasint"`
	Type        string    `cbor:"2,keyasint"`
	Tier        string    `cbor:"3,keyasint"`
	Value       string    `cbor:"4,keyasint,omitempty"` // of String and StringList
	Sealed      *sealed   `cbor:"5,keyasint,omitempty"` // of SecureString
	KeyID       string    `cbor:"6,keyasint,omitempty"`
	Description string    `cbor:"7,keyasint,omitempty"`
	Pattern     string    `cbor:"8,keyasint,omitempty"`
	DataType    string    `cbor:"9,keyasint"`
	Policies    []policy  `cbor:"10,keyasint,omitempty"`
	Modified    time.Time `cbor:"11,keyasint"`
	By          string    `cbor:"12,keyasint,omitempty"`
	Oldest      int64     `cbor:"13,keyasint,omitempty"` // of the newest only: the oldest version that is kept
}

// sealed is an encrypted value: of the standard tier, Key is the value under the KMS key; of the advanced tier, Key is a
// data key under the KMS key and Body the value under the data key.
type sealed struct {
	Key  []byte `cbor:"1,keyasint"`
	Body []byte `cbor:"2,keyasint,omitempty"`
}

// space is the keys of an account and region.
type space struct {
	root            store.Tuple
	account, region string
}

func spaceOf(account, region string) space {
	return space{root: store.Home(account, region).Text("ssm"), account: account, region: region}
}

// at returns the shard and the keys of a caller's account and region.
func (s *Service) at(id aws.Identity) (store.Shard, space) {
	return s.store.Shard(store.Home(id.Account, id.Region)), spaceOf(id.Account, id.Region)
}

func (k space) newest(name string) store.Key { return k.root.Text("p").Text(name) }
func (k space) versions(name string) store.Tuple {
	return k.root.Text("v").Text(name)
}
func (k space) older(name string, n int64) store.Key { return k.versions(name).Int(n) }
func (k space) labels(name string) store.Tuple       { return k.root.Text("l").Text(name) }
func (k space) label(name, label string) store.Key   { return k.labels(name).Text(label) }
func (k space) tags(name string) store.Key           { return k.root.Text("t").Text(name) }
func (k space) count(tier string) store.Key          { return k.root.Text("n").Text(tier) }
func (k space) names() store.Tuple                   { return k.root.Text("p") }
func (k space) arn(name string) string               { return parameterARN(k.account, k.region, name) }
func (k space) nameOf(key store.Key) (string, error) {
	e := store.Decode(key, len(k.names()))
	return e.Text(), e.Err()
}

// prefixed is the interval of the newest versions whose names begin with prefix.
func (k space) prefixed(prefix string) store.Range {
	begin := k.names().Text(prefix)
	begin = begin[:len(begin)-1] // without the end of the text
	return store.Range{Begin: store.Key(begin), End: successor(begin)}
}

// successor returns the smallest key above all that begin with p, which has a byte below 0xff.
func successor(p []byte) store.Key {
	end := append(store.Key(nil), p...)
	for end[len(end)-1] == 0xff {
		end = end[:len(end)-1]
	}
	end[len(end)-1]++
	return end
}

func getVersion(r store.Reader, key store.Key) (*version, error) {
	b, ok, err := r.Get(key)
	if err != nil || !ok {
		return nil, err
	}
	return decodeVersion(b)
}

func decodeVersion(b store.Value) (*version, error) {
	v := new(version)
	return v, record.Decode(b, recordVersion, v)
}

func setVersion(tx store.Tx, key store.Key, v *version) { tx.Set(key, record.Encode(recordVersion, v)) }

func getTags(r store.Reader, k space, name string) (map[string]string, error) {
	var tags map[string]string
	b, ok, err := r.Get(k.tags(name))
	if err != nil || !ok {
		return nil, err
	}
	return tags, record.Decode(b, recordVersion, &tags)
}

func setTags(tx store.Tx, k space, name string, tags map[string]string) {
	if len(tags) == 0 {
		tx.Delete(k.tags(name))
		return
	}
	tx.Set(k.tags(name), record.Encode(recordVersion, tags))
}
