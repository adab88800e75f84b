package main

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"sever/bench/alert"
	"sever/queue"
	"sever/revocation"
)

// atOnce is how many jobs are stored together.
const atOnce = 1000

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
	defer func() { //nolint:contextcheck // the store is closed whatever became of ctx
		if closing := q.Close(); err == nil {
			err = closing
		}
	}()
	ledger, err := q.Ledger(ctx)
	if err != nil {
		return err
	}
	lane := q.Jobs(ledger)
	for first := uint64(1); first <= jobs; first += atOnce {
		var batch []revocation.Job
		for i := first; i <= min(jobs, first+atOnce-1); i++ {
			batch = append(batch, job(i, i%people))
		}
		stored, err := lane.PublishAll(ctx, batch)
		if err != nil {
			return err
		}
		if slices.Contains(stored, false) {
			return fmt.Errorf("one of the jobs from %d on was taken for a duplicate", first)
		}
	}
	return nil
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
