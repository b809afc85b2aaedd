// Package worklist keeps the tasks that wait for the workers of activities, and lets workers poll for them.
//
// A task lies in the shard of its activity until a worker has it: it is handed out first, which is a commit in the shard of the
// execution, and taken off the list then. A process that dies in between hands it out again.
//
// https://docs.aws.amazon.com/step-functions/latest/apireference/API_GetActivityTask.html
package worklist

import (
	"context"
	"errors"
	"sync"

	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// Task is what a worker gets.
type Task struct {
	Token string `cbor:"1,keyasint"`
	Input []byte `cbor:"2,keyasint"`
	ID    string `cbor:"3,keyasint"`
}

// The keys, below the resource of the activity:
//
//	"task" stamp      Task (SetLarge pieces follow under "part" id)
//	"known" id        nothing: the task is on the list
//	"part" id         Input, when it is long (SetLarge)
const (
	version   = 1
	listTasks = "task"
	listKnown = "known"
	listParts = "part"
)

// Lists are the lists of all activities.
type Lists struct {
	store   store.Store
	clock   clock.Clock
	leaving <-chan struct{}

	mu      sync.Mutex
	claimed map[string]bool // keys of tasks that are being handed out
	polls   map[string]int
}

// New returns the lists. When leaving is closed (it may be nil), every poll ends.
func New(s store.Store, c clock.Clock, leaving <-chan struct{}) *Lists {
	return &Lists{store: s, clock: c, leaving: leaving, claimed: map[string]bool{}, polls: map[string]int{}}
}

// Put puts a task on the list of an activity, once for each id.
func (l *Lists) Put(ctx context.Context, activity store.Tuple, t Task) error {
	_, err := l.store.Shard(store.Key(activity)).Update(ctx, func(_ context.Context, tx store.Tx) error {
		known := store.Key(activity.Text(listKnown).Text(t.ID))
		if _, there, err := tx.Get(known); err != nil || there {
			return err
		}
		tx.Set(known, nil)
		line := t
		if len(t.Input) > inline {
			line.Input = nil
			if err := store.SetLarge(tx, store.Key(activity.Text(listParts).Text(t.ID)), t.Input); err != nil {
				return err
			}
		}
		tx.SetStampedKey(store.Key(activity.Text(listTasks).StampPrefix()), nil, record.Encode(version, line))
		tx.Signal(store.Key(activity))
		return nil
	})
	return err
}

// ErrPolls says that too many workers poll the activity.
var ErrPolls = errors.New("worklist: too many workers")

// Poll waits for a task and gives it to a worker: hand tells its execution, and returns false when that does not wait for it any more. nil
// means that there was none for PollTime.
func (l *Lists) Poll(ctx context.Context, activity store.Tuple, hand func(context.Context, Task) (bool, error)) (*Task, error) {
	name := string(activity)
	if !l.enter(name) {
		return nil, ErrPolls
	}
	defer l.leave(name)
	deadline, stop := l.clock.Until(l.clock.Now().Add(PollTime))
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-deadline:
		case <-l.leaving:
		case <-ctx.Done():
			return
		}
		cancel()
	}()
	shard := l.store.Shard(store.Key(activity))
	for {
		t, since, err := l.next(ctx, shard, activity, hand)
		if t != nil || err != nil {
			return t, quiet(ctx, err)
		}
		clock.Waits(ctx)
		if _, err := shard.Wait(ctx, store.Key(activity), since); err != nil {
			return nil, quiet(ctx, err)
		}
	}
}

// quiet drops the error of a poll that has come to its end.
func quiet(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (l *Lists) enter(name string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.polls[name] >= maxPolls {
		return false
	}
	l.polls[name]++
	return true
}

func (l *Lists) leave(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.polls[name]--; l.polls[name] == 0 {
		delete(l.polls, name)
	}
}

// line is a task on the list.
type line struct {
	key store.Key
	Task
}

// next hands out the first task that can be. Without one, since is the version of the list that was looked at.
func (l *Lists) next(ctx context.Context, shard store.Shard, activity store.Tuple, hand func(context.Context, Task) (bool, error)) (*Task, store.Version, error) {
	for {
		lines, since, err := look(ctx, shard, activity)
		if err != nil || len(lines) == 0 {
			return nil, since, err
		}
		free := false
		for _, at := range lines {
			if !l.claim(at.key) {
				continue
			}
			free = true
			t, err := l.give(ctx, shard, activity, at, hand)
			if t != nil || err != nil {
				return t, since, err
			}
		}
		if !free {
			return nil, since, nil // others are about to have them
		}
	}
}

func (l *Lists) claim(k store.Key) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.claimed[string(k)] {
		return false
	}
	l.claimed[string(k)] = true
	return true
}

// give hands out a task and takes it off the list; nil when nobody waits for it any more.
func (l *Lists) give(ctx context.Context, shard store.Shard, activity store.Tuple, at line, hand func(context.Context, Task) (bool, error)) (*Task, error) {
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.claimed, string(at.key))
	}()
	t := at.Task
	there := false
	if err := shard.View(ctx, func(_ context.Context, r store.Reader) (err error) {
		if _, there, err = r.Get(at.key); err != nil || !there || t.Input != nil {
			return err
		}
		b, _, err := store.GetLarge(r, store.Key(activity.Text(listParts).Text(t.ID)))
		t.Input = append([]byte(nil), b...)
		return err
	}); err != nil || !there {
		return nil, err
	}
	wanted, err := hand(ctx, t)
	if err != nil {
		return nil, err
	}
	_, err = shard.Update(context.WithoutCancel(ctx), func(_ context.Context, tx store.Tx) error {
		tx.Delete(at.key)
		tx.Delete(store.Key(activity.Text(listKnown).Text(t.ID)))
		return store.DeleteLarge(tx, store.Key(activity.Text(listParts).Text(t.ID)))
	})
	if err != nil || !wanted {
		return nil, err
	}
	return &t, nil
}

// look reads the first tasks of the list.
func look(ctx context.Context, shard store.Shard, activity store.Tuple) (out []line, since store.Version, err error) {
	root := activity.Text(listTasks)
	err = shard.View(ctx, func(_ context.Context, r store.Reader) error {
		out, since = nil, r.Version()
		pairs, done := r.Scan(root.Range(), store.ScanOpt{Limit: looks})
		for kv := range pairs {
			at := line{key: append(store.Key(nil), kv.Key...)}
			if err := record.Decode(kv.Value, version, &at.Task); err != nil {
				return err
			}
			out = append(out, at)
		}
		return done()
	})
	return out, since, err
}
