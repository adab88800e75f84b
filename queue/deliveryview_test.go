package queue

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/revocation"
)

// received makes a delivery that came just now, as far as the store can know.
func received(name string) revocation.Delivery {
	return revocation.NewDelivery("okta", "application/json", []byte(name), time.Now())
}

// pack stores deliveries as one message.
func pack(t *testing.T, q *Queue, deliveries ...revocation.Delivery) {
	t.Helper()
	log, run := idle(t, q, 1<<20)
	answers := appendInOrder(t, log, deliveries...)
	run()
	for _, err := range answers() {
		require.NoError(t, err)
	}
	log.Close()
}

func names(deliveries []revocation.Delivery) []string {
	var all []string
	for _, delivery := range deliveries {
		all = append(all, string(delivery.Body))
	}
	return all
}

// page reads up to limit deliveries back from a place.
func page(t *testing.T, q *Queue, since time.Time, before LogPlace, limit int) (bodies []string, next LogPlace) {
	t.Helper()
	var found []revocation.Delivery
	next, err := q.DeliveryView().Back(t.Context(), since, before, func(delivery revocation.Delivery) bool {
		found = append(found, delivery)
		return len(found) < limit
	})
	require.NoError(t, err)
	return names(found), next
}

func TestTheLogIsListedBackwards(t *testing.T) {
	t.Parallel()
	q := open(t)
	bodies, next := page(t, q, time.Time{}, LogPlace{}, 10)
	require.Empty(t, bodies)
	require.Zero(t, next)
	pack(t, q, received("a"), received("b"), received("c"))
	_, err := q.js.Publish(t.Context(), subjectDeliveries, []byte("no pack"))
	require.NoError(t, err)
	pack(t, q, received("d"), received("e"))
	require.NoError(t, writer(t, q).Probe(t.Context())) // a pack of nothing

	for limit := 1; limit <= 6; limit++ {
		var all []string
		place := LogPlace{}
		for more := true; more; more = place.Seq != 0 {
			bodies, place = page(t, q, time.Time{}, place, limit)
			require.LessOrEqual(t, len(bodies), limit)
			all = append(all, bodies...)
		}
		require.Equal(t, []string{"e", "d", "c", "b", "a"}, all, "in pages of %d", limit)
	}
	bodies, next = page(t, q, time.Now().Add(time.Hour), LogPlace{}, 10)
	require.Empty(t, bodies)
	require.Zero(t, next)
}

// A copy that was put back keeps the time of the delivery.
func TestTheLogIsListedSinceATime(t *testing.T) {
	t.Parallel()
	q := open(t)
	old := received("old")
	old.Received = old.Received.Add(-time.Hour)
	pack(t, q, old, received("new"))
	bodies, _ := page(t, q, time.Now().Add(-time.Minute), LogPlace{}, 10)
	require.Equal(t, []string{"new"}, bodies)
}

func TestFindGivesTheLastCopy(t *testing.T) {
	t.Parallel()
	q := open(t)
	first, other := received("twice"), received("other")
	again := first
	again.Redrives = 1
	pack(t, q, first, other)
	pack(t, q, again)
	found, err := q.DeliveryView().Find(t.Context(), other.ID, first.ID)
	require.NoError(t, err)
	require.Equal(t, []string{"other", "twice"}, names(found), "in the order asked for")
	require.Equal(t, 1, found[1].Redrives)
	_, err = q.DeliveryView().Find(t.Context(), first.ID, "dlv_none")
	require.ErrorIs(t, err, revocation.ErrNotFound)
	require.ErrorContains(t, err, "dlv_none")
}

// What is read is fixed at the start: what is appended meanwhile is not read in turn.
func TestTheLogIsReadForwardInParts(t *testing.T) {
	t.Parallel()
	q := open(t)
	view := q.DeliveryView()
	view.most = 20
	first, last, err := view.Range(t.Context(), time.Time{})
	require.NoError(t, err)
	require.Greater(t, first, last)
	const count = 50
	for i := range count {
		pack, err := appendDelivery(appendPackStart(nil), received(strconv.Itoa(i)))
		require.NoError(t, err)
		require.NoError(t, q.conn.Publish(subjectDeliveries, pack)) // without waiting for each
	}
	require.Eventually(t, func() bool { return streamInfo(t, q, streamDeliveries).State.Msgs == count }, soon, tick)
	first, last, err = view.Range(t.Context(), time.Now().Add(-time.Hour))
	require.NoError(t, err)
	require.Equal(t, uint64(1), first)
	require.Equal(t, uint64(count), last)
	waiting := consumerInfo(t, q, streamDeliveries, consumerDispatch)

	var all []revocation.Delivery
	parts := 0
	for next := first; next != 0; parts++ {
		next, err = view.Forward(t.Context(), next, last, func(deliveries []revocation.Delivery) error {
			if all = append(all, deliveries...); len(all) == 1 {
				pack(t, q, received("put back"))
			}
			return nil
		})
		require.NoError(t, err)
		if parts == 0 {
			require.LessOrEqual(t, len(all), 20, "a part is bounded")
		}
	}
	require.GreaterOrEqual(t, parts, 3)
	require.Len(t, all, count)
	for i, delivery := range all {
		require.Equal(t, strconv.Itoa(i), string(delivery.Body))
	}
	now := consumerInfo(t, q, streamDeliveries, consumerDispatch)
	require.Equal(t, waiting.Delivered, now.Delivered, "dispatch has not been touched")
}

func TestSinceFindsTheFirst(t *testing.T) {
	t.Parallel()
	q := open(t)
	var times []time.Time
	for i := range 20 {
		pack(t, q, received(strconv.Itoa(i)))
	}
	for _, msg := range messages(t, q, streamDeliveries) {
		times = append(times, msg.Time)
	}
	for i, at := range times {
		first, last, err := q.since(t.Context(), streamDeliveries, at)
		require.NoError(t, err)
		require.Equal(t, uint64(i+1), first)
		require.Equal(t, uint64(20), last)
	}
	first, last, err := q.since(t.Context(), streamDeliveries, times[19].Add(1))
	require.NoError(t, err)
	require.Equal(t, last+1, first)
}

func TestStandingOfJobs(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	q := open(t)
	ledger, err := q.Ledger(ctx)
	require.NoError(t, err)
	done, dead, pending := job("done", revocation.LaneHigh), job("dead", revocation.LaneBulk), job("pending", revocation.LaneHigh)
	pending.Redrives = 2
	publishJobs(t, q, done, dead, pending)
	commit(t, ledger, finished(done, "00uone", start))
	require.NoError(t, q.DeadLetters().Put(ctx, revocation.DeadJob(revocation.Record{Job: dead, Reason: "r"}, start)))
	standing, err := q.Jobs(ledger).Standing(ctx, time.Now().Add(-time.Hour))
	require.NoError(t, err)
	for id, want := range map[string]string{
		done.ID: revocation.StateFinished, dead.ID: revocation.StateDead, pending.ID: revocation.StatePending, job("none", revocation.LaneHigh).ID: "",
	} {
		state, record, err := standing.Of(ctx, id)
		require.NoError(t, err)
		require.Equal(t, want, state)
		require.Equal(t, want == revocation.StateFinished, record.Outcome != "")
	}
	later, err := q.Jobs(ledger).Standing(ctx, time.Now().Add(time.Hour))
	require.NoError(t, err)
	state, _, err := later.Of(ctx, pending.ID)
	require.NoError(t, err)
	require.Empty(t, state, "it was put on its lane before")
}
