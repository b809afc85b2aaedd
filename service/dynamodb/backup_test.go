package dynamodb

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/item"
)

// contents reads a whole table.
func (w *world) contents(name string) map[string]item.Map {
	out := map[string]item.Map{}
	in := &api.ScanInput{TableName: name}
	for {
		page, err := w.s.Scan(context.Background(), w.id, in)
		if err != nil {
			w.t.Fatal(name, err)
		}
		for _, m := range page.Items.All() {
			out[string(item.NewMap(item.F("pk", m.Get("pk")), item.F("sk", m.Get("sk"))).AppendJSON(nil))] = m
		}
		if in.ExclusiveStartKey = page.LastEvaluatedKey; in.ExclusiveStartKey == nil {
			return out
		}
	}
}

func (w *world) mustHave(name string, want map[string]item.Map) {
	w.t.Helper()
	got := w.contents(name)
	if len(got) != len(want) {
		w.t.Errorf("%s has %d items, want %d", name, len(got), len(want))
	}
	for key, m := range want {
		if !item.EqualMaps(got[key], m) {
			w.t.Errorf("%s has another %s: %.200s, want %.200s", name, key, got[key].AppendJSON(nil), m.AppendJSON(nil))
			return
		}
	}
}

func (w *world) settle() {
	if err := w.timer.Settle(context.Background()); err != nil {
		w.t.Fatal(err)
	}
}

// A backup is the table as it was when it was asked for, whatever is written while it is made; a restored table has its
// items, in its indexes too. Point-in-time recovery gives the table of any second.
func TestBackups(t *testing.T) {
	for seed := range uint64(3) {
		w := newWorld(t, memory)
		if seed == 2 {
			w = newWorld(t, shaken)
		}
		rnd := rand.New(rand.NewPCG(seed, 3))
		w.must("CreateTable", strings.ReplaceAll(derivedTable, "\n", ""))
		model := map[string]item.Map{}
		for i := range 700 { // several chunks of a copy
			m := item.NewMap(item.F("pk", item.String("many"+strconv.Itoa(i))), item.F("sk", item.Int(1)))
			w.must("PutItem", `{"TableName":"tab","Item":`+string(m.AppendJSON(nil))+`}`)
			model[string(m.AppendJSON(nil))] = m
		}
		w.must("UpdateContinuousBackups", `{"TableName":"tab","PointInTimeRecoverySpecification":{"PointInTimeRecoveryEnabled":true}}`)
		times, states := []time.Time{}, []map[string]item.Map{}
		var backup api.BackupDetails
		for i := range 5 {
			if _, err := w.clock.Advance(context.Background(), 2*time.Second); err != nil {
				t.Fatal(err)
			}
			for range 30 {
				w.randomWrite(rnd, model)
			}
			times, states = append(times, w.clock.Now()), append(states, maps.Clone(model))
			if i == 2 {
				out, err := w.s.CreateBackup(context.Background(), w.id, &api.CreateBackupInput{TableName: "tab", BackupName: "one"})
				if err != nil {
					t.Fatal(err)
				}
				backup = *out.BackupDetails
				for range 100 { // while it is made
					w.randomWrite(rnd, model)
				}
			}
		}
		if _, err := w.clock.Advance(context.Background(), 2*time.Second); err != nil {
			t.Fatal(err)
		}
		w.must("RestoreTableFromBackup", `{"TargetTableName":"restored","BackupArn":"`+backup.BackupArn+`"}`)
		for i, at := range times {
			w.must("RestoreTableToPointInTime", fmt.Sprintf(`{"SourceTableName":"tab","TargetTableName":"then%d","RestoreDateTime":%d}`, i, at.Unix()))
			w.randomWrite(rnd, model)
		}
		w.settle()
		w.mustHave("restored", states[2])
		for i := range times {
			if i != 2 { // in that second there was more
				w.mustHave("then"+strconv.Itoa(i), states[i])
			}
		}
		w.checkRestored(len(states[2]))
	}
}

