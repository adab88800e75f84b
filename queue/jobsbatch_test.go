package queue

import (
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/revocation"
)

func jobsNamed(from, to int) []revocation.Job {
	var jobs []revocation.Job
	for i := from; i < to; i++ {
		jobs = append(jobs, job("job"+strconv.Itoa(i), revocation.LaneHigh))
	}
	return jobs
}

func flagged(count int, is bool) []bool {
	flags := make([]bool, count)
	for i := range flags {
		flags[i] = is
	}
	return flags
}

func TestPublishAllKeepsTheOrder(t *testing.T) {
	t.Parallel()
	q := open(t)
	want := jobsNamed(0, 40)

	flags, err := q.Jobs(nil).PublishAll(t.Context(), want)

	require.NoError(t, err)
	require.Equal(t, flagged(40, true), flags)
	require.Len(t, messages(t, q, streamJobs), 40)
	taker := taker(t, q, "acme")
	for _, job := range want {
		require.Equal(t, job.ID, take(t, taker).Job.ID)
	}
}

// JetStream refuses a batch that holds one duplicate. The rest of it must be stored all the same.
func TestPublishAllStoresWhatIsNew(t *testing.T) {
	t.Parallel()
	q := open(t)
	jobs := q.Jobs(nil)
	publishJobs(t, q, jobsNamed(3, 4)...)

	batch := jobsNamed(0, 20)
	batch[10] = batch[9] // twice in one batch
	flags, err := jobs.PublishAll(t.Context(), batch)

	require.NoError(t, err)
	want := flagged(20, true)
	want[3], want[10] = false, false
	require.Equal(t, want, flags)
	require.Len(t, messages(t, q, streamJobs), 19)

	flags, err = jobs.PublishAll(t.Context(), batch)
	require.NoError(t, err)
	require.Equal(t, flagged(20, false), flags, "a log entry that is dispatched again")
	require.Len(t, messages(t, q, streamJobs), 19)
}

// asBatch stores jobs as one batch, or says that it was refused.
func asBatch(tb testing.TB, jobs *Jobs, batch []revocation.Job) (refused bool) {
	tb.Helper()
	all := make([]int, len(batch))
	for i := range all {
		all[i] = i
	}
	refused, err := jobs.publishBatch(tb.Context(), batch, all, make([]bool, len(batch)))
	require.NoError(tb, err)
	return refused
}

func TestABatchIsKnownAfterARestart(t *testing.T) {
	t.Parallel()
	q := open(t)
	require.False(t, asBatch(t, q.Jobs(nil), jobsNamed(0, 20)), "stored as one")

	q = reopen(t, q)

	require.True(t, asBatch(t, q.Jobs(nil), jobsNamed(19, 25)), "one of them is a duplicate")
	require.Len(t, messages(t, q, streamJobs), 20)
}

// In a storm many alerts are sent twice: for what a process has published itself, JetStream need not refuse a batch.
func TestDuplicatesDoNotCostOthersTheirBatch(t *testing.T) {
	t.Parallel()
	q := open(t)
	jobs := q.Jobs(nil)
	_, err := jobs.PublishAll(t.Context(), jobsNamed(0, 20))
	require.NoError(t, err)
	abandoned, err := q.conn.SubscribeSync("$JS.EVENT.ADVISORY.STREAM.BATCH_ABANDONED.>")
	require.NoError(t, err)

	mixed := append(jobsNamed(20, 40), jobsNamed(15, 20)...)
	flags, err := jobs.PublishAll(t.Context(), append(jobsNamed(10, 15), mixed...))

	require.NoError(t, err)
	require.Equal(t, slices.Concat(flagged(5, false), flagged(20, true), flagged(5, false)), flags)
	require.Len(t, messages(t, q, streamJobs), 40)
	require.NoError(t, q.conn.Flush())
	waiting, _, err := abandoned.Pending()
	require.NoError(t, err)
	require.Zero(t, waiting, "no batch was refused")
}

func TestLatelyForgetsTheOldest(t *testing.T) {
	t.Parallel()
	var l lately
	for i := range 3 * latelyMost {
		l.add(strconv.Itoa(i))
	}
	for i := range 3 * latelyMost {
		require.Equal(t, i >= latelyMost, l.has(strconv.Itoa(i)), i)
	}
}

// A batch larger than JetStream takes is cut, and one that finds no room fails with the reason.
func TestPublishAllOfMany(t *testing.T) {
	t.Parallel()
	q := open(t)
	flags, err := q.Jobs(nil).PublishAll(t.Context(), jobsNamed(0, mostBatch+15))
	require.NoError(t, err)
	require.Equal(t, flagged(mostBatch+15, true), flags)

	_, err = q.Jobs(nil).PublishAll(within(t, soon), jobsNamed(0, 0))
	require.NoError(t, err)

	odd := jobsNamed(5000, 5012)
	odd[11].Lane = "high.er" // on no stream
	_, err = q.Jobs(nil).PublishAll(within(t, soon), odd)
	require.ErrorContains(t, err, "publish")
}
