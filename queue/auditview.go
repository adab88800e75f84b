package queue

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sever/revocation"
)

// AuditView reads the evidence.
type AuditView struct {
	queue *Queue
	now   func() time.Time
	most  int // messages in one look
	jobs  int // finished jobs that are looked for at once
}

// AuditView opens the evidence for looking at it.
func (q *Queue) AuditView() *AuditView {
	return &AuditView{queue: q, now: time.Now, most: lookMost, jobs: checkJobs}
}

// subjectsAudit is every subject of the audit.
const subjectsAudit = "sever.audit.>"

// List gives a page of what the query picks.
func (v *AuditView) List(ctx context.Context, query revocation.AuditQuery) (revocation.AuditPage, error) {
	page := revocation.AuditPage{Entries: []revocation.AuditEntry{}}
	take := func(msg *jetstream.RawStreamMsg) (more bool) {
		if entry := auditEntry(msg); query.Wants(entry) {
			page.Entries = append(page.Entries, entry)
		}
		return len(page.Entries) < query.Limit
	}
	first, last, err := v.queue.since(ctx, streamAudit, query.Since)
	if err != nil {
		return page, err
	}
	if query.Oldest {
		page.Next, err = v.queue.look(ctx, span{streamAudit, subjectsAudit, max(first, query.From), last, v.most},
			func(msg *jetstream.RawStreamMsg) (bool, error) { return take(msg), nil })
		return page, err
	}
	page.Next, err = v.queue.lookBack(ctx, span{streamAudit, subjectsAudit, first, query.From, v.most}, take)
	return page, err
}

func auditEntry(msg *jetstream.RawStreamMsg) revocation.AuditEntry {
	entry := revocation.AuditEntry{Seq: msg.Sequence, Stored: msg.Time}
	org, isRecord := strings.CutPrefix(msg.Subject, subjectAuditRecord)
	switch {
	case isRecord:
		entry.Record, entry.Broken = auditRecord(msg.Data, org)
	case msg.Subject == subjectAuditAction:
		entry.Action, entry.Broken = auditAction(msg.Data)
	default:
		entry.Broken = "has a subject that is none of the audit's"
	}
	return entry
}

func auditRecord(data []byte, org string) (record *revocation.Record, broken string) {
	err := json.Unmarshal(data, &record)
	switch {
	case err != nil, record == nil, record.ID == "", record.Job.ID == "", record.Outcome == "":
		return nil, "is no record of an attempt"
	case record.Job.Org != org:
		return nil, "is the record of another org than its subject says"
	default:
		return record, ""
	}
}

func auditAction(data []byte) (action *revocation.Action, broken string) {
	err := json.Unmarshal(data, &action)
	if err != nil || action == nil || action.ID == "" || action.Verb == "" {
		return nil, "is no record of an action"
	}
	return action, ""
}
