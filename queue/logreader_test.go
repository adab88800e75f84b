package queue

import (
	"context"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/revocation"
)

func logReader(t *testing.T, q *Queue) *LogReader {
	t.Helper()
	reader, err := q.LogReader(t.Context())
	require.NoError(t, err)
	t.Cleanup(reader.Close)
	return reader
}

func appendEach(t *testing.T, q *Queue, names ...string) {
	t.Helper()
	log := q.DeliveryLog(soon, 1<<20)
	defer log.Close()
	for _, name := range names {
		require.NoError(t, log.Append(t.Context(), delivery(name)))
	}
}

// next reads the next entry, which is to be the one delivery of that name.
func next(t *testing.T, reader *LogReader, name string) revocation.LogEntry {
	t.Helper()
	entry, err := reader.Next(within(t, soon))
	require.NoError(t, err)
	require.NoError(t, entry.Damage)
	require.Equal(t, []revocation.Delivery{delivery(name)}, entry.Deliveries)
	return entry
}

// readUntil works off all that comes up to a delivery of that name, and gives the ids.
func readUntil(t *testing.T, reader *LogReader, name string) (ids []string) {
	t.Helper()
	ctx := within(t, soon)
	for !slices.Contains(ids, delivery(name).ID) {
		entry, err := reader.Next(ctx)
		require.NoError(t, err)
		settle(t, entry.Lease, revocation.Verdict{})
		for _, d := range entry.Deliveries {
			ids = append(ids, d.ID)
		}
	}
	return ids
}

func settle(t *testing.T, lease revocation.Lease, verdict revocation.Verdict) {
	t.Helper()
	require.NoError(t, lease.Settle(t.Context(), verdict))
}

func TestLogReaderReadsInOrder(t *testing.T) {
	t.Parallel()
	q := open(t)
	reader := logReader(t, q)
	var want []revocation.Delivery
	for i := range 50 {
		want = append(want, delivery(strconv.Itoa(i)))
		appendEach(t, q, strconv.Itoa(i))
	}

	var got []revocation.Delivery
	for entries := 0; len(got) < len(want); entries++ {
		require.Less(t, entries, 4, "what waits is handed out together")
		entry, err := reader.Next(within(t, soon))
		require.NoError(t, err)
		require.NoError(t, entry.Missing)
		got = append(got, entry.Deliveries...)
		require.LessOrEqual(t, inHand(t, q, streamDeliveries, consumerDispatch), gatherPacks)
		settle(t, entry.Lease, revocation.Verdict{})
		require.Zero(t, inHand(t, q, streamDeliveries, consumerDispatch))
	}

	require.Equal(t, want, got)
	require.Zero(t, consumerInfo(t, q, streamDeliveries, consumerDispatch).NumPending)
}

// A lone delivery is handed out as soon as it is there, and nothing is read ahead of what is in hand.
func TestLogReaderReadsNothingAhead(t *testing.T) {
	t.Parallel()
	q := open(t)
	reader := logReader(t, q)
	appendEach(t, q, "one")
	next(t, reader, "one")

	appendEach(t, q, "two", "three")

	staysOne(t, q, streamDeliveries, consumerDispatch)
}

// Packs that were handed out together come again one by one, so that one of them that cannot be worked
// off does not hold up the others for ever.
func TestLogReaderHandsOutAloneWhatComesAgain(t *testing.T) {
	t.Parallel()
	q := open(t)
	appendEach(t, q, "one", "two", "three")
	reader := logReader(t, q)
	entry, err := reader.Next(within(t, soon))
	require.NoError(t, err)
	require.Len(t, entry.Deliveries, 3)
	require.NoError(t, entry.Lease.Extend())

	settle(t, entry.Lease, revocation.Verdict{Again: true})

	for _, name := range []string{"one", "two", "three"} {
		settle(t, next(t, reader, name).Lease, revocation.Verdict{})
	}
	require.Zero(t, inHand(t, q, streamDeliveries, consumerDispatch))
}

// Packs as large as they get are few at once: all of them are in memory.
func TestLogReaderGathersByTheByte(t *testing.T) {
	t.Parallel()
	q := open(t)
	log := writer(t, q)
	large := delivery("large")
	large.Body = make([]byte, 3<<20)
	for range 3 {
		require.NoError(t, log.Append(t.Context(), large))
	}
	entry, err := logReader(t, q).Next(within(t, soon))
	require.NoError(t, err)
	require.Len(t, entry.Deliveries, 1)
}

func TestLogReaderReadsAProbe(t *testing.T) {
	t.Parallel()
	q := open(t)
	require.NoError(t, writer(t, q).Probe(t.Context()))
	entry, err := logReader(t, q).Next(within(t, soon))
	require.NoError(t, err)
	require.NoError(t, entry.Damage)
	require.Empty(t, entry.Deliveries)
}

