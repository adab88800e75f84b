package app_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/revocation"
)

// head begins a delivery as Okta's, up to its last header.
func head(length int) string {
	return fmt.Sprintf("POST /v1/hooks/okta HTTP/1.1\r\nHost: sever\r\nAuthorization: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n",
		hookSecret, length)
}

func (r *rig) dial() net.Conn {
	r.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.app.URL(), "http://"))
	require.NoError(r.t, err)
	r.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// neverCut stands for an answer that did not come within half a minute.
const neverCut = "the connection was never cut off"

// drip sends a byte now and then until the other end hangs up, and gives what it said.
func drip(conn net.Conn, first, part string) (said string) {
	var writer sync.WaitGroup
	gone := make(chan struct{})
	writer.Go(func() {
		_, err := conn.Write([]byte(first))
		for err == nil {
			select {
			case <-gone:
				return
			case <-time.After(20 * time.Millisecond):
				_, err = conn.Write([]byte(part))
			}
		}
	})
	_ = conn.SetReadDeadline(time.Now().Add(30 * time.Second))
	text, err := io.ReadAll(conn)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		text = []byte(neverCut)
	}
	close(gone)
	_ = conn.Close()
	writer.Wait()
	return string(text)
}

// Senders that never come to an end, all at once: each is cut off, nothing of them is
// stored, and an honest sender does not notice.
func TestSlowSendersAreCutOffAndHoldUpNobody(t *testing.T) {
	t.Parallel()
	const each = 50
	r := newRig(t, settings{receive: "{timeout: 1500ms, append_timeout: 1s}"})
	var slow sync.WaitGroup
	said := make(chan string, 4*each)
	for range each {
		for _, sent := range []struct{ first, part string }{
			{"", "P"},                    // the first line
			{head(10), "X"},              // a header without end
			{head(10), "X-A: b\r\n"},     // headers without end
			{head(1<<20) + "\r\n{", " "}, // the body
		} {
			conn := r.dial()
			slow.Go(func() { said <- drip(conn, sent.first, sent.part) })
		}
	}
	for n := range 5 {
		r.eventuallyDelivered(suspension(person(n), "honest"))
	}
	slow.Wait()
	close(said)
	for text := range said {
		require.NotEqual(t, neverCut, text)
		require.NotContains(t, text, "HTTP/1.1 2")
	}
	r.seen.await(t, audited(revocation.OutcomeRevoked), 5)
	require.Len(t, r.seen.find(step(revocation.StepAccepted)), 5)
	require.Empty(t, r.letters())
}

// Headers far beyond any sender's, as many as fit through: 431, not one of them read on.
func TestHeaderFloodsAreRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t, settings{})
	for name, flood := range map[string]string{
		"one long header": "X-A: " + strings.Repeat("a", 32<<20),
		"many headers":    strings.Repeat("X-A: b\r\n", 4<<20),
		"no colon":        strings.Repeat("a", 32<<20),
	} {
		conn := r.dial()
		var writer sync.WaitGroup
		sent := 0
		writer.Go(func() { sent, _ = conn.Write([]byte(head(2) + flood + "\r\n\r\n{}")) })
		answer := make([]byte, len("HTTP/1.1 431"))
		_, err := io.ReadFull(conn, answer)
		_ = conn.Close()
		writer.Wait()
		if err == nil { // else the reset overtook the answer
			require.Equal(t, "HTTP/1.1 431", string(answer), name)
		}
		require.Less(t, sent, 32<<20, name)
	}
	require.Empty(t, r.seen.find(step(revocation.StepAccepted)))
	r.deliver(suspension(person(1), "after the floods"))
}

// A small body that would be a gigabyte is not unpacked, whatever it is called.
func TestCompressedBombsAreNotUnpacked(t *testing.T) {
	t.Parallel()
	r := newRig(t, settings{})
	var bomb bytes.Buffer
	packer := gzip.NewWriter(&bomb)
	for range 1 << 10 {
		_, err := packer.Write(make([]byte, 1<<20))
		require.NoError(t, err)
	}
	require.NoError(t, packer.Close())
	before := heap()
	for _, encoding := range []string{"gzip", "x-gzip", "deflate", "br", "zstd", "identity, gzip", "gzip, gzip"} {
		header := asOkta(hookSecret)
		header.Set("Content-Encoding", encoding)
		require.Equal(t, http.StatusUnsupportedMediaType, r.postWith(header, bomb.Bytes()).status, encoding)
	}
	require.Empty(t, r.seen.find(step(revocation.StepAccepted)))
	require.Equal(t, http.StatusBadRequest, r.post(bomb.Bytes()).status, "not said to be packed, it is no JSON")
	r.seen.await(t, step(revocation.StepDeadLetter), 1)
	require.Less(t, heap()-before, int64(512<<20))
}

// Ten thousand connections that say nothing, or were once used, are kept open; one more
// sender is answered as ever. Not parallel: it takes most of the files a process may open.
//
//nolint:paralleltest // see above
func TestTenThousandConnectionsLeaveRoomForOneMore(t *testing.T) {
	const silent, used = 8000, 2000
	const needed = silent + used + 500
	var limit syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit))
	if limit.Cur < needed { // Go has raised it to what it may be
		t.Skipf("needs %d open files; raise ulimit -n (%d)", needed, limit.Cur)
	}
	r := prepareRig(t, newOkta(t), settings{receive: "{timeout: 2900ms, append_timeout: 2800ms}"})
	p := r.startChild("")
	before := p.resident(t)
	dial := func() net.Conn {
		conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
		require.NoError(t, err)
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
	answer := make([]byte, len("HTTP/1.1 204"))
	for range used {
		conn := dial()
		_, err := conn.Write([]byte(head(2) + "\r\n{}"))
		require.NoError(t, err)
		_, err = io.ReadFull(conn, answer)
		require.NoError(t, err)
		require.Equal(t, "HTTP/1.1 204", string(answer))
	}
	for range silent {
		dial()
	}
	require.True(t, r.postTo(p, suspension(person(1), "one more")))
	r.seen.await(t, audited(revocation.OutcomeRevoked), 1)
	after := p.resident(t)
	t.Logf("%d connections: %d MiB resident before, %d MiB with them", silent+used, before>>20, after>>20)
	require.Less(t, after-before, roomForRace*int64(512<<20), "about 10 KiB for each; the race detector makes that a hundred")
	p.end(t)
}

// resident is how much memory the process holds.
func (p *process) resident(t *testing.T) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.cmd.Process.Pid))
	if err != nil {
		t.Skip("needs Linux's /proc to see a process's memory")
	}
	var whole, resident int64
	_, err = fmt.Sscan(string(text), &whole, &resident)
	require.NoError(t, err)
	return resident * int64(os.Getpagesize())
}
