package kms

import "github.com/brume-dev/brume/store"

// The keys of KMS all lie in the home shard of their account and region.
//
//	home(account, region) "kms" "key" id        keyRecord
//	home(account, region) "kms" "alias" name    aliasRecord; the name without "alias/"
//	home(account, region) "kms" "of" id name    nothing: the aliases of a key
//	home(account, region) "kms" "grant" key id              grantRecord
//	home(account, region) "kms" "grantee" key principal id  nothing: the grants that a principal has
//	home(account, region) "kms" "grantname" key name        id of the newest grant of that name
//	home(account, region) "kms" "retirable" principal keyARN id    nothing; in the account of the principal
const service = "kms"

func home(account, region string) store.Tuple { return store.Home(account, region).Text(service) }

func keyPrefix(account, region string) store.Tuple   { return home(account, region).Text("key") }
func aliasPrefix(account, region string) store.Tuple { return home(account, region).Text("alias") }
func ofPrefix(account, region, id string) store.Tuple {
	return home(account, region).Text("of").Text(id)
}

func grantsOf(k key) store.Tuple     { return home(k.account, k.region).Text("grant").Text(k.id) }
func granteesOf(k key) store.Tuple   { return home(k.account, k.region).Text("grantee").Text(k.id) }
func grantNamesOf(k key) store.Tuple { return home(k.account, k.region).Text("grantname").Text(k.id) }
func retirablePrefix(account, region, principal string) store.Tuple {
	return home(account, region).Text("retirable").Text(principal)
}
