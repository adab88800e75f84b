package revocationtest_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/revocation"
	"sever/revocation/revocationtest"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	revocationtest.TestLedger(t, func(*testing.T) revocation.Ledger { return new(revocationtest.Ledger) })
}

func TestMemoryKeepsToItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	ledger := new(revocationtest.Ledger)
	record := revocationtest.Finishing("job_1", revocation.OutcomeRevoked, "00uada00000000000001", 1)
	_, err := ledger.Commit(ctx, record)
	require.ErrorIs(t, err, context.Canceled)
	_, _, err = ledger.Finished(ctx, "job_1")
	require.ErrorIs(t, err, context.Canceled)
	_, _, err = ledger.Newest(ctx, "acme", "00uada00000000000001")
	require.ErrorIs(t, err, context.Canceled)
}
