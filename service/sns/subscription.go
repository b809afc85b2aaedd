package sns

import (
	"cmp"
	"context"
	"net/url"
	"strings"

	"github.com/brume-dev/brume/api/snsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/sns/mail"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

// The protocols of subscriptions that there are.
const (
	protoQueue    = "sqs"
	protoFunction = "lambda"
	protoHTTP     = "http"
	protoHTTPS    = "https"
	protoMail     = "email"
	protoMailJSON = "email-json"
)

// managed reports whether an endpoint is AWS's own: it answers at once.
func managed(protocol string) bool { return protocol == protoQueue || protocol == protoFunction }

// isWeb reports whether deliveries are HTTP requests.
func isWeb(protocol string) bool { return protocol == protoHTTP || protocol == protoHTTPS }

const (
	pendingConfirmation = "pending confirmation" // as Subscribe says it
	pendingListed       = "PendingConfirmation"  // as lists say it
)

// checkEndpoint checks the endpoint of a new subscription.
func checkEndpoint(t ref, protocol, endpoint string) error {
	bad := func(reason string) error { return invalid("Endpoint Reason: %s", reason) }
	fifo := strings.HasSuffix(t.name, fifoSuffix)
	switch protocol {
	case "sms", "application", "firehose":
		return absent("subscriptions of the protocol " + protocol)
	case protoQueue, protoFunction:
		return checkResource(t, protocol, endpoint, fifo)
	case protoHTTP, protoHTTPS, protoMail, protoMailJSON:
		if len(endpoint) > maxEndpoint {
			return bad("too long")
		}
		if fifo {
			return invalid("Invalid protocol type: %s", protocol)
		}
	default:
		return invalid("Amazon SNS does not support this protocol string: %s", protocol)
	}
	if isWeb(protocol) {
		u, err := url.Parse(endpoint)
		switch {
		case err != nil || u.Host == "" || strings.ContainsAny(endpoint, "\r\n\t "):
			return invalid("HTTP(S) Endpoint must be a valid URL")
		case u.Scheme != protocol:
			return invalid("Endpoint must match the specified protocol")
		}
		return nil
	}
	if mail.Address(endpoint) != nil {
		return invalid("Email address")
	}
	return nil
}

// checkResource checks the ARN of a queue or function.
func checkResource(t ref, protocol, endpoint string, fifo bool) error {
	a, err := aws.ParseARN(endpoint)
	kind, name := a.Split()
	switch {
	case protocol == protoQueue && (err != nil || a.Service != "sqs" || kind != "" || a.Account == "" || a.Region == ""):
		return invalid("SQS endpoint ARN")
	case protocol == protoFunction && (err != nil || a.Service != "lambda" || kind != "function" || name == "" || a.Account == "" || a.Region == ""):
		return invalid("Lambda endpoint ARN")
	case protocol == protoFunction && fifo:
		return invalid("Invalid protocol type: %s", protocol)
	case protocol == protoQueue && !fifo && strings.HasSuffix(name, fifoSuffix):
		return invalid("Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics")
	}
	return nil
}

// wish is a subscription that is asked for.
type wish struct {
	t    ref
	id   string
	rec  subRecord
	text string // "" or the token that the endpoint must show
}

// Subscribe makes a subscription, or finds the one there is when it is the same.
func (s *Service) Subscribe(ctx context.Context, id aws.Identity, in *snsapi.SubscribeInput) (*snsapi.SubscribeResponse, error) {
	w, err := s.newSubscription(id, in)
	if err != nil {
		return nil, err
	}
	out, err := store.Update(ctx, s.shard(w.t.place), func(_ context.Context, tx store.Tx) (wish, error) {
		w := w
		err := w.make(tx, in.Attributes)
		return w, err
	})
	if err != nil {
		return nil, err
	}
	arn := out.t.subARN(out.id)
	if out.rec.Pending && (in.ReturnSubscriptionArn == nil || !*in.ReturnSubscriptionArn) {
		arn = pendingConfirmation
	}
	return &snsapi.SubscribeResponse{SubscriptionArn: &arn}, nil
}

// newSubscription is the subscription that a request describes.
func (s *Service) newSubscription(id aws.Identity, in *snsapi.SubscribeInput) (w wish, err error) {
	if w.t, err = topicOf(id, "TopicArn", in.TopicArn); err != nil {
		return w, err
	}
	w.rec = subRecord{Protocol: in.Protocol, Owner: id.Account, Principal: id.ARN, Attributes: map[string]string{}}
	if in.Endpoint != nil {
		w.rec.Endpoint = *in.Endpoint
	}
	if err := checkEndpoint(w.t, w.rec.Protocol, w.rec.Endpoint); err != nil {
		return w, err
	}
	if err := w.rec.setAll(w.t, in.Attributes); err != nil {
		return w, err
	}
	w.rec.Pending = true
	if managed(w.rec.Protocol) {
		a, _ := aws.ParseARN(w.rec.Endpoint) // it was checked
		w.rec.Pending = a.Account != id.Account
	}
	w.rec.Authenticated = !w.rec.Pending
	if w.id, err = s.newID(); err != nil {
		return w, err
	}
	w.text, err = s.newToken()
	return w, err
}

// make writes the subscription unless there is one to the endpoint; then w is that one.
func (w *wish) make(tx store.Tx, attributes map[string]string) error {
	topic, err := mustTopic(tx, w.t)
	if err != nil {
		return err
	}
	t := w.t.at(&topic)
	known, there, err := tx.Get(t.end(w.rec.Protocol, w.rec.Endpoint))
	if err != nil {
		return err
	}
	if there {
		return w.again(tx, t, string(known), attributes)
	}
	if err := room(tx, t, &topic); err != nil {
		return err
	}
	if w.rec.Attributes[subFilter] != "" {
		if err := countFilter(tx, t, 1); err != nil {
			return err
		}
	}
	w.rec.Created = tx.Now()
	if w.rec.Since, err = confirmedSince(tx, t); err != nil {
		return err
	}
	if err := w.rec.startReplay(tx, t, &topic, w.id); err != nil {
		return err
	}
	if w.rec.Pending {
		tx.Add(t.count(countPending), 1)
		if err := w.ask(tx, t); err != nil {
			return err
		}
	} else {
		tx.Add(t.count(countConfirmed), 1)
	}
	write(tx, t.sub(w.id), w.rec)
	tx.Set(t.end(w.rec.Protocol, w.rec.Endpoint), []byte(w.id))
	changed(tx, w.t)
	return markOwn(tx, w.t, w.id, w.rec.Owner, true)
}

// again is make for an endpoint that has a subscription. A pending one is asked once more.
func (w *wish) again(tx store.Tx, t spot, id string, attributes map[string]string) error {
	old, there, err := read[subRecord](tx, t.sub(id))
	if err != nil || !there {
		return cmp.Or(err, noSubscription())
	}
	for name := range attributes {
		if old.show(w.t, id, nil)[name] != w.rec.show(w.t, id, nil)[name] {
			return invalid("Attributes Reason: Subscription already exists with different attributes")
		}
	}
	w.id, w.rec = id, old
	if !old.Pending {
		return nil
	}
	if err := w.ask(tx, t); err != nil {
		return err
	}
	write(tx, t.sub(id), w.rec)
	return nil
}

// ask has the endpoint asked to confirm. The tokens of earlier questions stay good.
func (w *wish) ask(tx store.Tx, t spot) error {
	until := tx.Now().Add(tokenLife)
	w.rec.Token = w.text
	write(tx, t.token(w.text), tokenRecord{Topic: t.name, TopicID: t.id, Sub: w.id, Until: until})
	err := timer.Set(tx, timer.Promise{Kind: kindExpire, ID: w.text, Due: until,
		Args: record.Encode(version, confirmation{place: t.place, Topic: t.name, TopicID: t.id, Sub: w.id, Token: w.text})})
	if err != nil {
		return err
	}
	return timer.Set(tx, timer.Promise{Kind: kindConfirm, Dest: t.subARN(w.id), Args: record.Encode(version, confirmation{place: t.place,
		Topic: t.name, TopicID: t.id, Sub: w.id, Token: w.text, Time: tx.Now(), To: w.rec})})
}

// confirmedSince is the generation that a subscription which begins in tx begins with.
func confirmedSince(tx store.Tx, t spot) (int64, error) {
	n, err := readCount(tx, t.gen())
	return n + 1, err
}

// room checks the number of subscriptions.
func room(tx store.Tx, t spot, topic *topicRecord) error {
	total := int64(0)
	for _, what := range []string{countConfirmed, countPending} {
		n, err := readCount(tx, t.count(what))
		if err != nil {
			return err
		}
		total += n
	}
	if !topic.FIFO && total >= maxSubscriptions || topic.FIFO && total >= maxFIFOSubscriptions {
		return &snsapi.SubscriptionLimitExceededException{Message: "Subscription limit exceeded for topic"}
	}
	return nil
}

// countFilter counts the filter policies of a topic.
func countFilter(tx store.Tx, t spot, delta int64) error {
	n, err := readCount(tx, t.count(countFilters))
	if err != nil {
		return err
	}
	if delta > 0 && n >= maxFilters {
		return &snsapi.FilterPolicyLimitExceededException{Message: "Filter policy limit exceeded for topic"}
	}
	tx.Add(t.count(countFilters), delta)
	return nil
}

// owned is an account's subscription, as it is told to the account's own shard.
type owned struct {
	place
	Topic string `cbor:"3,keyasint"` // ARN
	Sub   string `cbor:"4,keyasint"`
	There bool   `cbor:"5,keyasint,omitempty"`
}

// markOwn has the owner's list name the subscription, or not any more.
func markOwn(tx store.Tx, t ref, id, owner string, there bool) error {
	p := place{owner, t.Region}
	if owner == t.Account {
		if there {
			tx.Set(p.ownOf(t.arn(), id), nil)
		} else {
			tx.Delete(p.ownOf(t.arn(), id))
		}
		return nil
	}
	return timer.Set(tx, timer.Promise{Kind: kindOwn, Order: t.subARN(id), Args: record.Encode(version, owned{p, t.arn(), id, there})})
}

// setOwn is markOwn in the owner's own shard.
func (s *Service) setOwn(ctx context.Context, k *timer.Kept) error {
	var o owned
	if err := record.Decode(k.Args, version, &o); err != nil {
		return err
	}
	_, err := s.shard(o.place).Update(ctx, func(_ context.Context, tx store.Tx) error {
		if o.There {
			tx.Set(o.ownOf(o.Topic, o.Sub), nil)
		} else {
			tx.Delete(o.ownOf(o.Topic, o.Sub))
		}
		return nil
	})
	return err
}

// removeSub takes a subscription away in tx.
func removeSub(tx store.Tx, t spot, id string, rec *subRecord) error {
	what := countConfirmed
	if rec.Pending {
		what = countPending
	}
	tx.Add(t.count(what), -1)
	if rec.Attributes[subFilter] != "" {
		if err := countFilter(tx, t, -1); err != nil {
			return err
		}
	}
	tx.Delete(t.sub(id))
	tx.Delete(t.end(rec.Protocol, rec.Endpoint))
	changed(tx, t.ref)
	if err := forgetToken(tx, t.place, rec.Token); err != nil {
		return err
	}
	return markOwn(tx, t.ref, id, rec.Owner, false)
}

// forgetToken makes a token worthless.
func forgetToken(tx store.Tx, p place, token string) error {
	if token == "" {
		return nil
	}
	tx.Delete(p.token(token))
	_, err := timer.Cancel(tx, kindExpire, token)
	return err
}

// listed is a subscription as lists have it.
func listed(t ref, id string, rec *subRecord) snsapi.Subscription {
	topic, arn := t.arn(), t.subARN(id)
	if rec.Pending {
		arn = pendingListed
	}
	return snsapi.Subscription{SubscriptionArn: &arn, Owner: &rec.Owner, Protocol: &rec.Protocol, Endpoint: &rec.Endpoint, TopicArn: &topic}
}

// ListSubscriptionsByTopic lists the subscriptions of a topic.
func (s *Service) ListSubscriptionsByTopic(ctx context.Context, id aws.Identity, in *snsapi.ListSubscriptionsByTopicInput) (*snsapi.ListSubscriptionsByTopicResponse, error) {
	t, err := topicOf(id, "TopicArn", in.TopicArn)
	if err != nil {
		return nil, err
	}
	topic, err := store.View(ctx, s.shard(t.place), func(_ context.Context, r store.Reader) (topicRecord, error) { return mustTopic(r, t) })
	if err != nil {
		return nil, err
	}
	list, next, err := answer(ctx, s.shard(t.place), t.at(&topic).subs(), in.NextToken, func(e *store.Elements, v store.Value) (out snsapi.Subscription, err error) {
		var rec subRecord
		id := e.Text()
		if err := cmp.Or(e.Err(), record.Decode(v, version, &rec)); err != nil {
			return out, err
		}
		return listed(t, id, &rec), nil
	})
	return &snsapi.ListSubscriptionsByTopicResponse{Subscriptions: list, NextToken: next}, err
}

// ListSubscriptions lists the subscriptions of the account, to topics of any account.
func (s *Service) ListSubscriptions(ctx context.Context, id aws.Identity, in *snsapi.ListSubscriptionsInput) (*snsapi.ListSubscriptionsResponse, error) {
	type name struct{ topic, sub string }
	p := here(id)
	names, next, err := answer(ctx, s.shard(p), p.own(), in.NextToken, func(e *store.Elements, _ store.Value) (name, error) {
		n := name{e.Text(), e.Text()}
		return n, e.Err()
	})
	if err != nil {
		return nil, err
	}
	out := &snsapi.ListSubscriptionsResponse{Subscriptions: []snsapi.Subscription{}, NextToken: next}
	for _, n := range names {
		a, err := aws.ParseARN(n.topic)
		if err != nil {
			return nil, err
		}
		_, rec, err := s.subscription(ctx, ref{place{a.Account, a.Region}, a.Resource}, n.sub)
		switch {
		case err == nil:
			out.Subscriptions = append(out.Subscriptions, listed(ref{place{a.Account, a.Region}, a.Resource}, n.sub, &rec))
		case aws.CodeOf(err) != "NotFound": // one that is going at this moment is left out
			return nil, err
		}
	}
	return out, nil
}

// subscription reads a subscription and its topic.
func (s *Service) subscription(ctx context.Context, t ref, id string) (topicRecord, subRecord, error) {
	type both struct {
		topic topicRecord
		sub   subRecord
	}
	out, err := store.View(ctx, s.shard(t.place), func(_ context.Context, r store.Reader) (b both, err error) {
		b.topic, b.sub, err = mustSubscription(r, t, id)
		return b, err
	})
	return out.topic, out.sub, err
}

// mustSubscription reads a subscription that has to be there.
func mustSubscription(r store.Reader, t ref, id string) (topic topicRecord, sub subRecord, err error) {
	topic, there, err := read[topicRecord](r, t.key())
	if err != nil || !there {
		return topic, sub, cmp.Or(err, noSubscription())
	}
	sub, there, err = read[subRecord](r, t.at(&topic).sub(id))
	if err == nil && !there {
		err = noSubscription()
	}
	return topic, sub, err
}
