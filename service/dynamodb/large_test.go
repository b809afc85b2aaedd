package dynamodb

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/item"
	"github.com/brume-dev/brume/service/dynamodb/stream"
	"github.com/brume-dev/brume/store"
)

// A transaction of nearly 4 MB, over items of nearly 4 MB, fits where everything that can follow from it does: an index of whole
// items, a stream with both images, the history of point-in-time recovery and a backup that is being made. What it wrote once is read
// wherever it is named, and goes when nothing can name it any more.
func TestLargeTransactions(t *testing.T) {
	const items, size = 10, 408_000
	w := newWorld(t, memory)
	w.must("CreateTable", `{"TableName":"tab","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"N"},
		{"AttributeName":"g","AttributeType":"S"}],"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}],
		"GlobalSecondaryIndexes":[{"IndexName":"whole","KeySchema":[{"AttributeName":"g","KeyType":"HASH"}],"Projection":{"ProjectionType":"ALL"}}],
		"StreamSpecification":{"StreamEnabled":true,"StreamViewType":"NEW_AND_OLD_IMAGES"}}`)
	w.must("UpdateContinuousBackups", `{"TableName":"tab","PointInTimeRecoverySpecification":{"PointInTimeRecoveryEnabled":true}}`)
	for i := range 2000 { // so that a backup takes a while
		w.must("PutItem", fmt.Sprintf(`{"TableName":"tab","Item":{"pk":{"S":"small%d"},"sk":{"N":"1"}}}`, i))
	}
	transact := func(mark byte) {
		t.Helper()
		var puts []string
		for i := range items {
			data := string(rune('a'+i)) + strings.Repeat(string(mark), size-1)
			puts = append(puts, fmt.Sprintf(`{"Put":{"TableName":"tab","Item":{"pk":{"S":"large"},"sk":{"N":"%d"},"g":{"S":"g"},"data":{"S":%q}}}}`, i, data))
		}
		w.must("TransactWriteItems", `{"TransactItems":[`+strings.Join(puts, ",")+`]}`)
	}
	states := map[string]map[string]item.Map{}
	for i, mark := range []byte{'1', '2', '3', '4'} {
		if i == 3 {
			w.must("CreateBackup", `{"TableName":"tab","BackupName":"three"}`)
		}
		transact(mark)
		states[string(mark)] = w.contents("tab")
		w.pass(10 * time.Second)
	}
	for i := range items { // no longer in a transaction
		if i%2 == 0 {
			w.must("UpdateItem", fmt.Sprintf(`{"TableName":"tab","Key":{"pk":{"S":"large"},"sk":{"N":"%d"}},"UpdateExpression":"REMOVE g SET n = :n","ExpressionAttributeValues":{":n":{"N":"1"}}}`, i))
		}
	}
	if got := w.must("Query", `{"TableName":"tab","IndexName":"whole","KeyConditionExpression":"g=:g","ExpressionAttributeValues":{":g":{"S":"g"}}}`); strings.Count(got, strings.Repeat("4", size-1)) < 2 {
		t.Errorf("the index has %.100s", got)
	}
	last := map[string]item.Map{}
	for _, r := range w.records("TRIM_HORIZON") {
		key := string(r.Dynamodb.Keys.AppendJSON(nil))
		if !item.EqualMaps(r.Dynamodb.OldImage, last[key]) {
			t.Errorf("the stream has another old image of %s", key)
		}
		last[key] = r.Dynamodb.NewImage
	}
	now := w.contents("tab")
	for key, m := range now {
		if !item.EqualMaps(last[fmt.Sprintf(`{"pk":{"S":%q},"sk":{"N":%q}}`, m.Get("pk").Text(), m.Get("sk").Text())], m) {
			t.Errorf("the stream has another %s", key)
		}
	}
	d := w.must("ListBackups", `{}`)
	arn := d[strings.Index(d, `"BackupArn":"`)+13:]
	w.must("RestoreTableFromBackup", `{"TargetTableName":"restored","BackupArn":"`+arn[:strings.Index(arn, `"`)]+`"}`)
	w.must("RestoreTableToPointInTime", fmt.Sprintf(`{"SourceTableName":"tab","TargetTableName":"two","RestoreDateTime":%d}`, w.clock.Now().Add(-30*time.Second).Unix()))
	w.settle()
	w.mustHave("restored", states["3"])
	w.mustHave("two", states["2"])
	w.pass(40 * 24 * time.Hour)
	w.mustHave("tab", now)
	if n := w.images(); n != items/2 {
		t.Errorf("%d images are left, want those of %d items", n, items/2)
	}
	w.must("DeleteTable", `{"TableName":"tab"}`)
	w.pass(30 * time.Hour)
	d = w.must("ListBackups", `{"BackupType":"SYSTEM"}`) // whose items name the images
	_, arn, _ = strings.Cut(d, `"BackupArn":"`)
	w.must("RestoreTableFromBackup", `{"TargetTableName":"back","BackupArn":"`+arn[:strings.Index(arn, `"`)]+`"}`)
	w.settle()
	w.mustHave("back", now)
	w.pass(36 * 24 * time.Hour)
	if n := w.images(); n != 0 {
		t.Errorf("%d images are left of a table that has gone", n)
	}
	w.mustHave("restored", states["3"])
}

// images counts the images of the first table.
func (w *world) images() (n int) {
	err := w.s.shard(w.id.Account, w.id.Region).View(context.Background(), func(_ context.Context, r store.Reader) error {
		n = 0
		for number := range uint64(1000) {
			if _, err := stream.ImagesOf(1).Get(r, number); err == nil {
				n++
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}
