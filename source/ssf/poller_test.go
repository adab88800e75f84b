package ssf_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/internal/secret"
	"sever/source"
	"sever/source/ssf"
)

// stored is where accepted SETs go; fail makes it fail so many times first.
type stored struct {
	mu   sync.Mutex
	sets []string
	fail int
}

func (s *stored) Accept(_ context.Context, jws []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail > 0 {
		s.fail--
		return errors.New("the queue is down")
	}
	s.sets = append(s.sets, string(jws))
	return nil
}

func (s *stored) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.sets)
}

// logged is what was logged, one line each.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (t *transmitter) pollConfig(accept ssf.Acceptor, log *logged) ssf.PollConfig {
	return ssf.PollConfig{
		URL: t.server.URL + "/poll", Token: secret.New(managingToken), MaxEvents: 2, Wait: 10 * time.Millisecond,
		Verifier: t, Accept: accept, Logger: slog.New(slog.NewTextHandler(log, nil)), Now: time.Now, HTTP: t.server.Client(),
	}
}

// running starts a poller, which ends with the test.
func running(t *testing.T, config ssf.PollConfig) {
	t.Helper()
	poller, err := ssf.NewPoller(config)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- poller.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-ended, "it was told to stop")
	})
}

func TestPoll(t *testing.T) {
	t.Parallel()
	from, accepted := newTransmitter(t, ""), &stored{}
	for _, id := range []string{"1", "2", "3"} {
		from.enqueue(from.revoked(id))
	}
	running(t, from.pollConfig(accepted, &logged{}))

	first := from.report(t)
	require.Equal(t, 2, first.MaxEvents)
	require.False(t, *first.ReturnImmediately, "a long poll")
	require.Empty(t, first.Ack)
	require.Equal(t, []string{"1", "2"}, from.report(t).Ack, "with the next poll, which is at once")
	require.Equal(t, []string{"3"}, from.report(t).Ack)
	require.Len(t, accepted.all(), 3)

	from.rotate()
	from.enqueue(from.revoked("4"))
	require.Equal(t, []string{"4"}, from.report(t).Ack)
	decoded, err := decoder().Decode(delivery([]byte(accepted.all()[3])))
	require.NoError(t, err)
	require.Equal(t, "ada@example.com", decoded.Signals[0].Person.Value)
}

func TestPollRefusals(t *testing.T) {
	t.Parallel()
	from, accepted, log := newTransmitter(t, ""), &stored{}, &logged{}
	foreign := from.revoked("foreign")
	foreign["iss"] = "https://someone.example"
	other := from.revoked("other")
	other["aud"] = "https://someone.example"
	for id, jws := range map[string]string{
		"foreign": from.sign(foreign), "other": from.sign(other), "no-jws": "hello", "wrong-key": signWith(t, 1, from.revoked("wrong-key")),
		"alias": from.sign(from.revoked("good")), "good": from.sign(from.revoked("good")),
	} {
		from.enqueueAs(id, jws)
	}
	config := from.pollConfig(accepted, log)
	config.MaxEvents = 10
	running(t, config)
	from.report(t)
	report := from.report(t)
	require.Equal(t, []string{"good"}, report.Ack)
	codes := map[string]string{}
	for id, refused := range report.SetErrs {
		codes[id] = refused["err"]
		require.NotEmpty(t, refused["description"], id)
	}
	require.Equal(t, map[string]string{
		"foreign": "invalid_issuer", "other": "invalid_audience", "no-jws": "invalid_key", "wrong-key": "invalid_key", "alias": "invalid_request",
	}, codes)
	require.Len(t, accepted.all(), 1, "what was refused is not stored")
	require.Contains(t, log.String(), "refused")
}

// unable cannot verify at first.
type unable struct {
	source.Verifier

	mu    sync.Mutex
	fails []error
}

func (u *unable) Verify(ctx context.Context, req source.Request) (source.Verified, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.fails) > 0 {
		err := u.fails[0]
		u.fails = u.fails[1:]
		return source.Verified{}, err
	}
	return u.Verifier.Verify(ctx, req)
}

