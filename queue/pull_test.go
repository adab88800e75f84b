package queue

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/revocation"
)

// Idle is the usual state: a request that ran out unanswered must be followed by
// another.
func TestPullOutlastsItsRequests(t *testing.T) {
	t.Parallel()
	q := open(t)
	reader := logReader(t, q)
	taker := taker(t, q, "acme")
	entries := make(chan revocation.LogEntry, 1)
	go func() {
		if entry, err := reader.Next(t.Context()); err == nil {
			entries <- entry
		}
	}()
	<-time.After(pullWait + pullHeartbeat)

	appendEach(t, q, "late")
	publishJobs(t, q, job("late", revocation.LaneHigh))

	select {
	case entry := <-entries:
		require.Equal(t, []revocation.Delivery{delivery("late")}, entry.Deliveries)
	case <-time.After(soon):
		require.Fail(t, "the reader fell asleep")
	}
	require.Equal(t, job("late", revocation.LaneHigh), take(t, taker).Job)
}

// A request made after the end would be answered to nobody, and its message would be
// out of reach until its AckWait is over.
func TestPullMakesNoRequestAfterTheEnd(t *testing.T) {
	t.Parallel()
	q := open(t)
	appendEach(t, q, "one")
	reader := logReader(t, q)
	reader.Close()
	for range 20 {
		_, err := reader.Next(t.Context())
		require.ErrorIs(t, err, errReaderClosed)
	}
	require.Zero(t, inHand(t, q, streamDeliveries, consumerDispatch))
	require.Zero(t, consumerInfo(t, q, streamDeliveries, consumerDispatch).Delivered.Consumer)
}
