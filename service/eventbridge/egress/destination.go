package egress

import (
	"cmp"
	"context"
	"time"

	"github.com/brume-dev/brume/api/eventbridgeapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// destinationRecord is an API destination.
type destinationRecord struct {
	ID          string    `cbor:"1,keyasint"`
	Created     time.Time `cbor:"2,keyasint"`
	Modified    time.Time `cbor:"3,keyasint"`
	Description string    `cbor:"4,keyasint,omitempty"`
	Connection  string    `cbor:"5,keyasint"` // ARN
	Endpoint    string    `cbor:"6,keyasint"`
	Method      string    `cbor:"7,keyasint"`
	Rate        int32     `cbor:"8,keyasint,omitempty"` // 0: the default
}

// state is that of a destination: one whose connection is not authorized is INACTIVE.
func (d *destinationRecord) state(r store.Reader, at place) (eventbridgeapi.ApiDestinationState, error) {
	_, name, id, ok := parse(connectionKind, d.Connection)
	c, there, err := read[connectionRecord](r, store.Key(at.connections().Text(name)))
	if err != nil {
		return "", err
	}
	if ok && there && c.ID == id && c.State != deauthorized {
		return eventbridgeapi.ApiDestinationStateActive, nil
	}
	return eventbridgeapi.ApiDestinationStateInactive, nil
}

// check refuses a destination whose endpoint or connection is not there.
func (d *destinationRecord) check(r store.Reader, at place) error {
	if !callable(d.Endpoint) {
		return invalid("Parameter InvocationEndpoint is not valid. Reason: it is not an HTTPS endpoint.")
	}
	p, name, id, ok := parse(connectionKind, d.Connection)
	if !ok || p != at {
		return noConnection(d.Connection)
	}
	c, there, err := read[connectionRecord](r, store.Key(at.connections().Text(name)))
	if err == nil && (!there || c.ID != id) {
		err = noConnection(name)
	}
	return err
}

// CreateApiDestination makes an API destination.
func (e *Egress) CreateApiDestination(ctx context.Context, id aws.Identity, in *eventbridgeapi.CreateApiDestinationRequest) (*eventbridgeapi.CreateApiDestinationResponse, error) {
	at := here(id)
	made, err := e.newID()
	if err != nil {
		return nil, err
	}
	return store.Update(ctx, e.shard(at), func(_ context.Context, tx store.Tx) (*eventbridgeapi.CreateApiDestinationResponse, error) {
		key := store.Key(at.destinations().Text(in.Name))
		if _, there, err := tx.Get(key); err != nil || there {
			return nil, cmp.Or(err, error(&eventbridgeapi.ResourceAlreadyExistsException{Message: "An api-destination '" + in.Name + "' already exists."}))
		}
		rec := destinationRecord{ID: made, Created: tx.Now(), Modified: tx.Now(), Description: aws.Or(in.Description, ""), Connection: in.ConnectionArn,
			Endpoint: in.InvocationEndpoint, Method: string(in.HttpMethod), Rate: aws.Or(in.InvocationRateLimitPerSecond, 0)}
		if err := cmp.Or(rec.check(tx, at), full(tx, at.destinations(), maxDestinations)); err != nil {
			return nil, err
		}
		write(tx, key, rec)
		state, err := rec.state(tx, at)
		return &eventbridgeapi.CreateApiDestinationResponse{ApiDestinationArn: new(at.arn(destinationKind, in.Name, made)), ApiDestinationState: state,
			CreationTime: &rec.Created, LastModifiedTime: &rec.Modified}, err
	})
}

// UpdateApiDestination changes an API destination; what is not given stays.
func (e *Egress) UpdateApiDestination(ctx context.Context, id aws.Identity, in *eventbridgeapi.UpdateApiDestinationRequest) (*eventbridgeapi.UpdateApiDestinationResponse, error) {
	at := here(id)
	return store.Update(ctx, e.shard(at), func(_ context.Context, tx store.Tx) (*eventbridgeapi.UpdateApiDestinationResponse, error) {
		key := store.Key(at.destinations().Text(in.Name))
		rec, there, err := read[destinationRecord](tx, key)
		if err != nil || !there {
			return nil, cmp.Or(err, noDestination(in.Name))
		}
		rec.Modified = tx.Now()
		rec.Description, rec.Connection = aws.Or(in.Description, rec.Description), aws.Or(in.ConnectionArn, rec.Connection)
		rec.Endpoint, rec.Method = aws.Or(in.InvocationEndpoint, rec.Endpoint), cmp.Or(string(in.HttpMethod), rec.Method)
		rec.Rate = aws.Or(in.InvocationRateLimitPerSecond, rec.Rate)
		if err := rec.check(tx, at); err != nil {
			return nil, err
		}
		write(tx, key, rec)
		state, err := rec.state(tx, at)
		return &eventbridgeapi.UpdateApiDestinationResponse{ApiDestinationArn: new(at.arn(destinationKind, in.Name, rec.ID)), ApiDestinationState: state,
			CreationTime: &rec.Created, LastModifiedTime: &rec.Modified}, err
	})
}

// DeleteApiDestination deletes an API destination.
func (e *Egress) DeleteApiDestination(ctx context.Context, id aws.Identity, in *eventbridgeapi.DeleteApiDestinationRequest) (*eventbridgeapi.DeleteApiDestinationResponse, error) {
	at := here(id)
	_, err := e.shard(at).Update(ctx, func(_ context.Context, tx store.Tx) error {
		key := store.Key(at.destinations().Text(in.Name))
		if _, there, err := tx.Get(key); err != nil || !there {
			return cmp.Or(err, noDestination(in.Name))
		}
		tx.Delete(key)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &eventbridgeapi.DeleteApiDestinationResponse{}, nil
}

// DescribeApiDestination describes an API destination.
func (e *Egress) DescribeApiDestination(ctx context.Context, id aws.Identity, in *eventbridgeapi.DescribeApiDestinationRequest) (*eventbridgeapi.DescribeApiDestinationResponse, error) {
	at := here(id)
	return store.View(ctx, e.shard(at), func(_ context.Context, r store.Reader) (*eventbridgeapi.DescribeApiDestinationResponse, error) {
		rec, there, err := read[destinationRecord](r, store.Key(at.destinations().Text(in.Name)))
		if err != nil || !there {
			return nil, cmp.Or(err, noDestination(in.Name))
		}
		state, err := rec.state(r, at)
		return &eventbridgeapi.DescribeApiDestinationResponse{ApiDestinationArn: new(at.arn(destinationKind, in.Name, rec.ID)), Name: &in.Name,
			Description: aws.Some(rec.Description), ApiDestinationState: state, ConnectionArn: &rec.Connection, InvocationEndpoint: &rec.Endpoint,
			HttpMethod: eventbridgeapi.ApiDestinationHttpMethod(rec.Method), InvocationRateLimitPerSecond: new(cmp.Or(rec.Rate, defaultRate)),
			CreationTime: &rec.Created, LastModifiedTime: &rec.Modified}, err
	})
}

// ListApiDestinations lists the API destinations of the account and region.
func (e *Egress) ListApiDestinations(ctx context.Context, id aws.Identity, in *eventbridgeapi.ListApiDestinationsRequest) (*eventbridgeapi.ListApiDestinationsResponse, error) {
	pg, err := newPage(in.Limit, in.NextToken, in.NamePrefix)
	if err != nil {
		return nil, err
	}
	at := here(id)
	return store.View(ctx, e.shard(at), func(_ context.Context, r store.Reader) (*eventbridgeapi.ListApiDestinationsResponse, error) {
		out := &eventbridgeapi.ListApiDestinationsResponse{ApiDestinations: []eventbridgeapi.ApiDestination{}}
		err := pg.Each(r, at.destinations(), func(name string, v store.Value) (bool, error) {
			var rec destinationRecord
			if err := record.Decode(v, version, &rec); err != nil || in.ConnectionArn != nil && *in.ConnectionArn != rec.Connection {
				return false, err
			}
			state, err := rec.state(r, at)
			out.ApiDestinations = append(out.ApiDestinations, eventbridgeapi.ApiDestination{ApiDestinationArn: new(at.arn(destinationKind, name, rec.ID)), Name: &name,
				ApiDestinationState: state, ConnectionArn: &rec.Connection, InvocationEndpoint: &rec.Endpoint,
				HttpMethod: eventbridgeapi.ApiDestinationHttpMethod(rec.Method), InvocationRateLimitPerSecond: new(cmp.Or(rec.Rate, defaultRate)),
				CreationTime: &rec.Created, LastModifiedTime: &rec.Modified})
			return true, err
		})
		out.NextToken = pg.Token()
		return out, err
	})
}
