package transfer

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/dynamodb/definition"
	"github.com/brume-dev/brume/service/dynamodb/table"
	"github.com/brume-dev/brume/shape"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

// importRecord is what is stored of an import.
type importRecord struct {
	State       state        `cbor:"1,keyasint"`
	As          aws.Identity `cbor:"2,keyasint"`
	Token       string       `cbor:"3,keyasint,omitempty"`
	TableID     string       `cbor:"4,keyasint"`
	Table       uint64       `cbor:"5,keyasint"` // its id here
	Bucket      string       `cbor:"6,keyasint"`
	Owner       string       `cbor:"7,keyasint,omitempty"`
	Prefix      string       `cbor:"8,keyasint,omitempty"`
	Format      string       `cbor:"9,keyasint"`
	Compression string       `cbor:"10,keyasint"`
	CSV         *csvRecord   `cbor:"11,keyasint,omitempty"`
	Parameters  []byte       `cbor:"12,keyasint"` // how the table was asked for, as JSON

	// How far it is: all objects up to After, and of the next one, Object, that many records.
	After   string `cbor:"13,keyasint,omitempty"`
	Object  string `cbor:"14,keyasint,omitempty"`
	Records int64  `cbor:"15,keyasint,omitempty"`

	Objects   int64 `cbor:"16,keyasint,omitempty"`
	Bytes     int64 `cbor:"17,keyasint,omitempty"` // of the records, without compression
	Processed int64 `cbor:"18,keyasint,omitempty"`
	Imported  int64 `cbor:"19,keyasint,omitempty"`
	Errors    int64 `cbor:"20,keyasint,omitempty"`
}

type csvRecord struct {
	Delimiter string   `cbor:"1,keyasint,omitempty"`
	Header    []string `cbor:"2,keyasint,omitempty"` // nil: the first record
}

// ImportTable makes a table and begins to put into it what lies in a bucket.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ImportTable.html
func (k *Carrier) ImportTable(ctx context.Context, id aws.Identity, in *api.ImportTableInput) (*api.ImportTableOutput, error) {
	n := table.Name{Account: id.Account, Region: id.Region, Name: in.TableCreationParameters.TableName}
	rec, def, err := k.readImport(id, n, in)
	if err != nil {
		return nil, table.Refused(err)
	}
	q, err := requestOf(id, kindImport, in.ClientToken, in)
	if err != nil {
		return nil, err
	}
	number, err := k.next(ctx)
	if err != nil {
		return nil, err
	}
	return update(ctx, k, n, func(tx store.Tx) (*api.ImportTableOutput, error) {
		made, ok, err := q.done(tx, &api.ImportConflictException{Message: "An import with the same ClientToken but other parameters was requested before"})
		if err == nil && ok {
			var before importRecord
			before, err = findImport(tx, made)
			return &api.ImportTableOutput{ImportTableDescription: before.describe(made)}, err
		}
		if err != nil {
			return nil, err
		}
		if t, err := k.tables.Get(tx, n); err != nil || t != nil {
			if err == nil {
				err = &api.ResourceInUseException{Message: "Table already exists: " + n.Name}
			}
			return nil, err
		}
		now := tx.Now().Truncate(time.Millisecond)
		made = which{n.Account, n.Region, n.Name, label(now, number)}
		rec, def := rec, def
		def.ID, def.Created, def.UUID = number, now, uuidOf("table", n.Account, n.Region, fmt.Sprint(number, now.UnixMilli()))
		def.Restored.Filling = true
		k.tables.Put(tx, n, &def)
		rec.State.Start, rec.TableID, rec.Table = now, def.UUID, def.ID
		tx.Set(made.key(kindImport), record.Encode(version, rec))
		if err := q.remember(tx, kindImport, made); err != nil {
			return nil, err
		}
		return &api.ImportTableOutput{ImportTableDescription: rec.describe(made)},
			timer.Set(tx, timer.Promise{Kind: importKind, Dest: n.Name, Args: record.Encode(version, made)})
	})
}

