package queue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"sever/revocation"
)

// writer starts a delivery log that is closed at the end of the test.
func writer(tb testing.TB, q *Queue) *DeliveryLog {
	tb.Helper()
	log := q.DeliveryLog(soon, 64<<20)
	tb.Cleanup(log.Close)
	return log
}

// idle is a delivery log whose writer has not started, so that all that is appended
// waits. run starts it.
func idle(tb testing.TB, q *Queue, maximum int64) (log *DeliveryLog, run func()) {
	tb.Helper()
	log = q.DeliveryLog(soon, maximum)
	log.Close()
	log.stopped = make(chan struct{})
	return log, func() { log.done.Go(log.write) }
}

// appendAll appends concurrently and waits until all of it waits in the log; the
// returned function waits for the answers.
func appendAll(tb testing.TB, log *DeliveryLog, deliveries []revocation.Delivery) (answers func() []error) {
	tb.Helper()
	errs := make([]error, len(deliveries))
	var senders sync.WaitGroup
	for i, delivery := range deliveries {
		senders.Go(func() { errs[i] = log.Append(tb.Context(), delivery) })
	}
	require.Eventually(tb, func() bool { return len(log.waiting) == len(deliveries) }, soon, tick)
	return func() []error { senders.Wait(); return errs }
}

// appendInOrder is appendAll for deliveries whose order matters.
func appendInOrder(tb testing.TB, log *DeliveryLog, deliveries ...revocation.Delivery) (answers func() []error) {
	tb.Helper()
	errs := make([]error, len(deliveries))
	var senders sync.WaitGroup
	for i, delivery := range deliveries {
		senders.Go(func() { errs[i] = log.Append(tb.Context(), delivery) })
		require.Eventually(tb, func() bool { return len(log.waiting) == i+1 }, soon, tick)
	}
	return func() []error { senders.Wait(); return errs }
}

func TestAppendReturnsWhenStored(t *testing.T) {
	t.Parallel()
	q := open(t)
	log := writer(t, q)
	want := []revocation.Delivery{}
	for i := range 20 {
		next := delivery(strconv.Itoa(i))
		next.Redrives = i % 2
		require.NoError(t, log.Append(t.Context(), next))
		want = append(want, next)
		require.Equal(t, uint64(i+1), streamInfo(t, q, streamDeliveries).State.Msgs, "a lone delivery makes a pack of one")
	}
	require.Equal(t, want, stored(t, q))
}

func TestAppendPacksACrowd(t *testing.T) {
	t.Parallel()
	const senders, each = 64, 50
	q := open(t)
	log := writer(t, q)
	errs := make([]error, senders)
	var crowd sync.WaitGroup
	for s := range senders {
		crowd.Go(func() {
			for i := range each {
				// The buffer is used again right after nil: the log must have copied it.
				body := []byte(fmt.Sprintf("%d/%d", s, i))
				next := revocation.NewDelivery("source"+strconv.Itoa(s), "text/plain", body, start.Add(time.Duration(i)))
				next.Redrives = i
				errs[s] = errors.Join(errs[s], log.Append(t.Context(), next))
				clear(body)
			}
		})
	}
	crowd.Wait()
	require.NoError(t, errors.Join(errs...))

	sent := map[string]int{}
	for _, got := range stored(t, q) {
		i := sent[got.Source]
		sent[got.Source]++
		body := strings.TrimPrefix(got.Source, "source") + "/" + strconv.Itoa(i)
		want := revocation.NewDelivery(got.Source, "text/plain", []byte(body), start.Add(time.Duration(i)))
		want.Redrives = i
		require.Equal(t, want, got, "order of one sender, and every field")
	}
	require.Len(t, sent, senders)
	for source, count := range sent {
		require.Equal(t, each, count, source)
	}
	require.Less(t, streamInfo(t, q, streamDeliveries).State.Msgs, uint64(senders*each/2), "a crowd shares its writes")
	require.Zero(t, log.bytes, "nothing is counted as waiting any more")
}

func TestPackTakesSoManyDeliveries(t *testing.T) {
	t.Parallel()
	q := open(t)
	log, run := idle(t, q, 64<<20)
	all := make([]revocation.Delivery, 2*packDeliveries+10)
	for i := range all {
		all[i] = delivery(strconv.Itoa(i))
	}
	answers := appendAll(t, log, all)
	run()
	defer log.Close()

	require.NoError(t, errors.Join(answers()...))

	var sizes []int
	for _, pack := range packs(t, q) {
		sizes = append(sizes, len(pack))
	}
	require.Equal(t, []int{packDeliveries, packDeliveries, 10}, sizes)
}

