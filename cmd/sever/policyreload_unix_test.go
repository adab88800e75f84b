//go:build unix

package main

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// A real SIGHUP makes a serving process take the changed policy, and does not end it.
func TestServeTakesAChangedPolicy(t *testing.T) {
	t.Parallel()
	file := installation{more: ours}.file(t)
	running := secrets().startProcess(t, "serve", "--config", file)
	serving(t, running)
	text, err := os.ReadFile(file)
	require.NoError(t, err)

	require.NoError(t, os.WriteFile(file, []byte(strings.Replace(string(text), "signal.type", "signal.tipe", 1)), 0o600))
	running.signal(syscall.SIGHUP)
	running.err.await(t, `the changed policy is refused, the old one stays in force.*signal\.tipe`)

	require.NoError(t, os.WriteFile(file, []byte(strings.Replace(string(text), "mode: approve", "mode: dry_run", 1)), 0o600))
	running.signal(syscall.SIGHUP)
	versions := running.err.await(t, `a changed policy is in force","version":"(pol_\w+)","old_version":"(pol_\w+)"`)
	require.NotEqual(t, versions[1], versions[2])
	require.Equal(t, exitDone, running.stop(t))
}
