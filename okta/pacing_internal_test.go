package okta

import (
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// fakeOrg is one rate limited endpoint, for many clients. A window begins with its first call and is exactly as long as it
// says; the headers are in whole seconds of a clock of its own.
type fakeOrg struct {
	limit   int
	window  time.Duration
	rounded func(time.Time) time.Time // the reset as the header has it
	skew    time.Duration
	latency func() time.Duration // one way

	mu      sync.Mutex
	end     time.Time
	used    int
	done    int
	refused map[string]int
	most    int // calls at once
	now     int
}

func newFakeOrg(limit int, window time.Duration) *fakeOrg {
	return &fakeOrg{
		limit: limit, window: window, rounded: ceilSecond, skew: 9*time.Hour + 300*time.Millisecond,
		latency: func() time.Duration { return time.Millisecond + rand.N(4*time.Millisecond) }, refused: map[string]int{},
	}
}

func ceilSecond(t time.Time) time.Time {
	if whole := t.Truncate(time.Second); !whole.Equal(t) {
		return whole.Add(time.Second)
	}
	return t
}

func floorSecond(t time.Time) time.Time { return t.Truncate(time.Second) }

// take counts a call and answers with status and headers.
func (o *fakeOrg) take(who string) (int, http.Header) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now().Add(o.skew)
	if !now.Before(o.end) {
		o.end, o.used = now.Add(o.window), 0
	}
	status := http.StatusNoContent
	o.used++
	if o.used > o.limit {
		status = http.StatusTooManyRequests
		o.refused[who]++
	} else {
		o.done++
	}
	return status, http.Header{
		"Date":                   {now.UTC().Format(http.TimeFormat)},
		"X-Rate-Limit-Limit":     {strconv.Itoa(o.limit)},
		"X-Rate-Limit-Remaining": {strconv.Itoa(max(0, o.limit-o.used))},
		"X-Rate-Limit-Reset":     {strconv.FormatInt(o.rounded(o.end).Unix(), 10)},
	}
}

func (o *fakeOrg) RoundTrip(req *http.Request) (*http.Response, error) {
	o.mu.Lock()
	o.now++
	o.most = max(o.most, o.now)
	o.mu.Unlock()
	<-time.After(o.latency())
	status, header := o.take(req.UserAgent())
	<-time.After(o.latency())
	o.mu.Lock()
	o.now--
	o.mu.Unlock()
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader("")), Request: req}, nil
}

func (o *fakeOrg) client(t *testing.T, name string, reserve float64) *Client {
	t.Helper()
	auth, err := SSWS("token")
	require.NoError(t, err)
	client, err := New(Config{BaseURL: "https://acme.okta.com", Auth: auth, Transport: o, UserAgent: name, Reserve: reserve})
	require.NoError(t, err)
	return client
}

// work is a queue of revocations to be done by workers that wait for the budget before they take one.
type work struct {
	cancel context.CancelFunc

	mu         sync.Mutex
	left, open int // not begun, not done
}

func (w *work) takeOne() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.left == 0 {
		return false
	}
	w.left--
	return true
}

// settle counts one as done or gives it back, and ends the waiting of all workers after the last one.
func (w *work) settle(done bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !done {
		w.left++
		return
	}
	w.open--
	if w.open == 0 {
		w.cancel()
	}
}

func (w *work) run(ctx context.Context, t *testing.T, client *Client) {
	t.Helper()
	for client.WaitForBudget(ctx) == nil {
		if !w.takeOne() {
			continue
		}
		_, err := client.RevokeUserSessions(context.WithoutCancel(ctx), someone, RevokeOptions{})
		if err != nil && ClassOf(err) != ClassRateLimited {
			t.Error(err)
		}
		w.settle(err == nil)
	}
}

// revoke does n revocations with so many workers on each client, and returns how long it took.
func revoke(t *testing.T, n, workers int, clients ...*Client) time.Duration {
	t.Helper()
	began := time.Now()
	ctx, cancel := context.WithCancel(t.Context())
	jobs := &work{left: n, open: n, cancel: cancel}
	var wg sync.WaitGroup
	for _, client := range clients {
		for range workers {
			wg.Go(func() { jobs.run(ctx, t, client) })
		}
	}
	wg.Wait()
	return time.Since(began)
}

