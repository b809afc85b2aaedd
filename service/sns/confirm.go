package sns

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/brume-dev/brume/api/snsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/sns/envelope"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

// confirmation is a question to an endpoint: whether it wants a subscription, or wants one back that was taken away.
type confirmation struct {
	place
	Topic     string    `cbor:"3,keyasint"`
	TopicID   uint64    `cbor:"4,keyasint"`
	Sub       string    `cbor:"5,keyasint"`
	Token     string    `cbor:"6,keyasint"`
	Time      time.Time `cbor:"7,keyasint,omitzero"`
	Gone      bool      `cbor:"8,keyasint,omitempty"` // UnsubscribeConfirmation
	To        subRecord `cbor:"9,keyasint"`
	Signature string    `cbor:"10,keyasint,omitempty"` // SignatureVersion
}

func (c *confirmation) spot() spot { return spot{ref{c.place, c.Topic}, c.TopicID} }

// confirmURL is the URL in a message that asks for a confirmation.
func (s *Service) confirmURL(topic, token string) string {
	return s.Links() + "/?Action=ConfirmSubscription&TopicArn=" + topic + "&Token=" + token
}

func (s *Service) unsubscribeURL(sub string) string {
	return s.Links() + "/?Action=Unsubscribe&SubscriptionArn=" + sub
}

// question is a confirmation as it is asked for.
func (s *Service) question(c *confirmation, id string) (*envelope.Message, error) {
	arn := c.spot().arn()
	m := &envelope.Message{Type: envelope.SubscriptionConfirmation, ID: id, Topic: arn, Time: c.Time, Token: c.Token, SubscribeURL: s.confirmURL(arn, c.Token),
		Message: "You have chosen to subscribe to the topic " + arn + ".\nTo confirm the subscription, visit the SubscribeURL included in this message."}
	if c.Gone {
		m.Type = envelope.UnsubscribeConfirmation
		m.Message = "You have chosen to deactivate subscription " + c.spot().subARN(c.Sub) + ".\nTo cancel this operation and restore the subscription, " +
			"visit the SubscribeURL included in this message."
	}
	return m, s.sign(m, cmp.Or(c.Signature, "1"))
}

// sendConfirmation asks an endpoint, again by its delivery policy while it does not answer.
func (s *Service) sendConfirmation(ctx context.Context, k *timer.Kept) error {
	var c confirmation
	if err := record.Decode(k.Args, version, &c); err != nil {
		return err
	}
	topic, there, err := s.compiled(ctx, c.spot().ref)
	if err != nil {
		return err
	}
	if there = there && topic.rec.ID == c.TopicID; !there && !c.Gone {
		return nil
	}
	if there {
		c.Signature = topic.rec.signatureVersion()
	}
	m, err := s.question(&c, k.Key)
	if err != nil {
		return err
	}
	sub := &compiledSub{id: c.Sub, arn: c.spot().subARN(c.Sub), rec: c.To}
	settings := &topicRecord{}
	if there {
		settings = &topic.rec
	}
	sub.compile(settings, aws.MakeARN(service, c.Region, c.Account, c.Topic))
	f := s.send(ctx, c.spot().ref, sub, &parcel{m: m})
	if f == nil {
		return nil
	}
	if ctx.Err() != nil {
		return f.err
	}
	return s.again(k, sub, f, 0, func() error {
		s.Log.Warn("sns: a confirmation was not delivered", "subscription", sub.arn, "err", f.err)
		return nil
	})
}

// ConfirmSubscription makes a pending subscription a confirmed one, for whoever has its token.
func (s *Service) ConfirmSubscription(ctx context.Context, id aws.Identity, in *snsapi.ConfirmSubscriptionInput) (*snsapi.ConfirmSubscriptionResponse, error) {
	t, err := topicOf(id, "TopicArn", in.TopicArn)
	if err != nil {
		return nil, err
	}
	authenticate := in.AuthenticateOnUnsubscribe != nil && strings.EqualFold(*in.AuthenticateOnUnsubscribe, "true")
	if authenticate && id.Kind == aws.Anonymous {
		return nil, unauthorized("AuthenticateOnUnsubscribe needs a request that is signed")
	}
	if id.Kind != aws.Anonymous {
		if err := s.may(ctx, id, "ConfirmSubscription", t); err != nil {
			return nil, err
		}
	}
	if in.Token == "" || strings.Trim(in.Token, "0123456789abcdef") != "" || len(in.Token) > 1024 {
		return nil, invalid("Token")
	}
	out, err := store.Update(ctx, s.shard(t.place), func(_ context.Context, tx store.Tx) (string, error) {
		topic, err := mustTopic(tx, t)
		if err != nil {
			return "", err
		}
		tok, there, err := read[tokenRecord](tx, t.token(in.Token))
		switch {
		case err != nil:
			return "", err
		case !there || tok.Topic != t.name || tok.TopicID != topic.ID || !tx.Now().Before(tok.Until):
			return "", invalid("Token")
		}
		return tok.Sub, confirm(tx, t.at(&topic), &topic, &tok, in.Token, authenticate)
	})
	if err != nil {
		return nil, err
	}
	arn := t.subARN(out)
	return &snsapi.ConfirmSubscriptionResponse{SubscriptionArn: &arn}, nil
}

