package dispatch_test

import (
	"errors"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sever/revocation"
)

func suspensions(count int) []revocation.Delivery {
	deliveries := make([]revocation.Delivery, 0, count)
	for i := range count {
		deliveries = append(deliveries, suspension(ada, "uuid-"+strconv.Itoa(i)))
	}
	return deliveries
}

// Deliveries that share a log entry share the write of their jobs, in their order.
func TestDispatchStoresTheJobsOfAnEntryTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStores()
		stop := s.run(t, nil)
		deliveries := suspensions(1200)
		deliveries[1199] = deliveries[0] // the same once more
		s.entries <- revocation.LogEntry{Deliveries: deliveries}
		pass(time.Millisecond)
		stop()
		require.Equal(t, []int{1000, 200}, s.batches)
		require.Len(t, s.jobs, 1199)
		for i, job := range s.jobs {
			require.Equal(t, deliveries[i].ID, job.Delivery)
		}
		require.Equal(t, []revocation.Verdict{{}}, s.verdicts)
		require.Equal(t, 1199, s.storedAtVerdict)
		require.Len(t, s.seen(revocation.StepEnqueued), 1199)
		require.Len(t, s.seen(revocation.StepIgnored), 1)
		require.Len(t, s.seen(revocation.StepDispatched), 1200)
	})
}

// Nothing is told of a job before it is durable, and nothing of an entry is lost when the store fails
// half-way.
func TestDispatchTriesTheWholeOutboxAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStores()
		s.failing, s.err = 1, errors.New("no answer")
		stop := s.run(t, nil)
		s.entries <- revocation.LogEntry{Deliveries: suspensions(3)}
		pass(time.Millisecond)
		require.Empty(t, s.seen(revocation.StepEnqueued))
		require.Empty(t, s.seen(revocation.StepDispatched))
		pass(time.Second)
		stop()
		require.Len(t, s.jobs, 3)
		require.Len(t, s.seen(revocation.StepEnqueued), 3)
		require.Equal(t, []revocation.Verdict{{}}, s.verdicts)
	})
}

// While the dead letters or the holds are full, the revocations beside the one that finds no room, in
// the same log entry or in the same delivery, go on.
func TestDispatchDoesWhatItCanOfAnEntry(t *testing.T) {
	t.Parallel()
	noRoom := []revocation.Verdict{{Again: true, Delay: 15 * time.Second}}
	t.Run("dead letters", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := newStores()
			s.failing, s.err = 1, errors.New("maximum bytes exceeded")
			stop := s.run(t, nil)
			unreadable := revocation.NewDelivery("okta", "", []byte("not json"), time.Time{})
			s.entries <- revocation.LogEntry{Deliveries: []revocation.Delivery{suspension(grace, "0"), unreadable, suspension(ada, "1")}}
			pass(time.Millisecond)
			stop()
			require.Empty(t, s.letters)
			require.Len(t, s.jobs, 2)
			require.Equal(t, noRoom, s.verdicts)
		})
	})
	t.Run("holds", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := newStores()
			s.holds.err = revocation.ErrHoldsFull
			alert := leaves("b", 0)
			alert.Kind, alert.Severity = revocation.KindAlert, revocation.SeverityHigh
			s.sayAtOnce(t, leaves("a", week), alert)
			require.Len(t, s.jobs, 1)
			require.Equal(t, noRoom, s.verdicts)
		})
	})
}
