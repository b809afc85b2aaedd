package sqs

import (
	"github.com/brume-dev/brume/store"
)

// The keys of SQS. Names and attributes lie in the home shard of their account and region, what is in a queue lies in a
// shard of its own (see package backlog for the rest of it).
//
//	home(account, region) "sqs" "ids"                  counter of queue ids
//	home(account, region) "sqs" "queue" name           queueRecord
//	home(account, region) "sqs" "deleted" name         microseconds: when the queue was deleted; for a minute
//	home(account, region) "sqs" "source" dlq name      nothing: the queues that have this dead-letter queue
//
//	"sqs" account region id …                          with the id of the queue:
//	  "purged"                                         microseconds: when it was purged last
//	  "moved" promise                                  nothing: a promise to bring a message here that has been kept, for a day
//	  "gone" time promise                              nothing: when that may be forgotten
//	  "task" started                                   taskRecord
const service = "sqs"

func home(account, region string) store.Tuple { return store.Home(account, region).Text(service) }

func (p place) queueKey() store.Tuple { return home(p.account, p.region).Text("queue").Text(p.name) }
func (p place) deletedKey() store.Tuple {
	return home(p.account, p.region).Text("deleted").Text(p.name)
}
func (p place) sources() store.Tuple { return home(p.account, p.region).Text("source").Text(p.name) }

func resource(account, region string, id uint64) store.Tuple {
	return store.Tuple(nil).Text(service).Text(account).Text(region).Uint(id)
}

func (q *queue) purgedKey() store.Tuple { return q.root.Text("purged") }
func (q *queue) moved() store.Tuple     { return q.root.Text("moved") }
func (q *queue) gone() store.Tuple      { return q.root.Text("gone") }
func (q *queue) tasks() store.Tuple     { return q.root.Text("task") }
