//go:build !linux

package load

import "time"

// nap may end up to a millisecond late, which is counted as the server's.
func nap(d time.Duration) {
	timer := time.NewTimer(d)
	<-timer.C
}