// checkRestored looks at what is said of a restored table, and at its end.
func (w *world) checkRestored(items int) {
	d := w.must("DescribeTable", `{"TableName":"restored"}`)
	for _, part := range []string{`"TableStatus":"ACTIVE"`, fmt.Sprintf(`"ItemCount":%d`, items), `"RestoreInProgress":false`, `"IndexName":"some"`} {
		if !strings.Contains(d, part) {
			w.t.Errorf("no %s in %s", part, d)
		}
	}
	if strings.Contains(d, "Stream") {
		w.t.Errorf("the stream was restored too: %s", d)
	}
	list := w.must("ListBackups", `{"TableName":"tab"}`)
	if !strings.Contains(list, `"BackupStatus":"AVAILABLE"`) {
		w.t.Error(list)
	}
	arn := list[strings.Index(list, `"BackupArn":"`)+13:]
	arn = arn[:strings.Index(arn, `"`)]
	for _, c := range []struct{ op, in, want string }{
		{"DescribeBackup", `{"BackupArn":"` + arn + `"}`, `"ItemCount":`},
		{"RestoreTableFromBackup", `{"TargetTableName":"restored","BackupArn":"` + arn + `"}`, "TableAlreadyExistsException: Table already exists: restored"},
		{"RestoreTableToPointInTime", `{"SourceTableName":"tab","TargetTableName":"early","RestoreDateTime":1}`, "InvalidRestoreTimeException"},
		{"RestoreTableToPointInTime", `{"SourceTableName":"restored","TargetTableName":"none","UseLatestRestorableTime":true}`, "PointInTimeRecoveryUnavailableException"},
		{"DescribeContinuousBackups", `{"TableName":"tab"}`, `"PointInTimeRecoveryStatus":"ENABLED"`},
		{"CreateBackup", `{"TableName":"nope","BackupName":"one"}`, "TableNotFoundException: Table not found: nope"},
		{"DeleteBackup", `{"BackupArn":"` + arn + `"}`, `"BackupStatus":"DELETED"`},
		{"DescribeBackup", `{"BackupArn":"` + arn + `"}`, "BackupNotFoundException: Backup not found: " + arn},
		{"UpdateContinuousBackups", `{"TableName":"tab","PointInTimeRecoverySpecification":{"PointInTimeRecoveryEnabled":false}}`, `"PointInTimeRecoveryStatus":"DISABLED"`},
		{"DeleteTable", `{"TableName":"tab"}`, "DELETING"},
	} {
		if got := w.answer(c.op, c.in); !strings.Contains(got, c.want) {
			w.t.Errorf("%s: %s, want %s", c.op, got, c.want)
		}
	}
}

// A table that is deleted with point-in-time recovery on leaves a backup of itself for 35 days, which nothing may take away
// while a table is restored from it.
func TestDeletedTable(t *testing.T) {
	w := stillWorld(t, memory)
	w.must("CreateTable", tableInput("tab", "pk", "sk"))
	w.must("UpdateContinuousBackups", `{"TableName":"tab","PointInTimeRecoverySpecification":{"PointInTimeRecoveryEnabled":true}}`)
	w.must("TagResource", `{"ResourceArn":"`+arnPrefix+`tab","Tags":[{"Key":"a","Value":"b"}]}`)
	for i := range 300 {
		w.must("PutItem", fmt.Sprintf(`{"TableName":"tab","Item":{"pk":{"S":"p%d"},"sk":{"N":"1"}}}`, i))
	}
	w.must("PutItem", `{"TableName":"tab","Item":{"pk":{"S":"large"},"sk":{"N":"1"},"v":{"S":"`+strings.Repeat("x", 300_000)+`"}}}`)
	before := w.contents("tab")
	w.must("DeleteTable", `{"TableName":"tab"}`)
	if got := w.must("ListBackups", `{"TableName":"tab"}`); got != `{"BackupSummaries":[]}` {
		t.Errorf("backups of users: %s", got)
	}
	list := w.must("ListBackups", `{"TableName":"tab","BackupType":"SYSTEM"}`)
	for _, part := range []string{`"BackupName":"tab$DeletedTableBackup"`, `"BackupType":"SYSTEM"`, `"BackupStatus":"AVAILABLE"`, `"BackupExpiryDateTime":1770347045`} {
		if !strings.Contains(list, part) {
			t.Errorf("no %s in %s", part, list)
		}
	}
	_, arn, _ := strings.Cut(list, `"BackupArn":"`)
	arn, _, _ = strings.Cut(arn, `"`)
	w.must("CreateTable", tableInput("tab", "pk", "sk"))
	w.must("PutItem", `{"TableName":"tab","Item":{"pk":{"S":"p1"},"sk":{"N":"1"},"new":{"BOOL":true}}}`)
	restore := `{"TargetTableName":"back","BackupArn":"` + arn + `"}`
	w.must("RestoreTableFromBackup", restore)
	if got := w.answer("DeleteBackup", `{"BackupArn":"`+arn+`"}`); !strings.Contains(got, "BackupInUseException") {
		t.Errorf("deleted while it is restored: %s", got)
	}
	w.begin()
	w.settle()
	w.mustHave("back", before)
	if got := len(w.contents("tab")); got != 1 {
		t.Errorf("the table of the same name has %d items", got)
	}
	if _, err := w.clock.Advance(context.Background(), 35*24*time.Hour); err != nil {
		t.Fatal(err)
	}
	w.settle()
	if got := w.answer("DescribeBackup", `{"BackupArn":"`+arn+`"}`); !strings.Contains(got, "BackupNotFoundException") {
		t.Errorf("after 35 days: %s", got)
	}
	w.mustHave("back", before)
}