// confirm makes the subscription of a token a confirmed one. A token may be used again, to no effect.
func confirm(tx store.Tx, t spot, topic *topicRecord, tok *tokenRecord, token string, authenticate bool) error {
	rec, there, err := read[subRecord](tx, t.sub(tok.Sub))
	if err != nil {
		return err
	}
	switch {
	case there && !rec.Pending:
		if authenticate && !rec.Authenticated {
			rec.Authenticated = true
			write(tx, t.sub(tok.Sub), rec)
		}
		return nil
	case there:
		tx.Add(t.count(countPending), -1)
	case tok.Gone == nil:
		return invalid("Token")
	default:
		if rec, err = restored(tx, t, topic, tok); err != nil {
			return err
		}
	}
	if rec.Since, err = confirmedSince(tx, t); err != nil {
		return err
	}
	rec.Pending, rec.Authenticated, rec.Token = false, authenticate, token
	if err := rec.startReplay(tx, t, topic, tok.Sub); err != nil {
		return err
	}
	tx.Add(t.count(countConfirmed), 1)
	write(tx, t.sub(tok.Sub), rec)
	changed(tx, t.ref)
	return nil
}

// restored has a subscription back that was taken away.
func restored(tx store.Tx, t spot, topic *topicRecord, tok *tokenRecord) (rec subRecord, err error) {
	rec = *tok.Gone
	if _, taken, err := tx.Get(t.end(rec.Protocol, rec.Endpoint)); err != nil || taken {
		return rec, cmp.Or(err, invalid("Token"))
	}
	if err := room(tx, t, topic); err != nil {
		return rec, err
	}
	if rec.Attributes[subFilter] != "" {
		if err := countFilter(tx, t, 1); err != nil {
			return rec, err
		}
	}
	tx.Add(t.count(countDeleted), -1)
	tx.Set(t.end(rec.Protocol, rec.Endpoint), []byte(tok.Sub))
	return rec, markOwn(tx, t.ref, tok.Sub, rec.Owner, true)
}

// expire ends a token: a subscription that is still pending goes, one that was taken away is forgotten.
func (s *Service) expire(ctx context.Context, k *timer.Kept) error {
	var c confirmation
	if err := record.Decode(k.Args, version, &c); err != nil {
		return err
	}
	t := c.spot()
	_, err := k.Shard.Update(ctx, func(_ context.Context, tx store.Tx) error {
		if err := k.Done(tx); err != nil {
			return err
		}
		tok, there, err := read[tokenRecord](tx, t.token(c.Token))
		if err != nil || !there {
			return err
		}
		tx.Delete(t.token(c.Token))
		rec, there, err := read[subRecord](tx, t.sub(c.Sub))
		switch {
		case err != nil:
			return err
		case there && rec.Pending && rec.Token == c.Token:
			rec.Token = ""
			return removeSub(tx, t, c.Sub, &rec)
		case !there && tok.Gone != nil:
			tx.Add(t.count(countDeleted), -1)
		}
		return nil
	})
	if errors.Is(err, timer.ErrGone) {
		return nil
	}
	return err
}

// Unsubscribe takes a subscription away. Who may do it without a signature, everybody may who knows its ARN; then the
// endpoint is told, and can have it back.
func (s *Service) Unsubscribe(ctx context.Context, id aws.Identity, in *snsapi.UnsubscribeInput) (*snsapi.UnsubscribeOutput, error) {
	t, sub, err := subscriptionOf(id, in.SubscriptionArn)
	if err != nil {
		return nil, err
	}
	if id.Kind != aws.Anonymous {
		if err := s.may(ctx, id, "Unsubscribe", t); err != nil {
			return nil, err
		}
	}
	token, err := s.newToken()
	if err != nil {
		return nil, err
	}
	_, err = s.shard(t.place).Update(ctx, func(_ context.Context, tx store.Tx) error {
		topic, rec, err := mustSubscription(tx, t, sub)
		if aws.CodeOf(err) == "NotFound" {
			return nil // it is gone already
		}
		if err != nil {
			return err
		}
		own := id.Kind != aws.Anonymous && (id.Account == t.Account || id.Account == rec.Owner)
		switch {
		case !own && rec.Authenticated:
			return unauthorized("User is not authorized to unsubscribe this subscription: the request must be signed by the owner of the subscription or of the topic")
		case rec.Pending && !own:
			return invalid("SubscriptionArn Reason: The subscription is pending confirmation")
		}
		return unsubscribe(tx, t.at(&topic), sub, &rec, token, own)
	})
	return &snsapi.UnsubscribeOutput{}, err
}

// unsubscribe takes a subscription away, and has its endpoint told when that is to know.
func unsubscribe(tx store.Tx, t spot, id string, rec *subRecord, token string, own bool) error {
	if err := removeSub(tx, t, id, rec); err != nil {
		return err
	}
	if rec.Replay != 0 {
		if err := stopReplay(tx, t, id); err != nil {
			return err
		}
	}
	if rec.Pending {
		return nil
	}
	tx.Add(t.count(countDeleted), 1)
	gone := *rec
	gone.Token = ""
	until := tx.Now().Add(tokenLife)
	write(tx, t.token(token), tokenRecord{Topic: t.name, TopicID: t.id, Sub: id, Until: until, Gone: &gone})
	c := confirmation{place: t.place, Topic: t.name, TopicID: t.id, Sub: id, Token: token}
	if err := timer.Set(tx, timer.Promise{Kind: kindExpire, ID: token, Due: until, Args: record.Encode(version, c)}); err != nil {
		return err
	}
	if managed(rec.Protocol) || own && !isWeb(rec.Protocol) {
		return nil
	}
	c.Time, c.Gone, c.To = tx.Now(), true, gone
	return timer.Set(tx, timer.Promise{Kind: kindConfirm, Dest: t.subARN(id), Args: record.Encode(version, c)})
}
