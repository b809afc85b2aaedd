package s3

import (
	"context"
	"net/http"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/api/snsapi"
	"github.com/brume-dev/brume/api/sqsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/s3/bucket"
	"github.com/brume-dev/brume/service/s3/fault"
	"github.com/brume-dev/brume/service/s3/notice"
	"github.com/brume-dev/brume/store"
)

// PutBucketNotificationConfiguration says who is told of changes to objects. Queues and topics are sent a test message,
// functions are asked whether S3 may invoke them; a configuration with a destination that refuses is not taken.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketNotificationConfiguration.html
func (s *Service) PutBucketNotificationConfiguration(ctx context.Context, id aws.Identity, in *s3api.PutBucketNotificationConfigurationRequest) (*s3api.PutBucketNotificationConfigurationOutput, error) {
	c := in.NotificationConfiguration
	if c == nil {
		return nil, fault.MissingBody()
	}
	if err := notice.Check(c); err != nil {
		return nil, err
	}
	b, err := s.find(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	all := notice.Destinations(c)
	for _, d := range all {
		if a, err := aws.ParseARN(d.ARN); err != nil || a.Region != b.Region {
			return nil, fault.InvalidArgument("The notification destination service region is not valid for the bucket location constraint", "ARN", d.ARN)
		}
	}
	if !aws.Or(in.SkipDestinationValidation, false) {
		if err := s.tryAll(ctx, id, b, all); err != nil {
			return nil, err
		}
	}
	return change[s3api.PutBucketNotificationConfigurationOutput](ctx, s, in.Bucket, in.ExpectedBucketOwner, func(tx store.Tx, b *bucket.Bucket) error {
		if b.Notifies = len(all) > 0 || c.EventBridgeConfiguration != nil; !b.Notifies {
			return b.WriteSetting(tx, bucket.SettingNotification, nil)
		}
		return b.WriteSetting(tx, bucket.SettingNotification, c)
	})
}

// destinationError says which destination refuses, and why.
type destinationError struct {
	ArgumentName1  string `aws:"ArgumentName1"`
	ArgumentValue1 string `aws:"ArgumentValue1"`
}

func (e *destinationError) Error() string { return "InvalidArgument: " + e.ArgumentValue1 }

// ErrorInfo implements aws.Error.
func (e *destinationError) ErrorInfo() aws.ErrorInfo {
	return aws.ErrorInfo{Code: "InvalidArgument", Status: http.StatusBadRequest, Message: "Unable to validate the following destination configurations"}
}

// tryAll asks every destination whether it takes messages of the bucket.
func (s *Service) tryAll(ctx context.Context, id aws.Identity, b *bucket.Bucket, all []notice.Destination) error {
	test, err := notice.Greeting(b.Name, id.Request.ID, s.Clock.Now())
	if err != nil {
		return err
	}
	for _, d := range all {
		to, err := aws.ParseARN(d.ARN)
		if err != nil {
			return err
		}
		as := aws.ForService(notice.Principal, b.Account, b.Region, b.Arn(), id.Request)
		as.Account = to.Account
		if why := s.try(ctx, as, d.ARN, to, string(test)); why != "" {
			return &destinationError{d.ARN, why}
		}
	}
	return nil
}

// try returns why a destination does not take messages, or "".
func (s *Service) try(ctx context.Context, as aws.Identity, arn string, to aws.ARN, test string) (why string) {
	var err error
	missing, what := false, "queue"
	switch to.Service {
	case "sqs":
		_, err = sqsapi.NewClient(s.Caller).SendMessage(ctx, as, &sqsapi.SendMessageRequest{
			QueueUrl: "https://sqs." + to.Region + ".amazonaws.com/" + to.Account + "/" + to.Resource, MessageBody: test})
		missing = aws.CodeOf(err) == "QueueDoesNotExist" || aws.CodeOf(err) == "AWS.SimpleQueueService.NonExistentQueue"
	case "sns":
		_, err = snsapi.NewClient(s.Caller).Publish(ctx, as, &snsapi.PublishInput{TopicArn: &arn, Message: test, Subject: new("Amazon S3 Notification")})
		missing, what = aws.CodeOf(err) == "NotFound", "topic"
	case "lambda":
		_, err = lambdaapi.NewClient(s.Caller).Invoke(ctx, as, &lambdaapi.InvocationRequest{FunctionName: arn, InvocationType: lambdaapi.InvocationTypeDryRun})
		if err != nil {
			return "Not authorized to invoke function [" + arn + "]"
		}
	}
	switch {
	case err == nil:
		return ""
	case missing:
		return "The destination " + what + " does not exist"
	}
	return "Permissions on the destination " + what + " do not allow S3 to publish notifications from this bucket"
}

// GetBucketNotificationConfiguration tells who is told of changes to objects.
func (s *Service) GetBucketNotificationConfiguration(ctx context.Context, _ aws.Identity, in *s3api.GetBucketNotificationConfigurationRequest) (*s3api.NotificationConfiguration, error) {
	return view(ctx, s, in.Bucket, in.ExpectedBucketOwner, func(r store.Reader, b *bucket.Bucket) (*s3api.NotificationConfiguration, error) {
		out := new(s3api.NotificationConfiguration)
		_, err := b.ReadSetting(r, bucket.SettingNotification, out)
		return out, err
	})
}
