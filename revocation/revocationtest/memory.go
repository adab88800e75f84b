// Package revocationtest holds what tests of and around package revocation share:
// the contract of a Ledger as a suite, and a Ledger in memory that keeps it. It is
// test code and knows nothing of any queue.
package revocationtest

import (
	"context"
	"sync"

	"sever/revocation"
)

// Ledger is a revocation.Ledger in memory. The zero Ledger is empty and ready.
type Ledger struct {
	mu       sync.Mutex
	finished map[string]revocation.Record
	newest   map[userKey]revocation.Record
}

type userKey struct{ org, user string }

var _ revocation.Ledger = (*Ledger)(nil)

// Finished gives the record that finished the job, if any did.
func (l *Ledger) Finished(ctx context.Context, jobID string) (revocation.Record, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	record, found := l.finished[jobID]
	return record, found, ctx.Err()
}

// Newest gives the newest record that shows a user without sessions, if there is one.
func (l *Ledger) Newest(ctx context.Context, org, user string) (revocation.Record, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	record, found := l.newest[userKey{org, user}]
	return record, found, ctx.Err()
}

// Commit stores a finishing record: as its user's newest, and then as its job's. It gives the
// record that its job has now.
func (l *Ledger) Commit(ctx context.Context, record revocation.Record) (revocation.Record, error) {
	if err := l.CommitNewest(ctx, record); err != nil {
		return revocation.Record{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if first, found := l.finished[record.Job.ID]; found {
		return first, nil
	}
	if l.finished == nil {
		l.finished = make(map[string]revocation.Record)
	}
	l.finished[record.Job.ID] = record
	return record, nil
}

// CommitNewest is the first half of Commit: all that is stored when a crash comes
// between the two.
func (l *Ledger) CommitNewest(ctx context.Context, record revocation.Record) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !record.Clears() {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	key := userKey{record.Job.Org, record.User}
	if current, found := l.newest[key]; found && !record.Began.After(current.Began) {
		return nil
	}
	if l.newest == nil {
		l.newest = make(map[userKey]revocation.Record)
	}
	l.newest[key] = record
	return nil
}
