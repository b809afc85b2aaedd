package definition

import (
	"slices"
	"time"

	api "github.com/brume-dev/brume/api/dynamodbapi"
)

// Change says what an Update asks for beside the new record.
type Change struct {
	Created uint64 // the id of an index to be filled, 0: none
	Deleted uint64 // the id of an index to be erased, 0: none
	Stream  bool   // the stream was enabled or disabled
}

// Update applies an UpdateTable to a copy of the record.
func (rec Record) Update(in *api.UpdateTableInput, at Place, managed string, now time.Time) (Record, Change, error) {
	var c Change
	if in.StreamSpecification != nil && in.ProvisionedThroughput != nil {
		return rec, c, problem(invalidValues + "You cannot modify stream status while updating table IOPS")
	}
	rec.Globals = slices.Clone(rec.Globals)
	if err := rec.define(in.AttributeDefinitions); err != nil {
		return rec, c, err
	}
	if err := rec.changeBilling(in, now); err != nil {
		return rec, c, err
	}
	own := rec.OwnThroughput()
	if err := own.setOnDemand(in.OnDemandThroughput, rec.Provisioned); err != nil {
		return rec, c, err
	}
	if err := own.raiseWarm(in.WarmThroughput, "table", rec.Provisioned); err != nil {
		return rec, c, err
	}
	rec.setThroughput(own)
	if in.DeletionProtectionEnabled != nil {
		rec.Protected = *in.DeletionProtectionEnabled
	}
	if t := string(in.TableClass); t != "" && t != rec.Class {
		rec.Class, rec.ClassChanged = t, now
	}
	if err := rec.changeStream(in.StreamSpecification, &c); err != nil {
		return rec, c, err
	}
	if err := rec.changeIndexes(in, &c); err != nil {
		return rec, c, err
	}
	rec.Prune()
	return rec, c, rec.setEncryption(in.SSESpecification, at, managed)
}

// Asks reports whether an UpdateTable asks for anything.
func Asks(in *api.UpdateTableInput) bool {
	return in.BillingMode != "" || in.ProvisionedThroughput != nil || in.SSESpecification != nil || in.TableClass != "" ||
		in.DeletionProtectionEnabled != nil || in.OnDemandThroughput != nil || in.WarmThroughput != nil ||
		in.StreamSpecification != nil || len(in.GlobalSecondaryIndexUpdates) > 0
}

// changeBilling changes the billing mode and the provisioned units of the table and its indexes.
func (rec *Record) changeBilling(in *api.UpdateTableInput, now time.Time) error {
	mode, before := in.BillingMode, *rec
	if mode == "" {
		mode = api.BillingModeProvisioned
		if !rec.Provisioned {
			mode = api.BillingModePayPerRequest
		}
	}
	if in.ProvisionedThroughput != nil || (mode == api.BillingModeProvisioned) != rec.Provisioned {
		if err := rec.setBilling(mode, in.ProvisionedThroughput); err != nil {
			return err
		}
	}
	switch {
	case !rec.Provisioned && before.Provisioned:
		rec.OnDemandSince = now
		for i := range rec.Globals {
			rec.Globals[i].Throughput.Read, rec.Globals[i].Throughput.Write = 0, 0
		}
	case rec.Provisioned && !before.Provisioned:
		rec.MaxRead, rec.MaxWrite, rec.BillingReported = 0, 0, true
	}
	if rec.Provisioned && in.ProvisionedThroughput != nil {
		own := before.OwnThroughput()
		own.MaxRead, own.MaxWrite = rec.MaxRead, rec.MaxWrite
		if err := own.provision(in.ProvisionedThroughput, "table", before.Provisioned, now); err != nil {
			return err
		}
		rec.setThroughput(own)
	}
	return rec.changeIndexThroughput(in, before.Provisioned, now)
}

// changeIndexThroughput applies the Update members of GlobalSecondaryIndexUpdates.
func (rec *Record) changeIndexThroughput(in *api.UpdateTableInput, wasProvisioned bool, now time.Time) error {
	seen := map[string]bool{}
	for _, u := range in.GlobalSecondaryIndexUpdates {
		if u.Update == nil {
			continue
		}
		name := u.Update.IndexName
		x := rec.Global(name)
		if x == nil {
			return &api.ResourceNotFoundException{Message: "Requested resource not found"}
		}
		if seen[name] {
			return problem(invalidValues + "Only one global secondary index update per index is allowed simultaneously. Index: " + name)
		}
		seen[name] = true
		if p := u.Update.ProvisionedThroughput; p != nil {
			if !rec.Provisioned {
				return problem(invalidValues + "ProvisionedThroughput should not be specified for index: " + name + " when BillingMode is PAY_PER_REQUEST")
			}
			if err := x.Throughput.provision(p, "index "+name, wasProvisioned, now); err != nil {
				return err
			}
		}
		if err := x.Throughput.raiseWarm(u.Update.WarmThroughput, "index "+name, rec.Provisioned); err != nil {
			return err
		}
		if err := x.Throughput.setOnDemand(u.Update.OnDemandThroughput, rec.Provisioned); err != nil {
			return err
		}
	}
	for i := range rec.Globals {
		if x := &rec.Globals[i]; rec.Provisioned && x.Throughput.Read == 0 {
			return problem(invalidValues + "ProvisionedThroughput must be specified for index: " + x.Name)
		}
	}
	return nil
}

