package bench

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// load sends requests over many kept-alive connections, each as fast as it gets
// answers. Its client is as thin as can be: what is measured should be the server.
type load struct {
	address string
	request []byte // a whole request, as it goes over the wire
	status  string // the status line every answer must start with
}

// newLoad prepares POSTs of body, authenticated by header.
func newLoad(b *testing.B, address, path string, header http.Header, body []byte) load {
	b.Helper()
	var request bytes.Buffer
	fmt.Fprintf(&request, "POST %s HTTP/1.1\r\nHost: %s\r\n", path, address)
	require.NoError(b, header.Write(&request))
	fmt.Fprintf(&request, "Content-Length: %d\r\n\r\n", len(body))
	request.Write(body)
	return load{address: address, request: request.Bytes(), status: "HTTP/1.1 204"}
}

// result is what one run of a load measured.
type result struct {
	took      time.Duration
	cpu       time.Duration // of this process
	latencies []time.Duration
}

func (r *result) add(other result) {
	r.took += other.took
	r.cpu += other.cpu
	r.latencies = append(r.latencies, other.latencies...)
}

func (r *result) perSecond() float64 { return float64(len(r.latencies)) / r.took.Seconds() }

// percentile must be asked after sort.
func (r *result) percentile(p float64) float64 {
	at := min(int(p*float64(len(r.latencies))), len(r.latencies)-1)
	return float64(r.latencies[at].Microseconds()) / 1000
}

func (r *result) sort() { slices.Sort(r.latencies) }

// run sends so many requests in all over so many connections.
func (l load) run(b *testing.B, connections, requests int) result {
	b.Helper()
	var left atomic.Int64
	left.Store(int64(requests))
	perConnection := make([][]time.Duration, connections)
	conns := make([]net.Conn, 0, connections)
	defer func() { // not by Cleanup: a benchmark makes many runs
		for _, conn := range conns {
			_ = conn.Close()
		}
	}()
	for range connections {
		conn, err := net.Dial("tcp", l.address)
		require.NoError(b, err)
		conns = append(conns, conn)
	}
	var senders sync.WaitGroup
	began, busy := time.Now(), cpuTime(b)
	for i, conn := range conns {
		senders.Go(func() { perConnection[i] = l.send(b, conn, &left) })
	}
	senders.Wait()
	measured := result{took: time.Since(began), cpu: cpuTime(b) - busy}
	for _, latencies := range perConnection {
		measured.latencies = append(measured.latencies, latencies...)
	}
	return measured
}

func (l load) send(b *testing.B, conn net.Conn, left *atomic.Int64) []time.Duration {
	b.Helper()
	reader := bufio.NewReaderSize(conn, 4096)
	var latencies []time.Duration
	for left.Add(-1) >= 0 {
		sent := time.Now()
		if _, err := conn.Write(l.request); err != nil {
			b.Error(err)
			return latencies
		}
		if err := l.readAnswer(reader); err != nil {
			b.Error(err)
			return latencies
		}
		latencies = append(latencies, time.Since(sent))
	}
	return latencies
}

// readAnswer reads an answer without a body.
func (l load) readAnswer(reader *bufio.Reader) error {
	first := true
	for {
		line, err := reader.ReadSlice('\n')
		if err != nil {
			return fmt.Errorf("read the answer: %w", err)
		}
		if first && !bytes.HasPrefix(line, []byte(l.status)) {
			return fmt.Errorf("answer %q, want %s", line, l.status)
		}
		first = false
		if len(line) <= 2 {
			return nil
		}
	}
}

// cpuTime is the processor time that this process has used.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &used))
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
