package revocation

import (
	"fmt"
	"slices"
	"strings"
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

// Put keeps a job back. What a source announced of a person is weighed against what it
// said before; any other job is held once, until it is put back again.
func (e HoldEntry) Put(hold Hold, notice Notice, now time.Time) (HoldEntry, HoldOutcome) {
	outcome := e.weighJob(hold)
	if e.Key != "" && hold.Key == HoldKey(hold.Job.Org, hold.Job.Source, hold.Job.Person) {
		outcome = e.weigh(hold, notice)
	}
	if outcome == HoldNoted {
		e.Notice = notice // the job of the first announcement stays, so that there is one
	}
	if outcome != HoldChanged {
		return e, outcome
	}
	verb, what := "hold", hold.until()
	if e.State == HoldWaits {
		verb, what = "replace", what+"; it "+e.Hold.was()
	}
	next := HoldEntry{
		Key: hold.Key, Org: hold.Job.Org, Source: hold.Job.Source, State: HoldWaits, Hold: &hold,
		Notice: notice, Announced: notice.Signal, Effective: hold.Job.Effective, Round: hold.Job.Redrives,
	}
	cause := notice.Signal + strings.Repeat("+", next.Round) // one hold of the job for each time it was put back
	return next.acted(verb, cause, fmt.Sprintf("source %s: job %s %s", next.Source, hold.Job.ID, what), now), HoldChanged
}

// until says in a few words what a hold waits for.
func (h Hold) until() string {
	switch {
	case h.Why == HeldForDate:
		return "takes effect at " + stamp(h.Due)
	case !h.Due.IsZero():
		return "is held for " + h.Why + " until " + stamp(h.Due)
	case !h.Expires.IsZero():
		return "is held for " + h.Why + ", to be decided before " + stamp(h.Expires)
	default:
		return "is held for " + h.Why + ", to be decided by an operator"
	}
}

// was says in a few words what a hold waited for.
func (h Hold) was() string {
	if h.Why == HeldForDate {
		return "was to take effect at " + stamp(h.Due)
	}
	return "was held for " + h.Why + " since " + stamp(h.Held)
}

// weighJob says what holding a job comes to where no dates are to be compared.
func (e HoldEntry) weighJob(hold Hold) HoldOutcome {
	switch {
	case e.Key == "" || hold.Job.Redrives > e.Round:
		return HoldChanged
	case hold.Job.Redrives == e.Round:
		return HoldRepeated // whatever became of it since
	default:
		return HoldStale
	}
}

// weigh says what an announcement comes to of somebody of whom something is known.
func (e HoldEntry) weigh(hold Hold, notice Notice) HoldOutcome {
	waits := e.State == HoldWaits
	sameDate := hold.Job.Effective.Equal(e.Effective)
	sameCase := sameDate && !e.Effective.IsZero() // without a date, each announcement is one of its own
	switch {
	case sameDate && notice.Signal == e.Notice.Signal:
		return HoldRepeated
	case sameDate && !waits && notice.Signal == e.Announced, !notice.After(e.Notice):
		return HoldStale
	case waits && (sameDate || e.Decided), e.Decided && sameCase:
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
		reason += "; it " + e.Hold.was()
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
	case HoldWithdrawn, HoldRejected, HoldExpired:
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
		reason = "called off; it " + e.Hold.was()
	case e.State == HoldReleased && e.Hold != nil:
		reason = fmt.Sprintf("too late: job %s was released at %s", e.Hold.Job.ID, stamp(e.Action.At))
	case e.State == HoldReleased:
		reason = "too late: it had taken effect"
	}
	e.State, e.Hold, e.Decided, e.Notice = HoldWithdrawn, nil, false, notice
	return e.acted("withdraw", notice.Signal, fmt.Sprintf("source %s: %s", e.Source, reason), now), HoldChanged
}

// ReleasedBefore reports whether the job of the entry was released on account of something
// older than a signal.
func (e HoldEntry) ReleasedBefore(signal Signal) bool {
	return e.State == HoldReleased && e.Hold != nil && NoticeOf(signal).After(e.Notice)
}

// WithdrawJob has a source call off what it announced after its job was released and then
// held once more, under its own name.
func (e HoldEntry) WithdrawJob(signal Signal, now time.Time) (HoldEntry, HoldOutcome) {
	switch {
	case e.State == HoldWithdrawn && e.Notice.Signal == signal.ID:
		return e, HoldRepeated
	case e.State != HoldWaits:
		return e, HoldStale
	}
	reason := fmt.Sprintf("source %s: called off; it %s", signal.Source, e.Hold.was())
	e.State, e.Hold, e.Notice = HoldWithdrawn, nil, NoticeOf(signal)
	return e.acted("withdraw", signal.ID, reason, now), HoldChanged
}

// CallOff ends a second look at somebody who is trusted again, if what says so is newer
// than the alert that asked for it.
func (e HoldEntry) CallOff(signal Signal, now time.Time) (HoldEntry, HoldOutcome) {
	notice := NoticeOf(signal)
	switch {
	case e.Hold == nil || e.Hold.Why != HeldForSecondLook:
		return e, HoldStale
	case e.State == HoldWithdrawn && e.Notice.Signal == notice.Signal:
		return e, HoldRepeated
	case e.State != HoldWaits, !notice.After(Notice{Occurred: e.Hold.Job.Occurred, Received: e.Hold.Held}):
		return e, HoldStale
	}
	reason := fmt.Sprintf("source %s: %s: called off; it %s", signal.Source, signal.Type, e.Hold.was())
	e.State, e.Notice = HoldWithdrawn, notice
	return e.acted("withdraw", signal.ID, reason, now), HoldChanged
}

// Wake has a hold's time come, which was set to due: its job is released, or nobody
// decided about it in time.
func (e HoldEntry) Wake(due, now time.Time) (HoldEntry, HoldOutcome) {
	switch {
	case e.Hold == nil || e.State == HoldWithdrawn || !e.Hold.Wakes().Equal(due):
		return e, HoldStale
	case e.State == HoldReleased, e.State == HoldExpired:
		return e, HoldRepeated
	case due.After(now):
		return e, HoldEarly
	case e.Hold.Due.IsZero():
		e.State = HoldExpired
		return e.acted("expire", stamp(due), fmt.Sprintf("source %s: nobody decided about job %s, held for %s, before %s",
			e.Source, e.Hold.Job.ID, e.Hold.Why, stamp(due)), now), HoldChanged
	}
	e.State = HoldReleased
	what := "took effect at " + stamp(e.Effective)
	if e.Hold.Why != HeldForDate {
		what = e.Hold.was()
	}
	return e.acted("release", stamp(due), fmt.Sprintf("source %s: job %s %s", e.Source, e.Hold.Job.ID, what), now), HoldChanged
}

// Approve has an operator let the job go. When enough of them have, it is released as one
// whose time has come.
func (e HoldEntry) Approve(by string, now time.Time) (HoldEntry, error) {
	if err := e.mustWait(); err != nil {
		return e, err
	}
	hold := *e.Hold
	if err := hold.mayApprove(by); err != nil {
		return e, err
	}
	hold.Approvals = append(slices.Clone(hold.Approvals), Approval{By: by, At: now})
	if hold.Missing() <= 0 {
		hold.Due, e.Decided = now, true
	}
	e.Hold = &hold
	return e, nil
}

// mayApprove keeps one name from standing for several people.
func (h Hold) mayApprove(by string) error {
	if h.Missing() <= 0 {
		return fmt.Errorf("it is approved already, and on its way: %w", ErrInvalid)
	}
	if h.People <= 1 {
		return nil
	}
	if by == "" {
		return fmt.Errorf("%d people must approve: say who you are: %w", h.People, ErrInvalid)
	}
	if slices.ContainsFunc(h.Approvals, func(a Approval) bool { return strings.EqualFold(a.By, by) }) {
		return fmt.Errorf("%.64q has approved already: somebody else must, too: %w", by, ErrInvalid)
	}
	return nil
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
	case HoldReleased, HoldWithdrawn, HoldRejected, HoldExpired:
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
