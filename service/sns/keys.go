package sns

import (
	"crypto/sha256"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/sns/mail"
	"github.com/brume-dev/brume/store"
)

// The keys of SNS. Names and settings lie in the home shard of the topic's account and region, what is published in a shard
// of the topic's own.
//
//	home(account, region) "sns" "ids"                    counter of topic ids
//	home(account, region) "sns" "topics"|"fifos"         counters of topics
//	home(account, region) "sns" "topic" name             topicRecord
//	home(account, region) "sns" "gen" name               counts changes of a topic and its subscriptions
//	home(account, region) "sns" "sub" number id            subRecord; id is the last part of the subscription's ARN
//	home(account, region) "sns" "ends" number hash         id, by the hash of protocol and endpoint
//	home(account, region) "sns" "token" token            tokenRecord: who has it may confirm
//	home(account, region) "sns" "count" number what      counters: "confirmed" "pending" "deleted" "filters"
//	home(account, region) "sns" "mail" …                 mails, when there is no relay (package mail)
//	home(owner, region)   "sns" "own" topic id           nothing: the subscriptions of an account, by the topic's ARN
//	global                "sns" "key"                    the signing key
//
//	"sns" account region topic …                         with the topic's number:
//	  "seq"                                              counter of messages
//	  "dedup" hash                                       dedupRecord
//	  "until" time hash                                  nothing: when deduplication ids are forgotten
//	  "message" n                                        a message with deliveries in order to come, when it is large
//	  "left" n                                           how many; at 0 the counter behind n
//	  "archive" time n                                   an archived message
//	  "replay" id                                        replayRecord, by subscription
const service = "sns"

// place is an account and region.
type place struct {
	Account string `cbor:"1,keyasint"`
	Region  string `cbor:"2,keyasint"`
}

func here(id aws.Identity) place { return place{id.Account, id.Region} }

func (p place) home() store.Tuple                { return store.Home(p.Account, p.Region).Text(service) }
func (p place) ids() store.Key                   { return p.home().Text("ids") }
func (p place) topics() store.Tuple              { return p.home().Text("topic") }
func (p place) own() store.Tuple                 { return p.home().Text("own") }
func (p place) ownOf(topic, id string) store.Key { return p.own().Text(topic).Text(id) }
func (p place) token(token string) store.Key     { return p.home().Text("token").Text(token) }
func (p place) mails() mail.Box                  { return mail.Box{Prefix: p.home().Text("mail")} }
func (p place) topicCount(fifo bool) store.Key {
	if fifo {
		return p.home().Text("fifos")
	}
	return p.home().Text("topics")
}

// ref is a topic by its place and name.
type ref struct {
	place
	name string
}

func (t ref) arn() string    { return aws.MakeARN(service, t.Region, t.Account, t.name).String() }
func (t ref) key() store.Key { return t.topics().Text(t.name) }
func (t ref) gen() store.Key { return t.home().Text("gen").Text(t.name) }

// spot is a topic with its number: what hangs on it goes by that, so that another topic of the same name does not get it.
type spot struct {
	ref
	id uint64
}

func (t ref) at(rec *topicRecord) spot { return spot{t, rec.ID} }

func (t spot) under(family string) store.Tuple { return t.home().Text(family).Uint(t.id) }
func (t spot) subs() store.Tuple               { return t.under("sub") }
func (t spot) sub(id string) store.Key         { return t.subs().Text(id) }
func (t spot) ends() store.Tuple               { return t.under("ends") }
func (t spot) counts() store.Tuple             { return t.under("count") }
func (t spot) count(what string) store.Key     { return t.counts().Text(what) }
func (t spot) end(protocol, at string) store.Key {
	sum := sha256.Sum256([]byte(protocol + "\n" + at))
	return t.ends().Bytes(sum[:16])
}
func (t spot) data() data {
	return data{store.Tuple(nil).Text(service).Text(t.Account).Text(t.Region).Uint(t.id)}
}

func (t ref) subARN(id string) string { return t.arn() + ":" + id }

// data makes the keys of what is in a topic.
type data struct{ resource store.Tuple }

func (d data) seq() store.Key              { return d.resource.Text("seq") }
func (d data) dedup(hash []byte) store.Key { return d.resource.Text("dedup").Bytes(hash) }
func (d data) untils() store.Tuple         { return d.resource.Text("until") }
func (d data) message(n uint64) store.Key  { return d.resource.Text("message").Uint(n) }
func (d data) left(n uint64) store.Key     { return d.resource.Text("left").Uint(n) }
func (d data) archive() store.Tuple        { return d.resource.Text("archive") }
func (d data) replay(sub string) store.Key { return d.resource.Text("replay").Text(sub) }

func global() store.Tuple { return store.Global().Text(service) }
