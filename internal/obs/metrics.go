package obs

import (
	"errors"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"sever/revocation"
)

// Metrics counts the steps. Each App has its own, with its own registry, so that
// several can live in one process. No label comes from outside: labels are names
// from the configuration or fixed words.
type Metrics struct {
	Registry *prometheus.Registry

	accepted      *prometheus.CounterVec
	refused       *prometheus.CounterVec
	logLatency    prometheus.Histogram
	ignored       *prometheus.CounterVec
	enqueued      *prometheus.CounterVec
	holdChanges   *prometheus.CounterVec
	braked        *prometheus.CounterVec
	deferred      *prometheus.CounterVec
	attempts      *prometheus.CounterVec
	alertToRevoke *prometheus.HistogramVec
	deadLetters   *prometheus.CounterVec
	calls         *prometheus.CounterVec
	callLatency   *prometheus.HistogramVec
	trouble       *prometheus.CounterVec
	paused        *prometheus.GaugeVec
}

// NewMetrics makes all of Sever's counters and registers them.
func NewMetrics() *Metrics {
	m := &Metrics{
		Registry:    prometheus.NewRegistry(),
		accepted:    counter("deliveries_accepted_total", "Deliveries stored durably.", "source"),
		refused:     counter("deliveries_refused_total", "Requests answered with an error.", "source", "reason"),
		logLatency:  histogram("delivery_log_seconds", "From a delivery's hand-over to its durable write.", fastBuckets()),
		ignored:     counter("signals_ignored_total", "Events that deserve nothing.", "source", "reason"),
		enqueued:    counter("jobs_enqueued_total", "Jobs put on a lane.", "org", "lane", "rule"),
		holdChanges: counter("hold_changes_total", "Jobs that were held, for whatever reason, and what became of them: hold, replace, withdraw or release.", "org", "change"),
		braked:      counter("brake_trips_total", "How often the brake began to hold jobs.", "org"),
		deferred:    counter("jobs_deferred_total", "Jobs that waited because their person was just revoked.", "org"),
		attempts:    counter("attempts_total", "Attempts at jobs.", "org", "outcome"),
		alertToRevoke: histogramVec("alert_to_revoked_seconds",
			"From the receipt of a delivery to the end of its revocation.", slowBuckets(), "org", "lane"),
		deadLetters: counter("dead_letters_total", "What was put aside for an operator.", "stage", "org"),
		calls:       counter("okta_calls_total", "Calls to Okta; not_sent were held back by the budget.", "org", "status"),
		callLatency: histogramVec("okta_call_seconds", "How long Okta took to answer.", slowBuckets(), "org"),
		trouble:     counter("trouble_total", "Failures of Sever's own store or loops.", "stage"),
		paused:      gauge("org_paused", "1 while an org's jobs wait because Okta does not accept our credential.", "org"),
	}
	m.Registry.MustRegister(m.accepted, m.refused, m.logLatency, m.ignored, m.enqueued, m.holdChanges, m.braked, m.deferred, m.attempts,
		m.alertToRevoke, m.deadLetters, m.calls, m.callLatency, m.trouble, m.paused,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Observe counts one step.
func (m *Metrics) Observe(event revocation.Event) {
	switch event.Step {
	case revocation.StepRefused:
		m.refused.WithLabelValues(event.Source, event.Reason).Inc()
	case revocation.StepAccepted:
		m.accepted.WithLabelValues(event.Source).Inc()
		m.logLatency.Observe(event.Took.Seconds())
	case revocation.StepIgnored:
		m.ignored.WithLabelValues(event.Source, event.Reason).Inc()
	case revocation.StepEnqueued:
		m.enqueued.WithLabelValues(event.Job.Org, string(event.Job.Lane), event.Reason).Inc()
	case revocation.StepHeld, revocation.StepWithdrawn, revocation.StepReleased:
		m.holdChanges.WithLabelValues(event.Org, event.Reason).Inc()
	case revocation.StepBraked, revocation.StepPaused, revocation.StepResumed, revocation.StepTrouble:
		m.amiss(event)
	case revocation.StepDeferred:
		m.deferred.WithLabelValues(event.Org).Inc()
	case revocation.StepCalled:
		m.called(event)
	case revocation.StepAudited:
		m.attempted(*event.Record)
	case revocation.StepDeadLetter:
		m.deadLetters.WithLabelValues(event.Stage, event.Org).Inc()
	case revocation.StepDecided, revocation.StepDispatched, revocation.StepTaken, revocation.StepCalling,
		revocation.StepRecorded, revocation.StepSettled:
	}
}

// amiss counts what keeps many jobs back at once.
func (m *Metrics) amiss(event revocation.Event) {
	switch event.Step {
	case revocation.StepBraked:
		m.braked.WithLabelValues(event.Org).Inc()
	case revocation.StepPaused:
		m.paused.WithLabelValues(event.Org).Set(1)
	case revocation.StepResumed:
		m.paused.WithLabelValues(event.Org).Set(0)
	default:
		m.trouble.WithLabelValues(event.Stage).Inc()
	}
}

func (m *Metrics) called(event revocation.Event) {
	var callErr *revocation.CallError
	if errors.As(event.Err, &callErr) && callErr.NotSent {
		m.calls.WithLabelValues(event.Org, "not_sent").Inc()
		return
	}
	status := "none"
	if event.Call != nil && event.Call.Status != 0 {
		status = strconv.Itoa(event.Call.Status)
	}
	m.calls.WithLabelValues(event.Org, status).Inc()
	m.callLatency.WithLabelValues(event.Org).Observe(event.Took.Seconds())
}

func (m *Metrics) attempted(record revocation.Record) {
	m.attempts.WithLabelValues(record.Job.Org, string(record.Outcome)).Inc()
	if record.Outcome == revocation.OutcomeRevoked {
		m.alertToRevoke.WithLabelValues(record.Job.Org, string(record.Job.Lane)).
			Observe(record.Ended.Sub(record.Job.Received).Seconds())
	}
}

func fastBuckets() []float64 {
	return []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5}
}

func slowBuckets() []float64 {
	return []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200, 86400}
}

// Working shows an org whose jobs this process works on as not paused.
func (m *Metrics) Working(org string) { m.paused.WithLabelValues(org).Set(0) }

func gauge(name, help string, labels ...string) *prometheus.GaugeVec {
	return prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "sever", Name: name, Help: help}, labels)
}

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "sever", Name: name, Help: help}, labels)
}

func histogram(name, help string, buckets []float64) prometheus.Histogram {
	return prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "sever", Name: name, Help: help, Buckets: buckets})
}

func histogramVec(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "sever", Name: name, Help: help, Buckets: buckets}, labels)
}
