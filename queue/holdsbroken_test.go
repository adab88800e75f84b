package queue

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"sever/revocation"
)

// cutShort is a bucket whose connection is lost while its keys are shown.
type cutShort struct{ jetstream.KeyValue }

func (cutShort) WatchAll(context.Context, ...jetstream.WatchOpt) (jetstream.KeyWatcher, error) {
	updates := make(chan jetstream.KeyValueEntry)
	close(updates)
	return cutWatcher{updates: updates}, nil
}

type cutWatcher struct {
	jetstream.KeyWatcher

	updates chan jetstream.KeyValueEntry
}

func (w cutWatcher) Updates() <-chan jetstream.KeyValueEntry { return w.updates }
func (cutWatcher) Stop() error                               { return nil }

// A part of the holds is not all of them: a person's second look would be taken to be none.
func TestHoldsThatAreShownInPartAreAnError(t *testing.T) {
	t.Parallel()
	holds := &Holds{bucket: cutShort{}}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, err := holds.List(ctx, "", 10)
	require.ErrorContains(t, err, "list holds")
	_, err = holds.Find(ctx, revocation.HeldForSecondLook, "acme", revocation.Person{})
	require.ErrorContains(t, err, "list holds")
	require.NoError(t, ctx.Err(), "at once")
}

// One entry that cannot be read back keeps nobody from the others: not operators, not the
// dispatch stage, which would stand still, and not those whose time got lost.
func TestABrokenHoldKeepsNobodyFromTheOthers(t *testing.T) {
	t.Parallel()
	q := open(t)
	h, r := holds(t, q), wakeReader(t, q)
	_, err := h.bucket.Put(t.Context(), "hold_broken", []byte("{"))
	require.NoError(t, err)
	due := leaver("due", in(2*time.Second))
	due.Hold.Why = revocation.HeldForSecondLook
	set(t, h, due)
	listed, err := h.List(t.Context(), "", 10)
	require.NoError(t, err)
	require.Equal(t, []revocation.Hold{*due.Hold}, listed)
	keys, err := h.Find(t.Context(), revocation.HeldForSecondLook, due.Org, due.Hold.Job.Person)
	require.NoError(t, err)
	require.Equal(t, []string{due.Key}, keys)

	require.NoError(t, h.disarm(t.Context(), due.Org, due.Key)) // its time got lost
	armed, err := h.Rearm(t.Context(), time.Now())
	require.ErrorIs(t, err, errBrokenHold)
	require.ErrorContains(t, err, "hold_broken", "somebody is told which")
	require.Equal(t, 1, armed)
	require.Equal(t, revocation.Wake{Key: due.Key, Due: due.Hold.Due}, nextWake(t, r))
}
