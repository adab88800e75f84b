package report_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/bench/report"
)

// The machine became faster from round to round; what counts are the ratios within a round: 3, 1 and 1.
func TestRatiosAreOfTheSameRound(t *testing.T) {
	t.Parallel()
	measured := report.Report{}
	for round, speed := range []float64{100, 200, 300} {
		ours := max(speed, 300-float64(round)*100)
		measured.Measurements = append(measured.Measurements,
			report.Measurement{Round: round, System: "ours", Kind: report.Closed, Connections: 32, PerSecond: ours},
			report.Measurement{Round: round, System: "peer", Kind: report.Closed, Connections: 32, PerSecond: speed},
		)
	}
	measured.Measurements[0].Refused = map[string]int64{"status 503": 2}
	var table strings.Builder
	require.NoError(t, measured.WriteTable(&table, "ours"))
	require.Contains(t, table.String(), "| 32          | 300 (0) | 200 (0) | 1.00         |")
	require.Contains(t, table.String(), "ours, closed loop, 32 connections: status 503: 2")
}
