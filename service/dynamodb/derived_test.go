package dynamodb

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	streams "github.com/brume-dev/brume/api/dynamodbstreamsapi"
	"github.com/brume-dev/brume/item"
)

// derivedTable is the input that creates a table with indexes of every kind and a stream.
const derivedTable = `{"TableName":"tab","BillingMode":"PAY_PER_REQUEST","StreamSpecification":{"StreamEnabled":true,"StreamViewType":"NEW_AND_OLD_IMAGES"},
"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"N"},{"AttributeName":"a","AttributeType":"S"},{"AttributeName":"b","AttributeType":"N"}],
"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}],
"LocalSecondaryIndexes":[{"IndexName":"local","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"b","KeyType":"RANGE"}],"Projection":{"ProjectionType":"KEYS_ONLY"}}],
"GlobalSecondaryIndexes":[{"IndexName":"all","KeySchema":[{"AttributeName":"a","KeyType":"HASH"},{"AttributeName":"b","KeyType":"RANGE"}],"Projection":{"ProjectionType":"ALL"}},
{"IndexName":"some","KeySchema":[{"AttributeName":"a","KeyType":"HASH"},{"AttributeName":"pk","KeyType":"HASH"}],"Projection":{"ProjectionType":"INCLUDE","NonKeyAttributes":["v"]}}]}`

// wanted says what each index of derivedTable has of an item, and of the one that is made later.
var wanted = map[string]struct {
	keys, keep []string
}{
	"local": {[]string{"pk", "b"}, []string{"pk", "sk", "b"}},
	"all":   {[]string{"a", "b"}, nil},
	"some":  {[]string{"a", "pk"}, []string{"a", "pk", "sk", "v"}},
	"later": {[]string{"b"}, []string{"b", "pk", "sk"}},
}

// After any history, each index has what it should, by its own counters too; one that is made meanwhile as well; and the
// stream, played back, gives the table, with one record for each change.
func TestDerived(t *testing.T) {
	for seed := range uint64(4) {
		w := newWorld(t, memory)
		if seed%2 == 1 {
			w = newWorld(t, shaken)
		}
		rnd := rand.New(rand.NewPCG(seed, 2))
		w.must("CreateTable", strings.ReplaceAll(derivedTable, "\n", ""))
		model := map[string]item.Map{}
		changes := 0
		for i := range 400 {
			if i == 200 {
				w.must("UpdateTable", `{"TableName":"tab","AttributeDefinitions":[{"AttributeName":"b","AttributeType":"N"}],"GlobalSecondaryIndexUpdates":[{"Create":{"IndexName":"later","KeySchema":[{"AttributeName":"b","KeyType":"HASH"}],"Projection":{"ProjectionType":"KEYS_ONLY"}}}]}`)
			}
			changes += w.randomWrite(rnd, model)
		}
		if err := w.timer.Settle(context.Background()); err != nil {
			t.Fatal(err)
		}
		for name := range wanted {
			w.checkIndex(name, model)
		}
		records := w.records("TRIM_HORIZON")
		if len(records) != changes {
			t.Errorf("%d records of %d changes", len(records), changes)
		}
		w.replay(records, model)
	}
}

// randomWrite makes a write, and in model what it should do. It returns the number of items that change.
func (w *world) randomWrite(rnd *rand.Rand, model map[string]item.Map) int {
	key := item.NewMap(item.F("pk", item.String(strconv.Itoa(rnd.IntN(3)))), item.F("sk", item.Int(int64(rnd.IntN(12)))))
	name := string(key.AppendJSON(nil))
	m := key.Clone()
	for _, f := range []struct {
		name  string
		value item.Value
	}{{"a", item.String(strings.Repeat("x", 1+rnd.IntN(2)))}, {"b", item.Int(int64(rnd.IntN(3) - 1))}, {"v", item.String("v" + strconv.Itoa(rnd.IntN(2)))}} {
		if rnd.IntN(3) > 0 {
			m.Put(f.name, f.value)
		}
	}
	if rnd.IntN(8) == 0 {
		m.Put("large", item.String(strings.Repeat("L", 60_000+rnd.IntN(200_000))))
	}
	old := model[name]
	action := ""
	switch rnd.IntN(4) {
	case 0:
		action = `{"Delete":{"TableName":"tab","Key":` + name + `}}`
		delete(model, name)
		w.run(rnd, action, "DeleteItem", `{"TableName":"tab","Key":`+name+`}`)
	case 1:
		now := key
		if old != nil {
			now = old
		}
		now = now.Clone()
		now.Put("v", item.String("updated"))
		now.Remove("a")
		model[name] = now
		update := `"Key":` + name + `,"UpdateExpression":"SET v = :v REMOVE a","ExpressionAttributeValues":{":v":{"S":"updated"}}}`
		w.run(rnd, `{"Update":{"TableName":"tab",`+update+`}`, "UpdateItem", `{"TableName":"tab",`+update)
	default:
		model[name] = m
		put := `{"TableName":"tab","Item":` + string(m.AppendJSON(nil)) + `}`
		w.run(rnd, `{"Put":`+put+`}`, "PutItem", put)
	}
	if (old == nil) == (model[name] == nil) && item.EqualMaps(old, model[name]) {
		return 0
	}
	return 1
}

