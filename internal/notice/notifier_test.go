package notice

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sever/revocation"
)

func TestTheFirstNoticeComesAtOnceAndTheNextAfterAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		end := &fake{}
		b := one(t, end, nil)
		began := time.Now()
		for i := range 30 {
			b.Observe(held(fmt.Sprintf("hold_%d", i)))
		}
		time.Sleep(gatherFor) //nolint:forbidigo // the bubble's clock
		synctest.Wait()
		require.Len(t, end.taken(), 1, "one notice for all")
		require.Equal(t, gatherFor, end.times()[0].Sub(began))
		first := end.taken()[0]
		require.Equal(t, 30, first.Count)
		require.Len(t, first.Examples, maxExamples)
		require.Equal(t, "hold_0", first.Examples[0].ID)
		require.Equal(t, 25, first.More)

		time.Sleep(time.Minute) //nolint:forbidigo // the bubble's clock
		b.Observe(held("hold_30"))
		b.Observe(held("hold_31"))
		time.Sleep(4*time.Minute - time.Nanosecond) //nolint:forbidigo // the bubble's clock
		synctest.Wait()
		require.Len(t, end.taken(), 1, "not before five minutes are over")
		time.Sleep(time.Nanosecond) //nolint:forbidigo // the bubble's clock
		synctest.Wait()
		require.Len(t, end.taken(), 2)
		require.Equal(t, 2, end.taken()[1].Count)
		require.Equal(t, map[string]int{"chat sent": 2}, b.results())

		time.Sleep(24 * time.Hour) //nolint:forbidigo // the bubble's clock
		synctest.Wait()
		require.Len(t, end.taken(), 2, "nothing happened, nothing is told")
		b.Notifier.mu.Lock()
		defer b.Notifier.mu.Unlock()
		require.Empty(t, b.groups, "what is quiet is forgotten")
	})
}

func TestKindsAndOrgsAreToldApart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		end := &fake{}
		b := one(t, end, nil)
		b.Observe(held("hold_1"))
		other := held("hold_2")
		other.Hold.Hold.Job.Org = "globex"
		b.Observe(other)
		b.Observe(revocation.Event{Step: revocation.StepDeadLetter, Org: "acme", Delivery: "del_1"})
		time.Sleep(gatherFor) //nolint:forbidigo // the bubble's clock
		synctest.Wait()
		require.Len(t, end.taken(), 3)
		about := map[string]bool{}
		for _, n := range end.taken() {
			about[string(n.Kind)+" "+n.Org] = true
		}
		require.Equal(t, map[string]bool{"held acme": true, "held globex": true, "dead_letter acme": true}, about)
	})
}

func TestAChannelHearsOnlyWhatItAskedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pager, all := &fake{}, &fake{}
		picky := chat()
		picky.On = []string{"credential", "recovered"}
		b := start(t, map[string]Channel{"pager": picky, "all": chat()}, map[string]*fake{"pager": pager, "all": all})
		b.Observe(held("hold_1"))
		b.Observe(paused())
		time.Sleep(gatherFor) //nolint:forbidigo // the bubble's clock
		synctest.Wait()
		require.Len(t, pager.taken(), 1)
		require.Equal(t, KindCredential, pager.taken()[0].Kind)
		require.Len(t, all.taken(), 2)
	})
}

func TestTroubleWithACredentialAndItsEndAreToldOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		end := &fake{}
		b := one(t, end, nil)
		for range 3 {
			b.Observe(paused())
			for range 50 { // while it is paused, for more than an hour
				b.Observe(failing(revocation.StepTrouble, revocation.FailureCredential))
				time.Sleep(2 * time.Minute) //nolint:forbidigo // the bubble's clock
			}
			b.Observe(revocation.Event{Step: "resumed", Org: "acme"})
			time.Sleep(6 * time.Minute) //nolint:forbidigo // the bubble's clock
		}
		synctest.Wait()
		var kinds []Kind
		for _, n := range end.taken() {
			kinds = append(kinds, n.Kind)
			require.Equal(t, 1, n.Count)
		}
		require.Equal(t, []Kind{KindCredential, KindRecovered, KindCredential, KindRecovered, KindCredential, KindRecovered}, kinds)
	})
}

func TestStoppingSendsWhatThereIs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		end := &fake{}
		b := one(t, end, nil)
		b.Observe(held("hold_1"))
		began := time.Now()
		b.stop()
		require.Len(t, end.taken(), 1, "without waiting for more")
		require.Zero(t, time.Since(began))
	})
}

func TestStoppingWaitsForThreeSecondsAtMost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stuck, down, fine := &fake{hang: true}, &fake{fail: func(int) error { return errDown }}, &fake{}
		b := start(t, map[string]Channel{"stuck": chat(), "down": chat(), "fine": chat()},
			map[string]*fake{"stuck": stuck, "down": down, "fine": fine})
		b.Observe(held("hold_1"))
		time.Sleep(gatherFor + time.Second) //nolint:forbidigo // the bubble's clock
		b.Observe(paused())
		began := time.Now()
		b.stop()
		require.Equal(t, lastTry, time.Since(began))
		require.Len(t, fine.taken(), 2)
		require.Equal(t, 3, down.tries, "one before, and one more for each notice")
		require.Equal(t, map[string]int{"fine sent": 2, "down lost": 2, "stuck lost": 2}, b.results(), "nothing is silently gone")
	})
}

func TestAStuckChannelHoldsUpNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stuck, fine := &fake{hang: true}, &fake{}
		quick := chat()
		quick.MaxPerHour = 1000
		b := start(t, map[string]Channel{"stuck": quick, "fine": quick}, map[string]*fake{"stuck": stuck, "fine": fine})
		for i := range 3 * maxQueued { // one notice for each org
			event := held("hold_1")
			event.Hold.Hold.Job.Org = fmt.Sprintf("org-%d", i)
			began := time.Now()
			b.Observe(event)
			require.Zero(t, time.Since(began), "a stage never waits")
			if i%10 == 0 {
				time.Sleep(gatherFor) //nolint:forbidigo // the bubble's clock
			}
		}
		time.Sleep(gatherFor) //nolint:forbidigo // the bubble's clock
		synctest.Wait()
		require.Len(t, fine.taken(), 3*maxQueued)
		require.Equal(t, 2*maxQueued-1, b.results()["stuck lost"], "one is in hand, the queue is full, the rest is counted")
	})
}

func TestWithoutChannelsNothingIsKept(t *testing.T) {
	t.Parallel()
	notifier, err := New(Config{Every: time.Minute})
	require.NoError(t, err)
	notifier.Observe(held("hold_1"))
	require.Empty(t, notifier.groups)
}
