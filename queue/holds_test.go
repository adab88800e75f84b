package queue

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"sever/revocation"
)

func holds(tb testing.TB, q *Queue) *Holds {
	tb.Helper()
	opened, err := q.Holds(tb.Context())
	require.NoError(tb, err)
	return opened
}

func wakeReader(tb testing.TB, q *Queue) *WakeReader {
	tb.Helper()
	reader, err := q.WakeReader(tb.Context())
	require.NoError(tb, err)
	tb.Cleanup(reader.Close)
	return reader
}

// leaver is the termination of somebody, announced a while ago and due at a time.
func leaver(name string, due time.Time) revocation.HoldEntry {
	held := job(name, revocation.LaneHigh)
	held.Effective = due
	key := revocation.HoldKey(held.Org, held.Source, held.Person)
	return revocation.HoldEntry{
		Key: key, Org: held.Org, Source: held.Source, State: revocation.HoldWaits,
		Hold:      &revocation.Hold{Key: key, Why: revocation.HeldForDate, Reason: "leaves", Job: held, Due: due, Held: start},
		Notice:    revocation.Notice{Signal: held.Signal, Occurred: start, Received: start},
		Announced: held.Signal, Effective: due,
		Action: revocation.Action{ID: "act_" + name, At: start, Verb: "hold", Target: key, Reason: "because " + name + " leaves, says the source"},
	}
}

// set makes an entry be what is known of its key.
func set(tb testing.TB, h *Holds, entry revocation.HoldEntry) {
	tb.Helper()
	require.NoError(tb, h.Change(tb.Context(), entry.Key, func(revocation.HoldEntry) (revocation.HoldEntry, bool) { return entry, true }))
}

func ended(entry revocation.HoldEntry) revocation.HoldEntry {
	entry.State, entry.Hold = revocation.HoldWithdrawn, nil
	return entry
}

func known(tb testing.TB, h *Holds, key string) revocation.HoldEntry {
	tb.Helper()
	var found revocation.HoldEntry
	require.NoError(tb, h.Change(tb.Context(), key, func(e revocation.HoldEntry) (revocation.HoldEntry, bool) {
		found = e
		return e, false
	}))
	return found
}

// nextWake takes the wake that comes next and acknowledges it.
func nextWake(tb testing.TB, r *WakeReader) revocation.Wake {
	tb.Helper()
	wake, err := r.Next(within(tb, soon))
	require.NoError(tb, err)
	require.NoError(tb, wake.Lease.Settle(tb.Context(), revocation.Verdict{}))
	wake.Lease = nil
	return wake
}

func noWake(tb testing.TB, r *WakeReader, d time.Duration) {
	tb.Helper()
	wake, err := r.Next(within(tb, d))
	require.Error(tb, err, "%+v", wake)
}

func in(d time.Duration) time.Time { return time.Now().Add(d).UTC() }

func TestHoldsWakeAtTheirTime(t *testing.T) {
	t.Parallel()
	q := open(t)
	h, r := holds(t, q), wakeReader(t, q)
	soonest, later, past := leaver("soonest", in(time.Second)), leaver("later", in(2*time.Second)), leaver("past", in(-48*time.Hour))
	months := leaver("months", in(399*24*time.Hour))
	for _, entry := range []revocation.HoldEntry{later, months, soonest, past} {
		set(t, h, entry)
	}
	listed, err := h.List(t.Context(), "", 10)
	require.NoError(t, err)
	require.Equal(t, []revocation.Hold{*past.Hold, *soonest.Hold, *later.Hold, *months.Hold}, listed)

	for _, entry := range []revocation.HoldEntry{past, soonest, later} {
		require.Equal(t, revocation.Wake{Key: entry.Key, Due: entry.Hold.Due}, nextWake(t, r))
		require.False(t, time.Now().Before(entry.Hold.Due), "not before its time")
	}
	noWake(t, r, 500*time.Millisecond)
	counts, err := h.Count(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[string]int{"acme": 1, "globex": 0}, counts)
	require.Equal(t, soonest, known(t, h, soonest.Key), "a wake changes nothing by itself")
}

