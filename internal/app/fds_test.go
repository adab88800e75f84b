package app_test

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sever/revocation"
)

// openFiles are the file descriptors of this process, by number, as the kernel names them.
func openFiles(t *testing.T) map[string]string {
	t.Helper()
	const dir = "/proc/self/fd"
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Skip("needs Linux's /proc to see open files")
	}
	open := make(map[string]string, len(entries))
	for _, entry := range entries {
		if name, err := os.Readlink(dir + "/" + entry.Name()); err == nil { // but for the one of the listing itself
			open[entry.Name()] = name
		}
	}
	return open
}

// requireNoMoreOpen waits until no more files are open than before: the kernel and the
// other end of a connection take a moment.
func requireNoMoreOpen(t *testing.T, before map[string]string, when string) {
	t.Helper()
	require.EventuallyWithT(t, func(now *assert.CollectT) {
		open := openFiles(t)
		assert.LessOrEqual(now, len(open), len(before), "%s: open before: %v; now: %v", when, before, open)
	}, soon, tick)
}

// hangUp starts a delivery and goes away in the middle of it, one way or the other.
func hangUp(t *testing.T, address string, number int) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	require.NoError(t, err)
	body := suspension(person(1), "cut")
	whole := fmt.Sprintf("POST /v1/hooks/okta HTTP/1.1\r\nHost: sever\r\nAuthorization: %s\r\nContent-Type: application/json\r\n"+
		"Content-Length: %d\r\n\r\n%s", hookSecret, len(body), body)
	_, err = conn.Write([]byte(whole[:len(whole)*(number%4)/4])) // nothing, in the header, in the body
	require.NoError(t, err)
	if number%2 == 0 {
		require.NoError(t, conn.(*net.TCPConn).SetLinger(0)) // a reset in place of a farewell
	}
	require.NoError(t, conn.Close())
}

// Not parallel: it counts the open files of the whole process.
//
//nolint:paralleltest // see above
func TestNoFileStaysOpen(t *testing.T) {
	const cut = 100
	r := prepareRig(t, newOkta(t), settings{})
	r.start()
	r.mustStop() // what the runtime opens once, such as its poller, is open now
	stopped := openFiles(t)

	r.start()
	r.deliver(suspension(person(1), "before"))
	r.seen.await(t, finished, 1)
	running := openFiles(t)
	require.Greater(t, len(running), len(stopped))
	address := strings.TrimPrefix(r.app.URL(), "http://")
	for number := range cut {
		hangUp(t, address, number)
	}
	requireNoMoreOpen(t, running, "after connections that were cut")
	r.deliver(suspension(person(2), "after"))
	r.seen.await(t, finished, 2)
	require.Len(t, r.seen.find(step(revocation.StepAccepted)), 2, "half a delivery was accepted")

	r.mustStop()
	requireNoMoreOpen(t, stopped, "after the stop")
}
