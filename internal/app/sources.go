package app

import (
	"fmt"
	"maps"
	"net/http"
	"slices"

	"sever/internal/config"
	"sever/source"
)

// buildSources makes the configured senders. Without the receive role they have
// decoders only: their secrets stay with the processes that face the internet.
func buildSources(cfg *config.Config, receive bool) ([]source.Source, error) {
	var sources []source.Source
	for _, name := range slices.Sorted(maps.Keys(cfg.Sources)) {
		settings := cfg.Sources[name]
		src := source.Source{
			Name: name, Org: settings.Org,
			Decoder:   source.NewOktaEventHook(settings.Org),
			Accepted:  http.StatusNoContent, // Okta wants 200 or 204 with an empty body
			Handshake: source.OktaChallenge{WithoutSecret: settings.Verify.ChallengeWithoutSecret},
		}
		if receive {
			verifier, err := buildVerifier(settings.Verify)
			if err != nil {
				return nil, fmt.Errorf("sources.%s: %w", name, err)
			}
			src.Verifier = verifier
		}
		sources = append(sources, src)
	}
	return sources, nil
}

func buildVerifier(settings config.Verify) (*source.HeaderVerifier, error) {
	secrets := make([]string, 0, len(settings.Secrets))
	for _, secret := range settings.Secrets {
		secrets = append(secrets, secret.Reveal())
	}
	return source.NewHeaderVerifier(settings.Header, secrets)
}

func byName(sources []source.Source) map[string]source.Source {
	index := make(map[string]source.Source, len(sources))
	for _, src := range sources {
		index[src.Name] = src
	}
	return index
}