// What is handed out and not settled comes again, to another process too.
func TestWakesComeUntilTheyAreAcknowledged(t *testing.T) {
	t.Parallel()
	q := open(t, ackWait(time.Second))
	h, one, two := holds(t, q), wakeReader(t, q), wakeReader(t, q)
	entry := leaver("ada", in(-time.Second))
	set(t, h, entry)
	_, err := one.Next(within(t, soon))
	require.NoError(t, err)
	require.Equal(t, entry.Key, nextWake(t, two).Key)
	noWake(t, one, 1500*time.Millisecond)
}

func TestHoldsSurviveRestarts(t *testing.T) {
	t.Parallel()
	q := open(t)
	ahead, missed, fired := leaver("ahead", in(6*time.Second)), leaver("missed", in(2*time.Second)), leaver("fired", in(-time.Second))
	for _, entry := range []revocation.HoldEntry{ahead, missed, fired} {
		set(t, holds(t, q), entry)
	}
	require.Eventually(t, func() bool { return consumerInfo(t, q, streamWakes, consumerRelease).NumPending == 1 }, soon, tick)
	require.NoError(t, q.Close())
	<-time.After(time.Until(missed.Hold.Due.Add(100 * time.Millisecond))) // down while its time passes

	q = openWith(t, q.config)
	r := wakeReader(t, q)
	require.Equal(t, fired.Key, nextWake(t, r).Key, "stored before the stop")
	require.Equal(t, missed.Key, nextWake(t, r).Key)
	require.Equal(t, ahead.Key, nextWake(t, r).Key)
	require.False(t, time.Now().Before(ahead.Hold.Due))
}

func TestHoldsOfOneKeyHaveOneTime(t *testing.T) {
	t.Parallel()
	q := open(t)
	h, r := holds(t, q), wakeReader(t, q)
	earlier, later, off := leaver("earlier", in(time.Hour)), leaver("later", in(time.Second)), leaver("off", in(time.Second))
	for _, entry := range []revocation.HoldEntry{earlier, later, off} {
		set(t, h, entry)
	}
	set(t, h, leaver("earlier", in(2*time.Second)))
	moved := leaver("later", in(3*time.Second))
	set(t, h, moved)
	set(t, h, ended(off))

	require.Equal(t, earlier.Key, nextWake(t, r).Key)
	require.Equal(t, revocation.Wake{Key: later.Key, Due: moved.Hold.Due}, nextWake(t, r))
	noWake(t, r, time.Second)
	require.Equal(t, ended(off), known(t, h, off.Key))
	require.Zero(t, known(t, h, "hold_nobody"))
}

// A process that is slow sets the time of what it wrote after another replaced it: the
// time that counts is the one that is known in the end.
func TestASlowProcessDoesNotSetAnOldTime(t *testing.T) {
	t.Parallel()
	q := open(t)
	h, r := holds(t, q), wakeReader(t, q)
	old, moved := leaver("ada", in(time.Hour)), leaver("ada", in(2*time.Second))
	set(t, h, old)
	_, revision, err := h.read(t.Context(), old.Key)
	require.NoError(t, err)
	set(t, h, moved)
	require.NoError(t, h.arm(t.Context(), old, revision))
	require.Equal(t, revocation.Wake{Key: old.Key, Due: moved.Hold.Due}, nextWake(t, r))

	set(t, h, ended(old))
	require.NoError(t, h.arm(t.Context(), leaver("ada", in(time.Second)), revision))
	noWake(t, r, 2*time.Second)

	set(t, h, leaver("ada", in(2*time.Second)))
	require.NoError(t, h.arm(t.Context(), ended(old), revision))
	require.Equal(t, old.Key, nextWake(t, r).Key, "nor does it take a new one back")
}

