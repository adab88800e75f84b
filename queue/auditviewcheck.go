package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sever/revocation"
)

// How the evidence is checked, part by part: first the audit from its first entry to its
// last, then every finished job of the ledger against it.
//
// There is no chain of hashes: whoever can write to the store's files, or administers the
// NATS cluster, could change an entry so that this check does not see it.
const (
	partAudit  = "audit"
	partLedger = "ledger"
)

const (
	// checkJobs is how many finished jobs are looked for at once.
	checkJobs = 1000
	// auditSoon is how long after a job has finished its record may still be on its way.
	auditSoon = time.Minute
	// checkReads bounds how far the audit is read for the records of one part.
	checkReads = 10
)

// Check looks at a part of the evidence. from is empty, or Next of the part before.
func (v *AuditView) Check(ctx context.Context, from string) (revocation.AuditCheck, error) {
	part, seq, err := parsePart(from)
	if err != nil {
		return revocation.AuditCheck{}, err
	}
	if part == partLedger {
		return v.checkLedger(ctx, seq)
	}
	return v.checkEntries(ctx, seq)
}

func parsePart(from string) (part string, seq uint64, err error) {
	if from == "" {
		return partAudit, 0, nil
	}
	part, number, _ := strings.Cut(from, "-")
	seq, err = strconv.ParseUint(number, 10, 64)
	if err != nil || part != partAudit && part != partLedger {
		return "", 0, fmt.Errorf("from is not what a part of the check gave: %w", revocation.ErrInvalid)
	}
	return part, seq, nil
}

// checkEntries looks for gaps, and reads every entry back.
func (v *AuditView) checkEntries(ctx context.Context, from uint64) (revocation.AuditCheck, error) {
	check := revocation.AuditCheck{Problems: []string{}}
	stream, err := v.queue.js.Stream(ctx, streamAudit)
	if err != nil {
		return check, fmt.Errorf("open %s: %w", streamAudit, err)
	}
	info := stream.CachedInfo()
	expected := max(from, 1)
	if from == 0 {
		checkSettings(&check, info)
	}
	next, err := v.queue.look(ctx, span{streamAudit, subjectsAudit, expected, info.State.LastSeq, v.most}, func(msg *jetstream.RawStreamMsg) (bool, error) {
		checkGap(&check, expected, msg.Sequence)
		expected = msg.Sequence + 1
		check.Entries++
		entry := auditEntry(msg)
		switch {
		case entry.Broken != "":
			check.Add(fmt.Sprintf("entry %d %s", entry.Seq, entry.Broken))
		case entry.Record != nil:
			check.Records++
		default:
			check.Actions++
		}
		return true, nil
	})
	if err != nil {
		return check, err
	}
	if next != 0 {
		check.Next = partAudit + "-" + strconv.FormatUint(next, 10)
		return check, nil
	}
	checkGap(&check, expected, info.State.LastSeq+1)
	check.Next = partLedger + "-1"
	return check, nil
}

func checkGap(check *revocation.AuditCheck, expected, found uint64) {
	if found > expected {
		check.Add(fmt.Sprintf("entries %d to %d are missing", expected, found-1))
	}
}

// checkSettings looks whether the stream is still one that refuses deletion.
func checkSettings(check *revocation.AuditCheck, info *jetstream.StreamInfo) {
	config := info.Config
	if !config.DenyDelete || !config.DenyPurge {
		check.Add("the stream does not refuse deletion")
	}
	if config.MaxAge > 0 || config.MaxMsgs > 0 || config.MaxMsgsPerSubject > 0 || config.Discard != jetstream.DiscardNew {
		check.Add("the stream forgets entries by age or number")
	}
}

// awaited is the record of a finished job that is looked for in the audit.
type awaited struct {
	record  string
	outcome revocation.Outcome
	stored  time.Time
}

// metBy reports whether the audit's record of a job will do. Two workers that finish one job
// at once record an attempt each, and the ledger keeps the first: it may have been the other
// one that lived to tell.
func (a awaited) metBy(record revocation.Record) bool {
	return record.ID == a.record || record.Outcome == a.outcome
}

// checkLedger looks for the records of the finished jobs from a place in the ledger on. A
// record is appended after the job is finished, usually at once: so the audit is read from
// when the first of these jobs finished, until all are found.
func (v *AuditView) checkLedger(ctx context.Context, from uint64) (revocation.AuditCheck, error) {
	check := revocation.AuditCheck{Problems: []string{}}
	missing, first, next, err := v.finished(ctx, from, &check)
	if err != nil {
		return check, err
	}
	if next != 0 {
		check.Next = partLedger + "-" + strconv.FormatUint(next, 10)
	}
	if len(missing) == 0 {
		return check, nil
	}
	end, err := v.search(ctx, first, missing)
	if err != nil {
		return check, err
	}
	for job, want := range missing {
		switch {
		case v.now().Sub(want.stored) < auditSoon:
			check.TooNew++
		case !end:
			check.Unsure++
		default:
			check.Add(fmt.Sprintf("job %s is finished, but the audit has no record %s", job, want.record))
		}
	}
	return check, nil
}

// finished reads a number of finished jobs: what is looked for of each, and when the first of them
// was stored.
func (v *AuditView) finished(
	ctx context.Context, from uint64, check *revocation.AuditCheck,
) (jobs map[string]awaited, first time.Time, next uint64, err error) {
	name := streamOf(bucketLedger)
	stream, err := v.queue.js.Stream(ctx, name)
	if err != nil {
		return nil, first, 0, fmt.Errorf("open %s: %w", name, err)
	}
	jobs = make(map[string]awaited)
	entries := span{name, "$KV." + bucketLedger + ".job.*", from, stream.CachedInfo().State.LastSeq, v.most}
	next, err = v.queue.look(ctx, entries, func(msg *jetstream.RawStreamMsg) (bool, error) {
		if len(msg.Data) == 0 {
			return true, nil // a marker: the entry was removed
		}
		if first.IsZero() {
			first = msg.Time
		}
		check.Finished++
		var record revocation.Record
		err := json.Unmarshal(msg.Data, &record)
		if err != nil || record.ID == "" {
			check.Add(fmt.Sprintf("the ledger's entry %d is no record", msg.Sequence))
			return true, nil //nolint:nilerr // a finding, and the check goes on
		}
		jobs[record.Job.ID] = awaited{record.ID, record.Outcome, msg.Time}
		return len(jobs) < v.jobs, nil
	})
	return jobs, first, next, err
}

// search takes out of missing what the audit has, and says whether it came to the end.
func (v *AuditView) search(ctx context.Context, since time.Time, missing map[string]awaited) (end bool, err error) {
	next, last, err := v.queue.since(ctx, streamAudit, since.Add(-storedLate))
	if err != nil {
		return false, err
	}
	looked := 0
	for began := time.Now(); looked < checkReads*v.most && time.Since(began) < lookTime; {
		next, err = v.queue.look(ctx, span{streamAudit, subjectAuditRecord + "*", next, last, v.most}, func(msg *jetstream.RawStreamMsg) (bool, error) {
			looked++
			entry := auditEntry(msg)
			if entry.Record == nil {
				return true, nil
			}
			if want, found := missing[entry.Record.Job.ID]; found && want.metBy(*entry.Record) {
				delete(missing, entry.Record.Job.ID)
			}
			return len(missing) > 0, nil
		})
		if err != nil || next == 0 || len(missing) == 0 {
			return next == 0, err
		}
	}
	return false, nil
}
