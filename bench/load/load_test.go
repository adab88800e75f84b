package load_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/bench/alert"
	"sever/bench/load"
)

// stall is how long the server of the test stands still, once.
const stall = 400 * time.Millisecond

// A server that stands still for 0.4 of 1 second has kept four of ten alerts waiting, although only as many requests
// as there are connections were in its hands.
func TestOpenLoopCountsTheWaitForAStalledServer(t *testing.T) {
	t.Parallel()
	var seen atomic.Int64
	var server sync.RWMutex
	l := against(t, func(w http.ResponseWriter, _ *http.Request) {
		if seen.Add(1) == 100 {
			server.Lock()
			timer := time.NewTimer(stall)
			<-timer.C
			server.Unlock()
		}
		server.RLock()
		defer server.RUnlock()
		w.WriteHeader(http.StatusNoContent)
	})
	l.Connections, l.Rate = 4, 1000
	result, err := l.Run(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 1000, result.Accepted)
	require.Empty(t, result.Refused)
	require.GreaterOrEqual(t, result.Percentile(99), stall*3/4)
	require.GreaterOrEqual(t, result.Percentile(80), stall/4)
}

func TestEveryRefusalIsCounted(t *testing.T) {
	t.Parallel()
	var seen atomic.Int64
	l := against(t, func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return
		}
		switch seen.Add(1) {
		case 3:
			http.Error(w, "full", http.StatusServiceUnavailable)
		case 5:
			panic(http.ErrAbortHandler)
		default:
			w.WriteHeader(http.StatusOK)
		}
	})
	l.Connections, l.Rate, l.Length = 2, 100, 200*time.Millisecond
	result, err := l.Run(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 18, result.Accepted)
	require.Equal(t, map[string]int64{"status 503": 1, "EOF": 1}, result.Refused)
}

func TestClosedLoopCountsWhatEndedInTime(t *testing.T) {
	t.Parallel()
	var answered atomic.Int64
	l := against(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
		answered.Add(1)
	})
	l.Connections, l.Length = 2, 200*time.Millisecond
	result, err := l.Run(t.Context())
	require.NoError(t, err)
	require.Positive(t, result.Accepted)
	require.LessOrEqual(t, result.Accepted, answered.Load())
	require.GreaterOrEqual(t, result.Accepted, answered.Load()-int64(l.Connections))
}

func against(t *testing.T, handle http.HandlerFunc) load.Load {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	address := strings.TrimPrefix(server.URL, "http://")
	request, err := alert.New(address, "secret", alert.Deactivated)
	require.NoError(t, err)
	return load.Load{Address: address, Alert: request, Length: time.Second, People: 10, Next: new(atomic.Uint64)}
}
