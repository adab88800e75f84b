package revocation_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"sever/revocation"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// asked is a job as far as the brake looks at it.
func asked(source, rule string, lane revocation.Lane) revocation.Job {
	return revocation.Job{Org: "acme", Source: source, Rule: rule, Lane: lane}
}

func TestBrakeClaims(t *testing.T) {
	t.Parallel()
	normal := asked("okta", "suspended", revocation.LaneHigh)
	critical := asked("okta", "suspended", revocation.LaneCritical)
	other := asked("siem", "alert", revocation.LaneHigh)
	two := revocation.BrakeLimits{Per: time.Minute, Max: 2}
	type step struct {
		job  revocation.Job
		user string
		at   time.Duration
		cap  string
	}
	for name, tt := range map[string]struct {
		limits revocation.BrakeLimits
		steps  []step
	}{
		"no more than the cap": {two, []step{{normal, "a", 0, ""}, {normal, "b", 1, ""}, {normal, "c", 2, "all"}, {other, "d", 3, "all"}}},
		"who was called does not count again": {two, []step{
			{normal, "a", 0, ""}, {normal, "b", 1, ""}, {normal, "a", 2, ""}, {other, "b", 3, ""}, {normal, "c", 4, "all"},
		}},
		"the window slides": {two, []step{
			{normal, "a", 0, ""},
			{normal, "b", 30 * time.Second, ""},
			{normal, "c", time.Minute, "all"},
			{normal, "c", time.Minute + 1, ""},
			{normal, "d", time.Minute + 2, "all"},
		}},
		"a call again keeps its place": {two, []step{
			{normal, "a", 0, ""},
			{normal, "b", 1, ""},
			{normal, "a", 50 * time.Second, ""},
			{normal, "c", 70 * time.Second, ""},
			{normal, "d", 70 * time.Second, "all"},
		}},
		"slack makes the window longer": {revocation.BrakeLimits{Per: time.Minute, Max: 1, Slack: 10 * time.Second}, []step{
			{normal, "a", 0, ""}, {normal, "b", 70 * time.Second, "all"}, {normal, "b", 70*time.Second + 1, ""},
		}},
		"critical counts with all": {two, []step{{normal, "a", 0, ""}, {critical, "b", 0, ""}, {critical, "c", 0, "all"}}},
		"critical has a cap of its own": {revocation.BrakeLimits{Per: time.Minute, Max: 1, CriticalMax: 1}, []step{
			{normal, "a", 0, ""}, {critical, "b", 0, ""}, {critical, "c", 0, "lane critical"}, {normal, "d", 0, "all"},
		}},
		"each source has one": {revocation.BrakeLimits{Per: time.Minute, Max: 9, SourceMax: 1}, []step{
			{normal, "a", 0, ""},
			{other, "b", 0, ""},
			{normal, "c", 0, "source okta"},
			{other, "c", 0, "source siem"},
			{normal, "a", 0, ""},
			{other, "a", 0, "source siem"},
		}},
		"each rule has one": {revocation.BrakeLimits{Per: time.Minute, Max: 9, RuleMax: 1}, []step{
			{normal, "a", 0, ""}, {critical, "b", 0, "rule suspended"}, {other, "b", 0, ""},
		}},
		"who is held takes no room": {revocation.BrakeLimits{Per: time.Minute, Max: 2, SourceMax: 1}, []step{
			{normal, "a", 0, ""}, {normal, "b", 0, "source okta"}, {other, "c", 0, ""}, {other, "d", 0, "all"},
		}},
		"a clock that was far ahead": {two, []step{
			{normal, "a", 1000 * time.Hour, ""}, {normal, "b", 0, ""}, {normal, "c", time.Second, "all"}, {normal, "c", 2 * time.Minute, ""},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var state revocation.BrakeState
			for i, step := range tt.steps {
				next, claim, differs := state.Claim(tt.limits, step.job, step.user, noon.Add(step.at))
				require.Equal(t, step.cap, claim.Cap, "step %d", i)
				require.True(t, differs || claim.Cap != "", "room is stored")
				state = stored(t, next)
			}
		})
	}
}

// stored is a state as it comes back from the store.
func stored(t require.TestingT, state revocation.BrakeState) (back revocation.BrakeState) {
	text, err := json.Marshal(state)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &back))
	return back
}