// readImport checks what needs no table, and makes the definition of the new one.
func (k *Carrier) readImport(id aws.Identity, n table.Name, in *api.ImportTableInput) (rec importRecord, def definition.Record, err error) {
	p := in.TableCreationParameters
	rec = importRecord{As: id, Token: aws.Or(in.ClientToken, ""), Bucket: in.S3BucketSource.S3Bucket, Owner: aws.Or(in.S3BucketSource.S3BucketOwner, ""),
		Prefix: aws.Or(in.S3BucketSource.S3KeyPrefix, ""), Format: string(in.InputFormat), Compression: string(in.InputCompressionType)}
	if rec.Compression == "" {
		rec.Compression = string(api.InputCompressionTypeNone)
	}
	switch {
	case in.InputFormat == api.InputFormatIon:
		return rec, def, noIon()
	case in.InputFormatOptions != nil && in.InputFormatOptions.Csv != nil && in.InputFormat != api.InputFormatCsv:
		return rec, def, table.Invalid("InputFormatOptions.Csv can only be specified when InputFormat is CSV")
	}
	if in.InputFormat == api.InputFormatCsv {
		rec.CSV = &csvRecord{}
		if o := in.InputFormatOptions; o != nil && o.Csv != nil {
			rec.CSV.Delimiter, rec.CSV.Header = aws.Or(o.Csv.Delimiter, ""), o.Csv.HeaderList
		}
	}
	if rec.Parameters, err = shape.AppendJSON(nil, p); err != nil {
		return rec, def, err
	}
	def, err = definition.New(&api.CreateTableInput{TableName: p.TableName, AttributeDefinitions: p.AttributeDefinitions, KeySchema: p.KeySchema,
		BillingMode: p.BillingMode, ProvisionedThroughput: p.ProvisionedThroughput, OnDemandThroughput: p.OnDemandThroughput,
		SSESpecification: p.SSESpecification, GlobalSecondaryIndexes: p.GlobalSecondaryIndexes},
		definition.Place{Account: n.Account, Region: n.Region}, k.managedKey(n))
	return rec, def, err
}

func findImport(r store.Reader, w which) (rec importRecord, err error) {
	v, ok, err := r.Get(w.key(kindImport))
	if err == nil && !ok {
		err = &api.ImportNotFoundException{Message: "Import not found: " + w.arn(kindImport)}
	}
	if err != nil {
		return rec, err
	}
	return rec, record.Decode(v, version, &rec)
}

// logGroup is where the errors of imports are logged.
const logGroup = "/aws-dynamodb/imports"

func (rec *importRecord) logARN(w which) *string {
	return aws.Some(aws.MakeARN("logs", w.Region, w.Account, "log-group:"+logGroup+":*").String())
}

func (rec *importRecord) source() *api.S3BucketSource {
	return &api.S3BucketSource{S3Bucket: rec.Bucket, S3BucketOwner: aws.Some(rec.Owner), S3KeyPrefix: aws.Some(rec.Prefix)}
}

// describe renders the import.
func (rec *importRecord) describe(w which) *api.ImportTableDescription {
	d := &api.ImportTableDescription{ImportArn: aws.Some(w.arn(kindImport)), ImportStatus: api.ImportStatus(rec.State.status()), TableArn: aws.Some(w.name().ARN()),
		TableId: &rec.TableID, ClientToken: aws.Some(rec.Token), S3BucketSource: rec.source(), ErrorCount: &rec.Errors, CloudWatchLogGroupArn: rec.logARN(w),
		InputFormat: api.InputFormat(rec.Format), InputCompressionType: api.InputCompressionType(rec.Compression), StartTime: &rec.State.Start,
		EndTime: rec.State.end(), ProcessedSizeBytes: &rec.Bytes, ProcessedItemCount: &rec.Processed, ImportedItemCount: &rec.Imported,
		FailureCode: aws.Some(rec.State.Code), FailureMessage: aws.Some(rec.State.Message)}
	if rec.CSV != nil && (rec.CSV.Delimiter != "" || rec.CSV.Header != nil) {
		d.InputFormatOptions = &api.InputFormatOptions{Csv: &api.CsvOptions{Delimiter: aws.Some(rec.CSV.Delimiter), HeaderList: rec.CSV.Header}}
	}
	var p api.TableCreationParameters
	if _, err := shape.DecodeJSON(rec.Parameters, &p); err == nil { // it is what we wrote
		d.TableCreationParameters = &p
	}
	return d
}

