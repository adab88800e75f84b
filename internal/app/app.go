package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"sever/internal/config"
	"sever/internal/notice"
	"sever/internal/obs"
	"sever/queue"
	"sever/revocation"
	"sever/source"
)

// Options are what an App needs beside its configuration.
type Options struct {
	Roles   Roles
	Version string
	Logger  *slog.Logger

	Now      func() time.Time    // default time.Now
	Observer revocation.Observer // hears every step, after logs and metrics; may be nil
	Reload   Reload              // takes a changed policy while running; the zero Reload does not

	maxInFlight int // calls to one org at once; 0 is the client's default

	attemptTimeout time.Duration     // of one call to an org; 0 is the client's default
	toSenders      http.RoundTripper // carries what is fetched from senders; nil is the default one
}

// App is a running Sever, or one about to run.
type App struct {
	config  *config.Config
	options Options
	metrics *obs.Metrics
	observe revocation.Observer

	listener, adminListener net.Listener

	queue    *queue.Queue
	log      *queue.DeliveryLog
	jobs     *queue.Jobs
	letters  *queue.DeadLetters
	ledger   *queue.Ledger
	holds    *queue.Holds
	senders  *senders
	policies *policies
	sources  []source.Source
	orgs     []*org
	notices  *notice.Notifier // nil without channels

	ready *readiness
	undo  stack
}

// stopTimeout bounds how long requests in hand may take once Sever is told to stop.
const stopTimeout = 5 * time.Second

// startTimeout bounds the creation of the streams.
const startTimeout = 30 * time.Second

// ErrSplitNeedsNATS says that the embedded store cannot be shared by processes.
var ErrSplitNeedsNATS = errors.New("--roles: processes that share the work need a NATS server in common: " +
	"set nats.url, or run all roles in one process")

// New takes the ports, opens the queue and prepares every stage; nothing is served
// yet. It fails where starting would be wrong: a busy port, a store folder in use,
// a source that anyone could use.
func New(ctx context.Context, cfg *config.Config, options Options) (*App, error) {
	if options.Now == nil {
		options.Now = time.Now
	}
	options.maxInFlight = cfg.Work.Concurrency + 1 // and the hand for critical jobs
	options.attemptTimeout = cfg.Work.AttemptTimeout
	metrics := obs.NewMetrics()
	a := &App{
		config: cfg, options: options, metrics: metrics,
	}
	tell, err := a.tellPeople()
	if err != nil {
		return nil, err
	}
	a.observe = revocation.Observers(metrics.Observe, obs.LogObserver(options.Logger), tell, options.Observer)
	if err := a.open(ctx); err != nil {
		return nil, errors.Join(err, a.undo.unwind())
	}
	return a, nil
}

func (a *App) open(ctx context.Context) error {
	if !a.options.Roles.all() && a.config.NATS == nil {
		return ErrSplitNeedsNATS
	}
	for _, step := range []func(context.Context) error{a.prepare, a.listen, a.openQueue} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// prepare makes everything that needs no port and no store.
func (a *App) prepare(context.Context) (err error) {
	if a.policies, err = newPolicies(a.config, a.options, a.observe, a.metrics.Registry); err != nil {
		return err
	}
	a.senders = newSenders(a.config, a.options, a.observe)
	if a.sources, err = a.senders.build(); err != nil {
		return err
	}
	if !a.options.Roles.Work {
		return nil
	}
	needsLogin := len(a.config.Policy.Protected.Logins) > 0
	for _, name := range slices.Sorted(maps.Keys(a.config.Orgs)) {
		built, err := buildOrg(name, a.config.Orgs[name], needsLogin, a.options)
		if err != nil {
			return err
		}
		a.orgs = append(a.orgs, built)
		a.undo.push("close the connections to "+name, func() error { built.client.Close(); return nil })
	}
	return nil
}

func (a *App) listen(ctx context.Context) (err error) {
	var ports net.ListenConfig
	if a.options.Roles.Receive {
		if a.listener, err = ports.Listen(ctx, "tcp", a.config.Listen); err != nil {
			return fmt.Errorf("listen: %w; choose a free port in the configuration", err)
		}
		a.undo.push("close the senders' port", closeOnce(a.listener))
	}
	if a.adminListener, err = ports.Listen(ctx, "tcp", a.config.Admin.Listen); err != nil {
		return fmt.Errorf("admin.listen: %w; choose a free port in the configuration", err)
	}
	a.undo.push("close the admin port", closeOnce(a.adminListener))
	return nil
}

// closeOnce closes a listener that its server may have closed already.
func closeOnce(listener net.Listener) func() error {
	return func() error {
		if err := listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			return fmt.Errorf("close listener: %w", err)
		}
		return nil
	}
}

