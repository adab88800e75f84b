package handshake

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"time"

	"sever/source"
)

const (
	gustoWindow   = time.Hour
	maxGustoToken = 512
)

// gusto takes the verification_token that Gusto POSTs, unsigned, when a subscription is
// made (https://docs.gusto.com/app-integrations/docs/webhooks). The token is the key of
// all later signatures, so it is written to a file for the operator and never used from
// here: once, only soon after the start, never over an older one.
//
// A stranger's token in that hour is noticed: Gusto's own verify call, which needs the
// token, refuses it.
type gusto struct {
	file    string
	started time.Time
	logger  *slog.Logger
}

func newGusto(config Config, deps Deps) (gusto, error) {
	if deps.Started.IsZero() {
		return gusto{}, errors.New("handshake gusto: the time of the start is missing")
	}
	return gusto{file: config.SaveTo, started: deps.Started, logger: deps.Logger}, nil
}

// Open is true: there is no key yet that the check could be signed with.
func (gusto) Open() bool { return true }

func (g gusto) Answer(ctx context.Context, req source.Request) (source.Reply, bool, error) {
	if req.Method != http.MethodPost || !g.open(req.Now) {
		return no()
	}
	members, ok := object(req.Body, "verification_token")
	if !ok {
		return no()
	}
	token, ok := text(members, "verification_token")
	if !ok || plain(token, maxGustoToken) != nil {
		return no()
	}
	err := g.save(token)
	switch {
	case errors.Is(err, fs.ErrExist):
		return no()
	case err != nil:
		g.logger.ErrorContext(ctx, "gusto's verification token could not be saved", "error", err)
		return unavailable(), true, nil
	}
	g.logger.WarnContext(ctx, "gusto's verification token is saved: confirm it at gusto, make it the source's secret, and remove the handshake", "file", g.file)
	reply := textReply("")
	reply.Status = http.StatusAccepted
	return reply, true, nil
}

func (g gusto) open(now time.Time) bool {
	return !now.Before(g.started) && now.Before(g.started.Add(gustoWindow))
}

// save writes a file that is not there yet. A file that was written in part is removed, so
// that the next try can succeed.
func (g gusto) save(token string) error {
	file, err := os.OpenFile(g.file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("create the file: %w", err)
	}
	_, err = file.WriteString(token)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return errors.Join(fmt.Errorf("write the file: %w", err), os.Remove(g.file))
	}
	return nil
}

// unavailable asks the sender to come again: the trouble is ours.
func unavailable() source.Reply {
	reply := textReply("")
	reply.Status = http.StatusServiceUnavailable
	reply.Header = map[string]string{"Retry-After": "30"}
	return reply
}
