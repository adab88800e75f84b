package queue

import (
	"bytes"
	"errors"
	"strconv"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"sever/revocation"
)

func TestDeadLettersListShowRemove(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	q := open(t)
	letters := q.DeadLetters()
	all := []revocation.DeadLetter{
		revocation.DeadDelivery(delivery("undecodable"), "acme", "no such event", start),
		revocation.DeadJob(finished(job("aged", revocation.LaneHigh), "00uaged", start), start),
		revocation.DeadRaw([]byte{0, 0xff, 1}, "not readable", start),
	}
	for _, letter := range all {
		for _, want := range []bool{true, false} {
			fresh, err := letters.PutOnce(ctx, letter)
			require.NoError(t, err)
			require.Equal(t, want, fresh)
		}
		require.NoError(t, letters.Put(ctx, letter), "the same letter again")
	}
	require.Len(t, messages(t, q, streamDead), len(all), "stored once")

	listed, err := letters.List(ctx, 10)
	require.NoError(t, err)
	require.Len(t, listed, 3)
	require.Equal(t, all[2].ID, listed[0].ID, "newest first")
	require.Empty(t, listed[0].Raw)
	require.Equal(t, all[1], listed[1])
	require.Equal(t, all[0].Delivery.ID, listed[2].Delivery.ID)
	require.Empty(t, listed[2].Delivery.Body)
	require.NotEmpty(t, all[0].Delivery.Body, "the caller's own is left alone")
	listed, err = letters.List(ctx, 2)
	require.NoError(t, err)
	require.Len(t, listed, 2)

	for _, letter := range all {
		shown, err := letters.Show(ctx, letter.ID)
		require.NoError(t, err)
		require.Equal(t, letter, shown)
	}

	require.NoError(t, letters.Remove(ctx, all[1].ID))
	_, err = letters.Show(ctx, all[1].ID)
	require.ErrorIs(t, err, revocation.ErrNotFound)
	require.ErrorIs(t, letters.Remove(ctx, all[1].ID), revocation.ErrNotFound)
	listed, err = letters.List(ctx, 10)
	require.NoError(t, err)
	require.Len(t, listed, 2)

	q = reopen(t, q)
	listed, err = q.DeadLetters().List(ctx, 10)
	require.NoError(t, err)
	require.Len(t, listed, 2, "what was removed stays so")
}

func TestDeadLettersOfNothing(t *testing.T) {
	t.Parallel()
	letters := open(t).DeadLetters()
	listed, err := letters.List(t.Context(), 10)
	require.NoError(t, err)
	require.Equal(t, []revocation.DeadLetter{}, listed, "an empty list, not null, in JSON")
	_, err = letters.Show(t.Context(), "dead_\nunknown")
	require.ErrorIs(t, err, revocation.ErrNotFound)
	require.NotContains(t, err.Error(), "\n")
}

// The largest delivery that receive.max_body allows must fit as a dead letter, and
// so must the log entry that a damaged pack of it leaves.
func TestDeadLetterOfTheLargestDelivery(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	q := open(t, func(c *Config) { c.MaxBody, c.MaxSize = 5<<20, 512<<20 })
	body := bytes.Repeat([]byte{0xff}, 5<<20)
	largest := revocation.NewDelivery("okta", "application/json", body, start)
	log := writer(t, q)
	require.NoError(t, log.Append(ctx, largest))

	letter := revocation.DeadDelivery(largest, "acme", "too large to read", start)
	require.NoError(t, q.DeadLetters().Put(ctx, letter))
	raw := revocation.DeadRaw(messages(t, q, streamDeliveries)[0].Data, "damaged", start)
	require.NoError(t, q.DeadLetters().Put(ctx, raw))

	shown, err := q.DeadLetters().Show(ctx, letter.ID)
	require.NoError(t, err)
	require.Equal(t, body, shown.Delivery.Body)
}