func TestBrakeTripsOnce(t *testing.T) {
	t.Parallel()
	limits := revocation.BrakeLimits{Per: time.Minute, Max: 1}
	job := asked("okta", "suspended", revocation.LaneHigh)
	var state revocation.BrakeState
	trips, writes := 0, 0
	claim := func(user string, at time.Duration) {
		next, claim, differs := state.Claim(limits, job, user, noon.Add(at))
		if claim.Tripped {
			trips++
			require.True(t, differs, "else a second would say so too")
		}
		if differs {
			writes++
			state = next
		}
	}
	for n := range 1000 { // over ten windows, in each of which somebody still gets through
		claim(fmt.Sprint("user", n), time.Duration(n)*600*time.Millisecond)
	}
	require.Equal(t, 1, trips)
	require.Less(t, writes, 150, "those who are held are hardly written down")
	claim("late", 15*time.Minute)
	claim("later", 15*time.Minute)
	require.Equal(t, 2, trips, "after a quiet window it is news")
}

// Whatever the order of jobs, and however far two replicas' clocks are apart within the
// slack, no window holds calls for more people than the caps say.
func TestBrakeNeverLetsTooManyThrough(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		limits := revocation.BrakeLimits{
			Per: time.Minute, Slack: 20 * time.Second, Max: rapid.IntRange(1, 4).Draw(t, "max"),
			CriticalMax: rapid.IntRange(0, 3).Draw(t, "critical"),
			SourceMax:   rapid.IntRange(0, 3).Draw(t, "source"), RuleMax: rapid.IntRange(0, 3).Draw(t, "rule"),
		}
		var state revocation.BrakeState
		var calls []made
		now := noon
		for range rapid.IntRange(1, 80).Draw(t, "jobs") {
			now = now.Add(time.Duration(rapid.IntRange(0, 30_000).Draw(t, "pause")) * time.Millisecond)
			job := asked(
				rapid.SampledFrom([]string{"okta", "siem"}).Draw(t, "from"), rapid.SampledFrom([]string{"one", "two"}).Draw(t, "by"),
				rapid.SampledFrom(revocation.Lanes()).Draw(t, "lane"),
			)
			user := rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f", "g"}).Draw(t, "user")
			late := time.Duration(rapid.IntRange(0, 10_000).Draw(t, "late")) * time.Millisecond // from claim to call
			skew := time.Duration(rapid.IntRange(0, 10_000).Draw(t, "skew")) * time.Millisecond // of this replica's clock
			next, claim, differs := state.Claim(limits, job, user, now.Add(skew))
			if differs {
				state = stored(t, next)
			}
			if claim.Cap == "" {
				calls = append(calls, made{job, user, now.Add(late)})
			}
		}
		requireBraked(t, limits, calls)
	})
}

// made is a call that the brake let through.
type made struct {
	job  revocation.Job
	user string
	at   time.Time
}

// requireBraked looks at every window that begins with a call.
func requireBraked(t require.TestingT, limits revocation.BrakeLimits, calls []made) {
	critical := func(job revocation.Job) bool { return limits.CriticalMax > 0 && job.Lane == revocation.LaneCritical }
	for _, first := range calls {
		people := make(map[string]map[string]bool)
		count := func(name, user string) {
			if people[name] == nil {
				people[name] = make(map[string]bool)
			}
			people[name][user] = true
		}
		for _, call := range calls {
			if call.at.Before(first.at) || call.at.Sub(first.at) > limits.Per {
				continue
			}
			count(strconv.FormatBool(critical(call.job)), call.user)
			count("source "+call.job.Source, call.user)
			count("rule "+call.job.Rule, call.user)
		}
		require.LessOrEqual(t, len(people["false"]), limits.Max)
		require.LessOrEqual(t, len(people["true"]), limits.CriticalMax)
		for _, name := range []string{"source okta", "source siem"} {
			require.True(t, limits.SourceMax == 0 || len(people[name]) <= limits.SourceMax, name)
		}
		for _, name := range []string{"rule one", "rule two"} {
			require.True(t, limits.RuleMax == 0 || len(people[name]) <= limits.RuleMax, name)
		}
	}
}
