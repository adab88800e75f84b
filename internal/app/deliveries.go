package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"sever/handlers"
	"sever/policy"
	"sever/queue"
	"sever/revocation"
	"sever/source"
)

// deliveries is the operator's view of the delivery log.
type deliveries struct {
	*operator

	view    *queue.DeliveryView
	sources map[string]source.Source
	policy  func() policy.Policy
}

func (a *App) deliveries(op *operator) *deliveries {
	return &deliveries{operator: op, view: a.queue.DeliveryView(), sources: byName(a.sources), policy: a.policies.inForce}
}

// compile makes the policy of a file that is not in force.
func (d *deliveries) compile(candidate handlers.CandidatePolicy) (policy.Policy, error) {
	compiled, problems := policy.Compile(candidate.Rules, policy.Options{
		BuiltIn: candidate.BuiltIn, Mode: revocation.Mode(candidate.Mode), Sources: slices.Sorted(maps.Keys(d.sources)), Orgs: d.orgs,
	})
	for _, problem := range problems {
		if !problem.Warning {
			return policy.Policy{}, fmt.Errorf("%w: candidate rule %d: %s %s; %s", revocation.ErrInvalid, problem.Rule, problem.Field, problem.Message, problem.Fix)
		}
	}
	return compiled, nil
}

// List gives a page of the log, the newest delivery first.
func (d *deliveries) List(ctx context.Context, filter handlers.DeliveryFilter) (handlers.DeliveryPage, error) {
	from, err := parsePlace(filter.From)
	if err != nil {
		return handlers.DeliveryPage{}, err
	}
	var page handlers.DeliveryPage
	before := queue.LogPlace{Seq: from[0], At: int(from[1])} //nolint:gosec // parsePlace takes no more than fits
	next, err := d.view.Back(ctx, filter.Since, before, func(delivery revocation.Delivery) (more bool) {
		if filter.Source == "" || delivery.Source == filter.Source {
			page.Deliveries = append(page.Deliveries, cardOf(delivery))
		}
		return len(page.Deliveries) < filter.Limit
	})
	if err == nil && next.Seq != 0 {
		page.Next = place(next.Seq, uint64(next.At)) //nolint:gosec // an index
	}
	return page, err
}

func cardOf(delivery revocation.Delivery) handlers.DeliveryCard {
	return handlers.DeliveryCard{
		ID: delivery.ID, Source: delivery.Source, Received: delivery.Received, ContentType: delivery.ContentType,
		Bytes: len(delivery.Body), Redrives: delivery.Redrives,
	}
}

// place writes down where to go on; parsePlace reads it back.
func place(a, b uint64) string { return strconv.FormatUint(a, 10) + "-" + strconv.FormatUint(b, 10) }

func parsePlace(text string) (place [2]uint64, err error) {
	if text == "" {
		return place, nil
	}
	a, b, _ := strings.Cut(text, "-")
	first, errA := strconv.ParseUint(a, 10, 63)
	second, errB := strconv.ParseUint(b, 10, 63)
	if errors.Join(errA, errB) != nil {
		return place, fmt.Errorf("from is not what the part before gave as next: %w", revocation.ErrInvalid)
	}
	return [2]uint64{first, second}, nil
}

// Show gives one delivery, what it says, and what that leads to by the policy in force.
func (d *deliveries) Show(ctx context.Context, id string) (handlers.DeliveryView, error) {
	found, err := d.view.Find(ctx, id)
	if err != nil {
		return handlers.DeliveryView{}, err
	}
	judge, err := d.judge(ctx, found[0].Received)
	if err != nil {
		return handlers.DeliveryView{}, err
	}
	read := judge.read(found[0])
	view := handlers.DeliveryView{
		Delivery: found[0], Bytes: len(found[0].Body), Org: d.sources[found[0].Source].Org,
		Problem: read.problem, Policy: judge.policy.Version(),
	}
	for _, skipped := range read.Skipped {
		view.Skipped = append(view.Skipped, handlers.SkippedEvent{Type: skipped.Type, Reason: skipped.Reason})
	}
	for _, signal := range read.Signals {
		verdict, err := judge.verdict(ctx, signal)
		if err != nil {
			return view, err
		}
		view.Signals = append(view.Signals, handlers.SignalView{Signal: signal, Verdict: verdict})
	}
	return view, nil
}

