package queue

import (
	"encoding/json"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"sever/revocation"
)

// publishMany puts jobs on their lanes without waiting for each.
func publishMany(t *testing.T, q *Queue, count int, made func(int) revocation.Job) {
	t.Helper()
	js, err := jetstream.New(q.conn, jetstream.WithPublishAsyncMaxPending(512))
	require.NoError(t, err)
	for i := range count {
		job := made(i)
		data, err := json.Marshal(job)
		require.NoError(t, err)
		_, err = js.PublishAsync(jobsSubject(job.Org, job.Lane), data, jetstream.WithMsgID(job.ID+"/0"), jetstream.WithStallWait(time.Minute))
		require.NoError(t, err)
	}
	select {
	case <-js.PublishAsyncComplete():
	case <-time.After(3 * time.Minute):
		require.FailNow(t, "the jobs were not stored")
	}
}

// A critical job that is published behind fifty thousand bulk jobs is the next to be
// taken, or the one after, if the bulk lane's share came just then.
func TestACriticalJobPassesTheBacklog(t *testing.T) {
	t.Parallel()
	backlog := 50_000
	if testing.Short() {
		backlog = 2_000
	}
	q := open(t)
	publishMany(t, q, backlog, func(i int) revocation.Job {
		made := job("bulk"+strconv.Itoa(i), revocation.LaneBulk)
		made.Source = "import" + strconv.Itoa(i%7)
		return made
	})
	taker := taker(t, q, "acme")
	bulk := workConsumer("acme", revocation.LaneBulk)
	for round := range 5 {
		for range 30 { // the backlog is being worked off
			settle(t, take(t, taker).Lease, revocation.Verdict{})
		}
		urgent := job("urgent"+strconv.Itoa(round), revocation.LaneCritical)
		publishJobs(t, q, urgent)
		waitAhead(t, taker, 1, revocation.LaneCritical)

		for takes := 1; ; takes++ {
			require.LessOrEqual(t, takes, 2)
			task := take(t, taker)
			settle(t, task.Lease, revocation.Verdict{})
			if task.Job.Lane == revocation.LaneCritical {
				require.Equal(t, urgent.ID, task.Job.ID)
				break
			}
		}
		require.Eventually(t, func() bool { return inHand(t, q, streamJobs, workConsumer("acme", revocation.LaneCritical)) == 0 }, soon, tick)
	}
	info := consumerInfo(t, q, streamJobs, bulk)
	require.LessOrEqual(t, info.NumAckPending, windowSize+1)
	require.Greater(t, info.NumPending, uint64(backlog-1_000))
}

// A less urgent job gets its share of the takes, and each job is taken once.
func TestTakerServesTheUrgentFirstAndTheRestALittle(t *testing.T) {
	t.Parallel()
	const each = 60
	q := open(t)
	for _, lane := range []revocation.Lane{revocation.LaneBulk, revocation.LaneCritical} {
		publishMany(t, q, each, func(i int) revocation.Job { return job(string(lane)+strconv.Itoa(i), lane) })
	}
	waitPending(t, q, each, revocation.LaneBulk, revocation.LaneCritical)
	taker := taker(t, q, "acme")
	waitAhead(t, taker, each, revocation.LaneBulk, revocation.LaneCritical)

	seen := make(map[string]bool)
	for i := range 2 * each {
		task := take(t, taker)
		want := revocation.LaneCritical
		if i >= each+3 || i < each && i%sharedTake == sharedTake-1 {
			want = revocation.LaneBulk
		}
		require.Equal(t, want, task.Job.Lane, "job %d", i)
		seen[task.Job.ID] = true
		settle(t, task.Lease, revocation.Verdict{})
	}
	require.Len(t, seen, 2*each)
}

// waitAhead waits until so many jobs of each lane are held ready.
func waitAhead(t *testing.T, taker *Taker, count int, lanes ...revocation.Lane) {
	t.Helper()
	for _, lane := range lanes {
		ahead := taker.lanes.all[slices.Index(revocation.Lanes(), lane)]
		require.Eventually(t, func() bool {
			taker.lanes.mu.Lock()
			defer taker.lanes.mu.Unlock()
			return ahead.ready.size == count
		}, soon, tick)
	}
}

// One that sends two hundred alerts does not hold up another that sends three.
func TestTakerGivesSourcesTurns(t *testing.T) {
	t.Parallel()
	q := open(t)
	publishMany(t, q, 203, func(i int) revocation.Job {
		made := job(strconv.Itoa(i), revocation.LaneHigh)
		made.Signal = strconv.Itoa(i)
		if made.Source = "noisy"; i >= 200 {
			made.Source = "quiet"
		}
		return made
	})
	taker := taker(t, q, "acme")
	waitAhead(t, taker, 203, revocation.LaneHigh)

	var order []string
	for range 7 {
		task := take(t, taker)
		order = append(order, task.Job.Signal)
		settle(t, task.Lease, revocation.Verdict{})
	}
	require.Equal(t, []string{"0", "200", "1", "201", "2", "202", "3"}, order)
}

// What is read ahead is bounded, its leases are kept, and it is handed back at the end.
func TestTakerReadsAheadSoFarOnly(t *testing.T) {
	t.Parallel()
	const wait = time.Second
	q := open(t, ackWait(wait))
	publishMany(t, q, 2*windowSize, func(i int) revocation.Job { return job(strconv.Itoa(i), revocation.LaneHigh) })
	first := taker(t, q, "acme")
	waitAhead(t, first, windowSize, revocation.LaneHigh)
	watched := time.After(2 * wait) // for longer than a lease lasts
	for done := false; !done; {
		require.Equal(t, windowSize, inHand(t, q, streamJobs, workConsumer("acme", revocation.LaneHigh)))
		select {
		case <-watched:
			done = true
		case <-time.After(tick):
		}
	}
	require.Zero(t, consumerInfo(t, q, streamJobs, workConsumer("acme", revocation.LaneHigh)).NumRedelivered)

	first.Close()

	second := taker(t, q, "acme")
	seen := make(map[string]bool)
	for range 2 * windowSize {
		task := take(t, second)
		seen[task.Job.ID] = true
		settle(t, task.Lease, revocation.Verdict{})
	}
	require.Len(t, seen, 2*windowSize)
}

// A lane may be known to hold more that another process then takes: a worker waits
// for it a moment only, and once only.
func TestTakeDoesNotWaitForWhatOthersTook(t *testing.T) {
	t.Parallel()
	q := open(t)
	publishJobs(t, q, job("1", revocation.LaneBulk), job("2", revocation.LaneBulk))
	taker := taker(t, q, "acme")
	setComing := func(coming bool) (was bool) {
		taker.lanes.mu.Lock()
		defer taker.lanes.mu.Unlock()
		was, taker.lanes.all[0].coming = taker.lanes.all[0].coming, coming
		return was
	}
	setComing(true)

	take(t, taker)
	require.False(t, setComing(false))
	take(t, taker)
}
