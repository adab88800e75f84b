package load

import (
	"syscall"
	"time"
)

// nap sleeps in the kernel: Go's timers are up to a millisecond late on an idle system, which would be counted as the
// server's. It may end early.
func nap(d time.Duration) {
	left := syscall.NsecToTimespec(int64(d))
	_ = syscall.Nanosleep(&left, nil)
}