// run makes a write alone or in a transaction.
func (w *world) run(rnd *rand.Rand, action, op, in string) {
	if rnd.IntN(3) == 0 {
		w.must("TransactWriteItems", `{"TransactItems":[`+action+`,{"ConditionCheck":{"TableName":"tab","Key":{"pk":{"S":"none"},"sk":{"N":"0"}},"ConditionExpression":"attribute_not_exists(pk)"}}]}`)
		return
	}
	w.must(op, in)
}

func (w *world) checkIndex(name string, model map[string]item.Map) {
	want := map[string]item.Map{}
	size := 0
	for key, m := range model {
		covered := true
		for _, k := range wanted[name].keys {
			covered = covered && m.Has(k)
		}
		if !covered {
			continue
		}
		if keep := wanted[name].keep; keep != nil {
			var some item.Map
			for _, k := range keep {
				if m.Has(k) {
					some.Put(k, m.Get(k))
				}
			}
			m = some
		}
		want[key] = m
		size += m.Size()
	}
	in := &api.ScanInput{TableName: "tab", IndexName: &name, Limit: new(int32(7))}
	found := 0
	for {
		out, err := w.s.Scan(context.Background(), w.id, in)
		if err != nil {
			w.t.Fatal(name, err)
		}
		for _, m := range out.Items.All() {
			found++
			key := item.NewMap(item.F("pk", m.Get("pk")), item.F("sk", m.Get("sk")))
			if !item.EqualMaps(want[string(key.AppendJSON(nil))], m) {
				w.t.Errorf("index %s has %.300s", name, m.AppendJSON(nil))
			}
		}
		if in.ExclusiveStartKey = out.LastEvaluatedKey; in.ExclusiveStartKey == nil {
			break
		}
	}
	if found != len(want) {
		w.t.Errorf("index %s has %d items, want %d", name, found, len(want))
	}
	d, err := w.s.DescribeTable(context.Background(), w.id, &api.DescribeTableInput{TableName: "tab"})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, x := range d.Table.LocalSecondaryIndexes {
		if *x.IndexName == name && (*x.ItemCount != int64(len(want)) || *x.IndexSizeBytes != int64(size)) {
			w.t.Errorf("index %s counts %d items of %d bytes, want %d of %d", name, *x.ItemCount, *x.IndexSizeBytes, len(want), size)
		}
	}
	for _, x := range d.Table.GlobalSecondaryIndexes {
		if *x.IndexName == name && (*x.ItemCount != int64(len(want)) || *x.IndexSizeBytes != int64(size) || x.IndexStatus != "ACTIVE") {
			w.t.Errorf("index %s counts %d items of %d bytes, want %d of %d (%s)", name, *x.ItemCount, *x.IndexSizeBytes, len(want), size, x.IndexStatus)
		}
	}
}

// records reads all shards of the table's stream.
func (w *world) records(from string) []streams.Record {
	ctx := context.Background()
	list, err := w.logs.ListStreams(ctx, w.id, &streams.ListStreamsInput{TableName: new("tab")})
	if err != nil || len(list.Streams) == 0 {
		w.t.Fatal("no stream", err)
	}
	arn := *list.Streams[len(list.Streams)-1].StreamArn
	d, err := w.logs.DescribeStream(ctx, w.id, &streams.DescribeStreamInput{StreamArn: arn})
	if err != nil {
		w.t.Fatal(err)
	}
	var all []streams.Record
	for _, sh := range d.StreamDescription.Shards {
		it, err := w.logs.GetShardIterator(ctx, w.id, &streams.GetShardIteratorInput{StreamArn: arn, ShardId: *sh.ShardId, ShardIteratorType: streams.ShardIteratorType(from)})
		if err != nil {
			w.t.Fatal(err)
		}
		for next := it.ShardIterator; next != nil; {
			out, err := w.logs.GetRecords(ctx, w.id, &streams.GetRecordsInput{ShardIterator: *next, Limit: new(int32(13))})
			if err != nil {
				w.t.Fatal(err)
			}
			all = append(all, out.Records...)
			if next = out.NextShardIterator; len(out.Records) == 0 {
				break
			}
		}
	}
	return all
}

