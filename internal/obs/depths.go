package obs

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// LaneDepth is what one lane holds that is not finished.
type LaneDepth struct {
	Org, Lane string
	Pending   uint64
	Oldest    time.Duration
}

// Budget is what Okta's newest answers said about one rate limit.
type Budget struct {
	Org, Bucket      string
	Limit, Remaining int
}

// gauges asks for the lanes' depths and the budgets when metrics are scraped.
type gauges struct {
	depths  func(context.Context) ([]LaneDepth, error)
	held    func(context.Context) (map[string]int, error)
	budgets func() []Budget

	pending, oldest, holds, limit, remaining, failed *prometheus.Desc
}

// scrapeTimeout bounds how long one scrape may ask the queue.
const scrapeTimeout = 2 * time.Second

// RegisterGauges adds the gauges that are read at each scrape. held gives how many jobs
// of each org are held.
func (m *Metrics) RegisterGauges(
	depths func(context.Context) ([]LaneDepth, error), held func(context.Context) (map[string]int, error), budgets func() []Budget,
) {
	describe := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("sever_"+name, help, labels, nil)
	}
	m.Registry.MustRegister(&gauges{
		depths: depths, held: held, budgets: budgets,
		pending:   describe("jobs_pending", "Jobs that wait or are in hand.", "org", "lane"),
		oldest:    describe("oldest_pending_job_seconds", "Age of the oldest of them; 0 when there is none.", "org", "lane"),
		holds:     describe("jobs_held", "Jobs that are held: for a date, a delay, an approval, the brake or a protected person.", "org"),
		limit:     describe("okta_budget_limit", "Okta's limit in the current window.", "org", "bucket"),
		remaining: describe("okta_budget_remaining", "What is left of it.", "org", "bucket"),
		failed:    describe("scrape_failed", "1 when the queue could not be asked for its depths."),
	})
}

// Describe names the gauges.
func (g *gauges) Describe(descs chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{g.pending, g.oldest, g.holds, g.limit, g.remaining, g.failed} {
		descs <- desc
	}
}

// Collect reads them.
func (g *gauges) Collect(metrics chan<- prometheus.Metric) {
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		metrics <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	for _, budget := range g.budgets() {
		gauge(g.limit, float64(budget.Limit), budget.Org, budget.Bucket)
		gauge(g.remaining, float64(budget.Remaining), budget.Org, budget.Bucket)
	}
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	depths, err := g.depths(ctx)
	held, heldErr := g.held(ctx)
	if errors.Join(err, heldErr) != nil {
		gauge(g.failed, 1)
		return
	}
	gauge(g.failed, 0)
	for _, depth := range depths {
		gauge(g.pending, float64(depth.Pending), depth.Org, depth.Lane)
		gauge(g.oldest, depth.Oldest.Seconds(), depth.Org, depth.Lane)
	}
	for org, count := range held {
		gauge(g.holds, float64(count), org)
	}
}
