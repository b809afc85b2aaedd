package bench

import (
	"context"
	"fmt"
	"time"
)

func eventBus(op string, in document) *request { return awsJSON("events", "1.1", "AWSEvents."+op, in) }

// putEvents puts single events on a bus whose one rule wants none of them, and on one whose archive keeps them all.
func putEvents(ctx context.Context, r *rig) error {
	for _, kind := range []string{"unwanted", "archived"} {
		bus := r.name + "-" + kind
		var made struct{ EventBusArn string }
		if err := r.json(ctx, eventBus("CreateEventBus", document{"Name": bus}), &made); err != nil {
			return err
		}
		r.later(func(ctx context.Context) error {
			return r.json(ctx, eventBus("DeleteEventBus", document{"Name": bus}), nil)
		})
		if err := r.taker(ctx, kind, bus, made.EventBusArn); err != nil {
			return err
		}
		if err := r.measure(ctx, measurement{label: "put " + kind, requests: events(bus), connections: r.Connections, synced: kind == "archived"}); err != nil {
			return err
		}
	}
	return nil
}

// taker makes the rule that wants nothing, or the archive that keeps everything.
func (r *rig) taker(ctx context.Context, kind, bus, arn string) error {
	if kind == "archived" {
		name := fmt.Sprintf("bench-%x", time.Now().UnixNano()) // of at most 48 characters
		if err := r.json(ctx, eventBus("CreateArchive", document{"ArchiveName": name, "EventSourceArn": arn}), nil); err != nil {
			return err
		}
		r.later(func(ctx context.Context) error {
			return r.json(ctx, eventBus("DeleteArchive", document{"ArchiveName": name}), nil)
		})
		return until(ctx, func() (bool, error) {
			var out struct{ State string }
			err := r.json(ctx, eventBus("DescribeArchive", document{"ArchiveName": name}), &out)
			return out.State == "ENABLED", err
		})
	}
	rule := document{"Name": r.name, "EventBusName": bus, "EventPattern": `{"source": ["brume.bench"], "detail": {"parameters": {"seconds": [{"numeric": [">", 300]}]}}}`}
	if err := r.json(ctx, eventBus("PutRule", rule), nil); err != nil {
		return err
	}
	r.later(func(ctx context.Context) error {
		return r.json(ctx, eventBus("DeleteRule", document{"Name": r.name, "EventBusName": bus}), nil)
	})
	return nil
}

// events are PutEvents of one event each.
func events(bus string) []*request {
	all := make([]*request, 256)
	for i := range all {
		all[i] = eventBus("PutEvents", document{"Entries": []document{{"Source": "brume.bench", "DetailType": "job", "EventBusName": bus, "Detail": string(text(payload(i)))}}})
	}
	return all
}
