package revocation

import (
	"context"
	"sync"
	"time"
)

// Lease is the hold on something taken from a queue. It runs out unless it is
// extended, and then the thing is handed out again.
type Lease interface {
	// Extend tells the queue that the holder is still at it.
	Extend() error
	// Settle ends the lease with a verdict.
	Settle(ctx context.Context, verdict Verdict) error
}

// Verdict ends a lease. The zero Verdict says that the work is done.
type Verdict struct {
	Again  bool          // hand it out again, after Delay
	Delay  time.Duration // for Again
	Ended  bool          // it was put aside: never hand it out again
	Reason string        // for Ended
}

// KeepLease extends a lease every so often until the returned function is called,
// which waits for the last extension to end. onError hears of failed extensions.
func KeepLease(lease Lease, every time.Duration, onError func(error)) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var beat sync.WaitGroup
	beat.Go(func() {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				if err := lease.Extend(); err != nil {
					onError(err)
				}
			}
		}
	})
	return func() {
		cancel()
		beat.Wait()
	}
}

// LogEntry is what is read from the delivery log at once: deliveries that were stored together, or
// waited together to be read.
type LogEntry struct {
	Deliveries []Delivery
	Lease      Lease

	// Missing says what was lost before or within this entry: the store is damaged.
	Missing error
	// Damage says why the entry could not be read back; Raw is then all there is.
	Damage error
	Raw    []byte
}
