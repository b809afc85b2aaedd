package definition

import (
	"fmt"
	"strings"
	"testing"
	"time"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/aws"
)

// Four decreases are free in a day of UTC; after them there may be one when there was none for an hour.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html#decreasing-provisioned-throughput
func TestDecreases(t *testing.T) {
	rec := Record{Provisioned: true, Read: 100, Write: 100}
	now := time.Date(2026, 1, 2, 20, 0, 0, 0, time.UTC)
	var told []string
	for _, after := range []time.Duration{0, 0, time.Minute, 0, 0, 59 * time.Minute, time.Minute, 0, time.Hour, 0, 2 * time.Hour, 0} {
		now = now.Add(after)
		next, _, err := rec.Update(&api.UpdateTableInput{ProvisionedThroughput: &api.ProvisionedThroughput{ReadCapacityUnits: rec.Read - 1, WriteCapacityUnits: 200}},
			Place{}, "", now)
		if err != nil {
			if aws.CodeOf(err) != "LimitExceededException" || !strings.Contains(err.Error(), ": Subscriber limit exceeded: Provisioned throughput decreases") {
				t.Errorf("%v", err)
			}
			told = append(told, "no")
			continue
		}
		rec = next
		told = append(told, fmt.Sprint(rec.DecreasesToday))
	}
	if got, want := strings.Join(told, " "), "1 2 3 4 no no 5 no 6 no 1 2"; got != want {
		t.Errorf("decreases of the day: %s, want %s", got, want)
	}
	d := rec.Describe("tab", "arn", api.TableStatusActive, func(uint64) (int64, int64) { return 0, 0 })
	if Today(d, now); *d.ProvisionedThroughput.NumberOfDecreasesToday != 2 {
		t.Errorf("today: %d", *d.ProvisionedThroughput.NumberOfDecreasesToday)
	}
	if Today(d, now.AddDate(0, 0, 1)); *d.ProvisionedThroughput.NumberOfDecreasesToday != 0 {
		t.Errorf("the day after: %d", *d.ProvisionedThroughput.NumberOfDecreasesToday)
	}
}
