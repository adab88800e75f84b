package revocation

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

// busyRetry is how long a job waits when another for the same user is in hand.
const busyRetry = 500 * time.Millisecond

// How long a worker waits before it offers the ledger a record again.
const (
	minCommitPause = 100 * time.Millisecond
	maxCommitPause = 5 * time.Second
)

// auditPatience is for how long a worker offers the audit a record.
const auditPatience = time.Second

// try is the way of one job: finished already? whose is it? covered? may it be
// done? is there room under the brake? then act and record. An error means our own store failed.
func (w *Worker) try(ctx context.Context, task Task) (Verdict, error) {
	if !w.claims.claim(task.Job.ID) {
		return w.deferTask(task, busyRetry, "another copy of this job is in hand"), nil
	}
	defer w.claims.release(task.Job.ID)
	finished, found, err := w.deps.Ledger.Finished(ctx, task.Job.ID)
	if err != nil {
		return Verdict{}, fmt.Errorf("read the ledger for the job: %w", err)
	}
	if found {
		return w.alreadyFinished(ctx, task, finished)
	}
	began := w.config.Now()
	user, err := w.resolve(ctx, task.Job)
	if err != nil {
		return w.conclude(ctx, task, user, began, Call{}, err)
	}
	if !w.claims.claim(user.ID) {
		return w.deferTask(task, busyRetry, "another job for this person is in hand"), nil
	}
	defer w.claims.release(user.ID)

	newest, found, err := w.deps.Ledger.Newest(ctx, task.Job.Org, user.ID)
	if err != nil {
		return Verdict{}, fmt.Errorf("read the ledger for the user: %w", err)
	}
	if found && endedBefore(task.Job, newest) {
		task.ended = &newest
	} else if found {
		verdict, done, err := w.weighNewest(ctx, task, user, newest)
		if done || err != nil {
			return verdict, err
		}
	}
	return w.guarded(ctx, task, user)
}

// alreadyFinished meets a job whose end is in the ledger. A crash may have come
// between the ledger and the audit, so the record goes to the audit once more.
// Taken again, the job is the same copy, whose acknowledgement was lost. Taken for
// the first time, it is a duplicate: an attempt of its own, covered by what was done.
func (w *Worker) alreadyFinished(ctx context.Context, task Task, finished Record) (Verdict, error) {
	if err := w.secondLook(ctx, finished); err != nil {
		return Verdict{}, err
	}
	if err := w.auditLate(ctx, finished); err != nil {
		return Verdict{}, err
	}
	if err := w.proveHalf(ctx, finished.Job); err != nil {
		return Verdict{}, err
	}
	if task.Attempt > 1 {
		return Verdict{}, nil
	}
	record := w.record(task, User{ID: finished.User}, w.config.Now(), OutcomeCovered,
		"a duplicate: this job was finished before, as "+string(finished.Outcome))
	record.CoveredBy = finished.Job.ID
	return Verdict{}, w.audit(ctx, record)
}

// weighNewest looks at the newest revocation of the job's user: it may be this
// job's own, from before a crash; it may cover the job; it may be so fresh that
// the job waits, so that a burst of alerts costs two calls and not a hundred.
func (w *Worker) weighNewest(ctx context.Context, task Task, user User, newest Record) (Verdict, bool, error) {
	if newest.Job.ID == task.Job.ID && newest.Job.Redrives == task.Job.Redrives {
		verdict, err := w.finish(ctx, newest)
		return verdict, true, err
	}
	if err := w.vouch(ctx, newest); err != nil {
		return Verdict{}, false, err
	}
	age := w.config.Now().Sub(newest.Began)
	if age < -max(w.config.Spacing, w.config.Margin) {
		// The clock was set back since, or another host's is far ahead: what came after
		// what cannot be told. A call too many is better than an alert that seems covered.
		return Verdict{}, false, nil
	}
	if Covered(task.Job, newest, w.config.Margin) {
		record := w.record(task, user, w.config.Now(), OutcomeCovered, "a revocation begun after this alert already did it")
		record.CoveredBy = newest.Job.ID
		verdict, err := w.finish(ctx, record)
		return verdict, true, err
	}
	if wait := w.config.Spacing - age; wait > 0 {
		return w.deferTask(task, min(wait, w.config.Spacing), "this person was revoked just now; one more call will do for all that came since"), true, nil
	}
	return Verdict{}, false, nil
}

