package oktasim

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
)

// emit logs an event and brings it to its hooks in the background.
func (s *Server) emit(e event) {
	logged := s.log.add(e)
	for _, h := range s.hooks.subscribed(logged) {
		s.sender.later(func() { s.deliver(s.stopping, h, []event{logged}) })
	}
}

// publish logs events and brings them to their hooks now: one delivery per hook with all its events in it, as Okta merges
// events that are close in time.
func (s *Server) publish(ctx context.Context, events []event) []Delivery {
	ctx, cancel := s.whileServing(ctx)
	defer cancel()
	logged := make([]event, 0, len(events))
	for _, e := range events {
		logged = append(logged, s.log.add(e))
	}
	results := []Delivery{}
	for _, h := range s.hooks.list() {
		wanted := slices.DeleteFunc(slices.Clone(logged), func(e event) bool {
			return !slices.ContainsFunc(s.hooks.subscribed(e), func(other hook) bool { return other.ID == h.ID })
		})
		if len(wanted) > 0 {
			results = append(results, s.deliver(ctx, h, wanted))
		}
	}
	return results
}

// deliver wraps events into an envelope. A delivery that failed for good is itself logged, as event_hook.delivery, which
// no hook can subscribe to.
func (s *Server) deliver(ctx context.Context, h hook, events []event) Delivery {
	forms := make([]event, 0, len(events))
	for _, e := range events {
		forms = append(forms, e.hookForm())
	}
	org := s.opts.Org
	if org == "" {
		org = "https://sim.okta.example"
	}
	envelope, err := json.Marshal(map[string]any{
		"eventType": "com.okta.event_hook", "eventTypeVersion": "1.0", "cloudEventsVersion": "0.1",
		"source": org + "/api/v1/eventHooks/" + h.ID, "eventId": s.ids.uuid(), "data": map[string]any{"events": forms},
		"eventTime": s.opts.Now().UTC().Format(timeLayout), "contentType": "application/json",
	})
	if err != nil {
		return Delivery{Hook: h.ID, Error: "the event cannot be written as JSON"}
	}
	result := s.sender.deliver(ctx, h, envelope)
	if result.Error != "" {
		s.log.add(event{
			"eventType": "event_hook.delivery", "severity": "WARN",
			"outcome": map[string]any{"result": "FAILURE", "reason": strings.ToValidUTF8(result.Error[:min(len(result.Error), 255)], "")},
			"target":  []any{map[string]any{"id": h.ID, "type": "EventHook", "alternateId": "unknown", "displayName": h.Name}},
		})
	}
	return result
}

// whileServing is ctx that also ends when the server closes.
func (s *Server) whileServing(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(s.stopping, cancel)
	return ctx, func() {
		stop()
		cancel()
	}
}
