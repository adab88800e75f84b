package ssf

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"sever/source"
)

// report tells a transmitter what became of the SETs it sent (RFC 8936, 2.2).
type report struct {
	MaxEvents         int                 `json:"maxEvents"`
	ReturnImmediately bool                `json:"returnImmediately"` // false: a long poll
	Ack               []string            `json:"ack"`
	SetErrs           map[string]setError `json:"setErrs"`
}

type setError struct {
	Err         string `json:"err"`
	Description string `json:"description"`
}

func newReport() report { return report{Ack: []string{}, SetErrs: map[string]setError{}} }

func (r *report) refuse(id string, refused *source.SETError) {
	r.SetErrs[id] = setError{Err: refused.Code, Description: refused.Description}
}

// lacks reports whether there is anything new among ids. Without, another poll at once would
// go on for ever: the answer was empty, or the transmitter does not heed what it is told.
func (r *report) lacks(ids []string) bool {
	return slices.ContainsFunc(ids, func(id string) bool {
		_, refused := r.SetErrs[id]
		return !refused && !slices.Contains(r.Ack, id)
	})
}

// maxRetryAfter bounds what a transmitter may ask for.
const maxRetryAfter = 10 * time.Minute

// PollError is an answer of the poll endpoint other than 200.
type PollError struct {
	Status     int
	RetryAfter time.Duration // zero if it asked for none
}

func (e *PollError) Error() string {
	switch {
	case e.Status == http.StatusUnauthorized:
		return "the transmitter answered 401: it does not accept ssf.token; renew it"
	case e.Status == http.StatusForbidden:
		return "the transmitter answered 403: ssf.token may not read this stream; give it the scope ssf.read or what the transmitter calls it"
	case e.Status == http.StatusNotFound:
		return "the transmitter answered 404: there is no stream at ssf.poll.url; `sever ssf stream status` tells what there is"
	case e.Status >= 300 && e.Status < 400:
		return fmt.Sprintf("the transmitter answered %d, which redirects: write its final address into ssf.poll.url", e.Status)
	default:
		return fmt.Sprintf("the transmitter answered %d", e.Status)
	}
}

// polled is what a poll brought.
type polled struct {
	sets map[string][]byte // by jti
	more bool
}

func (p polled) ids() []string { return slices.Sorted(maps.Keys(p.sets)) }

func (p *Poller) poll(ctx context.Context) (polled, error) {
	p.report.MaxEvents = p.config.MaxEvents
	got, err := ask(ctx, p.http, question{
		method: http.MethodPost, url: p.config.URL, token: p.config.Token, body: p.report, limit: maxPollAnswer,
	})
	if err != nil {
		return polled{}, err
	}
	if got.status != http.StatusOK {
		seconds, _ := strconv.Atoi(got.header.Get("Retry-After")) // as a date it is left alone
		return polled{}, &PollError{Status: got.status, RetryAfter: time.Duration(min(max(seconds, 0), 86400)) * time.Second}
	}
	found, err := p.read(got.body)
	if err != nil {
		return polled{}, fmt.Errorf("the transmitter's answer: %w", err)
	}
	return found, nil
}

func (p *Poller) read(body []byte) (polled, error) {
	said, err := parseObject(body)
	if err != nil {
		return polled{}, err
	}
	sets := said.object("sets")
	if len(sets) > p.config.MaxEvents {
		return polled{}, fmt.Errorf("holds %d tokens where %d were asked for", len(sets), p.config.MaxEvents)
	}
	found := polled{sets: make(map[string][]byte, len(sets))}
	found.more, _ = said["moreAvailable"].(bool)
	for id, value := range sets {
		jws, ok := value.(string)
		if !ok || !isName(id) {
			return polled{}, errors.New("a token is no text, or its name is not of a sensible length")
		}
		found.sets[id] = []byte(jws)
	}
	return found, nil
}
