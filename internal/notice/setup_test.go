package notice

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/internal/secret"
	"sever/revocation"
)

const testKey = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="

// fake is a channel's other end, in a synctest bubble.
type fake struct {
	mu      sync.Mutex
	tries   int
	at      []time.Time
	notices []Notice
	texts   []string
	fail    func(try int) error // nil takes everything
	hang    bool                // until ctx ends
}

func (f *fake) send(ctx context.Context, n Notice, text string) error {
	f.mu.Lock()
	f.tries++
	try, hang := f.tries, f.hang
	f.mu.Unlock()
	if hang {
		<-ctx.Done()
		return ctx.Err()
	}
	if f.fail != nil {
		if err := f.fail(try); err != nil {
			return err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at = append(f.at, time.Now())
	f.notices = append(f.notices, n)
	f.texts = append(f.texts, text)
	return nil
}

// taken is what arrived; times and texts are the same ones'.
func (f *fake) taken() []Notice {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.notices)
}

func (f *fake) times() []time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.at)
}

func (f *fake) written() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.texts)
}

var errDown = errors.New("down")

// bench is a notifier with fakes for channels, running until the test stops it.
type bench struct {
	*Notifier

	mu     sync.Mutex
	counts map[string]int
	stop   func()
}

// results counts what became of notices: "chat sent".
func (b *bench) results() map[string]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.counts)
}

func start(t *testing.T, channels map[string]Channel, ends map[string]*fake) *bench {
	t.Helper()
	b := &bench{counts: map[string]int{}}
	notifier, err := New(Config{
		Every: 5 * time.Minute, Channels: channels, Logger: slog.New(slog.DiscardHandler),
		Count: func(channel, result string) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.counts[channel+" "+result]++
		},
	})
	require.NoError(t, err)
	for _, out := range notifier.outlets {
		out.sender = ends[out.name]
	}
	b.Notifier = notifier
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		notifier.Run(ctx)
	}()
	b.stop = sync.OnceFunc(func() {
		cancel()
		<-done
	})
	t.Cleanup(b.stop)
	return b
}

// one is a notifier with one channel, "chat".
func one(t *testing.T, end *fake, change func(*Channel)) *bench {
	t.Helper()
	channel := chat()
	if change != nil {
		change(&channel)
	}
	return start(t, map[string]Channel{"chat": channel}, map[string]*fake{"chat": end})
}

func chat() Channel {
	return Channel{Type: typeSlack, URL: secret.New("https://chat.example.com/services/T0/B0/hush"), MaxPerHour: 20}
}

const (
	jane   = "jane.doe@example.com"
	janeID = "00u1abcd2EFGH3ijk4x7"
)

func job() revocation.Job {
	return revocation.Job{
		ID: "job_1", Org: "acme", Rule: "suspended", Source: "okta", Type: "alert about Jane Doe, Jane.Doe@example.com",
		Person: revocation.Person{Kind: revocation.PersonLogin, Value: jane},
	}
}

func held(key string) revocation.Event {
	hold := revocation.Hold{Key: key, Why: "approval", Reason: "rule suspended asks for an approval for " + strings.ToUpper(jane), Job: job()}
	return revocation.Event{
		Step: revocation.StepHeld, Stage: "dispatch", Org: "acme", Source: "okta", Type: hold.Job.Type, Delivery: "del_1",
		Hold: &revocation.HoldEntry{Key: key, Hold: &hold}, Reason: "hold",
	}
}

func paused() revocation.Event {
	err := &revocation.CallError{
		Failure: revocation.FailureCredential, Call: revocation.Call{Status: 401}, Err: errors.New("invalid token of " + jane),
	}
	return revocation.Event{Step: stepPaused, Stage: "work", Org: "acme", Reason: err.Error(), Err: err}
}
