// Package load sends alerts over many kept-alive connections and says how many were accepted and how long each took.
// Its client is as thin as can be: what is measured should be the server.
//
// In the closed loop each connection sends its next alert when the last was answered, which shows the most that a
// server takes. In the open loop alerts are due at a fixed rate whatever the server does, as senders are, and each
// latency counts from the time the alert was due: one that had to wait for a stalled server has waited
// (the correction of "coordinated omission").
package load

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"sever/bench/alert"
)

// Load is what to send.
type Load struct {
	Address     string // host:port
	Alert       *alert.Request
	Connections int
	Rate        float64       // alerts per second in the open loop; zero for the closed loop
	Warmup      time.Duration // sent before, and not counted
	Length      time.Duration
	People      uint64         // alerts are about so many people in turn
	Next        *atomic.Uint64 // the number of the last event sent: shared by all loads of one system
}

// patience is how long an open loop waits, after its last alert was due, for the ones that are late.
const patience = 10 * time.Second

// Run sends until the time is over or ctx ends.
func (l Load) Run(ctx context.Context) (Result, error) {
	senders := make([]*sender, l.Connections)
	for i := range senders {
		senders[i] = &sender{load: l, request: l.Alert.Clone(), tally: newTally()}
	}
	began := time.Now().Add(l.Warmup)
	end := began.Add(l.Length)
	for _, s := range senders {
		s.from, s.until = began, end
	}
	if l.Rate > 0 {
		l.open(ctx, senders, began.Add(-l.Warmup), end)
	} else {
		closed(ctx, senders, end)
	}
	result := Result{Tally: newTally(), Took: l.Length}
	for _, s := range senders {
		s.hangUp()
		result.merge(s.tally)
	}
	if err := ctx.Err(); err != nil {
		return Result{}, fmt.Errorf("send alerts: %w", context.Cause(ctx))
	}
	return result, nil
}

func closed(ctx context.Context, senders []*sender, end time.Time) {
	var running sync.WaitGroup
	for _, s := range senders {
		running.Go(func() {
			for now := time.Now(); now.Before(end) && ctx.Err() == nil; now = time.Now() {
				if !s.send(ctx, now) {
					return
				}
			}
		})
	}
	running.Wait()
}

func (l Load) open(ctx context.Context, senders []*sender, first, end time.Time) {
	// Room for all: the pace never waits for the server.
	due := make(chan time.Time, int(l.Rate*end.Sub(first).Seconds())+1)
	var running sync.WaitGroup
	running.Go(func() {
		defer close(due)
		pace(ctx, first, end, l.Rate, due)
	})
	for _, s := range senders {
		running.Go(func() {
			gone := false
			for at := range due {
				if gone || time.Now().After(end.Add(patience)) || ctx.Err() != nil {
					s.neverSent(at)
					continue
				}
				gone = !s.send(ctx, at)
			}
		})
	}
	running.Wait()
}

// sender is one connection.
type sender struct {
	load    Load
	conn    *Connection // connected when the first alert is sent, as senders do: servers hang up on those who say nothing
	request *alert.Request
	tally   Tally
	from    time.Time // what was due before is not counted
	until   time.Time // nor, in the closed loop, what was answered after
}

// send sends one alert that was due at that time. False means that the server cannot be reached any more.
func (s *sender) send(ctx context.Context, due time.Time) bool {
	status, err := s.exchange(ctx)
	now := time.Now()
	if inTime := s.load.Rate > 0 || !now.After(s.until); inTime && !due.Before(s.from) {
		s.count(status, err, now.Sub(due))
	}
	if err != nil {
		s.hangUp()
	}
	return !errors.Is(err, errNoServer)
}

func (s *sender) exchange(ctx context.Context) (status int, err error) {
	if s.conn == nil {
		if s.conn, err = Dial(ctx, s.load.Address); err != nil {
			return 0, err
		}
	}
	event := s.load.Next.Add(1)
	return s.conn.Exchange(s.request.Set(event, event%s.load.People))
}

func (s *sender) hangUp() {
	if s.conn != nil {
		s.conn.Close()
		s.conn = nil
	}
}

func (s *sender) count(status int, err error, took time.Duration) {
	switch {
	case err != nil:
		s.tally.Refused[cause(err)]++
	case status < 200 || status > 299:
		s.tally.Refused[fmt.Sprintf("status %d", status)]++
	default:
		s.tally.accept(took)
	}
}

func (s *sender) neverSent(due time.Time) {
	if !due.Before(s.from) {
		s.tally.Refused["never sent"]++
	}
}

// cause names an error without the addresses in it, so that equal ones are counted together.
func cause(err error) string {
	if errors.Is(err, errNoServer) {
		return errNoServer.Error()
	}
	if inner := errors.Unwrap(err); inner != nil {
		return cause(inner)
	}
	return err.Error()
}
