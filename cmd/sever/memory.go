package main

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"
)

// A million jobs that wait take 160 MB for as long (JetStream knows the ids of an hour), and are not to have as much again in
// garbage. Where little lives there is little to gain, and collections would come more often.
const (
	usualPercent            = 100
	largeHeap, largePercent = 96 << 20, 25

	memoryEvery = 250 * time.Millisecond
)

// gcPercent is how large the garbage may grow, in percent of the bytes that live.
func gcPercent(live uint64) int {
	if live > largeHeap {
		return largePercent
	}
	return usualPercent
}

// keepMemory fits the collector to what lives until stop is called, unless GOGC in the environment says how it is to be. A
// GOMEMLIMIT holds beside it. https://go.dev/doc/gc-guide
func (c cli) keepMemory(ctx context.Context) (stop func()) {
	if _, said := c.env("GOGC"); said {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	before := debug.SetGCPercent(usualPercent)
	var keeper sync.WaitGroup
	keeper.Go(func() {
		ticker := time.NewTicker(memoryEvery)
		defer ticker.Stop()
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		for now := usualPercent; ; {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			metrics.Read(live)
			if wanted := gcPercent(live[0].Value.Uint64()); wanted != now {
				debug.SetGCPercent(wanted) // which stops the world for a moment
				now = wanted
			}
		}
	})
	return func() {
		cancel()
		keeper.Wait()
		debug.SetGCPercent(before)
	}
}
