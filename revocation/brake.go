package revocation

import (
	"maps"
	"time"
)

// BrakeLimits cap how many distinct people of one org may be called in any window of the
// length Per. A cap of 0 is none.
type BrakeLimits struct {
	Per         time.Duration
	Max         int
	CriticalMax int // of the critical lane, which then does not count to Max
	SourceMax   int // of each source
	RuleMax     int // of each rule

	// Slack is how much later than its claim a call may begin, the difference of the hosts'
	// clocks included. A claim counts for so much longer than Per.
	Slack time.Duration
}

// BrakeState is what the workers of an org know together: changed by compare-and-set only.
// The zero BrakeState is that of an org in which nobody was called.
type BrakeState struct {
	// Called says by cap and user when room for their newest call was claimed.
	Called map[string]map[string]time.Time `json:"called"`
	// Holding says by cap when it last held a job back.
	Holding map[string]time.Time `json:"holding,omitempty"`
}

// BrakeClaim is what came of asking for room.
type BrakeClaim struct {
	Cap string // which cap holds the job back; "" when the call may be made
	Max int    // its number of people
	// Tripped says that the cap holds its first job after it held none for a whole window.
	Tripped bool
}

type brakeCap struct {
	name string
	max  int
}

// caps are those that a job counts to.
func (l BrakeLimits) caps(job Job) []brakeCap {
	whole := brakeCap{"all", l.Max}
	if job.Lane == LaneCritical && l.CriticalMax > 0 {
		whole = brakeCap{"lane " + string(LaneCritical), l.CriticalMax}
	}
	var caps []brakeCap
	for _, c := range []brakeCap{whole, {"source " + job.Source, l.SourceMax}, {"rule " + job.Rule, l.RuleMax}} {
		if c.max > 0 {
			caps = append(caps, c)
		}
	}
	return caps
}

// Claim asks for room for one call that begins within Slack after at. Who was called
// within the window does not count again. differs says whether next must be stored before
// the claim is good.
//
// At every claim the people of the window that ends there are at most as many as the cap,
// and every window with a call in it ends at one or is part of one that does.
func (s BrakeState) Claim(limits BrakeLimits, job Job, user string, at time.Time) (next BrakeState, claim BrakeClaim, differs bool) {
	window := limits.Per + limits.Slack
	next = s.since(at, window)
	caps := limits.caps(job)
	for _, c := range caps {
		called := next.Called[c.name]
		if _, counted := called[user]; counted || len(called) < c.max {
			continue
		}
		last, holding := next.Holding[c.name]
		next.Holding[c.name] = at
		// While a cap holds, its time need not be exact: a flood of jobs is not one of writes.
		return next, BrakeClaim{Cap: c.name, Max: c.max, Tripped: !holding}, !holding || at.Sub(last) > window/8
	}
	for _, c := range caps {
		if next.Called[c.name] == nil {
			next.Called[c.name] = make(map[string]time.Time)
		}
		if at.After(next.Called[c.name][user]) { // another host's clock may be ahead
			next.Called[c.name][user] = at
		}
	}
	return next, BrakeClaim{}, true
}

// since copies what is not older than the window. A time far ahead comes from a clock that
// was wrong: it is taken for now, lest it count for ever.
func (s BrakeState) since(at time.Time, window time.Duration) BrakeState {
	recent := func(times map[string]time.Time) map[string]time.Time {
		kept := make(map[string]time.Time, len(times))
		for key, then := range times {
			switch age := at.Sub(then); {
			case age < -window:
				kept[key] = at
			case age <= window:
				kept[key] = then
			}
		}
		return kept
	}
	next := BrakeState{Called: maps.Clone(s.Called), Holding: recent(s.Holding)}
	if next.Called == nil {
		next.Called = make(map[string]map[string]time.Time)
	}
	for name, people := range next.Called {
		next.Called[name] = recent(people)
		if len(next.Called[name]) == 0 {
			delete(next.Called, name)
		}
	}
	return next
}
