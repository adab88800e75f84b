package app

import (
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"sever/internal/config"
	"sever/policy"
	"sever/revocation"
	"sever/source"
)

// Offline decodes deliveries and decides about them as dispatch would, without a store,
// Okta or any secret.
type Offline struct {
	Policy policy.Policy

	sources map[string]source.Source
}

// NewOffline prepares what a configuration asks for. It needs no secret of it.
func NewOffline(cfg *config.Config) (*Offline, error) {
	made, problems := cfg.CompilePolicy()
	if policy.Broken(problems) {
		return nil, brokenPolicy(problems)
	}
	senders := newSenders(cfg, Options{Logger: slog.New(slog.DiscardHandler), Now: time.Now}, nil)
	sources, err := senders.build()
	if err != nil {
		return nil, err
	}
	return &Offline{Policy: made, sources: byName(sources)}, nil
}

// Sample is a delivery as someone wrote it down.
type Sample struct {
	Source      string
	Body        []byte
	ContentType string // "" is the source's usual one
	Headers     map[string]string
	Received    time.Time
}

// Judgement is what a delivery comes to. Without a problem and without judged signals,
// everything in it was skipped.
type Judgement struct {
	Signals []Judged
	Skipped []source.Skipped
	Problem string // why the delivery cannot be read: it becomes a dead letter
}

// Judged is a signal and what it deserves.
type Judged struct {
	Signal   revocation.Signal
	Decision policy.Decision
	Steps    []policy.Step // what each rule says; none for a withdrawal, which no rule decides
}

// Judge decodes and decides. Its error is the caller's: a source that is not configured.
func (o *Offline) Judge(sample Sample) (Judgement, error) {
	src, known := o.sources[sample.Source]
	if !known {
		return Judgement{}, fmt.Errorf("no source is called %q; there are %s", sample.Source, strings.Join(slices.Sorted(maps.Keys(o.sources)), ", "))
	}
	decoded, err := src.Decoder.Decode(sample.delivery(src))
	if err != nil {
		return Judgement{Problem: err.Error()}, nil //nolint:nilerr // what cannot be read is an answer too
	}
	judgement := Judgement{Skipped: decoded.Skipped}
	for _, signal := range decoded.Signals {
		judged := Judged{Signal: signal}
		if signal.Kind != revocation.KindWithdrawal {
			judged.Decision, judged.Steps = o.Policy.Explain(signal)
		}
		judgement.Signals = append(judgement.Signals, judged)
	}
	return judgement, nil
}

// delivery is what receive would have stored.
func (s Sample) delivery(src source.Source) revocation.Delivery {
	media := s.ContentType
	if media == "" {
		media = "application/json"
		if len(src.Media) > 0 {
			media = src.Media[0]
		}
	}
	kept := make(map[string]string)
	for name, value := range s.Headers {
		if name = http.CanonicalHeaderKey(name); slices.Contains(src.Keep, name) {
			kept[name] = value
		}
	}
	return revocation.NewDelivery(s.Source, media, s.Body, s.Received).With("", kept)
}
