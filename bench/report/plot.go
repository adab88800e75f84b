package report

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
)

// Size of a plot.
const (
	plotWidth  = 16 * vg.Centimeter
	plotHeight = 10 * vg.Centimeter
)

// WritePlots writes accepted.svg, latency.svg and idle.svg into a folder, of what there is.
func (r Report) WritePlots(dir string) error {
	return errors.Join(
		r.plotAccepted(filepath.Join(dir, "accepted.svg")),
		r.plotLatency(filepath.Join(dir, "latency.svg"), Open, "Latency at half of each one's own peak"),
		r.plotLatency(filepath.Join(dir, "idle.svg"), Idle, "From an alert to the call to Okta, idle"),
	)
}

func (r Report) plotAccepted(file string) error {
	levels := r.connections(Closed)
	if len(levels) == 0 {
		return nil
	}
	chart := plot.New()
	chart.Title.Text = "Accepted alerts per second"
	chart.X.Label.Text = "connections"
	chart.Y.Min = 0
	labels := make([]string, 0, len(levels))
	for _, connections := range levels {
		labels = append(labels, strconv.Itoa(connections))
	}
	chart.NominalX(labels...)
	lines := make([]any, 0)
	for _, name := range r.names(Closed) {
		points := make(plotter.XYs, 0, len(levels))
		for i, connections := range levels {
			points = append(points, plotter.XY{X: float64(i), Y: medianOf(r.of(Closed, name, connections), perSecond)})
		}
		lines = append(lines, name, points)
	}
	return save(chart, lines, file)
}

func (r Report) plotLatency(file, kind, title string) error {
	names := r.names(kind)
	if len(names) == 0 {
		return nil
	}
	chart := plot.New()
	chart.Title.Text = title
	chart.Y.Label.Text = "ms"
	chart.Y.Scale, chart.Y.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	chart.NominalX("p50", "p90", "p99", "p99.9", "max")
	lines := make([]any, 0)
	for _, name := range names {
		var points plotter.XYs
		for i, figure := range figures() {
			points = append(points, plotter.XY{X: float64(i), Y: max(medianOf(r.of(kind, name, 0), figure), 0.001)})
		}
		lines = append(lines, name, points)
	}
	return save(chart, lines, file)
}

func save(chart *plot.Plot, lines []any, file string) error {
	chart.Legend.Top, chart.Legend.Left = true, true
	if err := plotutil.AddLinePoints(chart, lines...); err != nil {
		return fmt.Errorf("draw %s: %w", file, err)
	}
	if err := chart.Save(plotWidth, plotHeight, file); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	return nil
}
