package provision

import (
	"context"
	"time"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/lambda/fault"
	"github.com/brume-dev/brume/service/lambda/keys"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/timer"
)

// record is the provisioned concurrency of an alias or version. How far it has come is for the fleet to say.
type record struct {
	Requested int32     `cbor:"1,keyasint"`
	Modified  time.Time `cbor:"2,keyasint"`
}

// timeFormat is how the times of settings are written.
const timeFormat = "2006-01-02T15:04:05-0700"

// concurrentLimit and minUnreserved are the account's: https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html
const (
	concurrentLimit = 1000
	minUnreserved   = 100
)

// find resolves what provisioned concurrency can be for: a published version or an alias.
func find(id aws.Identity, name, qualifier string) (keys.Place, error) {
	p, err := keys.Find(id, name, &qualifier)
	if err == nil && p.Wanted() == keys.Latest {
		err = fault.Invalid("Provisioned Concurrency Configs cannot be applied to unpublished function versions.")
	}
	return p, err
}

// PutProvisionedConcurrencyConfig has environments of a version or alias initialised ahead.
// https://docs.aws.amazon.com/lambda/latest/api/API_PutProvisionedConcurrencyConfig.html
func (s *Provisions) PutProvisionedConcurrencyConfig(ctx context.Context, id aws.Identity, in *lambdaapi.PutProvisionedConcurrencyConfigRequest) (*lambdaapi.PutProvisionedConcurrencyConfigResponse, error) {
	p, err := find(id, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	if err := p.Shard(s.Store).View(ctx, func(_ context.Context, r store.Reader) error { _, err := s.functions.Target(r, p); return err }); err != nil {
		return nil, err
	}
	// The directory comes first: what it names too much is nothing.
	if err := s.direct(ctx, p, true); err != nil {
		return nil, err
	}
	c, err := store.Update(ctx, p.Shard(s.Store), func(_ context.Context, tx store.Tx) (*record, error) {
		target, err := s.functions.Target(tx, p)
		if err != nil {
			return nil, err
		}
		if err := s.alone(tx, p, target); err != nil {
			return nil, err
		}
		before, err := keys.Get[record](tx, p.Provision(p.Name, p.Qualifier))
		if err != nil {
			return nil, err
		}
		change := in.ProvisionedConcurrentExecutions
		if before != nil {
			change -= before.Requested
		}
		if err := allot(tx, p, target.Reserved, change); err != nil {
			return nil, err
		}
		c := &record{Requested: in.ProvisionedConcurrentExecutions, Modified: tx.Now()}
		tx.Set(p.Provision(p.Name, p.Qualifier), keys.Encode(c))
		tx.OnCommit(func(store.Commit) { s.Wake() })
		return c, nil
	})
	// And again, should an earlier setting have been forgotten meanwhile.
	if err == nil {
		err = s.direct(ctx, p, true)
	}
	if err != nil {
		return nil, err
	}
	return &lambdaapi.PutProvisionedConcurrencyConfigResponse{RequestedProvisionedConcurrentExecutions: &c.Requested,
		AllocatedProvisionedConcurrentExecutions: new(int32), AvailableProvisionedConcurrentExecutions: new(int32),
		Status: lambdaapi.ProvisionedConcurrencyStatusEnumInProgress, LastModified: new(c.Modified.UTC().Format(timeFormat))}, nil
}

// direct notes in the directory, for the loop, that there may be a setting for p, or that there is none.
func (s *Provisions) direct(ctx context.Context, p keys.Place, there bool) error {
	_, err := s.Store.Shard(store.Global()).Update(ctx, func(_ context.Context, tx store.Tx) error {
		key := keys.Provisioned().Text(p.Account).Text(p.Region).Text(p.Name).Text(p.Qualifier)
		if !there {
			tx.Delete(store.Key(key))
			return nil
		}
		tx.Set(store.Key(key), store.Value{1})
		return nil
	})
	return err
}

// forgotten is the arguments of the promise to forget a setting.
type forgotten struct {
	Account   string `cbor:"1,keyasint"`
	Region    string `cbor:"2,keyasint"`
	Name      string `cbor:"3,keyasint"`
	Qualifier string `cbor:"4,keyasint"`
}

// forget keeps the promise, unless there is a new setting.
func (s *Provisions) forget(ctx context.Context, k *timer.Kept) error {
	var g forgotten
	if err := keys.Decode(k.Args, &g); err != nil {
		return err
	}
	p := keys.Place{Space: keys.Of(g.Account, g.Region), Name: g.Name, Qualifier: g.Qualifier}
	c, err := store.View(ctx, p.Shard(s.Store), func(_ context.Context, r store.Reader) (*record, error) {
		return keys.Get[record](r, p.Provision(p.Name, p.Qualifier))
	})
	if err != nil || c != nil {
		return err
	}
	return s.direct(ctx, p, false)
}

// alone refuses settings for a version and for an alias of it at once.
func (s *Provisions) alone(r store.Reader, p keys.Place, target *Target) error {
	mine := map[string]bool{}
	for _, v := range target.Versions {
		mine[v.Key.Version] = true
	}
	t := p.Provisions(p.Name)
	pairs, done := r.Scan(t.Range(), store.ScanOpt{})
	for kv := range pairs {
		q := p
		if q.Qualifier = store.Decode(kv.Key, len(t)).Text(); q.Qualifier == p.Qualifier {
			continue
		}
		other, err := s.functions.Target(r, q)
		if err != nil {
			return err
		}
		for _, v := range other.Versions {
			if !mine[v.Key.Version] {
				continue
			}
			if _, version := keys.Number(p.Qualifier); version {
				return fault.Invalid("Version is pointed by a Provisioned Concurrency alias")
			}
			return fault.Invalid("Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version")
		}
	}
	return done()
}

// allot takes concurrency from the function's reserve or, when it has none, from what the account has not reserved.
func allot(tx store.Tx, p keys.Place, reserved *int32, change int32) error {
	if reserved != nil {
		sum, err := Sum(tx, p)
		if err == nil && sum+change > *reserved {
			err = fault.Invalid("Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function")
		}
		return err
	}
	taken, _, err := tx.Get(p.Reserved())
	if err == nil && concurrentLimit-(store.ReadCounter(taken)+int64(change)) < minUnreserved {
		err = fault.Invalid("Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "+
			"below its minimum value of [%d].", minUnreserved)
	}
	tx.Add(p.Reserved(), int64(change))
	return err
}

// Sum is how much is provisioned for a function.
func Sum(r store.Reader, p keys.Place) (sum int32, err error) {
	pairs, done := r.Scan(p.Provisions(p.Name).Range(), store.ScanOpt{})
	for kv := range pairs {
		var c record
		if err := keys.Decode(kv.Value, &c); err != nil {
			return 0, err
		}
		sum += c.Requested
	}
	return sum, done()
}

// Delete takes, in the transaction that deletes a version or alias, its setting away, or with the qualifier "" those of the
// whole function. reserved is the function's reserved concurrency.
func (s *Provisions) Delete(tx store.Tx, p keys.Place, reserved *int32) error {
	t := p.Provisions(p.Name)
	pairs, done := tx.Scan(t.Range(), store.ScanOpt{})
	for kv := range pairs {
		q := store.Decode(kv.Key, len(t)).Text()
		if p.Qualifier != "" && q != p.Qualifier {
			continue
		}
		var c record
		if err := keys.Decode(kv.Value, &c); err != nil {
			return err
		}
		if tx.Delete(kv.Key); reserved == nil {
			tx.Add(p.Reserved(), -int64(c.Requested))
		}
		if err := timer.Set(tx, timer.Promise{Kind: kindForget, ID: p.Space.ARN(p.Name, q),
			Args: keys.Encode(forgotten{Account: p.Account, Region: p.Region, Name: p.Name, Qualifier: q})}); err != nil {
			return err
		}
		tx.OnCommit(func(store.Commit) { s.Wake() })
	}
	return done()
}

// DeleteProvisionedConcurrencyConfig takes the setting away.
// https://docs.aws.amazon.com/lambda/latest/api/API_DeleteProvisionedConcurrencyConfig.html
func (s *Provisions) DeleteProvisionedConcurrencyConfig(ctx context.Context, id aws.Identity, in *lambdaapi.DeleteProvisionedConcurrencyConfigRequest) (*lambdaapi.DeleteProvisionedConcurrencyConfigOutput, error) {
	p, err := find(id, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	_, err = p.Shard(s.Store).Update(ctx, func(_ context.Context, tx store.Tx) error {
		target, err := s.functions.Target(tx, p)
		if err != nil {
			return err
		}
		return s.Delete(tx, p, target.Reserved)
	})
	return new(lambdaapi.DeleteProvisionedConcurrencyConfigOutput), err
}

// GetProvisionedConcurrencyConfig says how far a setting has come.
// https://docs.aws.amazon.com/lambda/latest/api/API_GetProvisionedConcurrencyConfig.html
func (s *Provisions) GetProvisionedConcurrencyConfig(ctx context.Context, id aws.Identity, in *lambdaapi.GetProvisionedConcurrencyConfigRequest) (*lambdaapi.GetProvisionedConcurrencyConfigResponse, error) {
	p, err := find(id, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	return store.View(ctx, p.Shard(s.Store), func(_ context.Context, r store.Reader) (*lambdaapi.GetProvisionedConcurrencyConfigResponse, error) {
		target, err := s.functions.Target(r, p)
		if err != nil {
			return nil, err
		}
		c, err := keys.Get[record](r, p.Provision(p.Name, p.Qualifier))
		if err == nil && c == nil {
			err = &lambdaapi.ProvisionedConcurrencyConfigNotFoundException{Type: fault.User(),
				Message: "No Provisioned Concurrency Config found for this function"}
		}
		if err != nil {
			return nil, err
		}
		d := s.describe(p, c, target)
		return &lambdaapi.GetProvisionedConcurrencyConfigResponse{RequestedProvisionedConcurrentExecutions: d.RequestedProvisionedConcurrentExecutions,
			AvailableProvisionedConcurrentExecutions: d.AvailableProvisionedConcurrentExecutions,
			AllocatedProvisionedConcurrentExecutions: d.AllocatedProvisionedConcurrentExecutions,
			Status:                                   d.Status, StatusReason: d.StatusReason, LastModified: d.LastModified}, nil
	})
}

// describe says what there is of a setting.
func (s *Provisions) describe(p keys.Place, c *record, target *Target) *lambdaapi.ProvisionedConcurrencyConfigListItem {
	have, free, reason := int32(0), int32(0), ""
	for _, v := range target.split(int(c.Requested)) {
		all, busy := s.Fleet.Provisioned(v.key)
		have += int32(min(all, v.n))
		free += int32(max(min(all, v.n)-busy, 0))
		if all < v.n && reason == "" {
			s.mu.Lock()
			reason = s.problems[v.key].text
			s.mu.Unlock()
		}
	}
	out := &lambdaapi.ProvisionedConcurrencyConfigListItem{FunctionArn: new(p.ARN()), RequestedProvisionedConcurrentExecutions: &c.Requested,
		AvailableProvisionedConcurrentExecutions: &free, AllocatedProvisionedConcurrentExecutions: &have,
		Status: lambdaapi.ProvisionedConcurrencyStatusEnumInProgress, LastModified: new(c.Modified.UTC().Format(timeFormat))}
	switch {
	case have >= c.Requested:
		out.Status = lambdaapi.ProvisionedConcurrencyStatusEnumReady
	case reason != "":
		out.Status, out.StatusReason = lambdaapi.ProvisionedConcurrencyStatusEnumFailed, &reason
	}
	return out
}

// ListProvisionedConcurrencyConfigs lists the settings of a function.
// https://docs.aws.amazon.com/lambda/latest/api/API_ListProvisionedConcurrencyConfigs.html
func (s *Provisions) ListProvisionedConcurrencyConfigs(ctx context.Context, id aws.Identity, in *lambdaapi.ListProvisionedConcurrencyConfigsRequest) (*lambdaapi.ListProvisionedConcurrencyConfigsResponse, error) {
	configs, next, err := keys.Listing[lambdaapi.ProvisionedConcurrencyConfigListItem]{Store: s.Store, ID: id, Function: in.FunctionName, Marker: in.Marker,
		MaxItems: in.MaxItems, Keys: func(p keys.Place) store.Tuple { return p.Provisions(p.Name) }, Item: s.item,
		Find: func(r store.Reader, p keys.Place) error { _, err := s.functions.Target(r, p); return err }}.Read(ctx)
	if err != nil {
		return nil, err
	}
	return &lambdaapi.ListProvisionedConcurrencyConfigsResponse{ProvisionedConcurrencyConfigs: configs, NextMarker: next}, nil
}

// item describes what is set for q as lists have it.
func (s *Provisions) item(r store.Reader, q keys.Place, v store.Value) (item lambdaapi.ProvisionedConcurrencyConfigListItem, err error) {
	var c record
	if err := keys.Decode(v, &c); err != nil {
		return item, err
	}
	target, err := s.functions.Target(r, q)
	if err == nil {
		item = *s.describe(q, &c, target)
	}
	return item, err
}
