package queue

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLockKeepsASecondOpenOut(t *testing.T) {
	t.Parallel()
	q := open(t)

	_, err := Open(t.Context(), q.config)

	require.ErrorIs(t, err, ErrStoreTaken)
	require.ErrorContains(t, err, q.config.Dir)
	require.ErrorContains(t, err, "store.dir")
	_, err = q.publish(t.Context(), streamDeliveries, subjectDeliveries, "", appendPackStart(nil))
	require.NoError(t, err, "the refused one must not disturb the first")
}

func TestLockIsFreeAfterClose(t *testing.T) {
	t.Parallel()
	q := open(t)
	require.NoError(t, q.Close())

	again, err := Open(t.Context(), q.config)

	require.NoError(t, err)
	require.NoError(t, again.Close())
}

func TestLockIsFreeAfterAnOpenThatFailed(t *testing.T) {
	t.Parallel()
	settings := config(t)
	settings.MaxBody = maxPayload
	_, err := Open(t.Context(), settings)
	require.ErrorContains(t, err, "receive.max_body")

	settings.MaxBody = 1 << 20
	openWith(t, settings)
}

func TestLockHoldsAcrossProcesses(t *testing.T) {
	t.Parallel()
	settings := config(t)
	other := startChild(t, settings.Dir)
	other.say(t, "listening")

	_, err := Open(t.Context(), settings)
	require.ErrorIs(t, err, ErrStoreTaken)

	require.NoError(t, other.stdin.Close())
	said := other.rest()
	require.NotEmpty(t, said)
	require.Equal(t, "closed: <nil>", said[len(said)-1])
	openWith(t, settings)
}

// The kernel frees the lock of a killed process, and whatever that process reported
// as stored is there.
func TestKilledProcessLosesNothingStored(t *testing.T) {
	t.Parallel()
	settings := config(t)
	victim := startChild(t, settings.Dir)
	victim.say(t, "listening")
	var reported []string
	for len(reported) < 100 {
		reported = append(reported, victim.say(t, "stored"))
	}
	require.NoError(t, victim.cmd.Process.Kill())
	for _, said := range victim.rest() {
		if id, whole := strings.CutPrefix(said, "stored: "); whole && len(id) == len(reported[0]) {
			reported = append(reported, id) // the kill may have cut the last line short
		}
	}
	require.Error(t, victim.cmd.Wait(), "it was killed")

	q := openWith(t, settings)

	found := make(map[string]bool)
	for _, delivery := range stored(t, q) {
		found[delivery.ID] = true
	}
	for _, id := range reported {
		require.True(t, found[id], "%s was reported as stored", id)
	}
}

func TestLockNamesAFolderThatCannotBeMade(t *testing.T) {
	t.Parallel()
	settings := config(t)
	file := filepath.Join(settings.Dir, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	settings.Dir = filepath.Join(file, "store")

	_, err := Open(t.Context(), settings)

	require.ErrorContains(t, err, settings.Dir[:len(settings.Dir)-len("/store")])
}

func TestStoreFolderIsPrivate(t *testing.T) {
	t.Parallel()
	settings := config(t)
	settings.Dir = filepath.Join(settings.Dir, "new", "store")
	openWith(t, settings)

	info, err := os.Stat(settings.Dir)

	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm())
}

func TestListeningPortsSeesAPort(t *testing.T) {
	t.Parallel()
	skipWithoutProc(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, listener.Close()) }()

	count, err := listeningPorts()

	require.NoError(t, err)
	require.Positive(t, count)
}