// DescribeImport says how far an import is.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeImport.html
func (k *Carrier) DescribeImport(ctx context.Context, _ aws.Identity, in *api.DescribeImportInput) (*api.DescribeImportOutput, error) {
	w, ok := parse(kindImport, in.ImportArn)
	if !ok {
		return nil, table.Invalid("Invalid ImportArn: " + in.ImportArn)
	}
	return view(ctx, k, w.name(), func(r store.Reader) (*api.DescribeImportOutput, error) {
		rec, err := findImport(r, w)
		if err != nil {
			return nil, err
		}
		return &api.DescribeImportOutput{ImportTableDescription: rec.describe(w)}, nil
	})
}

// tokenWidth is the least length of a NextToken of ListImports, in bytes before they are written as hexadecimal.
const tokenWidth = 56

// placeToken is the NextToken that goes on after an import: the model wants hexadecimal in groups of 16.
func placeToken(w which) *string {
	b := []byte(w.Table + "\x00" + w.Label + "\x00")
	for len(b) < tokenWidth || len(b)%8 != 0 {
		b = append(b, 0)
	}
	return new(hex.EncodeToString(b))
}

func readPlaceToken(at table.Name, token string) (which, error) {
	b, err := hex.DecodeString(token)
	parts := strings.SplitN(string(b), "\x00", 3)
	if err != nil || len(parts) != 3 || strings.Trim(parts[2], "\x00") != "" {
		return which{}, table.Invalid("Invalid NextToken")
	}
	return which{at.Account, at.Region, parts[0], parts[1]}, nil
}

// ListImports lists the imports of the last 90 days, into all tables or into one.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ListImports.html
func (k *Carrier) ListImports(ctx context.Context, id aws.Identity, in *api.ListImportsInput) (*api.ListImportsOutput, error) {
	prefix, within, at, err := listing(kindImport, id, in.TableArn)
	if err != nil {
		return nil, err
	}
	if in.NextToken != nil {
		last, err := readPlaceToken(at, *in.NextToken)
		if err != nil {
			return nil, err
		}
		within = store.Tuple(last.key(kindImport)).After(within)
	}
	limit := int(aws.Or(in.PageSize, listed))
	return view(ctx, k, at, func(r store.Reader) (*api.ListImportsOutput, error) {
		out := &api.ListImportsOutput{ImportSummaryList: []api.ImportSummary{}}
		pairs, done := r.Scan(within, store.ScanOpt{Limit: limit + 1})
		var w which
		for kv := range pairs {
			if len(out.ImportSummaryList) == limit {
				out.NextToken = placeToken(w)
				break
			}
			var rec importRecord
			if err := record.Decode(kv.Value, version, &rec); err != nil {
				return nil, err
			}
			e := store.Decode(kv.Key, len(prefix))
			w = which{at.Account, at.Region, e.Text(), e.Text()}
			out.ImportSummaryList = append(out.ImportSummaryList, api.ImportSummary{ImportArn: aws.Some(w.arn(kindImport)),
				ImportStatus: api.ImportStatus(rec.State.status()), TableArn: aws.Some(w.name().ARN()), S3BucketSource: rec.source(),
				CloudWatchLogGroupArn: rec.logARN(w), InputFormat: api.InputFormat(rec.Format), StartTime: &rec.State.Start, EndTime: rec.State.end()})
		}
		return out, done()
	})
}
