package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTheCollectorFitsWhatLives(t *testing.T) {
	t.Parallel()
	for live, want := range map[uint64]int{0: usualPercent, largeHeap: usualPercent, largeHeap + 1: largePercent, 4 << 30: largePercent} {
		require.Equal(t, want, gcPercent(live), live)
	}
}

// The collector belongs to the process: nothing else that sets it may run beside this.
func TestKeepMemory(t *testing.T) { //nolint:paralleltest // see above
	usual := debug.SetGCPercent(77)
	defer debug.SetGCPercent(usual)
	stop := cli{env: func(name string) (string, bool) { return "77", name == "GOGC" }}.keepMemory(t.Context())
	require.EqualValues(t, 77, percentNow(), "the operator has said how it is to be")
	stop()

	stop = cli{env: func(string) (string, bool) { return "", false }}.keepMemory(t.Context())
	require.EqualValues(t, usualPercent, percentNow())
	much := make([]byte, 2*largeHeap)
	runtime.GC() // which tells what lives
	require.Eventually(t, func() bool { return percentNow() == largePercent }, 10*time.Second, memoryEvery/5)
	runtime.KeepAlive(much)
	much = nil
	runtime.GC()
	require.Eventually(t, func() bool { return percentNow() == usualPercent }, 10*time.Second, memoryEvery/5)
	require.Nil(t, much)
	stop()
	require.EqualValues(t, 77, percentNow(), "given back")
}

func percentNow() uint64 {
	now := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	metrics.Read(now)
	return now[0].Value.Uint64()
}
