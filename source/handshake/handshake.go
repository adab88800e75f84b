// Package handshake answers the one-time checks that senders make of a URL before they
// deliver to it. A handshake gives a reply and nothing else: it never leads to a job.
//
// What is reflected is capped and printable, and leaves as JSON or plain text. A request
// that only resembles a check, because it has other keys or events beside, is none: it
// goes on as the delivery that it may be.
package handshake

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"sever/internal/secret"
	"sever/source"
)

// Deps are what some handshakes need beside their settings.
type Deps struct {
	// Secrets are the source's own, verify.secrets: zoom and crc sign their answers.
	Secrets []secret.Secret
	// HTTP confirms sns subscriptions. Redirects and time are limited here.
	HTTP *http.Client
	// Topics are those that sns subscriptions are confirmed of, verify.sns.topics.
	Topics []string
	// WithoutSecret answers okta before the source's secret was seen.
	WithoutSecret bool
	// Started is when the process began: gusto's token is taken for an hour.
	Started time.Time
	// Logger tells of what a person should know. Nil logs nothing.
	Logger *slog.Logger
}

// New makes the handshake that config describes. It fails where Check finds a problem, and
// where deps lack what the type needs.
func New(config Config, deps Deps) (source.Handshake, error) { //nolint:ireturn // one constructor for every kind
	if problems := config.Check(); len(problems) > 0 {
		return nil, fmt.Errorf("handshake.%s: %s; %s", problems[0].Field, problems[0].Message, problems[0].Fix)
	}
	if deps.Logger == nil {
		deps.Logger = slog.New(slog.DiscardHandler)
	}
	shake, err := build(config, deps)
	if err != nil {
		return nil, err // not a half-made handshake
	}
	return shake, nil
}

func build(config Config, deps Deps) (source.Handshake, error) { //nolint:ireturn // one of several kinds
	switch config.Type {
	case "okta":
		return okta{withoutSecret: deps.WithoutSecret}, nil
	case "cloudevents":
		return newCloudEvents(config), nil
	case "sns":
		return newSNS(deps)
	case "zoom":
		return newZoom(config, deps)
	case "crc":
		return newCRC(config, deps)
	case "meta":
		return newMeta(config)
	case "gusto":
		return newGusto(config, deps)
	default:
		return withoutSettings(config.Type)
	}
}

// withoutSettings makes those that answer from the request alone.
func withoutSettings(kind string) (source.Handshake, error) { //nolint:ireturn // one of several kinds
	switch kind {
	case "graph":
		return graph{}, nil
	case "event_grid":
		return eventGrid{}, nil
	case "slack":
		return slack{}, nil
	case "discord":
		return discord{}, nil
	case "hibob":
		return hibob{}, nil
	default:
		return nil, errors.New("handshake.type: there is no such handshake")
	}
}
