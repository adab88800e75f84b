package ssf

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"

	"sever/internal/secret"
	"sever/source"
)

const (
	// pollTimeout is longer than transmitters hold an empty answer back.
	pollTimeout = 90 * time.Second
	// maxPollAnswer bounds an answer: 1,000 SETs of 8 KiB.
	maxPollAnswer = 8 << 20

	firstBackoff = time.Second
	maxBackoff   = time.Minute
)

// Acceptor takes a verified SET. It returns nil only when the SET is stored durably: the
// transmitter forgets it then. The same SET may come twice.
type Acceptor interface {
	Accept(ctx context.Context, jws []byte) error
}

// PollConfig is what a Poller needs. All fields but Verification and HTTP must be set.
type PollConfig struct {
	URL       string        // the transmitter's poll endpoint: https, or http to loopback
	Token     secret.Secret // bearer token; may be unset
	MaxEvents int           // most SETs of one answer
	Wait      time.Duration // pause after an empty answer

	// Verifier checks each SET, by Verify alone: what Early looks at, the headers of a
	// push, there is none of.
	Verifier source.Verifier
	// Verification answers verification events; nil: they are accepted like any other.
	Verification source.Handshake
	Accept       Acceptor

	// HTTP makes the requests; nil: one of the default transport. Its redirects are not
	// followed and its timeout is set to 90 s.
	HTTP   *http.Client
	Logger *slog.Logger
	Now    func() time.Time
}

// Poller fetches SETs from a transmitter (RFC 8936).
type Poller struct {
	config PollConfig
	url    *url.URL
	http   *http.Client

	// report goes out with the next poll: what became of the SETs of those before.
	report report
	// trouble is what was last logged, so that an outage is one line and not thousands.
	trouble string
}

// NewPoller makes one; Run does the work.
func NewPoller(config PollConfig) (*Poller, error) {
	endpoint, err := parseURL(config.URL)
	switch {
	case err != nil:
		return nil, fmt.Errorf("poll URL: %w", err)
	case config.Verifier == nil || config.Accept == nil || config.Logger == nil || config.Now == nil:
		return nil, errors.New("a poller needs a verifier, an acceptor, a logger and a clock")
	case config.MaxEvents < 1:
		return nil, errors.New("a poller needs to fetch at least one event at a time")
	}
	client := &http.Client{}
	if config.HTTP != nil {
		client = config.HTTP
	}
	client = withoutRedirects(client)
	client.Timeout = pollTimeout
	return &Poller{config: config, url: endpoint, http: client, report: newReport()}, nil
}

// Run polls until the context ends, and then returns nil. What was stored but not yet
// acknowledged comes again after the next start, which is harmless.
func (p *Poller) Run(ctx context.Context) error {
	failures := 0
	for {
		pause, err := p.round(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // it was told to stop
		}
		p.tell(ctx, err)
		if err != nil {
			failures++
			pause = backoff(failures, err)
		} else {
			failures = 0
		}
		if !sleep(ctx, pause) {
			return nil
		}
	}
}

// round asks once and handles what comes. It says how long to pause, if nothing failed.
func (p *Poller) round(ctx context.Context) (time.Duration, error) {
	got, err := p.poll(ctx)
	if err != nil {
		return 0, err
	}
	before := p.report
	p.report = newReport() // the transmitter has it
	var errs []error
	for _, id := range got.ids() {
		errs = append(errs, p.handle(ctx, id, got.sets[id]))
	}
	if err := errors.Join(errs...); err != nil {
		return 0, err
	}
	if !before.lacks(got.ids()) {
		return p.config.Wait, nil
	}
	return 0, nil // at once: there may be more, and there is an acknowledgement to bring
}

// handle judges and stores one SET. An error is our own trouble: the SET is neither
// acknowledged nor refused, and the transmitter sends it again.
func (p *Poller) handle(ctx context.Context, id string, jws []byte) error {
	err := p.judge(ctx, id, jws)
	if refused, ok := errors.AsType[*source.SETError](err); ok {
		p.report.refuse(id, refused)
		p.config.Logger.WarnContext(ctx, "a fetched security event token was refused", "error", refused.Error())
		return nil
	}
	if err != nil {
		return err
	}
	p.report.Ack = append(p.report.Ack, id)
	return nil
}

func (p *Poller) judge(ctx context.Context, id string, jws []byte) error {
	req := source.Request{
		Method: http.MethodPost, URL: p.url, Host: p.url.Host, TLS: p.url.Scheme == "https",
		Header: http.Header{"Content-Type": {"application/secevent+jwt"}}, Body: jws, Now: p.config.Now(),
	}
	if _, err := p.config.Verifier.Verify(ctx, req); err != nil {
		if _, told := errors.AsType[*source.SETError](err); told || errors.Is(err, source.ErrUnavailable) || ctx.Err() != nil {
			return fmt.Errorf("verify a fetched token: %w", err)
		}
		return &source.SETError{Code: "authentication_failed", Description: "The token could not be verified."}
	}
	if set, err := readToken(jws); err == nil && set.id != id {
		// Acknowledging it under another's name would lose that other one.
		return &source.SETError{Code: "invalid_request", Description: "The token's jti is not the one it was sent under."}
	}
	if p.config.Verification != nil {
		if _, done, err := p.config.Verification.Answer(ctx, req); err != nil || done {
			return err
		}
	}
	if err := p.config.Accept.Accept(ctx, jws); err != nil {
		return fmt.Errorf("store a fetched token: %w", err)
	}
	return nil
}

// tell logs a trouble when it begins, changes and ends.
func (p *Poller) tell(ctx context.Context, err error) {
	now := ""
	if err != nil {
		now = err.Error()
	}
	switch now {
	case p.trouble:
	case "":
		p.config.Logger.InfoContext(ctx, "security events are fetched again")
	default:
		p.config.Logger.WarnContext(ctx, "security events cannot be fetched; it is tried again", "error", now)
	}
	p.trouble = now
}

// backoff is 1 s, doubled with every failure up to a minute, less up to half of it so that
// receivers do not come back all at once; or what the transmitter asked for, if longer.
func backoff(failures int, err error) time.Duration {
	full := min(maxBackoff, firstBackoff<<min(failures-1, 6))
	pause := full - rand.N(full/2) //nolint:gosec // jitter is no secret
	if refused, ok := errors.AsType[*PollError](err); ok {
		pause = max(pause, min(refused.RetryAfter, maxRetryAfter))
	}
	return pause
}

func sleep(ctx context.Context, pause time.Duration) bool {
	if pause <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