// The same of a whole pack: its last delivery is the largest.
func TestDeadLetterOfTheLargestEntry(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	q := open(t, func(c *Config) { c.MaxBody, c.MaxSize = 5<<20, 512<<20 })
	log, run := idle(t, q, 64<<20)
	filler := revocation.NewDelivery("okta", "", make([]byte, log.full-4<<10), start)
	answers := appendInOrder(t, log, filler, revocation.NewDelivery("okta", "", make([]byte, 5<<20), start))
	run()
	defer log.Close()
	require.NoError(t, errors.Join(answers()...))
	entries := messages(t, q, streamDeliveries)
	require.Len(t, entries, 1)

	require.NoError(t, q.DeadLetters().Put(ctx, revocation.DeadRaw(entries[0].Data, "damaged", start)))
}

func TestDeadLettersWhenFull(t *testing.T) {
	t.Parallel()
	q := open(t, func(c *Config) { c.MaxSize = 120 << 10 })
	var full error
	stored := 0
	for ; full == nil && stored < 1000; stored++ {
		full = q.DeadLetters().Put(t.Context(), revocation.DeadRaw(make([]byte, 500), strconv.Itoa(stored), start))
	}
	require.ErrorContains(t, full, "publish to DEAD")
	require.Len(t, messages(t, q, streamDead), stored-1, "none was dropped for another")
}

func TestDeadLettersSayWhichCannotBeRead(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	q := open(t)
	require.NoError(t, q.DeadLetters().Put(ctx, revocation.DeadRaw([]byte("older"), "a reason", start)))
	_, err := q.publish(ctx, streamDead, subjectDead, "", []byte("not a letter"))
	require.NoError(t, err)

	letters, err := q.DeadLetters().List(ctx, 10)
	require.NoError(t, err)
	require.Len(t, letters, 2, "one that cannot be read must not hide the others")
	require.Contains(t, letters[0].Reason, "could not be read back")
	whole, err := q.DeadLetters().Show(ctx, letters[0].ID)
	require.NoError(t, err)
	require.Equal(t, "not a letter", string(whole.Raw))
	require.NoError(t, q.DeadLetters().Remove(ctx, letters[0].ID))
}

func TestDeadLettersWithoutTheirStore(t *testing.T) {
	t.Parallel()
	q := open(t)
	require.NoError(t, q.Close())
	letters := q.DeadLetters()
	ctx := within(t, soon)
	require.Error(t, letters.Put(ctx, revocation.DeadRaw([]byte("x"), "a reason", start)))
	_, err := letters.List(ctx, 10)
	require.Error(t, err)
	_, err = letters.Show(ctx, "dead_any")
	require.Error(t, err)
	require.NotErrorIs(t, err, revocation.ErrNotFound)
	require.Error(t, letters.Remove(ctx, "dead_any"))
}

func TestRemovedLetterLeavesNoBytes(t *testing.T) {
	t.Parallel()
	q := open(t)
	letter := revocation.DeadRaw([]byte("personal"), "a reason", start)
	require.NoError(t, q.DeadLetters().Put(t.Context(), letter))
	require.NoError(t, q.DeadLetters().Remove(t.Context(), letter.ID))
	stream, err := q.js.Stream(t.Context(), streamDead)
	require.NoError(t, err)
	_, err = stream.GetMsg(t.Context(), 1)
	require.ErrorIs(t, err, jetstream.ErrMsgNotFound)
}

// A listing reads cards: letters without their bytes. More of them than fit one request
// come all, newest first, and each is found again whole.
func TestDeadLettersListManyByTheirCards(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	q := open(t)
	const many = readAtOnce + 20
	for i := range many {
		letter := revocation.DeadDelivery(delivery(strconv.Itoa(i)), "acme", "reason "+strconv.Itoa(i), start)
		require.NoError(t, q.DeadLetters().Put(ctx, letter))
	}
	letters, err := q.DeadLetters().List(ctx, many+1)
	require.NoError(t, err)
	require.Len(t, letters, many)
	for i, letter := range letters {
		require.Equal(t, "reason "+strconv.Itoa(many-1-i), letter.Reason)
		require.Empty(t, letter.Delivery.Body)
	}
	whole, err := q.DeadLetters().Show(ctx, letters[many-1].ID)
	require.NoError(t, err)
	require.NotEmpty(t, whole.Delivery.Body)
	require.NoError(t, q.DeadLetters().Remove(ctx, whole.ID))
	_, err = q.DeadLetters().Show(ctx, whole.ID)
	require.ErrorIs(t, err, revocation.ErrNotFound)
}
