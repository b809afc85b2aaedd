package transfer

import (
	"context"
	"time"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/dynamodb/table"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// The window of an incremental export.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport_Requesting.html
const (
	minWindow = 15 * time.Minute
	maxWindow = 24 * time.Hour
)

// exportRecord is what is stored of an export.
type exportRecord struct {
	State   state         `cbor:"1,keyasint"`
	As      aws.Identity  `cbor:"2,keyasint"`
	Token   string        `cbor:"3,keyasint,omitempty"`
	TableID string        `cbor:"4,keyasint"`
	Time    time.Time     `cbor:"5,keyasint,omitzero"` // of a full export
	Type    string        `cbor:"6,keyasint"`
	Window  *windowRecord `cbor:"7,keyasint,omitempty"` // of an incremental one
	Bucket  string        `cbor:"8,keyasint"`
	Owner   string        `cbor:"9,keyasint,omitempty"`
	Prefix  string        `cbor:"10,keyasint,omitempty"`
	SSE     string        `cbor:"11,keyasint,omitempty"`
	Key     string        `cbor:"12,keyasint,omitempty"` // of KMS
	Items   int64         `cbor:"13,keyasint,omitempty"`
	Bytes   int64         `cbor:"14,keyasint,omitempty"`

	// How far it is: the files that have been written, and the place in the copy after them.
	Files uint64 `cbor:"15,keyasint,omitempty"`
	Place []byte `cbor:"16,keyasint,omitempty"`
	Whole bool   `cbor:"17,keyasint,omitempty"`
}

type windowRecord struct {
	From time.Time `cbor:"1,keyasint"`
	To   time.Time `cbor:"2,keyasint"`
	View string    `cbor:"3,keyasint"`
}

// ExportTableToPointInTime begins to write a table as it was at a time, or what has changed in it, to a bucket.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ExportTableToPointInTime.html
func (k *Carrier) ExportTableToPointInTime(ctx context.Context, id aws.Identity, in *api.ExportTableToPointInTimeInput) (*api.ExportTableToPointInTimeOutput, error) {
	n, err := table.ParseARN(in.TableArn)
	if err != nil {
		return nil, err
	}
	rec, err := readExport(id, in)
	if err != nil {
		return nil, err
	}
	q, err := requestOf(id, kindExport, in.ClientToken, in)
	if err != nil {
		return nil, err
	}
	ids := [2]uint64{}
	for i := range ids {
		if ids[i], err = k.next(ctx); err != nil {
			return nil, err
		}
	}
	return update(ctx, k, n, func(tx store.Tx) (*api.ExportTableToPointInTimeOutput, error) {
		made, ok, err := q.done(tx, &api.ExportConflictException{Message: "An export with the same ClientToken but other parameters was requested before"})
		if err == nil && ok {
			var before exportRecord
			before, err = findExport(tx, made)
			return &api.ExportTableToPointInTimeOutput{ExportDescription: before.describe(made)}, err
		}
		if err != nil {
			return nil, err
		}
		rec := rec
		w := table.Work{Account: n.Account, Region: n.Region, Name: n.Name, Index: ids[0], Then: exportKind}
		now := tx.Now().Truncate(time.Millisecond)
		t, err := k.source(tx, n)
		if err != nil {
			return nil, err
		}
		if err := rec.place(t, now, &w, ids[1]); err != nil {
			return nil, err
		}
		rec.State.Start, rec.TableID, w.Table = now, t.UUID, t.ID
		w.Label = label(now, w.Index)
		made = which{n.Account, n.Region, n.Name, w.Label}
		tx.Set(made.key(kindExport), record.Encode(version, rec))
		if err := q.remember(tx, kindExport, made); err != nil {
			return nil, err
		}
		return &api.ExportTableToPointInTimeOutput{ExportDescription: rec.describe(made)}, t.StartExport(tx, w)
	})
}

func (k *Carrier) source(r store.Reader, n table.Name) (*table.Table, error) {
	t, err := k.tables.Get(r, n)
	switch {
	case err != nil:
		return nil, err
	case t == nil:
		return nil, &api.TableNotFoundException{Message: "Table not found: " + n.Name}
	case !t.Recovery.Enabled:
		return nil, &api.PointInTimeRecoveryUnavailableException{Message: "Point in time recovery is not enabled for table '" + n.Name + "'"}
	}
	return t, nil
}

// readExport checks what needs no table.
func readExport(id aws.Identity, in *api.ExportTableToPointInTimeInput) (exportRecord, error) {
	rec := exportRecord{As: id, Token: aws.Or(in.ClientToken, ""), Type: string(in.ExportType), Bucket: in.S3Bucket, Owner: aws.Or(in.S3BucketOwner, ""),
		Prefix: aws.Or(in.S3Prefix, ""), SSE: string(in.S3SseAlgorithm), Key: aws.Or(in.S3SseKmsKeyId, "")}
	if rec.Type == "" {
		rec.Type = string(api.ExportTypeFullExport)
	}
	spec := in.IncrementalExportSpecification
	incremental := rec.Type == string(api.ExportTypeIncrementalExport)
	switch {
	case in.ExportFormat == api.ExportFormatIon:
		return rec, noIon()
	case rec.Key != "" && in.S3SseAlgorithm != api.S3SseAlgorithmKms:
		return rec, table.Invalid("S3SseKmsKeyId can only be specified when S3SseAlgorithm is KMS")
	case incremental && in.ExportTime != nil:
		return rec, table.Invalid("ExportTime cannot be specified when ExportType is INCREMENTAL_EXPORT")
	case incremental && (spec == nil || spec.ExportFromTime == nil):
		return rec, table.Invalid("IncrementalExportSpecification with ExportFromTime must be specified when ExportType is INCREMENTAL_EXPORT")
	case !incremental && spec != nil:
		return rec, table.Invalid("IncrementalExportSpecification can only be specified when ExportType is INCREMENTAL_EXPORT")
	}
	if incremental {
		rec.Window = &windowRecord{From: *spec.ExportFromTime, To: aws.Or(spec.ExportToTime, time.Time{}), View: string(spec.ExportViewType)}
		if rec.Window.View == "" {
			rec.Window.View = string(api.ExportViewTypeNewAndOldImages)
		}
	} else {
		rec.Time = aws.Or(in.ExportTime, time.Time{})
	}
	return rec, nil
}

// place checks the times of an export and sets those of the work. A window holds its first second and not its last.
func (rec *exportRecord) place(t *table.Table, now time.Time, w *table.Work, second uint64) error {
	first, last := t.Restorable(now)
	outside := func(at time.Time) bool { return at.Before(first) || at.After(last) }
	if rec.Window == nil {
		if rec.Time.IsZero() {
			rec.Time = now
		}
		if outside(rec.Time) {
			return &api.InvalidExportTimeException{Message: "Export time is invalid. It must be between EarliestRestorableDateTime and LatestRestorableDateTime"}
		}
		w.At = rec.Time.Unix()
		return nil
	}
	win := rec.Window
	if win.To.IsZero() {
		win = &windowRecord{From: win.From, To: now, View: win.View}
		if most := win.From.Add(maxWindow); win.To.After(most) {
			win.To = most
		}
		rec.Window = win
	}
	switch length := win.To.Sub(win.From); {
	case outside(win.From) || outside(win.To):
		return &api.InvalidExportTimeException{Message: "Export window is invalid. It must be between EarliestRestorableDateTime and LatestRestorableDateTime"}
	case length < minWindow:
		return &api.InvalidExportTimeException{Message: "The difference between ExportFromTime and ExportToTime must be at least 15 minutes"}
	case length > maxWindow:
		return &api.InvalidExportTimeException{Message: "The difference between ExportFromTime and ExportToTime must be at most 24 hours"}
	}
	w.From, w.At, w.Into = win.From.Unix(), win.To.Unix()-1, second
	return nil
}

func findExport(r store.Reader, w which) (rec exportRecord, err error) {
	v, ok, err := r.Get(w.key(kindExport))
	if err == nil && !ok {
		err = &api.ExportNotFoundException{Message: "Export not found: " + w.arn(kindExport)}
	}
	if err != nil {
		return rec, err
	}
	return rec, record.Decode(v, version, &rec)
}

// describe renders the export.
func (rec *exportRecord) describe(w which) *api.ExportDescription {
	d := &api.ExportDescription{ExportArn: aws.Some(w.arn(kindExport)), ExportStatus: api.ExportStatus(rec.State.status()), StartTime: &rec.State.Start,
		EndTime: rec.State.end(), TableArn: aws.Some(w.name().ARN()), TableId: &rec.TableID, ClientToken: aws.Some(rec.Token), S3Bucket: &rec.Bucket,
		S3BucketOwner: aws.Some(rec.Owner), S3Prefix: aws.Some(rec.Prefix), S3SseAlgorithm: api.S3SseAlgorithm(rec.SSE), S3SseKmsKeyId: aws.Some(rec.Key),
		FailureCode: aws.Some(rec.State.Code), FailureMessage: aws.Some(rec.State.Message), ExportFormat: api.ExportFormatDynamodbJson,
		ExportType: api.ExportType(rec.Type)}
	if rec.Window != nil {
		d.IncrementalExportSpecification = &api.IncrementalExportSpecification{ExportFromTime: &rec.Window.From, ExportToTime: &rec.Window.To,
			ExportViewType: api.ExportViewType(rec.Window.View)}
	} else {
		d.ExportTime = &rec.Time
	}
	if d.ExportStatus == api.ExportStatusCompleted {
		d.ExportManifest, d.ItemCount, d.BilledSizeBytes = aws.Some(rec.folder(w)+"manifest-summary.json"), &rec.Items, &rec.Bytes
	}
	return d
}

// DescribeExport says how far an export is.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeExport.html
func (k *Carrier) DescribeExport(ctx context.Context, _ aws.Identity, in *api.DescribeExportInput) (*api.DescribeExportOutput, error) {
	w, ok := parse(kindExport, in.ExportArn)
	if !ok {
		return nil, table.Invalid("Invalid ExportArn: " + in.ExportArn)
	}
	return view(ctx, k, w.name(), func(r store.Reader) (*api.DescribeExportOutput, error) {
		rec, err := findExport(r, w)
		if err != nil {
			return nil, err
		}
		return &api.DescribeExportOutput{ExportDescription: rec.describe(w)}, nil
	})
}

// ListExports lists the exports of the last 90 days, of all tables or of one.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ListExports.html
func (k *Carrier) ListExports(ctx context.Context, id aws.Identity, in *api.ListExportsInput) (*api.ListExportsOutput, error) {
	prefix, within, at, err := listing(kindExport, id, in.TableArn)
	if err != nil {
		return nil, err
	}
	if in.NextToken != nil {
		last, ok := parse(kindExport, *in.NextToken)
		if !ok {
			return nil, table.Invalid("Invalid NextToken")
		}
		within = store.Tuple(last.key(kindExport)).After(within)
	}
	limit := int(aws.Or(in.MaxResults, listed))
	return view(ctx, k, at, func(r store.Reader) (*api.ListExportsOutput, error) {
		out := &api.ListExportsOutput{ExportSummaries: []api.ExportSummary{}}
		pairs, done := r.Scan(within, store.ScanOpt{Limit: limit + 1})
		for kv := range pairs {
			if len(out.ExportSummaries) == limit {
				out.NextToken = out.ExportSummaries[limit-1].ExportArn
				break
			}
			var rec exportRecord
			if err := record.Decode(kv.Value, version, &rec); err != nil {
				return nil, err
			}
			e := store.Decode(kv.Key, len(prefix))
			w := which{at.Account, at.Region, e.Text(), e.Text()}
			out.ExportSummaries = append(out.ExportSummaries, api.ExportSummary{ExportArn: aws.Some(w.arn(kindExport)),
				ExportStatus: api.ExportStatus(rec.State.status()), ExportType: api.ExportType(rec.Type)})
		}
		return out, done()
	})
}

// listing is where the exports or imports lie that a list may show.
func listing(kind string, id aws.Identity, tableARN *string) (prefix store.Tuple, within store.Range, at table.Name, err error) {
	at = table.Name{Account: id.Account, Region: id.Region}
	if tableARN == nil {
		prefix = directory(kind, at.Account, at.Region)
		return prefix, prefix.Range(), at, nil
	}
	if at, err = table.ParseARN(*tableARN); err != nil {
		return nil, store.Range{}, at, err
	}
	prefix = directory(kind, at.Account, at.Region)
	return prefix, prefix.Text(at.Name).Range(), at, nil
}
