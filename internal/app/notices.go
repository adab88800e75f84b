package app

import (
	"context"
	"fmt"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"sever/internal/notice"
	"sever/revocation"
)

// tellPeople makes what sends notices, where channels are configured. A process that only
// receives has nothing to tell, and does not hold the channels' secrets.
func (a *App) tellPeople() (revocation.Observer, error) {
	settings := a.config.Notices
	if len(settings.Channels) == 0 || !a.options.Roles.Tells() {
		return nil, nil //nolint:nilnil // an Observer that is nil hears nothing
	}
	sent := prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "sever", Name: "notices_total", Help: "Notices to people: sent, limited by max_per_hour, or lost.",
	}, []string{"channel", "result"})
	a.metrics.Registry.MustRegister(sent)
	for name := range settings.Channels {
		for _, result := range notice.Results() {
			sent.WithLabelValues(name, result) // so that an alert on lost ones sees the first
		}
	}
	links, err := a.noticeLinks()
	if err != nil {
		return nil, err
	}
	notices, err := notice.New(notice.Config{
		Links: links,
		Every: settings.Every, Channels: settings.Channels, Logger: a.options.Logger,
		Count: func(channel, result string) { sent.WithLabelValues(channel, result).Inc() },
	})
	if err != nil {
		return nil, err
	}
	a.notices = notices
	return notices.Observe, nil
}

// Tells reports whether these roles have anything to send notices about.
func (r Roles) Tells() bool { return r.Dispatch || r.Work }

// sendNotices sends until the function that it gives is called, which waits for the last
// tries. That comes after the stages have stopped, so that their last events are told.
func (a *App) sendNotices(ctx context.Context) (stop func()) {
	if a.notices == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	running.Go(func() { a.notices.Run(ctx) })
	return func() {
		cancel()
		running.Wait()
	}
}

// remindMost bounds how many holds a start looks through.
const remindMost = 1000

// remindOfHolds tells of the jobs that wait for an operator: notices wait in memory, so the
// one about them may have been lost with the process before this one.
func (a *App) remindOfHolds(ctx context.Context) {
	if a.notices == nil || !a.options.Roles.Dispatch {
		return
	}
	waiting, err := a.holds.List(ctx, "", remindMost)
	if err != nil {
		a.observe(revocation.Event{Stage: "dispatch", Step: revocation.StepTrouble, At: a.options.Now(), Err: fmt.Errorf("tell of what is held: %w", err)})
		return
	}
	for _, hold := range waiting {
		a.notices.Observe(revocation.Event{
			Stage: "dispatch", Step: revocation.StepHeld, At: a.options.Now(),
			Hold: &revocation.HoldEntry{Key: hold.Key, State: revocation.HoldWaits, Hold: &hold},
		})
	}
}