// replay applies the records one after another to nothing, which must give the model.
func (w *world) replay(records []streams.Record, model map[string]item.Map) {
	state := map[string]item.Map{}
	last := ""
	for i, r := range records {
		key := string(r.Dynamodb.Keys.AppendJSON(nil))
		if !item.EqualMaps(state[key], r.Dynamodb.OldImage) {
			w.t.Errorf("record %d of %s: old image is not what was there", i, key)
		}
		name := streams.OperationTypeModify
		switch {
		case r.Dynamodb.OldImage == nil:
			name = streams.OperationTypeInsert
		case r.Dynamodb.NewImage == nil:
			name = streams.OperationTypeRemove
		}
		if r.EventName != name {
			w.t.Errorf("record %d is a %s, want %s", i, r.EventName, name)
		}
		if number := *r.Dynamodb.SequenceNumber; number <= last || len(number) < 21 || len(number) > 40 {
			w.t.Errorf("sequence number %s after %s", number, last)
		} else {
			last = number
		}
		if state[key] = r.Dynamodb.NewImage; r.Dynamodb.NewImage == nil {
			delete(state, key)
		}
	}
	if len(state) != len(model) {
		w.t.Errorf("the stream gives %d items, want %d", len(state), len(model))
	}
	for key, m := range model {
		if !item.EqualMaps(state[key], m) {
			w.t.Errorf("the stream gives another %s", key)
		}
	}
}

// Expired items can be read until they are swept, then a record says who deleted them. What has no time, another type or
// one of long ago stays.
func TestExpiry(t *testing.T) {
	w := newWorld(t, memory)
	w.must("CreateTable", strings.ReplaceAll(derivedTable, "\n", ""))
	start := w.clock.Now().Unix()
	put := func(sk int, ttl string) {
		w.must("PutItem", fmt.Sprintf(`{"TableName":"tab","Item":{"pk":{"S":"p"},"sk":{"N":"%d"},"ttl":%s}}`, sk, ttl))
	}
	put(1, fmt.Sprintf(`{"N":"%d"}`, start+600)) // before it is enabled: filled in
	w.must("UpdateTimeToLive", `{"TableName":"tab","TimeToLiveSpecification":{"AttributeName":"ttl","Enabled":true}}`)
	for _, c := range []struct{ in, want string }{
		{`{"TableName":"tab","TimeToLiveSpecification":{"AttributeName":"ttl","Enabled":true}}`, "ValidationException: TimeToLive is already enabled"},
		{`{"TableName":"tab","TimeToLiveSpecification":{"AttributeName":"x","Enabled":true}}`, "ValidationException: TimeToLive is active on a different AttributeName: current AttributeName is ttl"},
		{`{"TableName":"tab","TimeToLiveSpecification":{"AttributeName":"ttl","Enabled":false}}`, "ValidationException: Time to live has been modified multiple times within a fixed interval"},
	} {
		if got := w.answer("UpdateTimeToLive", c.in); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.in, got, c.want)
		}
	}
	put(2, fmt.Sprintf(`{"N":"%d"}`, start+1200))
	put(3, fmt.Sprintf(`{"N":"%d"}`, start+600))
	put(4, fmt.Sprintf(`{"S":"%d"}`, start))
	put(5, `{"N":"12"}`)
	put(6, fmt.Sprintf(`{"N":"%d.5"}`, start))
	put(3, fmt.Sprintf(`{"N":"%d"}`, start+1200)) // later, after all
	left := func(after time.Duration, want string) {
		t.Helper()
		if _, err := w.clock.Advance(context.Background(), after); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, m := range scanAll(t, w, 0, 1, 100) {
			got = append(got, m.Get("sk").Text())
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("left after %s: %s, want %s", after, s, want)
		}
	}
	left(10*time.Minute, "1 2 3 4 5 6")
	left(time.Minute, "2 3 4 5 6")
	left(10*time.Minute, "4 5 6")
	swept := 0
	for _, r := range w.records("TRIM_HORIZON") {
		if r.EventName == "REMOVE" {
			swept++
			if r.UserIdentity == nil || *r.UserIdentity.PrincipalId != "dynamodb.amazonaws.com" || *r.UserIdentity.Type != "Service" {
				t.Errorf("identity of an expiry: %+v", r.UserIdentity)
			}
		} else if r.UserIdentity != nil {
			t.Errorf("identity of a write: %+v", r.UserIdentity)
		}
	}
	if swept != 3 {
		t.Errorf("%d records of expiry", swept)
	}
	left(time.Hour, "4 5 6")
	w.must("UpdateTimeToLive", `{"TableName":"tab","TimeToLiveSpecification":{"AttributeName":"ttl","Enabled":false}}`)
	put(7, fmt.Sprintf(`{"N":"%d"}`, start))
	left(2*time.Hour, "4 5 6 7")
	if got := w.must("DescribeTimeToLive", `{"TableName":"tab"}`); got != `{"TimeToLiveDescription":{"TimeToLiveStatus":"DISABLED"}}` {
		t.Error(got)
	}
}

