package queue

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFoldersAreMadeAndSynced(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "not", "there", "yet")
	q := open(t, func(c *Config) { c.Dir = dir })
	require.NoError(t, q.Close())
	require.NoError(t, syncFolders(dir))
	require.NoError(t, makeFolders(dir), "it is there")
}

func TestFolderThatCannotBeMadeOrSynced(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	require.Error(t, makeFolders(filepath.Join(file, "below")))
	require.ErrorContains(t, syncFolder("/proc/self"), "fsync folder", "a file system that cannot sync")
}
