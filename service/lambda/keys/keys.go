// Package keys says where things of Lambda are: what a name means, and under which keys its state lies.
package keys

import (
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
)

// Functions lie in the home shard of their account and region. Keys, after store.Home(account, region):
//
//	"lambda" "f" name               function: what its versions share, and $LATEST
//	"lambda" "v" name number        a published version
//	"lambda" "a" name alias         alias
//	"lambda" "p" name qualifier     resource policy; qualifier "" is the function itself, else a version or an alias
//	"lambda" "e" name qualifier     settings of asynchronous invocation; qualifier "$LATEST", a version or an alias
//	"lambda" "t" name               tags
//	"lambda" "u" blob name number   a use of a package, by $LATEST (number 0) or a version
//	"lambda" "n"                    counter: functions
//	"lambda" "b"                    counter: bytes of packages
//	"lambda" "r"                    counter: reserved concurrency
//	"lambda" "w" name qualifier     function URL; qualifier "$LATEST" or an alias
//	"lambda" "q" name qualifier     provisioned concurrency; qualifier a version or an alias
//	"lambda" "m" name qualifier     runtime management; qualifier "$LATEST" or a version
//	"lambda" "l" layer              layer: number of its newest version
//	"lambda" "y" layer number       a version of a layer, with its policy
//	"lambda" "j" name               a function that may run in loops
//	"lambda" "em" "ef" "es" …        event source mappings: see service/lambda/mapping
//	"lambda" "s" id                 code signing configuration
//	"lambda" "g" id name            a function that has the code signing configuration
//
// The global shard says whose a package is, so that the sweeper of blobs can ask, and what is behind the host name of a
// function URL:
//
//	"lambda" "o" blob               owner
//	"lambda" "w" id                 function URL
//	"lambda" "q" account region name qualifier   there may be provisioned concurrency for it
//
// Events that wait for an asynchronous invocation are promises in the shard of their function, store.Tuple "lambda"
// account region name, which has nothing else.

// Space is the keys of an account and region.
type Space struct {
	root            store.Tuple
	Account, Region string
}

// Of returns the keys of an account and region.
func Of(account, region string) Space {
	return Space{root: store.Home(account, region).Text("lambda"), Account: account, Region: region}
}

// Functions and the other methods without a name in their arguments give what a range is made of.
func (k Space) Functions() store.Tuple { return k.root.Text("f") }

// Function is where a function lies.
func (k Space) Function(name string) store.Key { return k.Functions().Text(name) }

// Versions are the published versions of a function.
func (k Space) Versions(name string) store.Tuple { return k.root.Text("v").Text(name) }

// Version is one of them.
func (k Space) Version(name string, n int64) store.Key { return k.Versions(name).Int(n) }

// Aliases are those of a function.
func (k Space) Aliases(name string) store.Tuple { return k.root.Text("a").Text(name) }

// Alias is one of them.
func (k Space) Alias(name, a string) store.Key { return k.Aliases(name).Text(a) }

// Policies are the resource policies of a function, its versions and aliases.
func (k Space) Policies(name string) store.Tuple { return k.root.Text("p").Text(name) }

// Policy is one of them.
func (k Space) Policy(name, q string) store.Key { return k.Policies(name).Text(q) }

// Asyncs are the settings of asynchronous invocation of a function, its versions and aliases.
func (k Space) Asyncs(name string) store.Tuple { return k.root.Text("e").Text(name) }

// Async is one of them.
func (k Space) Async(name, q string) store.Key { return k.Asyncs(name).Text(q) }

// Tags are those of a function.
func (k Space) Tags(name string) store.Key { return k.root.Text("t").Text(name) }

// Uses are those of a package.
func (k Space) Uses(blob string) store.Tuple { return k.root.Text("u").Text(blob) }

// Use is one of them.
func (k Space) Use(blob, name string, n int64) store.Key { return k.Uses(blob).Text(name).Int(n) }

// Count counts functions.
func (k Space) Count() store.Key { return k.root.Text("n") }

// Bytes counts the bytes of packages.
func (k Space) Bytes() store.Key { return k.root.Text("b") }

// Reserved counts reserved concurrency, with the provisioned of functions that reserve none.
func (k Space) Reserved() store.Key { return k.root.Text("r") }

// URLs are the function URLs of a function.
func (k Space) URLs(name string) store.Tuple { return k.root.Text("w").Text(name) }

// URL is one of them.
func (k Space) URL(name, q string) store.Key { return k.URLs(name).Text(q) }

// Provisions are the settings of provisioned concurrency of a function.
func (k Space) Provisions(name string) store.Tuple { return k.root.Text("q").Text(name) }

// Provision is one of them.
func (k Space) Provision(name, q string) store.Key { return k.Provisions(name).Text(q) }

// Managements are the settings of runtime management of a function.
func (k Space) Managements(name string) store.Tuple { return k.root.Text("m").Text(name) }

// Management is one of them.
func (k Space) Management(name, q string) store.Key { return k.Managements(name).Text(q) }

// Loops is where it lies that a function may run in recursive loops.
func (k Space) Loops(name string) store.Key { return k.root.Text("j").Text(name) }

// Layers are all layers.
func (k Space) Layers() store.Tuple { return k.root.Text("l") }

// Layer is one of them.
func (k Space) Layer(name string) store.Key { return k.Layers().Text(name) }

// LayerVersions are the versions of a layer.
func (k Space) LayerVersions(name string) store.Tuple { return k.root.Text("y").Text(name) }

// LayerVersion is one of them.
func (k Space) LayerVersion(name string, n int64) store.Key { return k.LayerVersions(name).Int(n) }

// Signings are the code signing configurations.
func (k Space) Signings() store.Tuple { return k.root.Text("s") }

// Signing is one of them.
func (k Space) Signing(id string) store.Key { return k.Signings().Text(id) }

// Signed are the functions that have a code signing configuration.
func (k Space) Signed(id string) store.Tuple { return k.root.Text("g").Text(id) }

// Owner says in the global shard whose a package is.
func Owner(blob string) store.Key { return store.Global().Text("lambda").Text("o").Text(blob) }

// Address says in the global shard what is behind the host name of a function URL.
func Address(id string) store.Key { return store.Global().Text("lambda").Text("w").Text(id) }

// Provisioned says in the global shard for what there may be provisioned concurrency: account, region, name, qualifier.
func Provisioned() store.Tuple { return store.Global().Text("lambda").Text("q") }

// ARN is the ARN of a function, version or alias; an empty qualifier gives that of the function.
func (k Space) ARN(name, qualifier string) string {
	if qualifier != "" {
		name += ":" + qualifier
	}
	return aws.MakeARN("lambda", k.Region, k.Account, "function:"+name).String()
}

// Home names the account and region in maps.
func (k Space) Home() string { return k.Account + " " + k.Region }

// Shard is where the names and settings of functions lie.
func (k Space) Shard(st store.Store) store.Shard { return st.Shard(store.Home(k.Account, k.Region)) }

// Queue is the shard of the events that wait for a function.
func (k Space) Queue(st store.Store, name string) store.Shard {
	return st.Shard(store.Tuple(nil).Text("lambda").Text(k.Account).Text(k.Region).Text(name))
}