// Shards follow one another in time; what is over a day old goes; the stream of a deleted table stays for a day.
func TestStreamInTime(t *testing.T) {
	w := newWorld(t, memory)
	ctx := context.Background()
	advance := func(d time.Duration) {
		if _, err := w.clock.Advance(ctx, d); err != nil {
			t.Fatal(err)
		}
	}
	w.must("CreateTable", strings.ReplaceAll(derivedTable, "\n", ""))
	for i := range 8 {
		w.must("PutItem", fmt.Sprintf(`{"TableName":"tab","Item":{"pk":{"S":"p"},"sk":{"N":"%d"}}}`, i))
		advance(5 * time.Hour)
	}
	if n := len(w.records("TRIM_HORIZON")); n != 4 && n != 5 {
		t.Errorf("%d records after 40 hours", n)
	}
	if n := len(w.records("LATEST")); n != 0 {
		t.Errorf("%d records after the latest", n)
	}
	list, err := w.logs.ListStreams(ctx, w.id, &streams.ListStreamsInput{})
	if err != nil {
		t.Fatal(err)
	}
	arn := *list.Streams[0].StreamArn
	d, err := w.logs.DescribeStream(ctx, w.id, &streams.DescribeStreamInput{StreamArn: arn, Limit: new(int32(3))})
	if err != nil || len(d.StreamDescription.Shards) != 3 || d.StreamDescription.LastEvaluatedShardId == nil {
		t.Fatalf("first page of shards: %+v %v", d, err)
	}
	shards := d.StreamDescription.Shards
	if *shards[1].ParentShardId != *shards[0].ShardId || shards[0].SequenceNumberRange.EndingSequenceNumber == nil {
		t.Errorf("shards: %+v", shards)
	}
	rest, err := w.logs.DescribeStream(ctx, w.id, &streams.DescribeStreamInput{StreamArn: arn, ExclusiveStartShardId: d.StreamDescription.LastEvaluatedShardId})
	if err != nil || len(rest.StreamDescription.Shards) != 4 {
		t.Errorf("second page of shards: %+v %v", rest, err)
	}
	all := w.records("TRIM_HORIZON")
	number := *all[1].Dynamodb.SequenceNumber
	for kind, want := range map[streams.ShardIteratorType]string{"AT_SEQUENCE_NUMBER": number, "AFTER_SEQUENCE_NUMBER": ""} {
		for _, sh := range append(shards, rest.StreamDescription.Shards...) {
			it, err := w.logs.GetShardIterator(ctx, w.id, &streams.GetShardIteratorInput{StreamArn: arn, ShardId: *sh.ShardId, ShardIteratorType: kind, SequenceNumber: &number})
			if err != nil {
				continue // another shard
			}
			out, err := w.logs.GetRecords(ctx, w.id, &streams.GetRecordsInput{ShardIterator: *it.ShardIterator})
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if len(out.Records) > 0 {
				got = *out.Records[0].Dynamodb.SequenceNumber
			}
			if got != want {
				t.Errorf("%s: %q, want %q", kind, got, want)
			}
			advance(16 * time.Minute)
			if _, err := w.logs.GetRecords(ctx, w.id, &streams.GetRecordsInput{ShardIterator: *it.ShardIterator}); err == nil || !strings.Contains(err.Error(), "ExpiredIterator") {
				t.Errorf("after 16 minutes: %v", err)
			}
		}
	}
	w.must("DeleteTable", `{"TableName":"tab"}`)
	advance(time.Hour)
	if n := len(w.records("TRIM_HORIZON")); n < 3 {
		t.Errorf("%d records after the table has gone", n)
	}
	advance(30 * time.Hour)
	if list, err := w.logs.ListStreams(ctx, w.id, &streams.ListStreamsInput{}); err != nil || len(list.Streams) != 0 {
		t.Errorf("streams after a day: %+v %v", list, err)
	}
}
