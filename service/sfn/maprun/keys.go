package maprun

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/sfn/machine"
	"github.com/brume-dev/brume/store"
)

// The keys of map runs, in the shard of their state machine, under its Resource, "map":
//
//	"e" execution start run   map runs of an execution, by the time of their start
//	"r" run "r"               what the map run is
//	"r" run "p"               how far it is: written whenever a child begins or ends
//	"r" run "c"               cursor behind the last item that is in a child
//	"r" run "d"               the items, when there is no ItemReader (SetLarge)
//	"r" run "i" index         input of an express child, or of one that can be redriven (SetLarge)
//	"r" run "o" index         how a child ended (SetLarge)
//
// run is the UUID at the end of the map run's ARN, index the number of the child from 0.

// key names a map run.
type key struct {
	Account string `cbor:"1,keyasint"`
	Region  string `cbor:"2,keyasint"`
	Machine string `cbor:"3,keyasint"`
	ID      uint64 `cbor:"4,keyasint"`
	Run     string `cbor:"5,keyasint"`
}

func keyOf(s machine.Spot, arn string) key {
	return key{s.Account, s.Region, s.Name, s.ID, arn[strings.LastIndexByte(arn, ':')+1:]}
}

func (k key) spot() machine.Spot {
	return machine.Spot{Ref: machine.Ref{Place: machine.Place{Account: k.Account, Region: k.Region}, Name: k.Machine}, ID: k.ID}
}

func (k key) resource() store.Tuple { return k.spot().Resource().Text("map") }
func (k key) root() store.Tuple     { return k.resource().Text("r").Text(k.Run) }
func (k key) record() store.Key     { return store.Key(k.root().Text("r")) }
func (k key) progress() store.Key   { return store.Key(k.root().Text("p")) }
func (k key) cursor() store.Key     { return store.Key(k.root().Text("c")) }
func (k key) items() store.Key      { return store.Key(k.root().Text("d")) }
func (k key) input(i int64) store.Key {
	return store.Key(k.root().Text("i").Uint(uint64(i)))
}
func (k key) outcomes() store.Tuple { return k.root().Text("o") }
func (k key) outcome(i int64) store.Key {
	return store.Key(k.outcomes().Uint(uint64(i)))
}
func (k key) listed(execution string) store.Tuple {
	return k.resource().Text("e").Text(execution)
}

// promise is the ID of a promise of the map run. It is text, as IDs are: a Tuple is not, whose numbers may have any bytes.
func (k key) promise() string {
	return fmt.Sprintf("%s:%s:%d:%s", k.Account, k.Region, k.ID, k.Run)
}

// child names child number i: a UUID that tells its number to who knows the map run.
func (k key) child(i int64) string {
	var id uuid.UUID
	mask := k.mask()
	binary.BigEndian.PutUint64(id[8:], (uint64(i)*mixer)&low48^mask&low48)
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%d", k.Run, i))
	copy(id[:10], sum[:10])
	id[6], id[8] = id[6]&0x0f|0x30, id[8]&0x3f|0x80
	return id.String()
}

// index is the number of the child with a name; -1 when it is not of this map run.
func (k key) index(name string) int64 {
	id, err := uuid.Parse(name)
	if err != nil {
		return -1
	}
	i := int64(((binary.BigEndian.Uint64(id[8:]) ^ k.mask()) & low48) * unmixer & low48)
	if k.child(i) != name {
		return -1
	}
	return i
}

// mixer and unmixer are inverse to each other modulo 2^48.
const (
	low48   = 1<<48 - 1
	mixer   = 0x9E3779B97F4B
	unmixer = 0x393DEE219263
)

func (k key) mask() uint64 {
	sum := sha256.Sum256([]byte(k.Run))
	return binary.BigEndian.Uint64(sum[:])
}

// parseARN reads the ARN of a map run: the machine's name, and the run's. Errors are InvalidArn.
// https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeMapRun.html
func parseARN(arn string) (machine.Ref, string, error) {
	a, err := aws.ParseARN(arn)
	if err != nil || a.Partition != aws.Partition || a.Service != "states" || a.Region == "" || a.Account == "" {
		return machine.Ref{}, "", machine.InvalidARN("Invalid ARN prefix: " + arn)
	}
	parts := strings.Split(a.Resource, ":")
	if parts[0] != "mapRun" {
		return machine.Ref{}, "", machine.InvalidARN("Resource type not valid in this context: " + parts[0])
	}
	if len(parts) != 3 || parts[2] == "" {
		return machine.Ref{}, "", machine.InvalidARN("Invalid ARN: " + arn)
	}
	name, _, labelled := strings.Cut(parts[1], "/")
	if !labelled {
		return machine.Ref{}, "", machine.InvalidARN("Invalid ARN: " + arn)
	}
	return machine.Ref{Place: machine.Place{Account: a.Account, Region: a.Region}, Name: name}, parts[2], nil
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }
