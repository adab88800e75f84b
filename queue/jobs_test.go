package queue

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/revocation"
)

func TestPublishStoresADuplicateOnce(t *testing.T) {
	t.Parallel()
	q := open(t)
	jobs := q.Jobs(ledger(t, q))
	one := job("one", revocation.LaneHigh)
	stored, err := jobs.Publish(t.Context(), one)
	require.NoError(t, err)
	require.True(t, stored)

	stored, err = jobs.Publish(t.Context(), one)

	require.NoError(t, err)
	require.False(t, stored)
	require.Len(t, messages(t, q, streamJobs), 1)
}

func TestPublishKnowsADuplicateAfterARestart(t *testing.T) {
	t.Parallel()
	q := open(t)
	one := job("one", revocation.LaneHigh)
	publishJobs(t, q, one)
	settle(t, take(t, taker(t, q, "acme")).Lease, revocation.Verdict{})

	q = reopen(t, q)

	stored, err := q.Jobs(nil).Publish(t.Context(), one)
	require.NoError(t, err)
	require.False(t, stored)
}

func TestPublishStoresARedrivenJobAgain(t *testing.T) {
	t.Parallel()
	q := open(t)
	one := job("one", revocation.LaneHigh)
	publishJobs(t, q, one)
	one.Redrives++

	publishJobs(t, q, one)

	taker := taker(t, q, "acme")
	for redrives := range 2 {
		task := take(t, taker)
		require.Equal(t, redrives, task.Job.Redrives)
		require.Equal(t, 1, task.Attempt)
		settle(t, task.Lease, revocation.Verdict{})
	}
}

func TestPublishToAFullStream(t *testing.T) {
	t.Parallel()
	q := open(t, func(c *Config) { c.MaxSize = 60 << 10 })
	var want []string
	var full error
	for i := 0; full == nil && i < 1000; i++ {
		next := job(strconv.Itoa(i), revocation.LaneHigh)
		if _, full = q.Jobs(nil).Publish(t.Context(), next); full == nil {
			want = append(want, next.ID)
		}
	}
	require.ErrorContains(t, full, "publish to JOBS")
	require.NotEmpty(t, want)
	taker := taker(t, q, "acme")
	for _, id := range want {
		task := take(t, taker)
		require.Equal(t, id, task.Job.ID, "the oldest is not dropped for the newest")
		settle(t, task.Lease, revocation.Verdict{})
	}
}

func TestPublishRefusesALaneThatIsNoLane(t *testing.T) {
	t.Parallel()
	q := open(t)
	_, err := q.Jobs(nil).Publish(within(t, soon), job("odd", "high.er"))
	require.Error(t, err)
}

func TestListAndShow(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	q := open(t)
	l := ledger(t, q)
	jobs := q.Jobs(l)
	var all []revocation.Job
	for i := range 4 {
		next := job(strconv.Itoa(i), revocation.LaneHigh)
		if i%2 == 1 {
			next.Org = "globex"
		}
		all = append(all, next)
	}
	publishJobs(t, q, all...)
	_, err := q.publish(ctx, streamJobs, jobsSubject("acme", revocation.LaneHigh), "", []byte("not a job"))
	require.NoError(t, err)
	record := finished(all[2], "00utwo", start)
	commit(t, l, record)

	pending := func(i int) revocation.JobState {
		return revocation.JobState{Job: all[i], State: revocation.StatePending}
	}
	done := revocation.JobState{Job: all[2], State: revocation.StateFinished, Record: &record}
	for name, c := range map[string]struct {
		org, state string
		limit      int
		want       []revocation.JobState
	}{
		"all, newest first": {limit: 10, want: []revocation.JobState{pending(3), done, pending(1), pending(0)}},
		"of an org":         {org: "acme", limit: 10, want: []revocation.JobState{done, pending(0)}},
		"pending":           {state: revocation.StatePending, limit: 10, want: []revocation.JobState{pending(3), pending(1), pending(0)}},
		"finished":          {state: revocation.StateFinished, limit: 10, want: []revocation.JobState{done}},
		"both":              {org: "globex", state: revocation.StateFinished, limit: 10, want: []revocation.JobState{}},
		"at most two":       {limit: 2, want: []revocation.JobState{pending(3), done}},
		"no such org":       {org: "nobody", limit: 10, want: []revocation.JobState{}},
	} {
		got, err := jobs.List(ctx, c.org, c.state, c.limit)
		require.NoError(t, err, name)
		require.Equal(t, c.want, got, name)
	}

	shown, err := jobs.Show(ctx, all[1].ID)
	require.NoError(t, err)
	require.Equal(t, pending(1), shown)
	shown, err = jobs.Show(ctx, all[2].ID)
	require.NoError(t, err)
	require.Equal(t, done, shown)
	_, err = jobs.Show(ctx, "job_unknown")
	require.ErrorIs(t, err, revocation.ErrNotFound)
}

// A job that died, was put back and died again shows its last death.
func TestShowOfADeadJob(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	q := open(t)
	jobs := q.Jobs(ledger(t, q))
	dead := job("dead", revocation.LaneHigh)
	var last revocation.Record
	for redrives := range 2 {
		dead.Redrives = redrives
		publishJobs(t, q, dead)
		last = finished(dead, "00udead", start.Add(time.Duration(redrives)*time.Hour))
		last.Outcome = revocation.OutcomeDead
		require.NoError(t, q.DeadLetters().Put(ctx, revocation.DeadJob(last, start)))
	}
	want := revocation.JobState{Job: dead, State: revocation.StateDead, Record: &last}

	shown, err := jobs.Show(ctx, dead.ID)
	require.NoError(t, err)
	require.Equal(t, want, shown)
	listed, err := jobs.List(ctx, "", revocation.StateDead, 1)
	require.NoError(t, err)
	require.Equal(t, []revocation.JobState{want}, listed)
}

