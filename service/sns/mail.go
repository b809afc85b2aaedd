package sns

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/brume-dev/brume/service/sns/envelope"
	"github.com/brume-dev/brume/service/sns/mail"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

const mailFrom = "no-reply@sns.amazonaws.com"

// mail delivers by mail: to the relay, or, when there is none, to the list that Mails shows.
// https://docs.aws.amazon.com/sns/latest/dg/sns-email-notifications.html
func (s *Service) mail(ctx context.Context, t ref, sub *compiledSub, p *parcel) *failure {
	m, err := s.compose(ctx, t, sub, p)
	if err != nil {
		return failed(err)
	}
	if s.Relay == nil {
		return failed(s.keepMail(ctx, t.place, m))
	}
	ctx, cancel := context.WithTimeout(ctx, mailTimeout)
	defer cancel()
	if err := s.Relay.Send(ctx, m); err != nil {
		return &failure{err, "MailNotDelivered", true}
	}
	return nil
}

// compose writes the mail.
func (s *Service) compose(ctx context.Context, t ref, sub *compiledSub, p *parcel) (*mail.Mail, error) {
	topic, there, err := s.compiled(ctx, t)
	if err != nil {
		return nil, err
	}
	name := "AWS Notifications"
	if there {
		name = cmp.Or(topic.rec.Attributes[attrDisplay], name)
	}
	m := &mail.Mail{ID: p.m.ID, FromName: name, From: mailFrom, To: sub.rec.Endpoint, Date: p.m.Time}
	switch p.m.Type {
	case envelope.Notification:
		m.Subject = cmp.Or(p.m.Subject, "AWS Notification Message")
		m.Text = p.m.Message + "\n\n--\nIf you wish to stop receiving notifications from this topic, please click or visit the link below to unsubscribe:\n" +
			s.unsubscribeURL(sub.arn) + "\n\nPlease do not reply directly to this email.\n"
	case envelope.SubscriptionConfirmation:
		m.Subject = "AWS Notification - Subscription Confirmation"
		m.Text = "You have chosen to subscribe to the topic:\n" + p.m.Topic + "\n\nTo confirm this subscription, click or visit the link below " +
			"(If this was in error no action is necessary):\n" + p.m.SubscribeURL + "\n\nPlease do not reply directly to this email.\n"
	default:
		m.Subject = "AWS Notification - Unsubscribe Confirmation"
		m.Text = "Your subscription to the topic below has been deactivated:\n" + p.m.Topic + "\n\nIf this was in error or you wish to resubscribe, " +
			"click or visit the link below to confirm your subscription:\n" + p.m.SubscribeURL + "\n\nPlease do not reply directly to this email.\n"
	}
	if sub.rec.Protocol == protoMailJSON {
		m.Text = p.m.Document()
	}
	return m, nil
}

// keepMail keeps a mail that nobody takes, in place of the oldest when there are many.
func (s *Service) keepMail(ctx context.Context, p place, m *mail.Mail) error {
	s.Log.Warn("sns: a mail is kept, for there is no relay (--smtp)", "to", m.To, "subject", m.Subject)
	_, err := s.shard(p).Update(ctx, func(_ context.Context, tx store.Tx) error {
		n, err := store.NextID(tx, p.mailCount())
		if err != nil {
			return err
		}
		if n > keptMails {
			if err := store.DeleteLarge(tx, p.mails().Uint(n-keptMails)); err != nil {
				return err
			}
		}
		rec := mailRecord{At: m.Date, From: m.FromName + " <" + m.From + ">", To: m.To, Subject: m.Subject, Text: m.Text}
		return store.SetLarge(tx, p.mails().Uint(n), record.Encode(version, rec))
	})
	return err
}

// Mail is a mail that is kept because there is no relay.
type Mail struct {
	At      time.Time `json:"at"`
	From    string    `json:"from"`
	To      string    `json:"to"`
	Subject string    `json:"subject"`
	Text    string    `json:"text"`
}

// Mails returns the mails that are kept for an account and region, the newest first.
func (s *Service) Mails(ctx context.Context, account, region string) ([]Mail, error) {
	p := place{account, region}
	return store.View(ctx, s.shard(p), func(_ context.Context, r store.Reader) ([]Mail, error) {
		out := []Mail{}
		last, err := readCount(r, p.mailCount())
		if err != nil {
			return nil, err
		}
		for n := max(1, last-keptMails+1); n <= last; n++ {
			b, there, err := store.GetLarge(r, p.mails().Uint(uint64(n)))
			if err != nil {
				return nil, err
			}
			var m mailRecord
			if !there {
				continue
			}
			if err := record.Decode(b, version, &m); err != nil {
				return nil, err
			}
			out = append(out, Mail(m))
		}
		slices.Reverse(out)
		return out, nil
	})
}
