package revocation

import (
	"fmt"
	"time"
)

// HoldOutcome is what came of saying something about a hold.
type HoldOutcome string

// The outcomes.
const (
	HoldChanged  HoldOutcome = "changed"  // the entry's Action says how
	HoldRepeated HoldOutcome = "repeated" // this very signal made the entry what it is: a crash came in between, or it was sent twice
	HoldNoted    HoldOutcome = "noted"    // nothing changes but which signal is the newest
	HoldStale    HoldOutcome = "stale"    // something newer is known, or this has ended already
	HoldEarly    HoldOutcome = "early"    // its time has not come
)

// Writes reports whether the entry differs from before.
func (o HoldOutcome) Writes() bool { return o == HoldChanged || o == HoldNoted }

// Put has a source announce a termination with a date to come.
func (e HoldEntry) Put(hold Hold, notice Notice, now time.Time) (HoldEntry, HoldOutcome) {
	outcome := e.weigh(hold, notice)
	if outcome == HoldNoted {
		e.Notice = notice // the job of the first announcement stays, so that there is one
	}
	if outcome != HoldChanged {
		return e, outcome
	}
	verb, what := "hold", "takes effect at "+stamp(hold.Due)
	if e.State == HoldWaits {
		verb, what = "replace", what+" instead of "+stamp(e.Hold.Due)
	}
	next := HoldEntry{
		Key: hold.Key, Org: hold.Job.Org, Source: hold.Job.Source, State: HoldWaits, Hold: &hold,
		Notice: notice, Announced: notice.Signal, Effective: hold.Job.Effective,
	}
	return next.acted(verb, notice.Signal, fmt.Sprintf("source %s: job %s %s", next.Source, hold.Job.ID, what), now), HoldChanged
}

// weigh says what an announcement comes to.
func (e HoldEntry) weigh(hold Hold, notice Notice) HoldOutcome {
	waits := e.State == HoldWaits
	sameDate := hold.Job.Effective.Equal(e.Effective)
	switch {
	case e.Key == "":
		return HoldChanged
	case sameDate && notice.Signal == e.Notice.Signal:
		return HoldRepeated
	case sameDate && !waits && notice.Signal == e.Announced, !notice.After(e.Notice):
		return HoldStale
	case sameDate && waits, e.Decided && (sameDate || waits):
		return HoldNoted
	default:
		return HoldChanged
	}
}

// Now has a source say that a termination takes effect at once. act says whether a job
// for it is to be published; a hold that waited for it ends.
func (e HoldEntry) Now(notice Notice, now time.Time) (next HoldEntry, outcome HoldOutcome, act bool) {
	outcome, act = e.weighNow(notice)
	if outcome != HoldChanged {
		return e, outcome, act
	}
	waited := e.State == HoldWaits
	reason := "takes effect at once"
	if waited {
		reason += " instead of " + stamp(e.Hold.Due)
	}
	e.State, e.Hold, e.Decided, e.Notice, e.Announced = HoldReleased, nil, false, notice, notice.Signal
	if !waited {
		return e, HoldNoted, true
	}
	return e.acted("release", notice.Signal, fmt.Sprintf("source %s: %s", e.Source, reason), now), HoldChanged, true
}

// weighNow says what comes of a termination that takes effect at once, and whether its
// job is to be published.
func (e HoldEntry) weighNow(notice Notice) (outcome HoldOutcome, act bool) {
	ours := notice.Signal == e.Announced || notice.Signal == e.Notice.Signal
	newer := notice.After(e.Notice)
	switch e.State {
	case HoldReleased:
		if ours {
			return HoldRepeated, true
		}
		if !newer {
			return HoldStale, true // one job too many is better than one too few
		}
		return HoldChanged, true
	case HoldWaits:
		if ours || newer {
			return HoldChanged, true
		}
		return HoldStale, false
	case HoldWithdrawn, HoldRejected:
		if ours || !newer {
			return HoldStale, false
		}
		return HoldChanged, true
	default:
		return HoldStale, true // nothing was held, and nothing need be known
	}
}

// Withdraw has a source call off what it announced under key.
func (e HoldEntry) Withdraw(key string, signal Signal, now time.Time) (HoldEntry, HoldOutcome) {
	notice := NoticeOf(signal)
	switch {
	case e.Key == "":
		e = HoldEntry{Key: key, Org: signal.Org, Source: signal.Source}
	case notice.Signal == e.Notice.Signal:
		return e, HoldRepeated
	case !notice.After(e.Notice):
		return e, HoldStale
	}
	reason := "nothing was held"
	switch {
	case e.State == HoldWaits:
		reason = "called off; it was to take effect at " + stamp(e.Hold.Due)
	case e.State == HoldReleased && e.Hold != nil:
		reason = fmt.Sprintf("too late: job %s was released at %s", e.Hold.Job.ID, stamp(e.Action.At))
	case e.State == HoldReleased:
		reason = "too late: it had taken effect"
	}
	e.State, e.Hold, e.Decided, e.Notice = HoldWithdrawn, nil, false, notice
	return e.acted("withdraw", notice.Signal, fmt.Sprintf("source %s: %s", e.Source, reason), now), HoldChanged
}

// Wake has a hold's time come, which was set to due.
func (e HoldEntry) Wake(due, now time.Time) (HoldEntry, HoldOutcome) {
	switch {
	case e.Hold == nil || !e.Hold.Due.Equal(due):
		return e, HoldStale
	case e.State == HoldReleased:
		return e, HoldRepeated
	case e.Hold.Due.After(now):
		return e, HoldEarly
	}
	e.State = HoldReleased
	return e.acted("release", stamp(due), fmt.Sprintf("source %s: job %s took effect at %s",
		e.Source, e.Hold.Job.ID, stamp(e.Effective)), now), HoldChanged
}

// Approve has an operator let the job go now. It is released as one whose time has come.
func (e HoldEntry) Approve(now time.Time) (HoldEntry, error) {
	if err := e.mustWait(); err != nil {
		return e, err
	}
	hold := *e.Hold
	hold.Due = now
	e.Hold, e.Decided = &hold, true
	return e, nil
}

// Reject has an operator drop the job for good.
func (e HoldEntry) Reject() (HoldEntry, error) {
	if err := e.mustWait(); err != nil {
		return e, err
	}
	e.State, e.Hold, e.Decided = HoldRejected, nil, true
	return e, nil
}

func (e HoldEntry) mustWait() error {
	switch e.State {
	case HoldWaits:
		return nil
	case HoldReleased, HoldWithdrawn, HoldRejected:
		return fmt.Errorf("the hold does not wait any more: it is %s: %w", e.State, ErrInvalid)
	default:
		return fmt.Errorf("no hold has this key: %w", ErrNotFound)
	}
}

// acted puts the evidence of a change into the entry. Its id is derived from what caused
// the change, so that a crash before it is stored does not make two.
func (e HoldEntry) acted(verb, cause, reason string, now time.Time) HoldEntry {
	e.Action = Action{ID: DeriveID("act", verb, e.Key, cause), At: now, Verb: verb, Target: e.Key, Reason: reason}
	return e
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
