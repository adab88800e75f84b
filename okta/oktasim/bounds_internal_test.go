package oktasim

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What strangers make the server remember is forgotten once it is of no more use.
func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	at := time.Date(2027, 1, 15, 8, 0, 0, 0, time.UTC)

	var used replays
	for i := range 5000 {
		now := at.Add(time.Duration(i) * time.Second)
		require.True(t, used.use("owner", strconv.Itoa(i), now, now.Add(time.Minute)))
	}
	require.LessOrEqual(t, len(used.used), 1001)
	require.False(t, used.use("owner", "4999", at.Add(5000*time.Second), at))
	require.True(t, used.use("another", "4999", at.Add(5000*time.Second), at))

	tokens := newGrantStore(time.Minute)
	for i := range 5000 {
		now := at.Add(time.Duration(i) * time.Second)
		tokens.add(strconv.Itoa(i), grant{expires: now.Add(time.Minute)}, now)
	}
	require.LessOrEqual(t, len(tokens.grants), 1001)
	_, known := tokens.get("4999")
	require.True(t, known)

	windows := newLimits(RateLimit{Limit: 10, Window: time.Minute}, 0.5, 10)
	for i := range 3 * maxWindows {
		windows.take("users.get", strconv.Itoa(i), at.Add(time.Duration(i)*time.Second))
	}
	require.LessOrEqual(t, len(windows.windows), maxWindows+1)

	nonces := newNonces(newIDs(1))
	for day := range 100 {
		nonces.newest(at.AddDate(0, 0, day))
	}
	require.LessOrEqual(t, len(nonces.made), 4)
}
