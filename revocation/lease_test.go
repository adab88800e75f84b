package revocation

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// beats is a lease that counts how often it is extended.
type beats struct {
	mu    sync.Mutex
	count int
	err   error
	takes time.Duration
}

func (b *beats) Extend() error {
	<-time.After(b.takes)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.count++
	return b.err
}

func (b *beats) Settle(context.Context, Verdict) error { return nil }

func (b *beats) seen() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.count
}

func TestKeepLeaseExtendsUntilStopped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		lease := &beats{}
		stop := KeepLease(lease, 10*time.Second, func(err error) { t.Errorf("unexpected: %v", err) })
		pass(9 * time.Second)
		require.Equal(t, 0, lease.seen())
		pass(22 * time.Second)
		require.Equal(t, 3, lease.seen())
		stop()
		pass(time.Hour)
		require.Equal(t, 3, lease.seen(), "a stopped lease runs out")
		stop() // twice does no harm
	})
}

func TestKeepLeaseGoesOnAfterAFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		lease := &beats{err: errors.New("no server")}
		var heard []error
		stop := KeepLease(lease, time.Second, func(err error) { heard = append(heard, err) })
		pass(3500 * time.Millisecond)
		stop() // waits, so heard is ours to read
		require.Equal(t, 3, lease.seen())
		require.Equal(t, []error{lease.err, lease.err, lease.err}, heard)
	})
}

func TestKeepLeaseStopWaitsForTheLastExtension(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		lease := &beats{takes: 5 * time.Second}
		stop := KeepLease(lease, 10*time.Second, func(error) {})
		pass(11 * time.Second)
		require.Equal(t, 0, lease.seen(), "the extension is under way")
		stop()
		require.Equal(t, 1, lease.seen(), "an extension must not come after the verdict")
	})
}

// pass lets the bubble's time go on and all of its goroutines come to rest.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}
