package queue

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"sever/revocation"
)

func brake(tb testing.TB, q *Queue, limits revocation.BrakeLimits) *Brake {
	tb.Helper()
	opened, err := q.Brake(tb.Context(), limits)
	require.NoError(tb, err)
	return opened
}

// Two replicas, many hands and many people at once: exactly as many get through as may, and
// the trip is told once.
func TestBrakeCountsAcrossReplicas(t *testing.T) {
	t.Parallel()
	q := open(t)
	limits := revocation.BrakeLimits{Per: time.Hour, Max: 5}
	replicas := []*Brake{brake(t, q, limits), brake(t, q, limits)}
	var through, trips atomic.Int32
	var hands sync.WaitGroup
	for n := range 40 {
		hands.Go(func() {
			claim, err := replicas[n%2].Claim(t.Context(), job("suspension", revocation.LaneHigh), fmt.Sprint("user", n), start)
			if err != nil {
				t.Errorf("claim: %v", err)
				return
			}
			if claim.Cap == "" {
				through.Add(1)
			}
			if claim.Tripped {
				trips.Add(1)
			}
		})
	}
	hands.Wait()
	require.EqualValues(t, 5, through.Load())
	require.EqualValues(t, 1, trips.Load())
}

func TestBrakeRemembersOverARestart(t *testing.T) {
	t.Parallel()
	q := open(t)
	limits := revocation.BrakeLimits{Per: time.Hour, Max: 1}
	held := job("suspension", revocation.LaneHigh)
	ask := func(b *Brake, user string, at time.Time) string {
		claim, err := b.Claim(t.Context(), held, user, at)
		require.NoError(t, err)
		return claim.Cap
	}
	require.Empty(t, ask(brake(t, q, limits), "ada", start))
	q = reopen(t, q)
	b := brake(t, q, limits)
	require.Equal(t, "all", ask(b, "grace", start.Add(time.Minute)))
	require.Empty(t, ask(b, "ada", start.Add(time.Minute)), "she does not count again")
	require.Equal(t, "all", ask(b, "grace", start.Add(time.Hour+time.Second)), "the window began anew with the second call")
	require.Empty(t, ask(b, "grace", start.Add(2*time.Hour)))

	other := held
	other.Org = "globex"
	claim, err := b.Claim(t.Context(), other, "eve", start.Add(2*time.Hour))
	require.NoError(t, err)
	require.Empty(t, claim.Cap, "each org has its own")
}

// The largest count that the configuration allows is stored, with the smallest store.
func TestBrakeHasRoomForTheLargestCount(t *testing.T) {
	t.Parallel()
	q := open(t, func(c *Config) { c.MaxSize = 64 << 20 })
	limits := revocation.BrakeLimits{Per: time.Hour, Max: 1000, CriticalMax: 1000, SourceMax: 1000, RuleMax: 1000}
	state := revocation.BrakeState{}
	for n := range 999 {
		for _, lane := range []revocation.Lane{revocation.LaneHigh, revocation.LaneCritical} {
			state, _, _ = state.Claim(limits, job("suspension", lane), fmt.Sprintf("00u%s%013d", lane[:4], n), start)
		}
	}
	b := brake(t, q, limits)
	require.NoError(t, b.write(t.Context(), brakeKey("acme"), state, 0))
	for n := range 20 { // written again and again, it takes no more room
		_, err := b.Claim(t.Context(), job("suspension", revocation.LaneHigh), "00uhigh0000000000000", start.Add(time.Duration(n)))
		require.NoError(t, err)
	}
}

// What cannot be counted gets no room.
func TestBrakeFailsWithoutItsStore(t *testing.T) {
	t.Parallel()
	q := open(t)
	b := brake(t, q, revocation.BrakeLimits{Per: time.Hour, Max: 1})
	_, err := b.bucket.Put(t.Context(), brakeKey("acme"), []byte("{"))
	require.NoError(t, err)
	_, err = b.Claim(t.Context(), job("suspension", revocation.LaneHigh), "ada", start)
	require.ErrorContains(t, err, "decode org.acme")

	require.NoError(t, q.js.DeleteKeyValue(t.Context(), bucketBrake))
	_, err = b.Claim(within(t, 2*time.Second), job("suspension", revocation.LaneHigh), "ada", start)
	require.Error(t, err)
	_, err = q.Brake(t.Context(), revocation.BrakeLimits{})
	require.ErrorIs(t, err, jetstream.ErrBucketNotFound)

	b.turn <- struct{}{}
	_, err = b.Claim(within(t, 10*time.Millisecond), job("suspension", revocation.LaneHigh), "ada", start)
	require.ErrorContains(t, err, "wait for a turn")
}
