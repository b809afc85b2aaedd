package sns

import (
	"context"
	"crypto/md5"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"

	"github.com/brume-dev/brume/api/logsapi"
	"github.com/brume-dev/brume/aws"
)

// feedback says which deliveries to a subscription are logged, and by which roles.
// https://docs.aws.amazon.com/sns/latest/dg/sns-topic-attributes.html
type feedback struct {
	success, failure string // roles
	rate             int    // per cent of those that succeed
}

func feedbackOf(topic *topicRecord, protocol string) feedback {
	prefix := map[string]string{protoQueue: "SQS", protoFunction: "Lambda", protoHTTP: "HTTP", protoHTTPS: "HTTP"}[protocol]
	if prefix == "" {
		return feedback{}
	}
	f := feedback{success: topic.Attributes[prefix+"SuccessFeedbackRoleArn"], failure: topic.Attributes[prefix+"FailureFeedbackRoleArn"]}
	f.rate, _ = strconv.Atoi(topic.Attributes[prefix+"SuccessFeedbackSampleRate"]) // it was checked when it was set
	return f
}

// deliveryLog is an entry of a delivery log.
type deliveryLog struct {
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

// report logs the end of a delivery when the topic wants it. It is no part of the delivery: what goes wrong here is only
// said in our own log.
func (s *Service) report(topic *compiledTopic, r *result, attempts int) {
	f := &r.sub.feedback
	role, group := f.success, "sns/"+topic.Region+"/"+topic.Account+"/"+topic.name
	if r.failure != nil {
		role, group = f.failure, group+"/Failure"
	} else if f.rate == 0 || sample(r.parcel.m.ID) >= f.rate {
		return
	}
	if role == "" {
		return
	}
	var l deliveryLog
	m, now := r.parcel.m, s.Clock.Now()
	l.Notification.MD5, l.Notification.ID, l.Notification.Topic = fmt.Sprintf("%x", md5.Sum([]byte(m.Message))), m.ID, m.Topic
	l.Notification.Timestamp = now.UTC().Format("2006-01-02 15:04:05.000")
	l.Delivery.Destination, l.Delivery.Dwell, l.Delivery.Attempts = r.sub.rec.Endpoint, now.Sub(m.Time).Milliseconds(), attempts
	l.Delivery.Status, l.Status = r.failure.status(), "SUCCESS"
	if r.failure != nil {
		l.Status, l.Delivery.Response = "FAILURE", r.failure.err.Error()
	}
	var err error
	if l.Delivery.ID, err = s.newID(); err == nil {
		err = s.writeLog(topic.ref, role, group, now, l)
	}
	if err != nil {
		s.Log.Warn("sns: a delivery was not logged", "group", group, "role", role, "err", err)
	}
}

// sample is a number below 100 that follows from a message's id.
func sample(id string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id))
	return int(h.Sum32() % 100)
}

func (s *Service) writeLog(t ref, role, group string, now time.Time, l deliveryLog) error {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	id, _, err := s.Roles.Assume(ctx, aws.ForService(principal, t.Account, t.Region, t.arn(), aws.Request{}), role, "sns-delivery-status")
	if err != nil {
		return err
	}
	id.Region = t.Region
	text, err := json.Marshal(l)
	if err != nil {
		return err
	}
	client, stream := logsapi.NewClient(s.Caller), now.UTC().Format("2006-01-02")
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