// vouch makes sure that the newest revocation is on record before something else is covered by it or
// takes its place. A crash may have come between the two writes of its commit; its own job, when
// that comes again, may be covered in turn and would tell of a call that it did not make. Or another
// worker ended that job first: then this record is not the one that the job brings to the audit.
func (w *Worker) vouch(ctx context.Context, newest Record) error {
	finished, found, err := w.deps.Ledger.Finished(ctx, newest.Job.ID)
	if err != nil {
		return fmt.Errorf("read the ledger for the newest revocation: %w", err)
	}
	if found && finished.ID == newest.ID {
		return nil
	}
	if _, err := w.commit(ctx, newest); err != nil {
		return fmt.Errorf("commit the newest revocation to the ledger: %w", err)
	}
	return w.auditLate(ctx, newest)
}

// act calls Okta once, if the brake has room, and concludes from its answer. The claim of
// room and the call share one deadline, so that no call begins long after its claim.
func (w *Worker) act(ctx context.Context, task Task, user User) (Verdict, error) {
	callCtx, cancel := context.WithTimeout(ctx, w.config.AttemptTimeout)
	defer cancel()
	if verdict, done, err := w.braked(ctx, callCtx, task, user, w.config.Now()); done || err != nil {
		return verdict, err
	}
	began := w.config.Now()
	w.observe(Event{Step: StepCalling, Job: &task.Job})
	call, err := w.end(callCtx, task, user)
	if err == nil && task.Job.Everywhere {
		ended := call
		call, err = w.everywhere(callCtx, user, task.Job, call)
		if err != nil {
			if err := w.noteEnded(ctx, task, user, began, ended); err != nil {
				return Verdict{}, err
			}
		}
	}
	if task.ended != nil {
		began = task.ended.Began // which is what covers others: they may have come back since
	}
	return w.conclude(ctx, task, user, began, call, err)
}

// end ends the person's sessions, where a try before has not done so.
func (w *Worker) end(ctx context.Context, task Task, user User) (Call, error) {
	if task.ended != nil {
		return *task.ended.Call, nil
	}
	began := w.config.Now()
	call, err := w.revoke(ctx, user.ID, task.Job)
	w.observe(Event{Step: StepCalled, Job: &task.Job, Call: callOf(call, err), Took: w.config.Now().Sub(began), Err: err})
	return call, err
}

// conclude records what a try came to.
func (w *Worker) conclude(ctx context.Context, task Task, user User, began time.Time, call Call, tryErr error) (Verdict, error) {
	now := w.config.Now()
	if delay, paused := w.gate.weigh(task.Job, tryErr); paused {
		return w.deferTask(task, delay, "the org is paused: Okta does not accept our credential"), nil
	}
	result := settle(tryErr, w.gate.age(task.Job), w.config.GiveUpAfter)

	record := w.record(task, user, began, result.outcome, result.reason)
	record.Call = callOf(call, tryErr)
	switch {
	case result.outcome == OutcomeDead:
		return w.bury(ctx, record)
	case result.outcome.Finishes():
		return w.finish(ctx, record)
	case heldBack(tryErr):
		return w.deferTask(task, result.delay, result.reason), nil
	default:
		record.Retry = now.Add(result.delay)
		return Verdict{Again: true, Delay: result.delay}, w.audit(ctx, record)
	}
}

// heldBack reports whether our own budget refused the call: Okta saw nothing.
func heldBack(err error) bool {
	var callErr *CallError
	return errors.As(err, &callErr) && callErr.NotSent && callErr.Failure == FailureRateLimited
}

// callOf is what is known of a call; nil when none was sent.
func callOf(call Call, err error) *Call {
	var callErr *CallError
	switch {
	case err == nil:
		return &call
	case errors.As(err, &callErr) && !callErr.NotSent:
		return &callErr.Call
	default:
		return nil
	}
}

// finish commits to the ledger, then to the audit: only then may the job be forgotten.
func (w *Worker) finish(ctx context.Context, record Record) (Verdict, error) {
	kept, err := w.commit(ctx, record)
	if err != nil {
		return Verdict{}, fmt.Errorf("commit to the ledger: %w", err)
	}
	w.observe(Event{Step: StepRecorded, Job: &record.Job, Record: &record})
	if err := w.prove(ctx, record, kept); err != nil {
		return Verdict{}, err
	}
	return Verdict{}, w.secondLook(ctx, record) // where it fails the job comes again, and its record is safe
}

// prove puts a committed record on file, and after it the one that the ledger has for the job.
// That is another worker's where it came first, and it may have died or given up before the
// audit had it: the job is about to be acknowledged, and would not bring it there any more.
func (w *Worker) prove(ctx context.Context, record, kept Record) error {
	if err := w.audit(ctx, record); err != nil {
		return err
	}
	if kept.ID != record.ID {
		if err := w.auditLate(ctx, kept); err != nil {
			return err
		}
	}
	return w.proveHalf(ctx, record.Job)
}

