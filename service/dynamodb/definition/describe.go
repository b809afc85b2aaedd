package definition

import (
	"time"

	api "github.com/brume-dev/brume/api/dynamodbapi"
)

// Counts are the number of items and their bytes, of the table (id 0) or an index.
type Counts func(index uint64) (items, bytes int64)

// Describe renders the table as DescribeTable does.
func (rec *Record) Describe(name, arn string, status api.TableStatus, counts Counts) *api.TableDescription {
	items, size := counts(0)
	own := rec.OwnThroughput()
	read, write := own.warm(rec.Provisioned)
	d := &api.TableDescription{
		TableName: &name, TableStatus: status, CreationDateTime: &rec.Created, TableArn: &arn, TableId: &rec.UUID,
		KeySchema: schemaOf([]string{rec.Hash}, rec.Sort), ItemCount: &items, TableSizeBytes: &size,
		DeletionProtectionEnabled: &rec.Protected, ProvisionedThroughput: own.describe(),
		WarmThroughput: &api.TableWarmThroughputDescription{ReadUnitsPerSecond: &read, WriteUnitsPerSecond: &write,
			Status: api.TableStatusActive},
		OnDemandThroughput: own.onDemand(),
	}
	for _, a := range rec.Attributes {
		d.AttributeDefinitions = append(d.AttributeDefinitions,
			api.AttributeDefinition{AttributeName: a.Name, AttributeType: api.ScalarAttributeType(a.Type)})
	}
	rec.describeIndexes(d, arn, counts)
	rec.describeSettings(d)
	if rec.Stream.Enabled {
		d.StreamSpecification = &api.StreamSpecification{StreamEnabled: true, StreamViewType: api.StreamViewType(rec.Stream.View)}
	}
	if rec.Stream.Label != "" {
		label, streamARN := rec.Stream.Label, arn+"/stream/"+rec.Stream.Label
		d.LatestStreamLabel, d.LatestStreamArn = &label, &streamARN
	}
	return d
}

func (rec *Record) describeIndexes(d *api.TableDescription, arn string, counts Counts) {
	for i := range rec.Locals {
		x := &rec.Locals[i]
		items, size := counts(x.ID)
		indexARN := arn + "/index/" + x.Name
		d.LocalSecondaryIndexes = append(d.LocalSecondaryIndexes, api.LocalSecondaryIndexDescription{IndexName: &x.Name,
			KeySchema: schemaOf(x.Hash, x.Sort...), Projection: x.projection(), ItemCount: &items, IndexSizeBytes: &size, IndexArn: &indexARN})
	}
	for i := range rec.Globals {
		x := &rec.Globals[i]
		items, size := counts(x.ID)
		read, write := x.Throughput.warm(rec.Provisioned)
		indexARN := arn + "/index/" + x.Name
		g := api.GlobalSecondaryIndexDescription{IndexName: &x.Name, KeySchema: schemaOf(x.Hash, x.Sort...), Projection: x.projection(),
			IndexStatus: api.IndexStatusActive, ItemCount: &items, IndexSizeBytes: &size, IndexArn: &indexARN,
			ProvisionedThroughput: x.Throughput.describe(), OnDemandThroughput: x.Throughput.onDemand(),
			WarmThroughput: &api.GlobalSecondaryIndexWarmThroughputDescription{ReadUnitsPerSecond: &read, WriteUnitsPerSecond: &write,
				Status: api.IndexStatusActive}}
		switch x.Status {
		case Creating:
			filling := x.Filling
			g.IndexStatus, g.Backfilling = api.IndexStatusCreating, &filling
		case Deleting:
			g.IndexStatus = api.IndexStatusDeleting
		}
		d.GlobalSecondaryIndexes = append(d.GlobalSecondaryIndexes, g)
	}
}

func (x *Index) projection() *api.Projection {
	return &api.Projection{ProjectionType: api.ProjectionType(x.Projection), NonKeyAttributes: x.NonKey}
}

func schemaOf(hash []string, sort ...string) []api.KeySchemaElement {
	var out []api.KeySchemaElement
	for _, name := range hash {
		out = append(out, api.KeySchemaElement{AttributeName: name, KeyType: api.KeyTypeHash})
	}
	for _, name := range sort {
		if name != "" {
			out = append(out, api.KeySchemaElement{AttributeName: name, KeyType: api.KeyTypeRange})
		}
	}
	return out
}

func (t Throughput) describe() *api.ProvisionedThroughputDescription {
	return &api.ProvisionedThroughputDescription{NumberOfDecreasesToday: &t.DecreasesToday, ReadCapacityUnits: &t.Read,
		WriteCapacityUnits: &t.Write, LastIncreaseDateTime: unlessZero(t.Increased), LastDecreaseDateTime: unlessZero(t.Decreased)}
}

// onDemand shows the limits on demand when there are any.
func (t Throughput) onDemand() *api.OnDemandThroughput {
	if t.MaxRead == 0 && t.MaxWrite == 0 {
		return nil
	}
	unlimited := func(n int64) *int64 {
		if n == 0 {
			n = -1
		}
		return &n
	}
	return &api.OnDemandThroughput{MaxReadRequestUnits: unlimited(t.MaxRead), MaxWriteRequestUnits: unlimited(t.MaxWrite)}
}

// describeSettings adds what is there only when it was chosen.
func (rec *Record) describeSettings(d *api.TableDescription) {
	if rec.BillingReported {
		d.BillingModeSummary = &api.BillingModeSummary{BillingMode: api.BillingModePayPerRequest,
			LastUpdateToPayPerRequestDateTime: unlessZero(rec.OnDemandSince)}
		if rec.Provisioned {
			d.BillingModeSummary.BillingMode = api.BillingModeProvisioned
		}
	}
	if rec.Class != "" {
		d.TableClassSummary = &api.TableClassSummary{TableClass: api.TableClass(rec.Class), LastUpdateDateTime: unlessZero(rec.ClassChanged)}
	}
	if rec.KMSKey != "" {
		d.SSEDescription = &api.SSEDescription{Status: api.SSEStatusEnabled, SSEType: api.SSETypeKms, KMSMasterKeyArn: &rec.KMSKey}
	}
	if r := rec.Restored; r.Table != "" {
		d.RestoreSummary = &api.RestoreSummary{RestoreDateTime: r.Time, RestoreInProgress: r.Filling, SourceTableArn: &r.Table}
		if r.Backup != "" {
			d.RestoreSummary.SourceBackupArn = &r.Backup
		}
	}
}

// Today has a description count the decreases of the day that it is, and none of days before.
func Today(d *api.TableDescription, now time.Time) {
	forget := func(p *api.ProvisionedThroughputDescription) {
		if p.LastDecreaseDateTime != nil && !sameDay(*p.LastDecreaseDateTime, now) {
			p.NumberOfDecreasesToday = new(int64(0))
		}
	}
	forget(d.ProvisionedThroughput)
	for i := range d.GlobalSecondaryIndexes {
		forget(d.GlobalSecondaryIndexes[i].ProvisionedThroughput)
	}
}

func unlessZero(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
