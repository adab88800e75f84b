// Package report keeps what the lab measured and shows it: as JSON, as a table, as plots.
package report

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// The ways of measuring.
const (
	Closed = "closed loop" // each connection sends when its last alert was answered
	Open   = "open loop"   // alerts are due at a fixed rate; latencies from when they were due
	Idle   = "idle"        // one alert at a time; latencies from alert to call
	Limit  = "limit"       // no HTTP: what the disk and JetStream can do
)

// Report is one run of the lab.
type Report struct {
	Began        time.Time         `json:"began"`
	Machine      map[string]string `json:"machine"`
	Settings     map[string]string `json:"settings"`
	Measurements []Measurement     `json:"measurements"`
}

// Measurement is one load on one system.
type Measurement struct {
	Round       int              `json:"round"`
	System      string           `json:"system"`
	Kind        string           `json:"kind"`
	Connections int              `json:"connections,omitempty"`
	Rate        float64          `json:"rate,omitempty"` // alerts per second that were due, in an open loop
	Accepted    int64            `json:"accepted,omitempty"`
	PerSecond   float64          `json:"per_second,omitempty"`
	Refused     map[string]int64 `json:"refused,omitempty"`    // not answered 2xx, by status or error
	CPU         float64          `json:"cpu_us,omitempty"`     // processor time of the system's process for each accepted alert, in microseconds
	Latency     *Latency         `json:"latency_ms,omitempty"` // of the accepted
	Calls       int64            `json:"okta_calls,omitempty"` // that the simulated Okta got meanwhile
}

// Latency is a distribution, in milliseconds.
type Latency struct {
	P50  float64 `json:"p50"`
	P90  float64 `json:"p90"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p99.9"`
	Max  float64 `json:"max"`
}

// LatencyOf reads a histogram of microseconds.
func LatencyOf(h *hdrhistogram.Histogram) *Latency {
	at := func(p float64) float64 { return float64(h.ValueAtPercentile(p)) / 1000 }
	return &Latency{P50: at(50), P90: at(90), P99: at(99), P999: at(99.9), Max: float64(h.Max()) / 1000}
}

// WriteJSON writes all of it.
func (r Report) WriteJSON(to io.Writer) error {
	encoder := json.NewEncoder(to)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(r); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// of gives the measurements of a system, in order of rounds. Zero connections mean any.
func (r Report) of(kind, system string, connections int) []Measurement {
	var found []Measurement
	for _, m := range r.Measurements {
		if m.Kind == kind && m.System == system && (connections == 0 || m.Connections == connections) {
			found = append(found, m)
		}
	}
	return found
}

// names are the systems measured that way, in the order of their first appearance.
func (r Report) names(kind string) []string {
	var names []string
	for _, m := range r.Measurements {
		if m.Kind == kind && !slices.Contains(names, m.System) {
			names = append(names, m.System)
		}
	}
	return names
}

func (r Report) connections(kind string) []int {
	seen := map[int]bool{}
	for _, m := range r.Measurements {
		if m.Kind == kind {
			seen[m.Connections] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

func perSecond(m Measurement) float64 { return m.PerSecond }

// medianOf is the median over rounds of one figure.
func medianOf(of []Measurement, figure func(Measurement) float64) float64 {
	values := make([]float64, 0, len(of))
	for _, m := range of {
		values = append(values, figure(m))
	}
	return median(values)
}

// ratio is the median over rounds of what one system did in a round, over what another did in the same.
func ratio(of, to []Measurement) float64 {
	var ratios []float64
	for _, m := range of {
		for _, other := range to {
			if other.Round == m.Round && other.PerSecond > 0 {
				ratios = append(ratios, m.PerSecond/other.PerSecond)
			}
		}
	}
	return median(ratios)
}

// median is zero of nothing.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	middle := len(values) / 2
	if len(values)%2 == 1 {
		return values[middle]
	}
	return (values[middle-1] + values[middle]) / 2
}