// commit holds on to what was done until the ledger takes it. Handing the job back
// instead would call Okta again, and sign the person out again, for as long as the
// ledger fails. While every hand of the worker holds a record, no call is made.
func (w *Worker) commit(ctx context.Context, record Record) (Record, error) {
	for wait := minCommitPause; ; wait = min(2*wait, maxCommitPause) {
		kept, err := w.deps.Ledger.Commit(ctx, record)
		if err == nil {
			return kept, nil
		}
		select {
		case <-ctx.Done():
			return Record{}, errors.Join(err, context.Cause(ctx))
		case <-time.After(wait):
			w.trouble(&record.Job, fmt.Errorf("commit to the ledger, holding the job: %w", err))
		}
	}
}

// bury copies the job to the dead letters, and only then ends it.
func (w *Worker) bury(ctx context.Context, record Record) (Verdict, error) {
	if err := w.deps.DeadLetters.Put(ctx, DeadJob(record, record.Ended)); err != nil {
		err = fmt.Errorf("put aside as a dead letter: %w", err)
		record.Outcome, record.Reason = OutcomeFailed, record.Reason+"; the dead letters did not take it"
		return Verdict{}, errors.Join(err, w.audit(ctx, record)) // the try was made all the same
	}
	w.observe(Event{Step: StepDeadLetter, Job: &record.Job, Record: &record, Reason: record.Reason})
	return Verdict{Ended: true, Reason: record.Reason}, w.prove(ctx, record, record)
}

// audit puts a record on file. It insists for a while: the record of a job that ends is offered
// again whenever the job comes, but of a try that failed nothing else is left.
func (w *Worker) audit(ctx context.Context, record Record) error {
	ctx, cancel := context.WithTimeout(ctx, auditPatience)
	defer cancel()
	for wait := minCommitPause; ; wait *= 2 {
		_, err := w.deps.Audit.Append(ctx, record)
		if err == nil {
			w.observe(Event{Step: StepAudited, Job: &record.Job, Record: &record})
			return nil
		}
		select {
		case <-ctx.Done():
			if record.Outcome.Finishes() {
				w.unanswered.add(record.ID) // which comes again; that of a try that failed does not
			}
			return fmt.Errorf("append to the audit: %w", err)
		case <-time.After(wait):
		}
	}
}

// auditLate puts on file what the ledger has and the audit may have too: of a try before, whose end was cut
// short, or of another worker. The step is told of once.
func (w *Worker) auditLate(ctx context.Context, record Record) error {
	fresh, err := w.deps.Audit.Append(ctx, record)
	if err != nil {
		return fmt.Errorf("append the record of job %s to the audit, from the ledger: %w", record.Job.ID, err)
	}
	if w.unanswered.take(record.ID) || fresh {
		w.observe(Event{Step: StepAudited, Job: &record.Job, Record: &record})
	}
	return nil
}

// deferTask hands a job back untried. That is no attempt and leaves no record.
func (w *Worker) deferTask(task Task, delay time.Duration, reason string) Verdict {
	w.observe(Event{Step: StepDeferred, Job: &task.Job, Took: delay, Reason: reason})
	return Verdict{Again: true, Delay: delay}
}

func (w *Worker) resolve(ctx context.Context, job Job) (user User, err error) {
	ctx, cancel := context.WithTimeout(ctx, lookupCalls*w.config.AttemptTimeout)
	defer cancel()
	defer func() { err = w.contain(&job, recover(), err) }()
	user, err = w.deps.Okta.Resolve(ctx, job)
	if err != nil {
		return user, fmt.Errorf("find the person in Okta: %w", err)
	}
	return user, nil
}

func (w *Worker) revoke(ctx context.Context, user string, job Job) (call Call, err error) {
	defer func() { err = w.contain(&job, recover(), err) }()
	return w.deps.Okta.Revoke(ctx, user, job.Scope)
}

var errPanic = errors.New("a panic while talking to Okta: this is a bug in Sever, its stack is in the log")

// contain makes of a panic an error that settle knows nothing of: the job then
// backs off, is audited and grows too old like any other.
func (w *Worker) contain(job *Job, cause any, err error) error {
	if cause == nil {
		return err
	}
	w.trouble(job, fmt.Errorf("panic while talking to Okta: %v\n%s", cause, debug.Stack()))
	return errPanic
}

func (w *Worker) record(task Task, user User, began time.Time, outcome Outcome, reason string) Record {
	if user.Status != "" {
		reason += "; held until " + stamp(task.Job.Effective) + ", when their status was " + user.Status
	}
	return Record{
		ID: recordID(task.Job, task.Attempt, began), Job: task.Job, Attempt: task.Attempt,
		Outcome: outcome, Reason: reason, User: user.ID, Began: began, Ended: w.config.Now(),
	}
}
