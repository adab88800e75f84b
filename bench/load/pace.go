package load

import (
	"context"
	"runtime"
	"time"
)

// pace tells when each alert is due. It has a thread of its own, to sleep on in the kernel where that is possible.
func pace(ctx context.Context, first, end time.Time, rate float64, due chan<- time.Time) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	gap := float64(time.Second) / rate
	for i := 0; ctx.Err() == nil; i++ {
		at := first.Add(time.Duration(float64(i) * gap))
		if !at.Before(end) {
			return
		}
		for wait := time.Until(at); wait > 0; wait = time.Until(at) {
			nap(wait)
		}
		due <- at
	}
}
