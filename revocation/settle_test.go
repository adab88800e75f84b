package revocation

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const giveUp = time.Hour

// spread is what a delay may be, from the smallest to just below the largest.
type spread struct{ from, below time.Duration }

func TestSettle(t *testing.T) {
	t.Parallel()
	fail := func(failure Failure) error {
		return fmt.Errorf("in passing: %w", &CallError{Failure: failure, Err: errors.New("words")})
	}
	limited := func(after time.Duration) error {
		return &CallError{Failure: FailureRateLimited, RetryAfter: after, Err: errors.New("words")}
	}
	none := spread{}
	aroundSecond := spread{500 * time.Millisecond, 1500 * time.Millisecond}
	aroundHalfMinute := spread{15 * time.Second, 45 * time.Second}
	young := spread{500 * time.Millisecond, 1500 * time.Millisecond} // age zero
	for name, tt := range map[string]struct {
		err   error
		young Outcome // when the job is new
		delay spread
		old   Outcome // when it reached the age to give up
	}{
		"no error":             {nil, OutcomeRevoked, none, OutcomeRevoked},
		"gone":                 {fail(FailureGone), OutcomeGone, none, OutcomeGone},
		"forbidden":            {fail(FailureForbidden), OutcomeDead, none, OutcomeDead},
		"invalid":              {fail(FailureInvalid), OutcomeDead, none, OutcomeDead},
		"credential":           {fail(FailureCredential), OutcomeFailed, aroundHalfMinute, OutcomeDead},
		"wrong url":            {fail(FailureWrongURL), OutcomeFailed, aroundHalfMinute, OutcomeDead},
		"rate limited":         {limited(7 * time.Second), OutcomeFailed, spread{7 * time.Second, 8 * time.Second}, OutcomeDead},
		"rate limited, unsaid": {limited(0), OutcomeFailed, spread{7500 * time.Millisecond, 22500 * time.Millisecond}, OutcomeDead},
		"rate limited, past":   {limited(-time.Minute), OutcomeFailed, spread{7500 * time.Millisecond, 22500 * time.Millisecond}, OutcomeDead},
		"concurrency":          {fail(FailureConcurrency), OutcomeFailed, aroundSecond, OutcomeDead},
		"temporary":            {fail(FailureTemporary), OutcomeFailed, young, OutcomeDead},
		"a later failure":      {fail("of a later version"), OutcomeFailed, young, OutcomeDead},
		"unclassified":         {errors.New("words"), OutcomeFailed, young, OutcomeDead},
		"out of time":          {context.DeadlineExceeded, OutcomeFailed, young, OutcomeDead},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range 100 { // delays are random
				got := settle(tt.err, 0, giveUp)
				require.Equal(t, tt.young, got.outcome)
				requireWithin(t, tt.delay, got.delay)
				require.NotEmpty(t, got.reason)
			}
			require.Equal(t, tt.young, settle(tt.err, giveUp-1, giveUp).outcome, "just below the age")
			require.Equal(t, tt.young, settle(tt.err, -time.Minute, giveUp).outcome, "clocks may be apart")
			for _, age := range []time.Duration{giveUp, giveUp + 1, 100 * giveUp} {
				old := settle(tt.err, age, giveUp)
				require.Equal(t, tt.old, old.outcome, "at %s", age)
				if tt.err != nil {
					require.Contains(t, old.reason, tt.err.Error(), "the last error is not lost")
				}
			}
		})
	}
}

func TestSettleSaysThatItGaveUp(t *testing.T) {
	t.Parallel()
	got := settle(errors.New("Okta is down"), giveUp, giveUp)
	require.Equal(t, settlement{OutcomeDead, "given up after 1h0m0s on its lane: Okta is down", 0}, got)
	require.Equal(t, "Okta is down", settle(errors.New("Okta is down"), 0, giveUp).reason)
}

func TestBackoffGrowsWithAgeBetweenItsBounds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		age  time.Duration
		want time.Duration // before jitter
	}{
		{-time.Hour, time.Second},
		{0, time.Second},
		{4 * time.Second, time.Second},
		{8 * time.Second, 2 * time.Second},
		{2 * time.Minute, 30 * time.Second},
		{4 * time.Minute, time.Minute},
		{100 * time.Hour, time.Minute},
	} {
		for range 200 {
			requireWithin(t, spread{tt.want / 2, tt.want * 3 / 2}, backoff(tt.age))
		}
	}
}

func TestJitterSpreads(t *testing.T) {
	t.Parallel()
	seen := make(map[time.Duration]bool)
	for range 50 {
		seen[jitter(time.Minute)] = true
		requireWithin(t, spread{0, 2}, jitter(1))
	}
	require.Greater(t, len(seen), 10, "jobs that failed together must not come back together")
}

func requireWithin(t *testing.T, want spread, got time.Duration) {
	t.Helper()
	if want == (spread{}) {
		require.Zero(t, got)
		return
	}
	require.GreaterOrEqual(t, got, want.from)
	require.Less(t, got, want.below)
}

func TestCallErrorUnwraps(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	err := error(&CallError{Failure: FailureTemporary, Err: cause})
	require.ErrorIs(t, err, cause)
	require.EqualError(t, err, "cause")
}
