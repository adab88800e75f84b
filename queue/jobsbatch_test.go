package queue

import (
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

func TestABatchIsKnownAfterARestart(t *testing.T) {
	t.Parallel()
	q := open(t)
	_, refused, err := q.Jobs(nil).publishBatch(t.Context(), jobsNamed(0, 20))
	require.NoError(t, err)
	require.False(t, refused, "stored as one")

	q = reopen(t, q)

	_, refused, err = q.Jobs(nil).publishBatch(t.Context(), jobsNamed(19, 25))
	require.NoError(t, err)
	require.True(t, refused, "one of them is a duplicate")
	require.Len(t, messages(t, q, streamJobs), 20)
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
