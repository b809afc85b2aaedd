package egress

import (
	"cmp"
	"context"
	"net/url"
	"time"

	"github.com/brume-dev/brume/api/eventbridgeapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/page"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

// connectionRecord is a connection.
type connectionRecord struct {
	ID          string    `cbor:"1,keyasint"` // the last part of its ARN
	Created     time.Time `cbor:"2,keyasint"`
	Modified    time.Time `cbor:"3,keyasint"`
	Authorized  time.Time `cbor:"4,keyasint,omitzero"`
	Description string    `cbor:"5,keyasint,omitempty"`
	Type        string    `cbor:"6,keyasint"`
	State       string    `cbor:"7,keyasint"`
	Reason      string    `cbor:"8,keyasint,omitempty"`
	SecretID    string    `cbor:"9,keyasint"` // the last part of the ARN of its secret
	Key         string    `cbor:"10,keyasint,omitempty"`
	Auth        auth      `cbor:"11,keyasint"`
}

// The states that connections have here.
const (
	authorized   = string(eventbridgeapi.ConnectionStateAuthorized)
	authorizing  = string(eventbridgeapi.ConnectionStateAuthorizing)
	deauthorized = string(eventbridgeapi.ConnectionStateDeauthorized)
	oauth        = string(eventbridgeapi.ConnectionAuthorizationTypeOauthClientCredentials)
)

// callable reports whether calls can be made to an endpoint. AWS takes HTTPS only; here an endpoint may be a neighbour.
func callable(endpoint string) bool {
	u, err := url.Parse(endpoint)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}

// private refuses connectivity by way of VPC Lattice, which is not there.
func private(all ...*eventbridgeapi.ConnectivityResourceParameters) error {
	for _, c := range all {
		if c != nil {
			return invalid("Parameter ConnectivityParameters is not valid. Reason: the resource configuration does not exist.")
		}
	}
	return nil
}

// CreateConnection makes a connection. One by OAuth is AUTHORIZING until its first token is there.
func (e *Egress) CreateConnection(ctx context.Context, id aws.Identity, in *eventbridgeapi.CreateConnectionRequest) (*eventbridgeapi.CreateConnectionResponse, error) {
	at := here(id)
	rec := connectionRecord{Description: aws.Or(in.Description, ""), Type: string(in.AuthorizationType), Key: aws.Or(in.KmsKeyIdentifier, "")}
	rec.Auth.set(given(in.AuthParameters))
	if err := cmp.Or(private(in.InvocationConnectivityParameters, in.AuthParameters.ConnectivityParameters), rec.Auth.check(rec.Type)); err != nil {
		return nil, err
	}
	var err error
	if rec.ID, err = e.newID(); err != nil {
		return nil, err
	}
	if rec.SecretID, err = e.newID(); err != nil {
		return nil, err
	}
	rec, err = store.Update(ctx, e.shard(at), func(_ context.Context, tx store.Tx) (connectionRecord, error) {
		rec := rec
		key := at.connections().Text(in.Name)
		if _, there, err := tx.Get(store.Key(key)); err != nil || there {
			return rec, cmp.Or(err, error(&eventbridgeapi.ResourceAlreadyExistsException{Message: "Connection " + in.Name + " already exists."}))
		}
		if err := full(tx, at.connections(), maxConnections); err != nil {
			return rec, err
		}
		rec.Created, rec.Modified = tx.Now(), tx.Now()
		err := rec.authorize(tx, at, in.Name)
		write(tx, store.Key(key), rec)
		return rec, err
	})
	if err != nil {
		return nil, err
	}
	return &eventbridgeapi.CreateConnectionResponse{ConnectionArn: new(at.arn(connectionKind, in.Name, rec.ID)), ConnectionState: eventbridgeapi.ConnectionState(rec.State),
		CreationTime: &rec.Created, LastModifiedTime: &rec.Modified}, nil
}

// authorize begins the authorization of a connection with new parameters.
func (c *connectionRecord) authorize(tx store.Tx, at place, name string) error {
	c.Reason = ""
	if c.Type != oauth {
		c.State, c.Authorized = authorized, tx.Now()
		return nil
	}
	c.State = authorizing
	arn := at.arn(connectionKind, name, c.ID)
	return timer.Set(tx, timer.Promise{Kind: kindAuthorize, ID: arn, Args: []byte(arn), Dest: c.Auth.Endpoint})
}

// change changes a connection that there is.
func (e *Egress) change(ctx context.Context, at place, name string, f func(tx store.Tx, rec *connectionRecord) error) (connectionRecord, error) {
	return store.Update(ctx, e.shard(at), func(_ context.Context, tx store.Tx) (connectionRecord, error) {
		key := store.Key(at.connections().Text(name))
		rec, there, err := read[connectionRecord](tx, key)
		if err != nil || !there {
			return rec, cmp.Or(err, noConnection(name))
		}
		if err := f(tx, &rec); err != nil {
			return rec, err
		}
		write(tx, key, rec)
		return rec, nil
	})
}

// UpdateConnection changes a connection; parameters that are not given stay.
func (e *Egress) UpdateConnection(ctx context.Context, id aws.Identity, in *eventbridgeapi.UpdateConnectionRequest) (*eventbridgeapi.UpdateConnectionResponse, error) {
	at := here(id)
	if err := private(in.InvocationConnectivityParameters); err != nil {
		return nil, err
	}
	if in.AuthParameters != nil {
		if err := private(in.AuthParameters.ConnectivityParameters); err != nil {
			return nil, err
		}
	}
	rec, err := e.change(ctx, at, in.Name, func(tx store.Tx, rec *connectionRecord) error {
		rec.Modified = tx.Now()
		rec.Description, rec.Key = aws.Or(in.Description, rec.Description), aws.Or(in.KmsKeyIdentifier, rec.Key)
		if in.AuthorizationType == "" && in.AuthParameters == nil {
			return nil
		}
		if t := string(in.AuthorizationType); t != "" && t != rec.Type {
			rec.Type, rec.Auth = t, auth{Calls: rec.Auth.Calls}
		}
		rec.Auth.set(in.AuthParameters)
		return cmp.Or(rec.Auth.check(rec.Type), rec.authorize(tx, at, in.Name))
	})
	if err != nil {
		return nil, err
	}
	arn := at.arn(connectionKind, in.Name, rec.ID)
	e.forget(arn)
	return &eventbridgeapi.UpdateConnectionResponse{ConnectionArn: &arn, ConnectionState: eventbridgeapi.ConnectionState(rec.State), CreationTime: &rec.Created,
		LastModifiedTime: &rec.Modified, LastAuthorizedTime: since(rec.Authorized)}, nil
}

// DeauthorizeConnection takes a connection's parameters away.
func (e *Egress) DeauthorizeConnection(ctx context.Context, id aws.Identity, in *eventbridgeapi.DeauthorizeConnectionRequest) (*eventbridgeapi.DeauthorizeConnectionResponse, error) {
	at := here(id)
	rec, err := e.change(ctx, at, in.Name, func(tx store.Tx, rec *connectionRecord) error {
		rec.State, rec.Reason, rec.Modified, rec.Auth = deauthorized, "", tx.Now(), auth{}
		return nil
	})
	if err != nil {
		return nil, err
	}
	arn := at.arn(connectionKind, in.Name, rec.ID)
	e.forget(arn)
	return &eventbridgeapi.DeauthorizeConnectionResponse{ConnectionArn: &arn, ConnectionState: eventbridgeapi.ConnectionState(rec.State), CreationTime: &rec.Created,
		LastModifiedTime: &rec.Modified, LastAuthorizedTime: since(rec.Authorized)}, nil
}

// DeleteConnection deletes a connection. API destinations that use it are INACTIVE from then on.
func (e *Egress) DeleteConnection(ctx context.Context, id aws.Identity, in *eventbridgeapi.DeleteConnectionRequest) (*eventbridgeapi.DeleteConnectionResponse, error) {
	at := here(id)
	rec, err := store.Update(ctx, e.shard(at), func(_ context.Context, tx store.Tx) (connectionRecord, error) {
		key := store.Key(at.connections().Text(in.Name))
		rec, there, err := read[connectionRecord](tx, key)
		if err != nil || !there {
			return rec, cmp.Or(err, noConnection(in.Name))
		}
		tx.Delete(key)
		_, err = timer.Cancel(tx, kindAuthorize, at.arn(connectionKind, in.Name, rec.ID))
		return rec, err
	})
	if err != nil {
		return nil, err
	}
	arn := at.arn(connectionKind, in.Name, rec.ID)
	e.forget(arn)
	return &eventbridgeapi.DeleteConnectionResponse{ConnectionArn: &arn, ConnectionState: eventbridgeapi.ConnectionStateDeleting, CreationTime: &rec.Created,
		LastModifiedTime: &rec.Modified, LastAuthorizedTime: since(rec.Authorized)}, nil
}

// DescribeConnection describes a connection, without its secrets.
func (e *Egress) DescribeConnection(ctx context.Context, id aws.Identity, in *eventbridgeapi.DescribeConnectionRequest) (*eventbridgeapi.DescribeConnectionResponse, error) {
	at := here(id)
	rec, err := e.connection(ctx, at, in.Name)
	if err != nil {
		return nil, err
	}
	secret := aws.MakeARN("secretsmanager", at.region, at.account, "secret:events!connection/"+in.Name+"/"+rec.SecretID+"-"+rec.SecretID[:6]).String()
	return &eventbridgeapi.DescribeConnectionResponse{ConnectionArn: new(at.arn(connectionKind, in.Name, rec.ID)), Name: &in.Name, Description: aws.Some(rec.Description),
		ConnectionState: eventbridgeapi.ConnectionState(rec.State), StateReason: aws.Some(rec.Reason),
		AuthorizationType: eventbridgeapi.ConnectionAuthorizationType(rec.Type), SecretArn: &secret, KmsKeyIdentifier: aws.Some(rec.Key),
		AuthParameters: rec.Auth.shown(rec.Type), CreationTime: &rec.Created, LastModifiedTime: &rec.Modified, LastAuthorizedTime: since(rec.Authorized)}, nil
}

func since(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// connection reads a connection that there must be.
func (e *Egress) connection(ctx context.Context, at place, name string) (connectionRecord, error) {
	return store.View(ctx, e.shard(at), func(_ context.Context, r store.Reader) (connectionRecord, error) {
		rec, there, err := read[connectionRecord](r, store.Key(at.connections().Text(name)))
		if err == nil && !there {
			err = noConnection(name)
		}
		return rec, err
	})
}

// ListConnections lists the connections of the account and region.
func (e *Egress) ListConnections(ctx context.Context, id aws.Identity, in *eventbridgeapi.ListConnectionsRequest) (*eventbridgeapi.ListConnectionsResponse, error) {
	pg, err := newPage(in.Limit, in.NextToken, in.NamePrefix)
	if err != nil {
		return nil, err
	}
	at := here(id)
	return store.View(ctx, e.shard(at), func(_ context.Context, r store.Reader) (*eventbridgeapi.ListConnectionsResponse, error) {
		out := &eventbridgeapi.ListConnectionsResponse{Connections: []eventbridgeapi.Connection{}}
		err := pg.Each(r, at.connections(), func(name string, v store.Value) (bool, error) {
			var rec connectionRecord
			if err := record.Decode(v, version, &rec); err != nil || in.ConnectionState != "" && rec.State != string(in.ConnectionState) {
				return false, err
			}
			out.Connections = append(out.Connections, eventbridgeapi.Connection{ConnectionArn: new(at.arn(connectionKind, name, rec.ID)), Name: &name,
				ConnectionState: eventbridgeapi.ConnectionState(rec.State), StateReason: aws.Some(rec.Reason),
				AuthorizationType: eventbridgeapi.ConnectionAuthorizationType(rec.Type), CreationTime: &rec.Created, LastModifiedTime: &rec.Modified,
				LastAuthorizedTime: since(rec.Authorized)})
			return true, nil
		})
		out.NextToken = pg.Token()
		return out, err
	})
}

// newPage is a page of a listing by name.
func newPage(limit *int32, token, prefix *string) (*page.Page, error) {
	p, err := page.New(page.Size(limit, listLimit), token)
	if err != nil {
		return nil, invalid("Parameter NextToken is not valid. Reason: The token is not one that this operation gave.")
	}
	p.Prefix = aws.Or(prefix, "")
	return p, nil
}
