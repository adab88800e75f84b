package app

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"time"

	"sever/internal/config"
	"sever/queue"
	"sever/revocation"
	"sever/source"
	"sever/source/handshake"
	"sever/source/mapping"
	"sever/source/ssf"
	"sever/source/verify"
)

// senders builds the configured sources.
type senders struct {
	config  *config.Config
	receive bool // else their secrets stay with the processes that face the internet
	http    *http.Client
	logger  *slog.Logger
	started time.Time
	now     func() time.Time
	observe revocation.Observer

	log     *queue.DeliveryLog     // set once it is open, before any runner runs
	states  map[string]*ssf.States // of the Shared Signals sources, by name
	runners []func(context.Context) error
}

// keysTimeout bounds the fetch of a sender's keys or certificate. A delivery that waits for
// it waits no longer than receive.timeout.
const keysTimeout = 5 * time.Second

func newSenders(cfg *config.Config, options Options, observe revocation.Observer) *senders {
	return &senders{
		config: cfg, receive: options.Roles.Receive, logger: options.Logger, started: options.Now(), now: options.Now, observe: observe,
		states: make(map[string]*ssf.States),
		http: &http.Client{
			Transport:     options.toSenders,
			Timeout:       keysTimeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

func (s *senders) build() ([]source.Source, error) {
	var sources []source.Source
	for _, name := range slices.Sorted(maps.Keys(s.config.Sources)) {
		built, err := s.source(name, s.config.Sources[name])
		if err != nil {
			return nil, fmt.Errorf("sources.%s: %w", name, err)
		}
		sources = append(sources, built)
	}
	return sources, nil
}

// source makes one sender. Without the receive role it has a decoder only.
func (s *senders) source(name string, settings config.Source) (source.Source, error) {
	built := source.Source{Name: name, Org: settings.Org, Accepted: settings.Answer}
	if err := s.shape(&built, settings); err != nil {
		return source.Source{}, err
	}
	if !s.receive {
		return built, nil
	}
	if settings.Verify.Insecure {
		s.logger.Warn("anyone who can reach this source can end anyone's sessions: verify.insecure is set", "source", name)
	}
	built.PathSecret = settings.Verify.Path
	var err error
	if built.Verifier, err = s.verifier(settings); err != nil {
		return source.Source{}, err
	}
	if built.Handshakes, err = s.handshakes(settings); err != nil {
		return source.Source{}, err
	}
	if settings.Preset().Decoder == "ssf" {
		err = s.meetTransmitter(&built, settings)
	}
	return built, err
}

// shape says how a source's bodies are read.
func (s *senders) shape(built *source.Source, settings config.Source) error {
	switch settings.Preset().Decoder {
	case "okta_event_hook":
		built.Decoder = source.NewOktaEventHook(built.Org)
	case "ssf":
		s.sharedSignals(built, settings)
	default:
		decoder, err := mapping.New(settings.Map, built.Name, built.Org)
		if err != nil {
			return fmt.Errorf("map: %w", err)
		}
		built.Decoder, built.Media, built.Keep, built.Readable = decoder, decoder.Media(), decoder.Keep(), decoder.Readable
	}
	return nil
}

// verifier joins all proofs that a source asks for.
func (s *senders) verifier(settings config.Source) (source.Verifier, error) { //nolint:ireturn // one of several kinds
	deps := verify.Deps{HTTP: s.http, Logger: s.logger}
	var all []source.Verifier
	for _, proof := range settings.Proofs() {
		verifier, err := verify.New(proof, deps)
		if err != nil {
			return nil, err
		}
		if background, ok := verifier.(interface {
			Run(ctx context.Context) error
		}); ok {
			s.runners = append(s.runners, background.Run)
		}
		all = append(all, verifier)
	}
	if len(all) == 1 {
		return all[0], nil
	}
	return verify.All(all), nil
}

func (s *senders) handshakes(settings config.Source) ([]source.Handshake, error) {
	var built []source.Handshake
	deps := handshake.Deps{
		Secrets: settings.Verify.Secrets, HTTP: s.http, WithoutSecret: settings.Verify.ChallengeWithoutSecret,
		Started: s.started, Logger: s.logger,
	}
	if settings.Verify.SNS != nil {
		deps.Topics = settings.Verify.SNS.Topics
	}
	for _, config := range settings.Handshakes {
		one, err := handshake.New(config, deps)
		if err != nil {
			return nil, err
		}
		built = append(built, one)
	}
	return built, nil
}

func byName(sources []source.Source) map[string]source.Source {
	index := make(map[string]source.Source, len(sources))
	for _, src := range sources {
		index[src.Name] = src
	}
	return index
}