func (a *App) openQueue(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if a.queue, err = queue.Open(ctx, queueConfig(a.config, a.options.Logger)); err != nil {
		return err
	}
	a.undo.push("close the queue", a.queue.Close)
	if a.ledger, err = a.queue.Ledger(ctx); err != nil {
		return err
	}
	if a.holds, err = a.queue.Holds(ctx); err != nil {
		return err
	}
	a.jobs = a.queue.Jobs(a.ledger)
	a.letters = a.queue.DeadLetters()
	a.log = a.queue.DeliveryLog(a.config.Receive.AppendTimeout, int64(a.config.Receive.MaxWaiting))
	a.undo.push("close the delivery log", func() error { a.log.Close(); return nil })
	a.senders.log = a.log
	a.ready = &readiness{probe: a.takesWrites, keep: time.Second}
	a.metrics.RegisterGauges(a.depths, a.holds.Count, a.budgets)
	return a.warnOfOrphans(ctx)
}

func (a *App) warnOfOrphans(ctx context.Context) error {
	orphans, err := a.jobs.Orphans(ctx)
	if err != nil {
		return err
	}
	for _, name := range orphans {
		a.options.Logger.WarnContext(ctx, "jobs are stored for an org that is not configured; nobody works on them", "org", name)
	}
	return nil
}

func queueConfig(cfg *config.Config, logger *slog.Logger) queue.Config {
	settings := queue.Config{
		Dir: cfg.Store.Dir, MaxSize: int64(cfg.Store.MaxSize), MaxBody: int64(cfg.Receive.MaxBody),
		Retention: queue.Retention{
			Deliveries: cfg.Retention.Deliveries, Jobs: cfg.Retention.Jobs,
			Ledger: cfg.Retention.Ledger, Dead: cfg.Retention.Dead,
		},
		AckWait: cfg.Work.AckWait, Orgs: slices.Sorted(maps.Keys(cfg.Orgs)), Logger: logger,
	}
	if cfg.NATS != nil {
		settings.Cluster = &queue.Cluster{
			URL: cfg.NATS.URL, Credentials: string(cfg.NATS.Credentials), Replicas: cfg.NATS.Replicas,
		}
	}
	return settings
}

// URL is where senders reach this App; empty without the receive role.
func (a *App) URL() string {
	if a.listener == nil {
		return ""
	}
	scheme := "http"
	if a.config.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + a.listener.Addr().String()
}

// AdminURL is where operators reach this App.
func (a *App) AdminURL() string { return "http://" + a.adminListener.Addr().String() }

// Run serves until ctx ends or a part fails, then stops in order: no new requests,
// those in hand finished, then the stages, then the store. Every delivery answered
// with 2xx is in the store by then, done or not.
func (a *App) Run(ctx context.Context) error {
	servers, err := a.servers() //nolint:contextcheck // requests bring their own
	if err != nil {
		return errors.Join(err, a.undo.unwind())
	}
	stages, err := a.stages(ctx)
	if ctx.Err() != nil { // told to stop before it began, which is no failure
		return a.undo.unwind()
	}
	if err != nil {
		return errors.Join(err, a.undo.unwind())
	}
	a.remindOfHolds(ctx)
	// The stages outlive the servers: what was accepted last is still dispatched.
	stageCtx, stopStages := context.WithCancelCause(context.WithoutCancel(ctx))
	stageGroup, stageCtx := errgroup.WithContext(stageCtx)
	for _, run := range stages {
		stageGroup.Go(func() error { return run(stageCtx) })
	}
	serving, stopServing := context.WithCancel(ctx)
	defer stopServing()
	defer context.AfterFunc(stageCtx, stopServing)() // a stage that failed ends the rest
	stopNotices := a.sendNotices(ctx)
	serveErr := serve(serving, a.ready, servers)
	stopStages(errStopping)
	stagesErr := stageGroup.Wait()
	stopNotices()
	return errors.Join(serveErr, stagesErr, a.undo.unwind())
}

// Close gives back what New took, for an App that is never run.
func (a *App) Close() error { return a.undo.unwind() }
