package kms

import "github.com/brume-dev/brume/store"

// The keys of KMS all lie in the home shard of their account and region.
//
//	home(account, region) "kms" "key" id        keyRecord
//	home(account, region) "kms" "alias" name    aliasRecord; the name without "alias/"
//	home(account, region) "kms" "of" id name    nothing: the aliases of a key
const service = "kms"

func home(account, region string) store.Tuple { return store.Home(account, region).Text(service) }

func keyPrefix(account, region string) store.Tuple   { return home(account, region).Text("key") }
func aliasPrefix(account, region string) store.Tuple { return home(account, region).Text("alias") }
func ofPrefix(account, region, id string) store.Tuple {
	return home(account, region).Text("of").Text(id)
}
