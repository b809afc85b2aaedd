package ecr

import (
	"time"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// Everything lies in the home shard of its account and region. Keys, after store.Home(account, region):
//
//	"ecr" "r" name    repository
//	"ecr" "t" name    tags
//	"ecr" "p" name    text of the repository policy
//	"ecr" "l" name    lifecycle policy (a large value)
//	"ecr" "n"         counter: the repositories

const recordVersion = 1

// repository is what is kept of a repository.
type repository struct {
	Created    time.Time `cbor:"1,keyasint"`
	Mutability string    `cbor:"2,keyasint"`
	Exclusions []string  `cbor:"3,keyasint,omitempty"` // wildcards
	ScanOnPush bool      `cbor:"4,keyasint,omitempty"`
	Encryption string    `cbor:"5,keyasint"`
	Key        string    `cbor:"6,keyasint,omitempty"` // the ARN of the KMS key
}

// lifecycle is a repository's lifecycle policy.
type lifecycle struct {
	Text string `cbor:"1,keyasint"`
}

// space is the keys of an account and region.
type space struct {
	root            store.Tuple
	account, region string
}

// at returns the shard and the keys of a caller's registry.
func (s *Service) at(id aws.Identity) (store.Shard, space) {
	home := store.Home(id.Account, id.Region)
	return s.store.Shard(home), space{root: home.Text("ecr"), account: id.Account, region: id.Region}
}

func (k space) repositories() store.Tuple        { return k.root.Text("r") }
func (k space) repository(name string) store.Key { return k.repositories().Text(name) }
func (k space) tags(name string) store.Key       { return k.root.Text("t").Text(name) }
func (k space) policy(name string) store.Key     { return k.root.Text("p").Text(name) }
func (k space) lifecycle(name string) store.Key  { return k.root.Text("l").Text(name) }
func (k space) count() store.Key                 { return k.root.Text("n") }

// arn is the ARN of a repository.
func (k space) arn(name string) string {
	return aws.MakeARN("ecr", k.region, k.account, "repository/"+name).String()
}

// uri is what docker calls the repository.
func (k space) uri(name string) string {
	return k.account + ".dkr.ecr." + k.region + ".amazonaws.com/" + name
}

// get reads the record at key into v and reports whether there is one.
func get(r store.Reader, key store.Key, v any) (bool, error) {
	b, ok, err := r.Get(key)
	if err != nil || !ok {
		return false, err
	}
	return true, decode(b, v)
}

func decode(b store.Value, v any) error { return record.Decode(b, recordVersion, v) }

func set(tx store.Tx, key store.Key, v any) { tx.Set(key, record.Encode(recordVersion, v)) }