func TestLogReaderGetsAgainWhatNobodySettled(t *testing.T) {
	t.Parallel()
	q := open(t, ackWait(time.Second))
	appendEach(t, q, "one")
	reader := logReader(t, q)
	next(t, reader, "one")

	entry := next(t, reader, "one")

	settle(t, entry.Lease, revocation.Verdict{})
}

func TestLogReaderGetsAgainWhatWasHandedBack(t *testing.T) {
	t.Parallel()
	q := open(t)
	appendEach(t, q, "one")
	reader := logReader(t, q)
	settle(t, next(t, reader, "one").Lease, revocation.Verdict{Again: true})

	entry := next(t, reader, "one")

	settle(t, entry.Lease, revocation.Verdict{})
	require.Error(t, entry.Lease.Settle(t.Context(), revocation.Verdict{}), "a lease ends once")
}

func TestLogReaderAfterARestart(t *testing.T) {
	t.Parallel()
	q := open(t, ackWait(time.Second))
	appendEach(t, q, "done")
	reader := logReader(t, q)
	settle(t, next(t, reader, "done").Lease, revocation.Verdict{})
	appendEach(t, q, "open")
	next(t, reader, "open")
	appendEach(t, q, "new")
	reader.Close()

	q = reopen(t, q)

	reader = logReader(t, q)
	got := map[string]bool{}
	for len(got) < 2 {
		entry, err := reader.Next(within(t, soon))
		require.NoError(t, err)
		for _, delivery := range entry.Deliveries {
			got[delivery.ID] = true
		}
		settle(t, entry.Lease, revocation.Verdict{})
	}
	require.Equal(t, map[string]bool{delivery("open").ID: true, delivery("new").ID: true}, got)
	require.Zero(t, consumerInfo(t, q, streamDeliveries, consumerDispatch).NumPending)
}

func TestLogReaderReportsDamage(t *testing.T) {
	t.Parallel()
	q := open(t)
	whole := packOf(t, delivery("whole"), delivery("cut"))
	raw := whole[:len(whole)-1]
	_, err := q.publish(t.Context(), streamDeliveries, subjectDeliveries, "", raw)
	require.NoError(t, err)
	appendEach(t, q, "next")
	reader := logReader(t, q)

	entry, err := reader.Next(within(t, soon))

	require.NoError(t, err)
	require.ErrorIs(t, entry.Damage, errPackCut)
	require.Empty(t, entry.Deliveries, "half an entry is none")
	require.Equal(t, raw, entry.Raw)
	settle(t, entry.Lease, revocation.Verdict{Ended: true, Reason: "damaged"})
	next(t, reader, "next")
}

// A damaged pack among others is handed out alone, and costs the others nothing.
func TestLogReaderSetsDamageApart(t *testing.T) {
	t.Parallel()
	q := open(t)
	appendEach(t, q, "one")
	raw := packOf(t, delivery("cut"))
	_, err := q.publish(t.Context(), streamDeliveries, subjectDeliveries, "", raw[:len(raw)-1])
	require.NoError(t, err)
	appendEach(t, q, "two")
	reader := logReader(t, q)

	entry, err := reader.Next(within(t, soon))
	require.NoError(t, err)
	require.NoError(t, entry.Damage)
	require.Equal(t, []revocation.Delivery{delivery("one"), delivery("two")}, entry.Deliveries)
	settle(t, entry.Lease, revocation.Verdict{})

	entry, err = reader.Next(within(t, soon))
	require.NoError(t, err)
	require.ErrorIs(t, entry.Damage, errPackCut)
	require.Equal(t, raw[:len(raw)-1], entry.Raw)
	settle(t, entry.Lease, revocation.Verdict{Ended: true, Reason: "damaged"})
}

func TestLogReaderWhenTheContextEnds(t *testing.T) {
	t.Parallel()
	q := open(t)
	reader := logReader(t, q)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()

	_, err := reader.Next(ctx)

	require.ErrorIs(t, err, context.DeadlineExceeded)
	appendEach(t, q, "later")
	next(t, reader, "later")
}

func TestLogReaderClosed(t *testing.T) {
	t.Parallel()
	q := open(t)
	reader := logReader(t, q)
	waits := make(chan error, 1)
	go func() {
		_, err := reader.Next(context.Background())
		waits <- err
	}()

	reader.Close()

	require.ErrorIs(t, <-waits, errReaderClosed)
	_, err := reader.Next(within(t, soon))
	require.ErrorIs(t, err, errReaderClosed)
}

func TestLogReaderWithoutItsStore(t *testing.T) {
	t.Parallel()
	q := open(t)
	reader := logReader(t, q)
	require.NoError(t, q.Close())
	_, err := reader.Next(within(t, soon))
	require.Error(t, err)
	_, err = q.LogReader(within(t, soon))
	require.ErrorContains(t, err, consumerDispatch)
}
