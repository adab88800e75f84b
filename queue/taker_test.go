package queue

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/revocation"
)

const beat = 100 * time.Millisecond

// troubles collects what a taker reports.
type troubles struct {
	mu  sync.Mutex
	all []error
}

func (s *troubles) add(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, err)
}

func (s *troubles) list() []error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]error(nil), s.all...)
}

// taker opens the lanes of an org and closes them at the end of the test.
func taker(t *testing.T, q *Queue, org string) *Taker {
	t.Helper()
	taker, err := q.Taker(t.Context(), org, q.DeadLetters(), beat, new(troubles).add)
	require.NoError(t, err)
	t.Cleanup(taker.Close)
	return taker
}

func take(t *testing.T, taker *Taker) revocation.Task {
	t.Helper()
	task, err := taker.Take(within(t, soon))
	require.NoError(t, err)
	return task
}

// waitPending waits until the consumers of all lanes know of so many jobs, which they
// hear of a moment after the stream has stored them.
func waitPending(t *testing.T, q *Queue, count uint64, lanes ...revocation.Lane) {
	t.Helper()
	for _, lane := range lanes {
		require.Eventually(t, func() bool {
			return consumerInfo(t, q, streamJobs, workConsumer("acme", lane)).NumPending == count
		}, soon, tick)
	}
}

// waitReady waits until every one of the lanes has a job in hand.
func waitReady(t *testing.T, q *Queue, lanes ...revocation.Lane) {
	t.Helper()
	require.Eventually(t, func() bool {
		for _, lane := range lanes {
			if inHand(t, q, streamJobs, workConsumer("acme", lane)) == 0 {
				return false
			}
		}
		return true
	}, soon, tick)
}

func TestTakerServesTheLanesInOrder(t *testing.T) {
	t.Parallel()
	q := open(t)
	lanes := revocation.Lanes()
	for _, lane := range slices.Backward(lanes) {
		publishJobs(t, q, job("1 on "+string(lane), lane), job("2 on "+string(lane), lane))
	}
	taker := taker(t, q, "acme")

	waitAhead(t, taker, 2, lanes...)

	for _, lane := range lanes {
		for _, name := range []string{"1 on ", "2 on "} {
			task := take(t, taker)
			require.Equal(t, job(name+string(lane), lane), task.Job)
			require.Equal(t, 1, task.Attempt)
			settle(t, task.Lease, revocation.Verdict{})
		}
	}
}

func TestTakerKeepsOrgsApart(t *testing.T) {
	t.Parallel()
	q := open(t)
	other := job("other", revocation.LaneCritical)
	other.Org = "globex"
	publishJobs(t, q, other, job("own", revocation.LaneBulk))

	require.Equal(t, job("own", revocation.LaneBulk), take(t, taker(t, q, "acme")).Job)
	require.Equal(t, other, take(t, taker(t, q, "globex")).Job)
}

func TestTakerOfAnOrgThatIsNotConfigured(t *testing.T) {
	t.Parallel()
	q := open(t)
	_, err := q.Taker(t.Context(), "unknown", q.DeadLetters(), beat, new(troubles).add)
	require.ErrorContains(t, err, "work-unknown-critical")
}

// Two takers share a lane. The first holds a job that nobody takes from it; the
// second would get that job once its lease had run out.
func TestTakerHeartbeat(t *testing.T) {
	t.Parallel()
	const wait = time.Second
	for name, c := range map[string]struct {
		heartbeat time.Duration
		again     bool
	}{
		"keeps the lease":           {heartbeat: beat, again: false},
		"without it, it would lose": {heartbeat: time.Hour, again: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := open(t, ackWait(wait))
			holder, err := q.Taker(t.Context(), "acme", q.DeadLetters(), c.heartbeat, new(troubles).add)
			require.NoError(t, err)
			defer holder.Close()
			publishJobs(t, q, job("held", revocation.LaneHigh))
			waitReady(t, q, revocation.LaneHigh)
			other := taker(t, q, "acme")

			task, err := other.Take(within(t, 3*wait))

			if !c.again {
				require.ErrorContains(t, err, "nothing came within")
				require.Equal(t, 1, take(t, holder).Attempt)
				return
			}
			require.NoError(t, err)
			require.GreaterOrEqual(t, task.Attempt, 2) // the holder may have got it again, too
			settle(t, task.Lease, revocation.Verdict{})
		})
	}
}