func TestRearmSetsWhatWasLost(t *testing.T) {
	t.Parallel()
	q := open(t)
	h, r := holds(t, q), wakeReader(t, q)
	lost, overdue, kept := leaver("lost", in(time.Hour)), leaver("overdue", in(-2*time.Minute)), leaver("kept", in(time.Hour))
	byHand := leaver("by hand", time.Time{})
	for _, entry := range []revocation.HoldEntry{lost, kept, byHand, ended(leaver("off", in(time.Hour)))} {
		set(t, h, entry)
	}
	require.NoError(t, h.disarm(t.Context(), lost.Org, lost.Key))
	set(t, h, overdue)
	nextWake(t, r)

	count, err := h.Rearm(t.Context(), time.Now())
	require.NoError(t, err)
	require.Equal(t, 2, count)
	require.Equal(t, overdue.Key, nextWake(t, r).Key)
	counts, err := h.Count(t.Context())
	require.NoError(t, err)
	require.Equal(t, 3, counts["acme"], "the one that waits for an operator among them")
}

// Unchanged, a hold gets its time all the same: a crash may have come before it was set.
func TestChangeSetsTheTimeThoughNothingDiffers(t *testing.T) {
	t.Parallel()
	q := open(t)
	h, r := holds(t, q), wakeReader(t, q)
	entry := leaver("ada", in(-time.Second))
	set(t, h, entry)
	nextWake(t, r)
	require.Equal(t, entry, known(t, h, entry.Key))
	require.Equal(t, entry.Key, nextWake(t, r).Key)
}

// Many processes change one hold at once: none of the changes is lost.
func TestChangesAreOneAfterTheOther(t *testing.T) {
	t.Parallel()
	q := open(t)
	key := leaver("ada", in(time.Hour)).Key
	var work sync.WaitGroup
	var failed atomic.Int64
	const processes, changes = 4, 5
	for range processes {
		h := holds(t, q)
		work.Go(func() {
			for range changes {
				if err := h.Change(t.Context(), key, func(e revocation.HoldEntry) (revocation.HoldEntry, bool) {
					next := leaver("ada", in(time.Hour))
					next.Action.Reason = e.Action.Reason + "+"
					if len(e.Action.Reason)%2 == 0 {
						next = ended(next)
					}
					return next, true
				}); err != nil {
					failed.Add(1)
				}
			}
		})
	}
	work.Wait()
	require.Zero(t, failed.Load())
	require.Equal(t, strings.Repeat("+", processes*changes), known(t, holds(t, q), key).Action.Reason)
	require.EqualValues(t, 1, streamInfo(t, q, streamWakes).State.Msgs, "one time, however often it was set")
}

func TestEndedHoldsAreForgottenLater(t *testing.T) {
	t.Parallel()
	q := open(t, func(c *Config) {
		c.Retention = Retention{Deliveries: time.Hour, Jobs: time.Hour, Ledger: time.Hour, Dead: time.Hour}
	})
	h := holds(t, q)
	fresh, changed, waits := leaver("fresh", in(time.Hour)), leaver("changed", in(time.Hour)), leaver("waits", in(time.Hour))
	set(t, h, ended(fresh))
	set(t, h, changed)
	set(t, h, ended(changed))
	set(t, h, ended(waits))
	set(t, h, waits)
	for _, entry := range []revocation.HoldEntry{fresh, changed, waits} {
		msg, err := h.stream.GetLastMsgForSubject(t.Context(), "$KV.HELD."+entry.Key)
		require.NoError(t, err)
		age := "1h0m0s"
		if entry.Key == waits.Key {
			age = ""
		}
		require.Equal(t, age, msg.Header.Get(jetstream.MsgTTLHeader), "%v", msg.Header)
	}
}