func TestPollOwnTroubleIsNeitherAckNorError(t *testing.T) {
	t.Parallel()
	from, accepted, log := newTransmitter(t, ""), &stored{fail: 1}, &logged{}
	from.enqueue(from.revoked("1"))
	from.enqueue(from.revoked("2"))
	running(t, from.pollConfig(accepted, log))
	from.report(t)
	second := from.report(t) // a second later
	require.Equal(t, []string{"2"}, second.Ack, "the one that was stored, in spite of the other's failure")
	require.Empty(t, second.SetErrs)
	require.Equal(t, []string{"1"}, from.report(t).Ack, "it came again and was stored")
	require.Len(t, accepted.all(), 2)
	require.Contains(t, log.String(), "the queue is down")
	require.Contains(t, log.String(), "fetched again")
}

func TestPollKeysUnavailable(t *testing.T) {
	t.Parallel()
	from, accepted := newTransmitter(t, ""), &stored{}
	from.enqueue(from.revoked("1"))
	config := from.pollConfig(accepted, &logged{})
	config.Verifier = &unable{Verifier: from, fails: []error{source.ErrUnavailable}}
	running(t, config)
	from.report(t)
	second := from.report(t)
	require.Empty(t, second.Ack)
	require.Empty(t, second.SetErrs, "it is not the token's fault")
	require.Equal(t, []string{"1"}, from.report(t).Ack)
}

func TestPollPlainRefusal(t *testing.T) {
	t.Parallel()
	from := newTransmitter(t, "")
	from.enqueue(from.revoked("1"))
	config := from.pollConfig(&stored{}, &logged{})
	config.Verifier = &unable{Verifier: from, fails: []error{errors.New("secret detail")}}
	running(t, config)
	from.report(t)
	require.Equal(t, map[string]map[string]string{"1": {
		"err": "authentication_failed", "description": "The token could not be verified.",
	}}, from.report(t).SetErrs)
}

func TestPollVerification(t *testing.T) {
	t.Parallel()
	from, accepted, states := newTransmitter(t, ""), &stored{}, ssf.NewStates(time.Now)
	config := from.pollConfig(accepted, &logged{})
	config.Verification = ssf.NewVerification(states, "stream-1")
	client := from.discover(t)
	stream, err := client.Create(t.Context(), ssf.StreamRequest{})
	require.NoError(t, err)
	require.Equal(t, config.URL, stream.Endpoint)
	running(t, config)
	from.report(t)

	require.NoError(t, client.Verify(t.Context(), stream.ID, "unasked"))
	require.Equal(t, "invalid_state", from.report(t).SetErrs["v-unasked"]["err"])
	require.NoError(t, states.Expect("asked"))
	require.NoError(t, client.Verify(t.Context(), stream.ID, "asked"))
	require.Equal(t, []string{"v-asked"}, from.report(t).Ack)
	require.True(t, states.Seen("asked"))
	require.Empty(t, accepted.all(), "never a delivery")
}

func TestNewPollerRefuses(t *testing.T) {
	t.Parallel()
	from := newTransmitter(t, "")
	for name, change := range map[string]func(*ssf.PollConfig){
		"http":        func(c *ssf.PollConfig) { c.URL = "http://transmitter.example/poll" },
		"no URL":      func(c *ssf.PollConfig) { c.URL = "" },
		"no verifier": func(c *ssf.PollConfig) { c.Verifier = nil },
		"no acceptor": func(c *ssf.PollConfig) { c.Accept = nil },
		"no logger":   func(c *ssf.PollConfig) { c.Logger = nil },
		"no clock":    func(c *ssf.PollConfig) { c.Now = nil },
		"no events":   func(c *ssf.PollConfig) { c.MaxEvents = 0 },
	} {
		config := from.pollConfig(&stored{}, &logged{})
		change(&config)
		_, err := ssf.NewPoller(config)
		require.Error(t, err, name)
	}
}
