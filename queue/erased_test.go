package queue

import (
	"bytes"
	"encoding/base64"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/revocation"
)

// onDisk reports whether any file of a folder holds the text, as it is or in base64.
func onDisk(t *testing.T, dir, text string) bool {
	t.Helper()
	encoded := []byte(base64.StdEncoding.EncodeToString([]byte(text)))
	found := false
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		found = found || bytes.Contains(content, []byte(text)) || bytes.Contains(content, encoded)
		return err
	}))
	return found
}

// What an operator drops is overwritten in the files of the store, too.
func TestRemovedLetterIsErasedFromDisk(t *testing.T) {
	t.Parallel()
	const personal = "somebody's personal data" // a multiple of three bytes: base64 has no padding to differ in
	q := open(t)
	letter := revocation.DeadRaw([]byte(personal), "a reason", start)
	for _, put := range []revocation.DeadLetter{
		revocation.DeadRaw([]byte("one before"), "a reason", start), letter, revocation.DeadRaw([]byte("one after"), "a reason", start),
	} { // alone, it would go with its whole file
		require.NoError(t, q.DeadLetters().Put(t.Context(), put))
	}
	require.True(t, onDisk(t, q.config.Dir, personal))

	require.NoError(t, q.DeadLetters().Remove(t.Context(), letter.ID))

	require.False(t, onDisk(t, q.config.Dir, personal))
}
