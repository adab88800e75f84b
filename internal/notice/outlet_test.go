package notice

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestOverTheLimitIsCountedInTheNext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		end := &fake{}
		b := one(t, end, func(c *Channel) { c.MaxPerHour = 3 })
		for range 11 { // one notice in five minutes: 0, 5, 10 are sent, 15 to 50 are not
			b.Observe(held("hold_1"))
			b.Observe(held("hold_2"))
			time.Sleep(5 * time.Minute) //nolint:forbidigo // the bubble's clock
		}
		synctest.Wait()
		require.Len(t, end.taken(), 3)
		require.Equal(t, map[string]int{"chat sent": 3, "chat limited": 8}, b.results())

		time.Sleep(6 * time.Minute) //nolint:forbidigo // the bubble's clock
		b.Observe(held("hold_3"))
		time.Sleep(gatherFor) //nolint:forbidigo // the bubble's clock
		synctest.Wait()
		require.Len(t, end.taken(), 4, "an hour after the first there is room again")
		require.Equal(t, 8, end.taken()[3].LeftOut)
		require.Equal(t, 16, end.taken()[3].LeftOutEvents)
		require.Contains(t, end.written()[3], "8 earlier notices, about 16 events, could not be sent here.")

		time.Sleep(5 * time.Minute) //nolint:forbidigo // the bubble's clock
		b.Observe(held("hold_4"))
		time.Sleep(gatherFor) //nolint:forbidigo // the bubble's clock
		synctest.Wait()
		require.Zero(t, end.taken()[4].LeftOut, "told once")
	})
}

func TestANoticeIsTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		end := &fake{fail: func(try int) error {
			if try <= 3 {
				return &sendError{err: errDown}
			}
			return nil
		}}
		b := one(t, end, nil)
		began := time.Now()
		b.Observe(held("hold_1"))
		time.Sleep(time.Minute) //nolint:forbidigo // the bubble's clock
		synctest.Wait()
		require.Len(t, end.taken(), 1)
		require.Equal(t, gatherFor+(2+4+8)*time.Second, end.times()[0].Sub(began), "with growing pauses")
		require.Equal(t, map[string]int{"chat sent": 1}, b.results())
	})
}

func TestANoticeIsGivenUpAfterAnHour(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var up atomic.Bool
		end := &fake{fail: func(int) error {
			if !up.Load() {
				return errDown
			}
			return nil
		}}
		b := one(t, end, nil)
		b.Observe(held("hold_1"))
		time.Sleep(50 * time.Minute) //nolint:forbidigo // the bubble's clock
		synctest.Wait()
		require.Empty(t, b.results())
		time.Sleep(11 * time.Minute) //nolint:forbidigo // the bubble's clock
		synctest.Wait()
		require.Equal(t, map[string]int{"chat lost": 1}, b.results())

		up.Store(true)
		b.Observe(held("hold_2"))
		time.Sleep(gatherFor) //nolint:forbidigo // the bubble's clock
		synctest.Wait()
		require.Len(t, end.taken(), 1, "it recovers by itself")
		require.Equal(t, 1, end.taken()[0].LeftOut, "and says what is missing")
	})
}

func TestWhatIsRefusedForGoodIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		end := &fake{fail: func(int) error { return &sendError{err: errDown, permanent: true} }}
		b := one(t, end, nil)
		b.Observe(held("hold_1"))
		time.Sleep(gatherFor) //nolint:forbidigo // the bubble's clock
		synctest.Wait()
		require.Equal(t, 1, end.tries)
		require.Equal(t, map[string]int{"chat lost": 1}, b.results())
	})
}

func TestTheReceiverCanAskForTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		end := &fake{fail: func(try int) error {
			if try == 1 {
				return &sendError{err: errDown, after: 30 * time.Second}
			}
			return nil
		}}
		b := one(t, end, nil)
		began := time.Now()
		b.Observe(held("hold_1"))
		time.Sleep(time.Minute) //nolint:forbidigo // the bubble's clock
		synctest.Wait()
		require.Equal(t, gatherFor+30*time.Second, end.times()[0].Sub(began))
	})
}

// A template that fails after all, on news of a shape that the check had not, sends the title.
func TestATemplateThatFailsCostsNoNews(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		end := &fake{}
		b := one(t, end, func(c *Channel) { c.Template = "{{(index .Examples 1).ID}}" })
		b.Observe(held("hold_1"))
		time.Sleep(gatherFor) //nolint:forbidigo // the bubble's clock
		synctest.Wait()
		require.Equal(t, []string{"Sever, acme: 1 job waits for an operator"}, end.written())
	})
}
