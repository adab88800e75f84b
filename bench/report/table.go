package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
)

// WriteTable shows medians over the rounds, as Markdown tables. main is the system whose ratios to the others are shown.
func (r Report) WriteTable(to io.Writer, main string) error {
	table := tabwriter.NewWriter(to, 0, 0, 1, ' ', 0)
	r.accepted(table, main)
	r.limits(table)
	r.latencies(table, Open, "Latency at half of each one's own peak, from when the alert was due, ms")
	r.latencies(table, Idle, "From an alert to the start of the call to Okta, one alert at a time, ms")
	r.refusals(table)
	if err := table.Flush(); err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	return nil
}

func (r Report) accepted(to io.Writer, main string) {
	names := r.names(Closed)
	if len(names) == 0 {
		return
	}
	fmt.Fprintf(to, "\nAccepted alerts per second, closed loop (in brackets: processor time for each, us)\n\n| connections\t")
	for _, name := range names {
		fmt.Fprintf(to, "| %s\t", name)
	}
	others := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == main })
	for _, name := range others {
		fmt.Fprintf(to, "| %s of %s\t", main, name)
	}
	fmt.Fprintln(to, "|")
	line(to, 1+len(names)+len(others))
	for _, connections := range r.connections(Closed) {
		fmt.Fprintf(to, "| %d\t", connections)
		for _, name := range names {
			of := r.of(Closed, name, connections)
			fmt.Fprintf(to, "| %.0f (%.0f)\t", medianOf(of, perSecond), medianOf(of, func(m Measurement) float64 { return m.CPU }))
		}
		for _, name := range others {
			fmt.Fprintf(to, "| %.2f\t", ratio(r.of(Closed, main, connections), r.of(Closed, name, connections)))
		}
		fmt.Fprintln(to, "|")
	}
}

func (r Report) limits(to io.Writer) {
	names := r.names(Limit)
	if len(names) == 0 {
		return
	}
	fmt.Fprintf(to, "\nLimits, of the same size, per second\n\n| writers\t")
	for _, name := range names {
		fmt.Fprintf(to, "| %s\t", name)
	}
	fmt.Fprintln(to, "|")
	line(to, 1+len(names))
	for _, connections := range r.connections(Limit) {
		fmt.Fprintf(to, "| %d\t", connections)
		for _, name := range names {
			fmt.Fprintf(to, "| %.0f\t", medianOf(r.of(Limit, name, connections), perSecond))
		}
		fmt.Fprintln(to, "|")
	}
}

func (r Report) latencies(to io.Writer, kind, title string) {
	names := r.names(kind)
	if len(names) == 0 {
		return
	}
	fmt.Fprintf(to, "\n%s\n\n| system\t| alerts/s\t| p50\t| p90\t| p99\t| p99.9\t| max\t|\n", title)
	line(to, 7)
	for _, name := range names {
		of := r.of(kind, name, 0)
		rate := "one at a time"
		if kind == Open {
			rate = fmt.Sprintf("%.0f", medianOf(of, func(m Measurement) float64 { return m.Rate }))
		}
		fmt.Fprintf(to, "| %s\t| %s\t", name, rate)
		for _, figure := range figures() {
			fmt.Fprintf(to, "| %.2f\t", medianOf(of, figure))
		}
		fmt.Fprintln(to, "|")
	}
}

// figures are those of a distribution, lowest first.
func figures() []func(Measurement) float64 {
	return []func(Measurement) float64{
		func(m Measurement) float64 { return m.Latency.P50 },
		func(m Measurement) float64 { return m.Latency.P90 },
		func(m Measurement) float64 { return m.Latency.P99 },
		func(m Measurement) float64 { return m.Latency.P999 },
		func(m Measurement) float64 { return m.Latency.Max },
	}
}

// refusals shows whatever was not answered 2xx, of all rounds together.
func (r Report) refusals(to io.Writer) {
	found := map[string]int64{}
	for _, m := range r.Measurements {
		for cause, count := range m.Refused {
			found[fmt.Sprintf("%s, %s, %d connections: %s", m.System, m.Kind, m.Connections, cause)] += count
		}
	}
	if len(found) == 0 {
		fmt.Fprintf(to, "\nEvery alert was answered 2xx.\n")
		return
	}
	fmt.Fprintf(to, "\nNot answered 2xx, in all rounds:\n\n")
	for _, what := range slices.Sorted(maps.Keys(found)) {
		fmt.Fprintf(to, "- %s: %d\n", what, found[what])
	}
}

func line(to io.Writer, columns int) {
	for range columns {
		fmt.Fprint(to, "|---\t")
	}
	fmt.Fprintln(to, "|")
}
