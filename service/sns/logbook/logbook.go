// Package logbook writes SNS's delivery logs: an entry for each delivery that a topic wants logged, by the role that it names.
// https://docs.aws.amazon.com/sns/latest/dg/sns-topic-attributes.html
package logbook

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/brume-dev/brume/api/logsapi"
	"github.com/brume-dev/brume/aws"
)

const timeout = 30 * time.Second

// Entry says what became of a delivery.
type Entry struct {
	Notification struct {
		MD5       string `json:"messageMD5Sum"`
		ID        string `json:"messageId"`
		Topic     string `json:"topicArn"`
		Timestamp string `json:"timestamp"`
	} `json:"notification"`
	Delivery struct {
		ID          string `json:"deliveryId"`
		Destination string `json:"destination"`
		Response    string `json:"providerResponse"`
		Dwell       int64  `json:"dwellTimeMs"`
		Attempts    int    `json:"attempts"`
		Status      int    `json:"statusCode"`
	} `json:"delivery"`
	Status string `json:"status"`
}

// Book writes entries.
type Book struct {
	Caller aws.Caller
	Roles  aws.Roles
}

// Write adds an entry to a log group, which is made when it is not there. by is SNS, on behalf of the topic.
func (b Book) Write(by aws.Identity, role, group string, now time.Time, l *Entry) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	id, _, err := b.Roles.Assume(ctx, by, role, "sns-delivery-status")
	if err != nil {
		return err
	}
	id.Region = by.Region
	text, err := json.Marshal(l)
	if err != nil {
		return err
	}
	client, stream := logsapi.NewClient(b.Caller), now.UTC().Format("2006-01-02")
	put := &logsapi.PutLogEventsRequest{LogGroupName: group, LogStreamName: stream,
		LogEvents: []logsapi.InputLogEvent{{Timestamp: now.UnixMilli(), Message: string(text)}}}
	_, err = client.PutLogEvents(ctx, id, put)
	if aws.CodeOf(err) != "ResourceNotFoundException" {
		return err
	}
	exists := func(err error) bool { return err == nil || strings.Contains(aws.CodeOf(err), "AlreadyExists") }
	if _, err := client.CreateLogGroup(ctx, id, &logsapi.CreateLogGroupRequest{LogGroupName: group}); !exists(err) {
		return err
	}
	if _, err := client.CreateLogStream(ctx, id, &logsapi.CreateLogStreamRequest{LogGroupName: group, LogStreamName: stream}); !exists(err) {
		return err
	}
	_, err = client.PutLogEvents(ctx, id, put)
	return err
}
