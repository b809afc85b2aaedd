package target

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"

	"github.com/brume-dev/brume/api/logsapi"
	"github.com/brume-dev/brume/aws"
)

// toLogGroup writes a log event. Each sender has a stream of its own in the group, which is made at its first event.
func toLogGroup(ctx context.Context, a *attempt) error {
	_, name := a.arn.Split()
	group := strings.TrimSuffix(name, ":*")
	sum := sha256.Sum256([]byte(a.From.ARN))
	stream := fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
	client := logsapi.NewClient(a.caller)
	in := &logsapi.PutLogEventsRequest{
		LogGroupName:  group,
		LogStreamName: stream,
		LogEvents:     []logsapi.InputLogEvent{{Timestamp: a.made, Message: string(a.Body)}},
	}
	out, err := client.PutLogEvents(ctx, a.id, in)
	if err != nil && aws.CodeOf(err) == "ResourceNotFoundException" {
		_, err = client.CreateLogStream(ctx, a.id, &logsapi.CreateLogStreamRequest{LogGroupName: group, LogStreamName: stream})
		if err != nil && aws.CodeOf(err) != "ResourceAlreadyExistsException" {
			return err // the group is not there, or not ours
		}
		out, err = client.PutLogEvents(ctx, a.id, in)
	}
	if err == nil && out.RejectedLogEventsInfo != nil {
		return aws.Errorf("InvalidParameterException", http.StatusBadRequest,
			"the log event is older than its group keeps events, or too old or too new")
	}
	return err
}
