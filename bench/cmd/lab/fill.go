package main

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"sever/bench/alert"
	"sever/queue"
	"sever/revocation"
)

// fillers is how many jobs are published at one time.
const fillers = 64

// fill puts jobs into a store as Sever's dispatch does, with its default settings. The log of deliveries stays empty.
func fill(ctx context.Context, dir string, jobs, people uint64) (err error) {
	const day = 24 * time.Hour
	q, err := queue.Open(ctx, queue.Config{
		Dir: dir, MaxSize: 12 << 30, MaxBody: 4 << 20, AckWait: 5 * time.Second, Orgs: []string{"lab"},
		Retention: queue.Retention{Deliveries: 7 * day, Jobs: 7 * day, Ledger: 90 * day, Dead: 90 * day},
		Logger:    slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	defer func() {
		if closing := q.Close(); err == nil {
			err = closing
		}
	}()
	ledger, err := q.Ledger(ctx)
	if err != nil {
		return err
	}
	lane := q.Jobs(ledger)
	var next atomic.Uint64
	group, ctx := errgroup.WithContext(ctx)
	for range fillers {
		group.Go(func() error {
			for i := next.Add(1); i <= jobs; i = next.Add(1) {
				stored, err := lane.Publish(ctx, job(i, i%people))
				if err != nil {
					return err
				}
				if !stored {
					return fmt.Errorf("job %d was taken for a duplicate", i)
				}
			}
			return nil
		})
	}
	return group.Wait()
}

func job(number, person uint64) revocation.Job {
	now := time.Now()
	event := strconv.FormatUint(number, 10)
	return revocation.NewJob(revocation.Signal{
		ID: revocation.DeriveID("sig", "lab", event), Delivery: revocation.DeriveID("dlv", "lab", event),
		Source: "okta", Org: "lab", Type: alert.Deactivated, Occurred: now, Received: now,
		Person: revocation.Person{Kind: revocation.PersonOktaID, Value: alert.Person(person)},
	}, "deactivated", revocation.LaneHigh, revocation.Scope{OAuthTokens: true, ForgetDevices: true})
}

func sizeOf(dir string) (bytes int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return fmt.Errorf("look at %s: %w", entry.Name(), err)
		}
		bytes += info.Size()
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("measure the store: %w", err)
	}
	return bytes, nil
}