func TestFiveHundredRevocationsAtTwentyPerSecond(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		rounded func(time.Time) time.Time
		workers int
		latency time.Duration // one way, on average
		longest time.Duration
	}{
		"8 workers":     {ceilSecond, 8, 2 * time.Millisecond, 21 * time.Second},
		"16 workers":    {ceilSecond, 16, 2 * time.Millisecond, 21 * time.Second},
		"1 worker":      {ceilSecond, 1, 2 * time.Millisecond, 21 * time.Second},
		"rounded down":  {floorSecond, 12, 2 * time.Millisecond, 21 * time.Second},
		"slow":          {ceilSecond, 16, 40 * time.Millisecond, 23 * time.Second}, // 8 at once need a second for the last window
		"slow and down": {floorSecond, 16, 40 * time.Millisecond, 23 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range 20 {
				synctest.Test(t, func(t *testing.T) {
					<-time.After(rand.N(time.Second)) // windows begin anywhere in a second
					org := newFakeOrg(100, 5*time.Second)
					org.rounded = tc.rounded
					org.latency = func() time.Duration { return tc.latency/2 + rand.N(tc.latency) }
					client := org.client(t, "one", 0)
					took := revoke(t, 500, tc.workers, client)
					require.Equal(t, 500, org.done)
					require.LessOrEqual(t, took, tc.longest)
					require.LessOrEqual(t, org.refused["one"], 5)
					require.LessOrEqual(t, org.most, 8)
				})
			}
		})
	}
}

func TestTwoReplicasShareTheWindow(t *testing.T) {
	t.Parallel()
	for range 30 {
		synctest.Test(t, func(t *testing.T) {
			<-time.After(rand.N(time.Second))
			org := newFakeOrg(100, 5*time.Second)
			took := revoke(t, 500, 8, org.client(t, "one", 0), org.client(t, "two", 0))
			require.Equal(t, 500, org.done)
			// Four windows, and what each loses to the other by learning of its calls from headers only:
			// 21 s and a tenth were seen once in some thousands.
			require.LessOrEqual(t, took, 21500*time.Millisecond)
			require.LessOrEqual(t, org.refused["one"]+org.refused["two"], 5)
		})
	}
}

// other calls at a steady pace until the context ends, and returns how many calls it made.
func (o *fakeOrg) other(ctx context.Context, every time.Duration) (calls int) {
	for {
		o.take("other")
		calls++
		select {
		case <-ctx.Done():
			return calls
		case <-time.After(every):
		}
	}
}

func TestASteadyClientIsNotStarved(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		reserve float64
		every   time.Duration
		window  time.Duration
		limit   int
		refused int           // of the other's calls
		longest time.Duration // for 500 revocations
	}{
		"half of the limit, kept by the reserve": {reserve: 0.5, every: 100 * time.Millisecond, refused: 0, longest: 60 * time.Second},
		"half of the limit, small reserve":       {reserve: 0.1, every: 100 * time.Millisecond, refused: 10, longest: 65 * time.Second},
		"half of the limit, no reserve":          {every: 100 * time.Millisecond, refused: 10, longest: 60 * time.Second},
		"a quarter of a minute":                  {limit: 200, window: time.Minute, every: 1200 * time.Millisecond, refused: 10, longest: 250 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range 10 {
				synctest.Test(t, func(t *testing.T) {
					<-time.After(rand.N(time.Second))
					org := newFakeOrg(100, 5*time.Second)
					if tc.limit != 0 {
						org.limit, org.window = tc.limit, tc.window
					}
					ctx, cancel := context.WithCancel(t.Context())
					calls := make(chan int)
					go func() { calls <- org.other(ctx, tc.every) }()
					took := revoke(t, 500, 8, org.client(t, "one", tc.reserve))
					cancel()
					total := <-calls
					require.LessOrEqual(t, org.refused["other"], tc.refused, "of %d", total)
					require.LessOrEqual(t, org.refused["one"], 5)
					require.LessOrEqual(t, took, tc.longest)
				})
			}
		})
	}
}