// changeStream enables or disables the stream.
func (rec *Record) changeStream(spec *api.StreamSpecification, c *Change) error {
	switch {
	case spec == nil:
		return nil
	case spec.StreamEnabled && rec.Stream.Enabled:
		return problem("Table already has an enabled stream: TableName: ")
	case !spec.StreamEnabled && !rec.Stream.Enabled && spec.StreamViewType == "":
		return problem("Table is already disabled for streams: TableName: ")
	}
	if err := rec.setStream(spec); err != nil {
		return err
	}
	if !spec.StreamEnabled {
		rec.Stream.Enabled = false
	}
	c.Stream = true
	return nil
}

// changeIndexes creates or deletes one index.
func (rec *Record) changeIndexes(in *api.UpdateTableInput, c *Change) error {
	for _, u := range in.GlobalSecondaryIndexUpdates {
		n := 0
		for _, given := range []bool{u.Create != nil, u.Update != nil, u.Delete != nil} {
			if given {
				n++
			}
		}
		switch {
		case n != 1:
			return problem(invalidValues + "One of GlobalSecondaryIndexUpdate.Create, GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Delete must be specified")
		case u.Update != nil:
			continue
		case c.Created != 0 || c.Deleted != 0:
			return oneAtATime()
		case u.Create != nil:
			if err := rec.createIndex(u.Create, in.AttributeDefinitions, c); err != nil {
				return err
			}
		default:
			if err := rec.deleteIndex(u.Delete.IndexName, c); err != nil {
				return err
			}
		}
	}
	return nil
}

func oneAtATime() error {
	return &api.LimitExceededException{Message: "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table"}
}

// busy reports whether an index other than that of the given name is being made or deleted.
func (rec *Record) busy(but string) bool {
	return slices.ContainsFunc(rec.Globals, func(x Index) bool { return x.Status != Active && x.Name != but })
}

// definedHere refuses a new index on attributes that the request itself does not define, whatever the table has.
func definedHere(definitions []api.AttributeDefinition, schema []api.KeySchemaElement) error {
	var keys, defined []string
	for _, a := range definitions {
		defined = append(defined, a.AttributeName)
	}
	missing := false
	for _, k := range schema {
		keys = append(keys, k.AttributeName)
		missing = missing || !slices.Contains(defined, k.AttributeName)
	}
	if missing {
		return undefinedKeys(keys, defined)
	}
	return nil
}

func (rec *Record) createIndex(d *api.CreateGlobalSecondaryIndexAction, definitions []api.AttributeDefinition, c *Change) error {
	if rec.Global(d.IndexName) != nil {
		return problem("Attempting to create an index which already exists")
	}
	if rec.busy("") {
		return oneAtATime()
	}
	if err := definedHere(definitions, d.KeySchema); err != nil {
		return err
	}
	x, err := rec.newIndex(d.IndexName, d.KeySchema, d.Projection)
	if err != nil {
		return err
	}
	if err := x.setGlobal(rec.Provisioned, d.ProvisionedThroughput, d.OnDemandThroughput, d.WarmThroughput); err != nil {
		return err
	}
	x.Status = Creating
	rec.Globals = append(rec.Globals, x)
	c.Created = x.ID
	return rec.checkCounts()
}

func (rec *Record) deleteIndex(name string, c *Change) error {
	x := rec.Global(name)
	switch {
	case x == nil:
		return &api.ResourceNotFoundException{Message: "Requested resource not found"}
	case rec.busy(name):
		return oneAtATime()
	case x.Status == Deleting || x.Status == Creating && !x.Filling:
		return &api.ResourceInUseException{Message: "Attempt to change a resource which is still in use: Index is being updated: " + name}
	}
	x.Status, x.Filling = Deleting, false
	c.Deleted = x.ID
	return nil
}

// Drop takes an index out of a copy of the record.
func (rec Record) Drop(id uint64) Record {
	rec.Globals = slices.DeleteFunc(slices.Clone(rec.Globals), func(x Index) bool { return x.ID == id })
	rec.Prune()
	return rec
}
