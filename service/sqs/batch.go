package sqs

import (
	"fmt"

	"github.com/brume-dev/brume/api/sqsapi"
)

// checkBatch checks the ids of a batch, whose entries are of the kind named.
func checkBatch(kind string, ids []string) error {
	switch {
	case len(ids) == 0:
		return &sqsapi.EmptyBatchRequest{Message: "There should be at least one " + kind + " in the request."}
	case len(ids) > maxBatch:
		return &sqsapi.TooManyEntriesInBatchRequest{Message: fmt.Sprintf("Maximum number of entries per request are %d. You have sent %d.", maxBatch, len(ids))}
	}
	seen := map[string]bool{}
	for _, id := range ids {
		if id == "" || len(id) > maxBatchID || !isWord(id) {
			return &sqsapi.InvalidBatchEntryId{Message: "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long."}
		}
	}
	for _, id := range ids {
		if seen[id] {
			return &sqsapi.BatchEntryIdsNotDistinct{Message: "Id " + id + " repeated."}
		}
		seen[id] = true
	}
	return nil
}

// failed is an entry of a batch that was not done.
func failed(id string, err error) sqsapi.BatchResultErrorEntry {
	code, text, sender := codeOf(err)
	return sqsapi.BatchResultErrorEntry{Id: id, Code: code, Message: &text, SenderFault: sender}
}
