package app

import (
	"context"
	"fmt"

	"sever/internal/config"
	"sever/revocation"
	"sever/source"
	"sever/source/ssf"
)

// mediaSET is what a transmitter sends.
const mediaSET = "application/secevent+jwt"

// sharedSignals says how the tokens of a Shared Signals transmitter are read. Events of
// our own org are echoes of our own calls, whatever else is configured.
func (s *senders) sharedSignals(built *source.Source, settings config.Source) {
	org := s.config.Orgs[settings.Org].URL
	own := []string{org}
	if settings.SSF != nil {
		own = append(own, settings.SSF.OwnIssuers...)
	}
	built.Decoder = ssf.NewDecoder(built.Name, built.Org, own, []string{org})
	built.Media = []string{mediaSET}
	built.Readable = func([]byte) bool { return true } // its verifier has read it
	built.SETErrors = true
}

// meetTransmitter prepares what only a receiver does: answering verification events, and polling.
func (s *senders) meetTransmitter(built *source.Source, settings config.Source) error {
	states := ssf.NewStates(s.now)
	s.states[built.Name] = states
	streamID := ""
	if settings.SSF != nil {
		streamID = settings.SSF.StreamID
	}
	verification := ssf.NewVerification(states, streamID)
	built.Handshakes = append(built.Handshakes, verification)
	if settings.SSF == nil || settings.SSF.Poll == nil {
		return nil
	}
	poller, err := ssf.NewPoller(ssf.PollConfig{
		URL: settings.SSF.Poll.URL, Token: settings.SSF.Token, MaxEvents: settings.SSF.Poll.MaxEvents, Wait: settings.SSF.Poll.Wait,
		Verifier: built.Verifier, Verification: verification, Accept: polled{built.Name, s}, Logger: s.logger.With("source", built.Name), Now: s.now,
	})
	if err != nil {
		return fmt.Errorf("ssf.poll: %w", err)
	}
	s.runners = append(s.runners, poller.Run)
	return nil
}

// polled stores a token that was fetched as if it had been sent.
type polled struct {
	source  string
	senders *senders
}

func (p polled) Accept(ctx context.Context, jws []byte) error {
	received := p.senders.now()
	delivery := revocation.NewDelivery(p.source, mediaSET, jws, received)
	if err := p.senders.log.Append(ctx, delivery); err != nil {
		return fmt.Errorf("append a polled token: %w", err)
	}
	p.senders.observe.Observe(revocation.Event{
		Step: revocation.StepAccepted, Stage: "receive", At: p.senders.now(), Source: p.source,
		Delivery: delivery.ID, Bytes: len(jws), Took: p.senders.now().Sub(received),
	})
	return nil
}

// stateBook lets an operator's command ask for a verification event and see it come.
type stateBook struct{ states map[string]*ssf.States }

func (b stateBook) of(name string) (*ssf.States, error) {
	states, known := b.states[name]
	if !known {
		return nil, fmt.Errorf("%w: no source of type ssf is called %.40q in this process", revocation.ErrInvalid, name)
	}
	return states, nil
}

// Expect makes the source accept a verification event with this state.
func (b stateBook) Expect(name, state string) error {
	states, err := b.of(name)
	if err != nil {
		return err
	}
	if err := states.Expect(state); err != nil {
		return fmt.Errorf("%w: %w", revocation.ErrInvalid, err)
	}
	return nil
}

// Seen reports whether it came.
func (b stateBook) Seen(name, state string) (bool, error) {
	states, err := b.of(name)
	if err != nil {
		return false, err
	}
	return states.Seen(state), nil
}