func TestTakerCloseHandsBack(t *testing.T) {
	t.Parallel()
	q := open(t)
	first := taker(t, q, "acme")
	publishJobs(t, q, job("1", revocation.LaneHigh), job("2", revocation.LaneBulk))
	waitReady(t, q, revocation.LaneHigh, revocation.LaneBulk)

	first.Close()

	second := taker(t, q, "acme")
	got := map[string]int{}
	for range 2 {
		task := take(t, second) // long before its lease of a minute would run out
		got[task.Job.ID] = task.Attempt
		settle(t, task.Lease, revocation.Verdict{})
	}
	require.Equal(t, map[string]int{job("1", revocation.LaneHigh).ID: 2, job("2", revocation.LaneBulk).ID: 2}, got)
	_, err := first.Take(within(t, 50*time.Millisecond))
	require.Error(t, err, "a closed taker hands out nothing")
}

// JetStream forgets at a restart that a job was handed back: it comes again when its
// lease would have run out.
func TestTakerCloseBeforeARestart(t *testing.T) {
	t.Parallel()
	q := open(t, ackWait(2*time.Second))
	first := taker(t, q, "acme")
	publishJobs(t, q, job("1", revocation.LaneHigh))
	waitReady(t, q, revocation.LaneHigh)
	first.Close()

	q = reopen(t, q)

	require.Equal(t, 2, take(t, taker(t, q, "acme")).Attempt)
}

func TestTakerHonoursTheDelay(t *testing.T) {
	t.Parallel()
	const delay = 700 * time.Millisecond
	q := open(t)
	taker := taker(t, q, "acme")
	publishJobs(t, q, job("later", revocation.LaneHigh), job("now", revocation.LaneHigh))
	task := take(t, taker)
	require.Equal(t, job("later", revocation.LaneHigh), task.Job)
	handedBack := time.Now()
	settle(t, task.Lease, revocation.Verdict{Again: true, Delay: delay})

	require.Equal(t, job("now", revocation.LaneHigh), take(t, taker).Job, "it does not block the lane meanwhile")
	task = take(t, taker)

	require.Equal(t, job("later", revocation.LaneHigh), task.Job)
	require.Equal(t, 2, task.Attempt)
	require.GreaterOrEqual(t, time.Since(handedBack), delay)
}

func TestTakerCountsAttempts(t *testing.T) {
	t.Parallel()
	q := open(t)
	taker := taker(t, q, "acme")
	publishJobs(t, q, job("again", revocation.LaneNormal))
	for attempt := 1; attempt <= 5; attempt++ {
		task := take(t, taker)
		require.Equal(t, attempt, task.Attempt)
		require.NoError(t, task.Lease.Extend())
		settle(t, task.Lease, revocation.Verdict{Again: true})
	}
}

func TestTakerDoesNotGetAgainWhatEnded(t *testing.T) {
	t.Parallel()
	for name, verdict := range map[string]revocation.Verdict{
		"done":      {},
		"put aside": {Ended: true, Reason: "for the test"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := open(t, ackWait(time.Second))
			taker := taker(t, q, "acme")
			publishJobs(t, q, job("ended", revocation.LaneHigh))
			settle(t, take(t, taker).Lease, verdict)
			_, err := taker.Take(within(t, 1500*time.Millisecond))
			require.ErrorContains(t, err, "nothing came within")
		})
	}
}

