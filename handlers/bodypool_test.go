package handlers

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAnnouncedLengthAloneClaimsLittleMemory(t *testing.T) {
	t.Parallel()
	var pool buffers
	require.LessOrEqual(t, cap(pool.get(4<<20).bytes), 2*presizeLimit)
	require.GreaterOrEqual(t, cap(pool.get(-1).bytes), smallestBody)
}

func TestHugeBodyIsNotKeptInThePool(t *testing.T) {
	t.Parallel()
	var pool buffers
	for range 20 { // a pool may forget at will, but never all of these
		pool.put(&body{bytes: make([]byte, pooledLimit+1)})
	}
	for range 20 {
		require.LessOrEqual(t, cap(pool.get(1).bytes), pooledLimit)
	}
}
