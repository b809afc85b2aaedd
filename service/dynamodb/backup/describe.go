package backup

import (
	"time"

	api "github.com/brume-dev/brume/api/dynamodbapi"
)

func (rec *Record) details(b id, status api.BackupStatus) *api.BackupDetails {
	size := rec.Bytes
	return &api.BackupDetails{BackupArn: b.ARN(), BackupName: rec.Name, BackupSizeBytes: &size, BackupStatus: status,
		BackupType: rec.kind(), BackupCreationDateTime: rec.Created, BackupExpiryDateTime: rec.expiry()}
}

// kind says who made the backup.
func (rec *Record) kind() api.BackupType {
	if rec.Expires.IsZero() {
		return api.BackupTypeUser
	}
	return api.BackupTypeSystem
}

func (rec *Record) expiry() *time.Time {
	if rec.Expires.IsZero() {
		return nil
	}
	return &rec.Expires
}

func (rec *Record) summary(b id, status api.BackupStatus) api.BackupSummary {
	arn, tableARN := b.ARN(), b.Name.ARN()
	return api.BackupSummary{TableName: &b.Name.Name, TableId: &rec.Table.UUID, TableArn: &tableARN, BackupArn: &arn, BackupName: &rec.Name,
		BackupCreationDateTime: &rec.Created, BackupStatus: status, BackupType: rec.kind(), BackupSizeBytes: &rec.Bytes,
		BackupExpiryDateTime: rec.expiry()}
}

// describe renders the backup and what its table was like.
func (rec *Record) describe(b id, status api.BackupStatus) *api.BackupDescription {
	arn := b.Name.ARN()
	d := rec.Table.Describe(b.Name.Name, arn, api.TableStatusActive, func(uint64) (int64, int64) { return rec.Items, rec.Bytes })
	source := &api.SourceTableDetails{TableName: b.Name.Name, TableId: rec.Table.UUID, TableArn: &arn, TableSizeBytes: &rec.Bytes,
		ItemCount: &rec.Items, KeySchema: d.KeySchema, TableCreationDateTime: rec.Table.Created, OnDemandThroughput: d.OnDemandThroughput,
		ProvisionedThroughput: &api.ProvisionedThroughput{ReadCapacityUnits: rec.Table.Read, WriteCapacityUnits: rec.Table.Write},
		BillingMode:           api.BillingModePayPerRequest}
	if rec.Table.Provisioned {
		source.BillingMode = api.BillingModeProvisioned
	}
	features := &api.SourceTableFeatureDetails{StreamDescription: d.StreamSpecification, SSEDescription: d.SSEDescription}
	for _, x := range d.LocalSecondaryIndexes {
		features.LocalSecondaryIndexes = append(features.LocalSecondaryIndexes, api.LocalSecondaryIndexInfo{IndexName: x.IndexName,
			KeySchema: x.KeySchema, Projection: x.Projection})
	}
	for _, x := range d.GlobalSecondaryIndexes {
		features.GlobalSecondaryIndexes = append(features.GlobalSecondaryIndexes, api.GlobalSecondaryIndexInfo{IndexName: x.IndexName,
			KeySchema: x.KeySchema, Projection: x.Projection, OnDemandThroughput: x.OnDemandThroughput,
			ProvisionedThroughput: &api.ProvisionedThroughput{ReadCapacityUnits: *x.ProvisionedThroughput.ReadCapacityUnits,
				WriteCapacityUnits: *x.ProvisionedThroughput.WriteCapacityUnits}})
	}
	if e := rec.Table.Expiry; e.Attribute != "" {
		features.TimeToLiveDescription = &api.TimeToLiveDescription{TimeToLiveStatus: api.TimeToLiveStatusEnabled, AttributeName: &e.Attribute}
	}
	return &api.BackupDescription{BackupDetails: rec.details(b, status), SourceTableDetails: source, SourceTableFeatureDetails: features}
}