func TestTakerBuriesWhatItCannotRead(t *testing.T) {
	t.Parallel()
	q := open(t)
	raw := []byte("not a job")
	_, err := q.publish(t.Context(), streamJobs, jobsSubject("acme", revocation.LaneHigh), "", raw)
	require.NoError(t, err)
	publishJobs(t, q, job("next", revocation.LaneHigh))
	var heard troubles
	taker, err := q.Taker(t.Context(), "acme", q.DeadLetters(), beat, heard.add)
	require.NoError(t, err)
	defer taker.Close()

	task := take(t, taker)

	require.Equal(t, job("next", revocation.LaneHigh), task.Job)
	settle(t, task.Lease, revocation.Verdict{})
	require.Len(t, heard.list(), 1)
	require.ErrorContains(t, heard.list()[0], "is a dead letter now")
	require.NotContains(t, heard.list()[0].Error(), string(raw))
	letters, err := q.DeadLetters().List(t.Context(), 10)
	require.NoError(t, err)
	require.Len(t, letters, 1)
	letter, err := q.DeadLetters().Show(t.Context(), letters[0].ID)
	require.NoError(t, err)
	require.Equal(t, raw, letter.Raw)
	require.Eventually(t, func() bool {
		info := consumerInfo(t, q, streamJobs, workConsumer("acme", revocation.LaneHigh))
		return info.NumAckPending == 0 && info.NumPending == 0
	}, soon, tick)
}

// Until the letter is stored, the job must not end.
func TestTakerKeepsWhatItCannotBury(t *testing.T) {
	t.Parallel()
	q := open(t, ackWait(time.Second))
	raw := []byte("not a job")
	_, err := q.publish(t.Context(), streamJobs, jobsSubject("acme", revocation.LaneHigh), "", raw)
	require.NoError(t, err)
	require.NoError(t, q.js.DeleteStream(t.Context(), streamDead))
	var heard troubles
	taker, err := q.Taker(t.Context(), "acme", q.DeadLetters(), beat, heard.add)
	require.NoError(t, err)
	defer taker.Close()
	require.Eventually(t, func() bool { return len(heard.list()) > 0 }, soon, tick)
	require.ErrorContains(t, heard.list()[0], "nor put aside")

	require.NoError(t, q.topology.ensure(t.Context(), q.js))

	require.Eventually(t, func() bool {
		letters, err := q.DeadLetters().List(t.Context(), 10)
		return err == nil && len(letters) == 1
	}, soon, tick)
}

func TestTakeWhenTheContextEnds(t *testing.T) {
	t.Parallel()
	taker := taker(t, open(t), "acme")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errTakerClosed)
	_, err := taker.Take(ctx)
	require.ErrorIs(t, err, errTakerClosed)
}

// An urgent job that comes while a worker waits on empty lanes wakes it.
func TestTakeWakesForAnyLane(t *testing.T) {
	t.Parallel()
	q := open(t)
	taker := taker(t, q, "acme")
	for _, lane := range revocation.Lanes() {
		got := make(chan revocation.Task, 1)
		go func() {
			if task, err := taker.Take(context.WithoutCancel(t.Context())); err == nil {
				got <- task
			}
		}()
		publishJobs(t, q, job("wakes "+string(lane), lane))
		task := <-got
		require.Equal(t, lane, task.Job.Lane)
		settle(t, task.Lease, revocation.Verdict{})
	}
}

func TestTakerReportsWhatJetStreamFails(t *testing.T) {
	t.Parallel()
	q := open(t)
	var heard troubles
	taker, err := q.Taker(t.Context(), "acme", q.DeadLetters(), beat, heard.add)
	require.NoError(t, err)
	defer taker.Close()

	require.NoError(t, q.js.DeleteConsumer(t.Context(), streamJobs, workConsumer("acme", revocation.LaneHigh)))

	require.Eventually(t, func() bool { return len(heard.list()) > 0 }, soon, tick)
	require.ErrorContains(t, heard.list()[0], "read jobs")
	require.NoError(t, q.topology.ensure(t.Context(), q.js))
	publishJobs(t, q, job("after", revocation.LaneHigh))
	require.Equal(t, job("after", revocation.LaneHigh), take(t, taker).Job, "the lane is served again")
}