func TestPackTakesSoManyBytes(t *testing.T) {
	t.Parallel()
	const size = 300 << 10
	for name, c := range map[string]struct {
		body    int64 // receive.max_body
		payload int64 // what NATS takes
		each    int   // deliveries per pack: one more than fit in packBytes, or in what the largest leaves free
	}{
		"usual":         {body: 4 << 20, payload: maxPayload, each: 4},
		"small payload": {body: 1 << 20, payload: 2<<20 + letterWords, each: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := startServer(t, func(o *serverOptions) { o.MaxPayload = int32(c.payload) })
			q := openWith(t, onCluster(srv, config(t), func(s *Config) { s.MaxBody = c.body }))
			log, run := idle(t, q, 64<<20)
			all := make([]revocation.Delivery, 12)
			for i := range all {
				all[i] = revocation.NewDelivery("okta", "", bytes.Repeat([]byte{byte(i)}, size), start)
			}
			answers := appendAll(t, log, all)
			run()
			defer log.Close()

			require.NoError(t, errors.Join(answers()...))

			for _, pack := range packs(t, q) {
				require.Len(t, pack, c.each)
			}
		})
	}
}

// The worst that may follow a pack just below its bound is the largest delivery.
func TestPackOfTheLargestFits(t *testing.T) {
	t.Parallel()
	const maxBody = 1 << 20
	for name, c := range map[string]struct {
		payload int32 // what NATS takes
		packs   int
	}{
		"room for others":                 {payload: 2 << 20, packs: 1},
		"room for the largest alone":      {payload: maxBody*4/3 + letterWords, packs: 2},
		"room for the largest and a bite": {payload: maxBody*4/3 + letterWords + 16<<10, packs: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := startServer(t, func(o *serverOptions) { o.MaxPayload = c.payload })
			q := openWith(t, onCluster(srv, config(t), func(s *Config) { s.MaxBody = maxBody }))
			log, run := idle(t, q, 64<<20)
			filler := revocation.NewDelivery("okta", "", nil, start)
			justBelow := log.full - len(packOf(t, filler)) - 8
			filler.Body = make([]byte, max(0, justBelow))
			largest := revocation.NewDelivery("okta", strings.Repeat("x", 4<<10), make([]byte, maxBody), start)
			answers := appendInOrder(t, log, filler, largest)
			run()
			defer log.Close()

			require.NoError(t, errors.Join(answers()...))

			require.Len(t, packs(t, q), c.packs)
			for _, entry := range messages(t, q, streamDeliveries) {
				damaged := revocation.DeadRaw(entry.Data, "damaged", start)
				require.NoError(t, q.DeadLetters().Put(t.Context(), damaged), "every entry fits into a dead letter")
			}
		})
	}
}

func TestAppendToAFullStream(t *testing.T) {
	t.Parallel()
	q := open(t, func(c *Config) { c.MaxSize = 12 << 20 })
	log := writer(t, q)
	var want []string
	var full error
	for i := 0; full == nil && i < 100; i++ {
		next := revocation.NewDelivery("okta", "", bytes.Repeat([]byte{byte(i)}, 300<<10), start)
		if full = log.Append(t.Context(), next); full == nil {
			want = append(want, next.ID)
		}
	}

	var apiErr *jetstream.APIError
	require.ErrorAs(t, full, &apiErr)
	require.Contains(t, apiErr.Description, "maximum bytes exceeded")
	require.Error(t, log.Append(t.Context(), revocation.NewDelivery("okta", "", make([]byte, 300<<10), start)))
	var got []string
	for _, delivery := range stored(t, q) {
		got = append(got, delivery.ID)
	}
	require.NotEmpty(t, got)
	require.Equal(t, want, got, "all that was reported as stored, and the oldest is not dropped for the newest")
}

func TestProbe(t *testing.T) {
	t.Parallel()
	q := open(t, func(c *Config) { c.MaxSize = 12 << 10 })
	log := writer(t, q)
	require.NoError(t, log.Probe(t.Context()))
	require.Equal(t, [][]revocation.Delivery{nil}, packs(t, q))

	var err error
	for i := 0; err == nil && i < 10_000; i++ {
		err = log.Probe(t.Context())
	}
	require.Error(t, err, "a full stream takes no writes")
}

