package sns

import (
	"cmp"
	"context"

	"github.com/brume-dev/brume/service/sns/envelope"
	"github.com/brume-dev/brume/service/sns/mail"
	"github.com/brume-dev/brume/store"
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
	link := p.m.SubscribeURL
	if p.m.Type == envelope.Notification {
		link = s.unsubscribeURL(sub.arn)
	}
	m.Compose(p.m, link)
	if sub.rec.Protocol == protoMailJSON {
		m.Text = p.m.Document()
	}
	return m, nil
}

// keepMail keeps a mail that nobody takes.
func (s *Service) keepMail(ctx context.Context, p place, m *mail.Mail) error {
	s.Log.Warn("sns: a mail is kept, for there is no relay (--smtp)", "to", m.To, "subject", m.Subject)
	_, err := s.shard(p).Update(ctx, func(_ context.Context, tx store.Tx) error { return p.mails().Put(tx, m) })
	return err
}

// Mails returns the mails that are kept for an account and region, because there is no relay, the newest first.
func (s *Service) Mails(ctx context.Context, account, region string) ([]mail.Kept, error) {
	p := place{account, region}
	return store.View(ctx, s.shard(p), func(_ context.Context, r store.Reader) ([]mail.Kept, error) { return p.mails().List(r) })
}
