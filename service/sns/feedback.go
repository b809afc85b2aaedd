package sns

import (
	"crypto/md5"
	"fmt"
	"hash/fnv"
	"strconv"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/sns/logbook"
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
	var l logbook.Entry
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
		by := aws.ForService(principal, topic.Account, topic.Region, topic.arn(), aws.Request{})
		err = logbook.Book{Caller: s.Caller, Roles: s.Roles}.Write(by, role, group, now, &l)
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
