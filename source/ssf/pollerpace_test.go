package ssf_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sever/internal/secret"
	"sever/source"
	"sever/source/ssf"
)

// scripted answers polls without a network, and notes when each came.
type scripted struct {
	answers []func() (*http.Response, error)
	times   []time.Time
	stop    func() // after the last answer
}

func (s *scripted) RoundTrip(*http.Request) (*http.Response, error) {
	s.times = append(s.times, time.Now())
	if len(s.times) > len(s.answers) {
		s.stop()
		return nil, context.Canceled
	}
	return s.answers[len(s.times)-1]()
}

// gaps are the pauses between the polls.
func (s *scripted) gaps() []time.Duration {
	var gaps []time.Duration
	for i := 1; i < len(s.times); i++ {
		gaps = append(gaps, s.times[i].Sub(s.times[i-1]))
	}
	return gaps
}

func says(status int, body string, header ...string) func() (*http.Response, error) {
	return func() (*http.Response, error) {
		answer := httptest.NewRecorder()
		for i := 0; i+1 < len(header); i += 2 {
			answer.Header().Set(header[i], header[i+1])
		}
		answer.WriteHeader(status)
		_, _ = answer.WriteString(body)
		return answer.Result(), nil
	}
}

func fails() (*http.Response, error) { return nil, errors.New("connection refused") }

// genuine takes every token for genuine.
type genuine struct{}

func (genuine) Early(source.Request) error { return nil }
func (genuine) Verify(context.Context, source.Request) (source.Verified, error) {
	return source.Verified{}, nil
}

// play runs a poller against a script, in a bubble of its own time.
func play(t *testing.T, answers ...func() (*http.Response, error)) (gaps []time.Duration, log string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		script, lines := &scripted{answers: answers, stop: stop}, &logged{}
		poller, err := ssf.NewPoller(ssf.PollConfig{
			URL: "https://transmitter.example/poll", Token: secret.New(managingToken), MaxEvents: 3, Wait: 5 * time.Second, Verifier: genuine{},
			Accept: &stored{}, HTTP: &http.Client{Transport: script}, Logger: slog.New(slog.NewTextHandler(lines, nil)), Now: time.Now,
		})
		require.NoError(t, err)
		require.NoError(t, poller.Run(ctx))
		gaps, log = script.gaps(), lines.String()
	})
	require.NotContains(t, log, managingToken)
	return gaps, log
}

func TestPollBackoff(t *testing.T) {
	t.Parallel()
	failures := make([]func() (*http.Response, error), 9)
	for i := range failures {
		failures[i] = fails
	}
	gaps, log := play(t, failures...)
	for i, seconds := range []int{1, 2, 4, 8, 16, 32, 60, 60, 60} {
		full := time.Duration(seconds) * time.Second
		require.LessOrEqual(t, gaps[i], full, "%v", gaps)
		require.Greater(t, gaps[i], full/2, "%v", gaps)
	}
	require.Equal(t, 1, strings.Count(log, "level=WARN"), "one line for one outage: %s", log)
}

func TestPollPauses(t *testing.T) {
	t.Parallel()
	const none = `{"sets":{}}`
	one := `{"sets":{"1":"a.b.c"}}`
	gaps, log := play(t,
		says(200, none), says(200, `{"sets":{},"moreAvailable":true}`), // more of nothing is nothing
		says(200, `{"sets":{"1":"a.b.c"},"moreAvailable":true}`), says(200, one), says(200, `{"sets":{"2":"a.b.c"}}`),
		fails, says(200, none),
	)
	require.Equal(t, []time.Duration{5 * time.Second, 5 * time.Second, 0, 5 * time.Second, 0}, gaps[:5], "at once after something new, else not")
	require.LessOrEqual(t, gaps[5], time.Second)
	require.Equal(t, 5*time.Second, gaps[6], "a success begins anew")
	require.Equal(t, 1, strings.Count(log, "fetched again"))
}

func TestPollAnswersOfTrouble(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		answer func() (*http.Response, error)
		want   string
		pause  time.Duration // at least
	}{
		"401":            {says(401, ""), "ssf.token; renew it", 0},
		"403":            {says(403, ""), "may not read this stream", 0},
		"404":            {says(404, ""), "no stream at ssf.poll.url", 0},
		"500":            {says(500, "<html>token-of-others"), "answered 500", 0},
		"retry after":    {says(503, "", "Retry-After", "90"), "answered 503", 90 * time.Second},
		"retry too far":  {says(503, "", "Retry-After", "999999999999"), "answered 503", 10 * time.Minute},
		"retry nonsense": {says(503, "", "Retry-After", "-5"), "answered 503", 0},
		"redirect":       {says(307, "", "Location", "https://evil.example/"), "which redirects", 0},
		"202":            {says(202, ""), "answered 202", 0},
		"no JSON":        {says(200, "<html>"), "not valid JSON", 0},
		"twice":          {says(200, `{"sets":{"1":"a","1":"b"}}`), "given twice", 0},
		"too many":       {says(200, `{"sets":{"1":"a","2":"b","3":"c","4":"d"}}`), "holds 4 tokens", 0},
		"no text":        {says(200, `{"sets":{"1":{}}}`), "no text", 0},
		"no name":        {says(200, `{"sets":{"":"a"}}`), "sensible length", 0},
		"too large":      {says(200, strings.Repeat(" ", 8<<20)+"{}"), "larger than", 0},
		"cut off":        {func() (*http.Response, error) { return cutOff(), nil }, "unexpected EOF", 0},
	} {
		gaps, log := play(t, row.answer, row.answer, row.answer)
		require.Equal(t, 1, strings.Count(log, "level=WARN"), "%s: %s", name, log)
		require.Contains(t, log, row.want, name)
		require.NotContains(t, log, "evil", name)
		require.NotContains(t, log, "token-of-others", name)
		require.GreaterOrEqual(t, gaps[0], max(row.pause, time.Second/2), name)
	}
}

func cutOff() *http.Response {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(io.MultiReader(strings.NewReader("{"), broken{}))}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestPollTroubleThatChanges(t *testing.T) {
	t.Parallel()
	_, log := play(t, says(401, ""), says(401, ""), says(403, ""), says(401, ""), says(200, `{"sets":{}}`))
	require.Equal(t, 3, strings.Count(log, "level=WARN"), log)
	require.Equal(t, 1, strings.Count(log, "level=INFO"), log)
}

func TestPollReportSurvivesAnOutage(t *testing.T) {
	t.Parallel()
	from, accepted := newTransmitter(t, ""), &stored{}
	from.enqueue(from.revoked("1"))
	config := from.pollConfig(accepted, &logged{})
	// The second poll, which carries the acknowledgement, is lost.
	config.HTTP = &http.Client{Transport: &losing{next: from.server.Client().Transport, lose: 2}}
	running(t, config)
	from.report(t)
	require.Equal(t, []string{"1"}, from.report(t).Ack, "it goes out with the third")
	require.Len(t, accepted.all(), 1)
}

type losing struct {
	next http.RoundTripper
	lose int
}

func (l *losing) RoundTrip(req *http.Request) (*http.Response, error) {
	l.lose--
	if l.lose == 0 {
		return nil, errors.New("lost")
	}
	return l.next.RoundTrip(req)
}