func TestListOfNothing(t *testing.T) {
	t.Parallel()
	q := open(t)
	got, err := q.Jobs(ledger(t, q)).List(t.Context(), "", "", 10)
	require.NoError(t, err)
	require.Equal(t, []revocation.JobState{}, got, "an empty list, not null, in JSON")
}

// What the caller typed comes back quoted and short.
func TestShowQuotesWhatItDoesNotFind(t *testing.T) {
	t.Parallel()
	q := open(t)
	long := "job_" + strings.Repeat("x\n", 100)
	_, err := q.Jobs(ledger(t, q)).Show(t.Context(), long)
	require.ErrorIs(t, err, revocation.ErrNotFound)
	require.Less(t, len(err.Error()), 200)
	require.NotContains(t, err.Error(), "\n")
}

func TestDepths(t *testing.T) {
	t.Parallel()
	q := open(t)
	jobs := q.Jobs(ledger(t, q))
	other := job("other", revocation.LaneBulk)
	other.Org = "globex"
	publishJobs(t, q, other,
		job("1", revocation.LaneHigh), job("2", revocation.LaneHigh), job("3", revocation.LaneHigh))
	taker := taker(t, q, "acme")
	settle(t, take(t, taker).Lease, revocation.Verdict{})
	waitReady(t, q, revocation.LaneHigh)

	depths, err := jobs.Depths(t.Context())

	require.NoError(t, err)
	require.Len(t, depths, 8)
	for _, depth := range depths {
		want := uint64(0)
		switch {
		case depth.Org == "acme" && depth.Lane == revocation.LaneHigh:
			want = 2 // one of them in hand
		case depth.Org == "globex" && depth.Lane == revocation.LaneBulk:
			want = 1
		}
		require.Equal(t, want, depth.Pending, "%s %s", depth.Org, depth.Lane)
		require.Equal(t, want > 0, depth.Oldest > 0, "%s %s", depth.Org, depth.Lane)
		require.Less(t, depth.Oldest, soon)
	}
}

// The oldest is the one that is not finished, not the first that is stored.
func TestDepthsMeasureTheOldestUnfinished(t *testing.T) {
	t.Parallel()
	q := open(t)
	taker := taker(t, q, "acme")
	publishJobs(t, q, job("done", revocation.LaneHigh))
	settle(t, take(t, taker).Lease, revocation.Verdict{})
	published := time.Now()
	publishJobs(t, q, job("open", revocation.LaneHigh))
	held := take(t, taker)
	settle(t, held.Lease, revocation.Verdict{Again: true, Delay: time.Hour})

	depths, err := q.Jobs(ledger(t, q)).Depths(t.Context())

	require.NoError(t, err)
	require.Equal(t, revocation.LaneHigh, depths[1].Lane)
	require.Equal(t, uint64(1), depths[1].Pending, "a job that waits for its retry is not finished")
	require.LessOrEqual(t, depths[1].Oldest, time.Since(published))
	require.Positive(t, depths[1].Oldest)
}

func TestOrphans(t *testing.T) {
	t.Parallel()
	q := open(t)
	other := job("other", revocation.LaneHigh)
	other.Org = "globex"
	bulk := job("bulk", revocation.LaneBulk)
	bulk.Org = "globex"
	publishJobs(t, q, other, bulk, job("own", revocation.LaneHigh))
	orphans, err := q.Jobs(ledger(t, q)).Orphans(t.Context())
	require.NoError(t, err)
	require.Empty(t, orphans)

	q = reopen(t, q, func(c *Config) { c.Orgs = []string{"acme"} })

	orphans, err = q.Jobs(ledger(t, q)).Orphans(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"globex"}, orphans)
}

func TestJobsWithoutTheirStore(t *testing.T) {
	t.Parallel()
	q := open(t)
	jobs := q.Jobs(ledger(t, q))
	require.NoError(t, q.Close())
	ctx := within(t, soon)
	_, err := jobs.Publish(ctx, job("any", revocation.LaneHigh))
	require.ErrorContains(t, err, "publish to JOBS")
	_, err = jobs.List(ctx, "", "", 10)
	require.Error(t, err)
	_, err = jobs.Show(ctx, "job_any")
	require.Error(t, err)
	require.NotErrorIs(t, err, revocation.ErrNotFound)
	_, err = jobs.Depths(ctx)
	require.Error(t, err)
	_, err = jobs.Orphans(ctx)
	require.Error(t, err)
	_, err = q.Taker(ctx, "acme", q.DeadLetters(), beat, new(troubles).add)
	require.Error(t, err)
}

func TestListTellsWhatIsHeldAndListsAJobOnce(t *testing.T) {
	t.Parallel()
	q := open(t)
	jobs := q.Jobs(ledger(t, q))
	waits, again := job("waits", revocation.LaneHigh), job("again", revocation.LaneHigh)
	publishJobs(t, q, waits, again)
	again.Redrives = 1
	publishJobs(t, q, again)
	entry := leaver("waits", in(time.Hour))
	entry.Hold.Job = waits
	set(t, holds(t, q), entry)

	for state, want := range map[string][]string{
		"": {again.ID, waits.ID}, revocation.StatePending: {again.ID}, revocation.StateHeld: {waits.ID}, revocation.StateDead: nil,
	} {
		listed, err := jobs.List(t.Context(), "", state, 10)
		require.NoError(t, err)
		var ids []string
		for _, view := range listed {
			ids = append(ids, view.Job.ID)
		}
		require.Equal(t, want, ids, state)
	}
	shown, err := jobs.Show(t.Context(), waits.ID)
	require.NoError(t, err)
	require.Equal(t, revocation.StateHeld, shown.State)
}