func TestAppendWhenTooMuchWaits(t *testing.T) {
	t.Parallel()
	q := open(t)
	big := revocation.NewDelivery("okta", "", make([]byte, 600), start)
	log, run := idle(t, q, 1000)
	answers := appendAll(t, log, []revocation.Delivery{big})

	require.ErrorIs(t, log.Append(t.Context(), big), ErrBusy)

	run()
	defer log.Close()
	require.NoError(t, errors.Join(answers()...))
	require.NoError(t, log.Append(t.Context(), big), "there is room again")
	require.ErrorIs(t, log.Append(t.Context(), revocation.NewDelivery("okta", "", make([]byte, 1001), start)), ErrBusy)
	require.Zero(t, log.bytes, "what was refused is not counted")
}

func TestAppendWhenTooManyWait(t *testing.T) {
	t.Parallel()
	q := open(t)
	log, run := idle(t, q, 1<<20)
	log.waiting = make(chan *waiter, 1)
	answers := appendAll(t, log, []revocation.Delivery{delivery("first")})

	require.ErrorIs(t, log.Append(t.Context(), delivery("second")), ErrBusy)

	run()
	require.NoError(t, errors.Join(answers()...))
	log.Close()
	require.Zero(t, log.bytes, "what was refused is not counted")
}

func TestAppendWhoseSenderGoes(t *testing.T) {
	t.Parallel()
	q := open(t)
	log, run := idle(t, q, 1<<20)
	gone := errors.New("the sender has gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	answer := make(chan error, 1)
	go func() { answer <- log.Append(ctx, delivery("gone")) }()
	require.Eventually(t, func() bool { return len(log.waiting) == 1 }, soon, tick)

	cancel(gone)

	require.ErrorIs(t, <-answer, gone)
	run()
	require.NoError(t, log.Append(t.Context(), delivery("stays")))
	log.Close()
	require.Equal(t, []revocation.Delivery{delivery("stays")}, stored(t, q))
	require.Zero(t, log.bytes)
}

func TestAppendOfWhatCannotBePacked(t *testing.T) {
	t.Parallel()
	q := open(t)
	log, run := idle(t, q, 1<<20)
	impossible := delivery("impossible")
	impossible.Received = time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)
	answers := appendInOrder(t, log, impossible, delivery("good"))
	run()
	defer log.Close()

	errs := answers()
	require.ErrorContains(t, errs[0], impossible.ID)
	require.NoError(t, errs[1], "its neighbour is stored all the same")
	require.Equal(t, []revocation.Delivery{delivery("good")}, stored(t, q))
}

// An in-process connection does not notice that its server is gone: what bounds the
// wait is the log's own timeout.
func TestAppendWhenTheServerStops(t *testing.T) {
	t.Parallel()
	const timeout = time.Second
	q := open(t)
	log := q.DeliveryLog(timeout, 64<<20)
	defer log.Close()
	const senders = 16
	begun := make(chan struct{}, senders)
	failed := make([]error, senders)
	reported := make([][]string, senders)
	var crowd sync.WaitGroup
	for s := range senders {
		crowd.Go(func() {
			for i := 0; failed[s] == nil; i++ {
				next := delivery(fmt.Sprintf("%d/%d", s, i))
				if failed[s] = log.Append(t.Context(), next); failed[s] == nil {
					reported[s] = append(reported[s], next.ID)
				}
				if i == 10 {
					begun <- struct{}{}
				}
			}
		})
	}
	for range senders {
		<-begun
	}
	q.embedded.server.Shutdown()
	down := time.Now()
	crowd.Wait()
	require.Less(t, time.Since(down), 2*timeout+time.Second, "one pack in flight, and one behind it")
	require.Error(t, log.Append(t.Context(), delivery("after")))

	again := reopen(t, q)

	found := map[string]bool{}
	for _, delivery := range stored(t, again) {
		found[delivery.ID] = true
	}
	for s := range senders {
		for _, id := range reported[s] {
			require.True(t, found[id], "%s was reported as stored", id)
		}
	}
}

func TestCloseStoresWhatWaits(t *testing.T) {
	t.Parallel()
	q := open(t)
	log, run := idle(t, q, 1<<20)
	all := make([]revocation.Delivery, 2*packDeliveries)
	for i := range all {
		all[i] = delivery(strconv.Itoa(i))
	}
	answers := appendAll(t, log, all)
	run()

	log.Close()

	require.Len(t, stored(t, q), len(all))
	require.NoError(t, errors.Join(answers()...))
	require.ErrorIs(t, log.Append(t.Context(), delivery("late")), errLogClosed)
	require.Zero(t, log.bytes)
}