// Full of holds, there is room left for what becomes of them, and every one has its time.
func TestHoldsLeaveRoomForTheirEnds(t *testing.T) {
	t.Parallel()
	q := open(t, func(c *Config) { c.MaxSize = 48 << 16 })
	h := holds(t, q)
	var keys []revocation.HoldEntry
	var err error
	for i := 0; err == nil && i < 10_000; i++ {
		entry := leaver(fmt.Sprintf("leaver %d", i), in(time.Hour))
		err = h.Change(t.Context(), entry.Key, func(revocation.HoldEntry) (revocation.HoldEntry, bool) { return entry, true })
		if err == nil {
			keys = append(keys, entry)
		}
	}
	require.ErrorIs(t, err, revocation.ErrHoldsFull)
	require.Greater(t, len(keys), 30)
	counts, err := h.Count(t.Context())
	require.NoError(t, err)
	require.Equal(t, len(keys), counts["acme"], "no time was dropped for want of room")
	for _, entry := range keys {
		set(t, h, ended(entry))
	}
	require.NoError(t, q.topology.ensure(t.Context(), q.js))
}

func TestHoldsAreNotForAnyKey(t *testing.T) {
	t.Parallel()
	h := holds(t, open(t))
	for _, key := range []string{"", "hold_*", "hold.>", " "} {
		_, err := h.Show(t.Context(), key)
		require.ErrorIs(t, err, revocation.ErrNotFound, key)
	}
	_, err := h.Show(t.Context(), "hold_nobody")
	require.ErrorIs(t, err, revocation.ErrNotFound)
	entry := leaver("ada", in(time.Hour))
	set(t, h, entry)
	shown, err := h.Show(t.Context(), entry.Key)
	require.NoError(t, err)
	require.Equal(t, *entry.Hold, shown)
	set(t, h, ended(entry))
	_, err = h.Show(t.Context(), entry.Key)
	require.ErrorIs(t, err, revocation.ErrNotFound, "it does not wait")
}

func TestWakeReaderCloses(t *testing.T) {
	t.Parallel()
	r := wakeReader(t, open(t))
	done := make(chan error, 1)
	go func() {
		_, err := r.Next(t.Context())
		done <- err
	}()
	r.Close()
	require.Error(t, <-done)
	_, err := r.Next(t.Context())
	require.ErrorIs(t, err, errWakesClosed)
}

// JetStream refuses schedules on a stream that discards new messages. Should that ever
// change, WAKES can be as all other streams are.
func TestSchedulesRefuseDiscardNew(t *testing.T) {
	t.Parallel()
	q := open(t)
	config := q.topology.wakes()
	config.Discard = jetstream.DiscardNew
	_, err := q.js.UpdateStream(t.Context(), config)
	require.ErrorContains(t, err, "cannot use discard new")
}

func TestTooOldServers(t *testing.T) {
	t.Parallel()
	for version, old := range map[string]bool{
		"2.11.9": true, "v2.10.29": true, "1.99.0": true, "2.11.0-RC.1": true, "2.9": true,
		"2.12.0": false, "2.12.0-RC.1": false, "2.15.2": false, "3.0.0": false, "v2.14.9": false,
		"": false, "main": false, "x.y.z": false,
	} {
		require.Equal(t, old, tooOld(version), version)
	}
}

// An old server is named as the reason, before anything is made on it.
func TestOpenRefusesAnOldServer(t *testing.T) {
	t.Parallel()
	srv := startServer(t)
	old := pretendOld(t, srv.Addr().String())
	settings := config(t)
	settings.Dir, settings.Cluster = "", &Cluster{URL: "nats://" + old, Replicas: 1}
	_, err := Open(t.Context(), settings)
	require.ErrorContains(t, err, "nats-server 2.11.4 is too old")
	require.ErrorContains(t, err, "2.12")

	found, err := Inspect(t.Context(), *settings.Cluster, 1<<20)
	require.NoError(t, err)
	require.True(t, found.TooOld)
	require.Len(t, found.Missing, len(found.Streams), "nothing was made")
}
