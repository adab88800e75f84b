package handlers_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/handlers"
	"sever/revocation"
)

func TestBodiesOfEverySizeAreStoredWhole(t *testing.T) {
	t.Parallel()
	const limit = 1 << 20
	b := setup(t, func(c *handlers.ReceiveConfig) { c.MaxBody = limit })
	stored := 0
	for _, size := range []int{1, 2, 511, 4095, 4096, 4097, 4607, 4608, 4609, 65536, 262143, 262144, 262145, 524288, limit - 1, limit} {
		for _, adjust := range []func(*http.Request){func(*http.Request) {}, chunked} {
			text := strings.Repeat("7", size)
			require.Equal(t, http.StatusNoContent, b.serve(delivery(oktaHook, text, adjust)).StatusCode, size)
			stored++
			last := b.log.stored()[stored-1]
			require.Len(t, last.Body, size)
			require.Equal(t, text, string(last.Body), size)
		}
	}
	for _, adjust := range []func(*http.Request){func(*http.Request) {}, chunked} {
		requireProblem(t, b.serve(delivery(oktaHook, strings.Repeat("7", limit+1), adjust)), http.StatusRequestEntityTooLarge)
	}
	require.Len(t, b.log.stored(), stored)
}

func TestPooledBodiesNeverMix(t *testing.T) {
	t.Parallel()
	const senders, each = 16, 200
	b := setup(t)
	var all sync.WaitGroup
	for sender := range senders {
		all.Go(func() {
			for i := range each {
				// Sizes differ, so that one body's end would show in another's.
				text := fmt.Sprintf(`{"sender":%d,"i":%d,"fill":%q}`, sender, i, strings.Repeat(string(rune('a'+sender)), (i*97)%9000))
				if status := b.serve(delivery(oktaHook, text)).StatusCode; status != http.StatusNoContent {
					t.Errorf("sender %d, delivery %d: status %d", sender, i, status)
				}
			}
		})
	}
	all.Wait()

	seen := make(map[string]bool)
	for _, got := range b.log.stored() {
		want := revocation.NewDelivery(got.Source, got.ContentType, got.Body, got.Received)
		require.Equal(t, want.ID, got.ID, "the body stored is the body named")
		seen[got.ID] = true
	}
	require.Len(t, seen, senders*each, "each delivery is stored once, none in place of another")
}

// keepingLog holds on to what it refused, as a log may whose write is still under way.
type keepingLog struct {
	mu   sync.Mutex
	kept []revocation.Delivery
}

func (l *keepingLog) Append(_ context.Context, delivery revocation.Delivery) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kept = append(l.kept, delivery)
	return errors.New("not known to be durable")
}

func TestMemoryOfAFailedAppendIsNotLentAgain(t *testing.T) {
	t.Parallel()
	log := &keepingLog{}
	handler, err := handlers.NewReceiver(log, sources(), handlers.ReceiveConfig{})
	require.NoError(t, err)
	for i := range 50 {
		resp := serve(handler, delivery(oktaHook, fmt.Sprintf(`{"i":%d}`, i)))
		require.Equal(t, http.StatusServiceUnavailable, resp.StatusCode)
	}
	for i, kept := range log.kept {
		require.Equal(t, fmt.Sprintf(`{"i":%d}`, i), string(kept.Body))
	}
}