// Replay dispatches deliveries once more, or says what that would come to. What is done
// stays done: the jobs have the same ids. A replay by time takes each delivery as it first
// came, and leaves the copies alone that were put back since.
func (d *deliveries) Replay(ctx context.Context, order handlers.ReplayOrder) (handlers.Replay, error) {
	if len(order.IDs) > 0 {
		found, err := d.view.Find(ctx, order.IDs...)
		if err != nil {
			return handlers.Replay{}, err
		}
		oldest := slices.MinFunc(found, func(a, b revocation.Delivery) int { return a.Received.Compare(b.Received) }).Received
		return d.replay(ctx, order, oldest, func(handle func([]revocation.Delivery) error) (string, error) {
			return "", handle(found)
		})
	}
	span, err := d.span(ctx, order)
	if err != nil {
		return handlers.Replay{}, err
	}
	return d.replay(ctx, order, order.Since, func(handle func([]revocation.Delivery) error) (string, error) {
		next, err := d.view.Forward(ctx, span[0], span[1], func(pack []revocation.Delivery) error {
			return handle(picked(pack, order))
		})
		if err != nil || next == 0 {
			return "", err
		}
		return place(next, span[1]), nil
	})
}

// span is the part of the log that a replay by time still has to read. Its end is fixed at
// the start, so that what the replay appends is not replayed in turn.
func (d *deliveries) span(ctx context.Context, order handlers.ReplayOrder) (span [2]uint64, err error) {
	if order.From != "" {
		return parsePlace(order.From)
	}
	span[0], span[1], err = d.view.Range(ctx, order.Since)
	return span, err
}

func picked(pack []revocation.Delivery, order handlers.ReplayOrder) []revocation.Delivery {
	var found []revocation.Delivery
	for _, delivery := range pack {
		if delivery.Redrives == 0 && !delivery.Received.Before(order.Since) &&
			(order.Source == "" || order.Source == delivery.Source) {
			found = append(found, delivery)
		}
	}
	return found
}

func (d *deliveries) replay(
	ctx context.Context, order handlers.ReplayOrder, since time.Time,
	each func(handle func([]revocation.Delivery) error) (next string, err error),
) (handlers.Replay, error) {
	if !order.DryRun {
		var replay handlers.Replay
		next, err := each(func(found []revocation.Delivery) error {
			replay.Deliveries += len(found)
			return d.appendAgain(ctx, found, order.Reason)
		})
		replay.Next = next
		return replay, err
	}
	judge, err := d.judge(ctx, since)
	if err != nil {
		return handlers.Replay{}, err
	}
	if order.Candidate != nil {
		if judge.policy, err = d.compile(*order.Candidate); err != nil {
			return handlers.Replay{}, err
		}
	}
	tally := newTally(judge)
	next, err := each(func(found []revocation.Delivery) error {
		for _, delivery := range found {
			if err := tally.add(ctx, delivery); err != nil {
				return err
			}
		}
		return nil
	})
	replay := tally.sum()
	replay.Next = next
	return replay, err
}

// atOnce is how many deliveries are put back side by side, so that they share fsyncs.
const atOnce = 64

// appendAgain puts deliveries back, each after it is on record who is to be blamed for it.
func (d *deliveries) appendAgain(ctx context.Context, found []revocation.Delivery, reason string) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for _, delivery := range found {
		group.Go(func() error {
			if err := d.record(ctx, "replay", delivery.ID, reason); err != nil {
				return err
			}
			delivery.Redrives++
			if err := d.log.Append(ctx, delivery); err != nil {
				return fmt.Errorf("replay %s: %w", delivery.ID, err)
			}
			return nil
		})
	}
	return group.Wait()
}
