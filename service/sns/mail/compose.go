package mail

import (
	"cmp"

	"github.com/brume-dev/brume/service/sns/envelope"
)

const farewell = "\n\nPlease do not reply directly to this email.\n"

// Compose writes subject and text for what SNS sends. link is where the receiver unsubscribes, or confirms.
// https://docs.aws.amazon.com/sns/latest/dg/sns-email-notifications.html
func (m *Mail) Compose(e *envelope.Message, link string) {
	switch e.Type {
	case envelope.Notification:
		m.Subject = cmp.Or(e.Subject, "AWS Notification Message")
		m.Text = e.Message + "\n\n--\nIf you wish to stop receiving notifications from this topic, please click or visit the link below to unsubscribe:\n" +
			link + farewell
	case envelope.SubscriptionConfirmation:
		m.Subject = "AWS Notification - Subscription Confirmation"
		m.Text = "You have chosen to subscribe to the topic:\n" + e.Topic + "\n\nTo confirm this subscription, click or visit the link below " +
			"(If this was in error no action is necessary):\n" + link + farewell
	default:
		m.Subject = "AWS Notification - Unsubscribe Confirmation"
		m.Text = "Your subscription to the topic below has been deactivated:\n" + e.Topic + "\n\nIf this was in error or you wish to resubscribe, " +
			"click or visit the link below to confirm your subscription:\n" + link + farewell
	}
}
