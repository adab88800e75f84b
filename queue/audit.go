package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"sever/revocation"
)

// Audit appends evidence to a stream that refuses deletion.
type Audit struct{ queue *Queue }

var _ revocation.Audit = (*Audit)(nil)

// Audit opens the evidence for appending.
func (q *Queue) Audit() *Audit { return &Audit{queue: q} }

// Append stores one attempt's record durably. Within dedupWindow the same record
// is stored once; later it may be stored again under the same id, and is not fresh.
func (a *Audit) Append(ctx context.Context, record revocation.Record) (fresh bool, err error) {
	data, err := json.Marshal(record)
	if err != nil {
		return false, fmt.Errorf("encode record %s: %w", record.ID, err)
	}
	stored, err := a.queue.publish(ctx, streamAudit, subjectAuditRecord+record.Job.Org, record.ID, data)
	return stored && time.Since(record.Ended) < dedupWindow, err
}

// AppendAction stores what an operator did.
func (a *Audit) AppendAction(ctx context.Context, action revocation.Action) error {
	data, err := json.Marshal(action)
	if err != nil {
		return fmt.Errorf("encode action %s: %w", action.ID, err)
	}
	_, err = a.queue.publish(ctx, streamAudit, subjectAuditAction, action.ID, data)
	return err
}
