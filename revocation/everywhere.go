package revocation

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A job that asks for Okta's global token revocation takes two calls. The first ends the sessions.
// Where the second fails, the job is tried again for hours, and must not end the sessions again each
// time: the person may have signed in honestly since. So what the first call did is put on record as
// a job of its own, the half that is done.

// firstHalf is the part of a job that ends the sessions.
func firstHalf(job Job) Job {
	job.ID = DeriveID("job", job.ID, "sessions")
	job.Everywhere = false
	return job
}

// endedBefore reports whether newest is the half of this very job that is done.
func endedBefore(job Job, newest Record) bool {
	return job.Everywhere && newest.Call != nil && newest.Job.ID == firstHalf(job).ID && newest.Job.Redrives == job.Redrives
}

// noteEnded puts the half that is done on record.
func (w *Worker) noteEnded(ctx context.Context, task Task, user User, began time.Time, call Call) error {
	if task.ended != nil {
		return nil
	}
	half := task
	half.Job = firstHalf(task.Job)
	record := w.record(half, user, began, OutcomeRevoked, "Okta ended the sessions; job "+task.Job.ID+" goes on with the global token revocation")
	record.Call = &call
	kept, err := w.commit(ctx, record)
	if err != nil {
		return fmt.Errorf("commit the ended sessions to the ledger: %w", err)
	}
	return w.prove(ctx, record, kept)
}

// proveHalf puts the half that is done into the audit once more when its job ends. The audit may
// have been away, and no task of its own brings the half there.
func (w *Worker) proveHalf(ctx context.Context, job Job) error {
	if !job.Everywhere {
		return nil
	}
	half, found, err := w.deps.Ledger.Finished(ctx, firstHalf(job).ID)
	if err != nil {
		return fmt.Errorf("read the ledger for the half that is done: %w", err)
	}
	if !found {
		return nil
	}
	return w.auditLate(ctx, half)
}

// everywhere makes the second call of a job that asks for Okta's global token revocation,
// after the sessions are ended.
func (w *Worker) everywhere(ctx context.Context, user User, job Job, first Call) (Call, error) {
	began := w.config.Now()
	second, err := w.revokeEverywhere(ctx, user.ID, job)
	w.observe(Event{Step: StepCalled, Job: &job, Call: callOf(second, err), Took: w.config.Now().Sub(began), Err: err})
	if err == nil {
		first.Everywhere = &second
		return first, nil
	}
	failed := &CallError{Failure: FailureTemporary, Call: first, Err: fmt.Errorf("the sessions are ended, but not everywhere: %w", err)}
	if callErr, ok := errors.AsType[*CallError](err); ok {
		failed.Failure, failed.RetryAfter = callErr.Failure, callErr.RetryAfter
		failed.Call.Everywhere = callOf(second, err)
	}
	if failed.Failure == FailureGone {
		failed.Failure = FailureInvalid // the first call has just found them: that the feature is not there is more likely
	}
	return first, failed
}

func (w *Worker) revokeEverywhere(ctx context.Context, user string, job Job) (call Call, err error) {
	defer func() { err = w.contain(&job, recover(), err) }()
	if w.deps.Everywhere == nil {
		return Call{}, &CallError{Failure: FailureInvalid, NotSent: true, Err: errors.New("global token revocation is not set up")}
	}
	return w.deps.Everywhere.RevokeEverywhere(ctx, user)
}
