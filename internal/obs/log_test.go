package obs_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sever/internal/obs"
	"sever/revocation"
)

func TestLogLinePerStep(t *testing.T) {
	t.Parallel()
	hold := line{
		"level": "INFO", "msg": "hold changed", "reason": "source hr: takes effect", "change": "a_reason", "hold": "hold_1", "source": "okta",
		"org": "acme", "delivery": "dlv_1", "type": "user.lifecycle.suspend",
	}
	want := map[revocation.Step]line{
		revocation.StepRefused: {
			"level": "WARN", "msg": "delivery refused", "source": "okta", "reason": "a_reason",
			"request_id": "req-of-sender", "delivery": "dlv_1", "error": "an error",
		},
		revocation.StepAccepted: {
			"level": "DEBUG", "msg": "delivery accepted", "source": "okta", "delivery": "dlv_1",
			"request_id": "req-of-sender", "bytes": 42.0, "took_ms": 1.5,
		},
		revocation.StepIgnored: {
			"level": "DEBUG", "msg": "signal ignored", "source": "okta", "delivery": "dlv_1",
			"type": "user.lifecycle.suspend", "reason": "a_reason",
		},
		revocation.StepEnqueued: {
			"level": "INFO", "msg": "job enqueued", "source": "okta", "delivery": "dlv_1", "type": "user.lifecycle.suspend",
			"rule": "a_reason", "job": "job_1", "org": "acme", "lane": "high", "person": "00uada00000000000001",
		},
		revocation.StepHeld: hold, revocation.StepWithdrawn: hold, revocation.StepReleased: hold,
		revocation.StepBraked: {
			"level": "ERROR", "msg": "the brake holds jobs: see `sever holds list`", "org": "acme", "source": "okta", "job": "job_1",
			"rule": "suspended", "reason": "a_reason",
		},
		revocation.StepPaused: {
			"level": "ERROR", "msg": "org paused: its jobs wait until Okta accepts our credential; see `sever doctor`", "org": "acme", "error": "an error",
		},
		revocation.StepResumed: {"level": "INFO", "msg": "org resumed", "org": "acme", "paused_ms": 1.5},
		revocation.StepDeferred: {
			"level": "DEBUG", "msg": "job deferred", "job": "job_1", "delivery": "dlv_1", "reason": "a_reason", "for_ms": 1.5,
		},
		revocation.StepAudited: {
			"level": "INFO", "msg": "job finished", "outcome": "revoked", "reason": "because", "org": "acme",
			"user": "00uada00000000000001", "job": "job_1", "delivery": "dlv_1", "source": "okta", "attempt": 2.0,
			"alert_to_end_ms": 1250.0, "okta_status": 204.0, "okta_request_id": "req-of-okta",
		},
		revocation.StepDeadLetter: {
			"level": "ERROR", "msg": "dead letter: see `sever dead list`", "stage": "work", "source": "okta", "org": "acme",
			"delivery": "dlv_1", "reason": "a_reason",
		},
		revocation.StepTrouble: {
			"level": "ERROR", "msg": "trouble; will try again", "stage": "work", "org": "acme", "delivery": "dlv_1", "error": "an error",
		},
	}
	for _, step := range steps(t) {
		got := logged(t, event(step))
		if expected, told := want[step]; told {
			require.Equal(t, []line{expected}, got, step)
		} else {
			require.Empty(t, got, "%s is told by the lines of other steps", step)
		}
	}
}

func TestLogLevelPerOutcome(t *testing.T) {
	t.Parallel()
	retry := received.Add(time.Minute)
	for outcome, want := range map[revocation.Outcome]line{
		revocation.OutcomeRevoked: {"level": "INFO", "msg": "job finished"},
		revocation.OutcomeCovered: {"level": "INFO", "msg": "job finished"},
		revocation.OutcomeGone:    {"level": "INFO", "msg": "job finished"},
		revocation.OutcomeRefused: {"level": "INFO", "msg": "job finished"},
		revocation.OutcomeHeld:    {"level": "INFO", "msg": "job held"},
		revocation.OutcomeFailed:  {"level": "WARN", "msg": "attempt failed; will try again", "retry": "2026-03-14T09:01:00Z"},
		revocation.OutcomeDead:    {"level": "ERROR", "msg": "job given up"},
	} {
		audited := event(revocation.StepAudited)
		audited.Record = record(outcome)
		audited.Record.Retry = retry
		got := logged(t, audited)
		require.Len(t, got, 1, outcome)
		require.Equal(t, string(outcome), got[0]["outcome"])
		for _, key := range []string{"level", "msg", "retry"} {
			require.Equal(t, want[key], got[0][key], "%s of %s", key, outcome)
		}
	}
}

func TestLogOmitsWhatIsEmpty(t *testing.T) {
	t.Parallel()
	require.Equal(t, []line{{"level": "WARN", "msg": "delivery refused", "reason": "unknown_source"}},
		logged(t, revocation.Event{Step: revocation.StepRefused, Reason: "unknown_source"}))

	uncalled := record(revocation.OutcomeCovered)
	uncalled.Call, uncalled.User = nil, ""
	got := logged(t, revocation.Event{Step: revocation.StepAudited, Record: uncalled})
	require.Len(t, got, 1)
	for _, key := range []string{"user", "okta_status", "okta_code", "okta_request_id", "retry"} {
		require.NotContains(t, got[0], key)
	}
}

func TestLoggerKeepsZeroesAndGroups(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	logger := obs.NewLogger(&out, slog.LevelInfo, "json")
	logger.Info("words", "count", 0, "off", false, "none", "", slog.Group("in", "took", 90*time.Second, "none", ""))
	logger.Debug("below the level")
	require.Equal(t, []line{{
		"level": "INFO", "msg": "words", "count": 0.0, "off": false, "in": map[string]any{"took_ms": 90_000.0},
	}}, lines(t, out.String()))
}

func TestLoggerFormat(t *testing.T) {
	t.Parallel()
	const asJSON, asText = `"msg":"hello"`, "msg=hello"
	for format, want := range map[string]string{"json": asJSON, "text": asText, "auto": asJSON, "": asJSON} {
		var out bytes.Buffer
		obs.NewLogger(&out, slog.LevelInfo, format).Info("hello")
		require.Contains(t, out.String(), want, "%q, not a terminal", format)
	}
	file, err := os.Create(t.TempDir() + "/log")
	require.NoError(t, err)
	obs.NewLogger(file, slog.LevelInfo, "auto").Info("hello")
	require.NoError(t, file.Close())
	text, err := os.ReadFile(file.Name())
	require.NoError(t, err)
	require.Contains(t, string(text), asJSON, "a file is no terminal")
}

// A character device stands in for a terminal: /dev/null takes the text unseen, so
// what is seen is only that the format asked for outranks the guess.
func TestLoggerOnDevice(t *testing.T) {
	t.Parallel()
	device, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	require.NoError(t, err)
	defer func() { require.NoError(t, device.Close()) }()
	require.IsType(t, &slog.TextHandler{}, obs.NewLogger(device, slog.LevelInfo, "auto").Handler())
	require.IsType(t, &slog.JSONHandler{}, obs.NewLogger(device, slog.LevelInfo, "json").Handler())
}

// A stranger can make refusals by the thousand, but not lines by the thousand. The
// limit is per reason: a flood of one does not hide the first of another.
func TestLogOfRefusalsIsLimited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		observe := obs.LogObserver(obs.NewLogger(&out, slog.LevelInfo, "json"))
		refuse := func(reason string, times int) (written int) {
			out.Reset()
			for range times {
				observe(revocation.Event{Step: revocation.StepRefused, Reason: reason, Err: errors.New("wrong secret")})
			}
			return len(lines(t, out.String()))
		}
		require.Equal(t, 10, refuse("unauthenticated", 5000))
		require.Equal(t, 1, refuse("too_large", 1), "another reason has its own limit")
		require.Zero(t, refuse("unauthenticated", 5000))
		time.Sleep(time.Second) //nolint:forbidigo // the bubble's clock
		require.Equal(t, 1, refuse("unauthenticated", 5000), "one line a second goes on telling of the flood")
	})
}

func TestLogObserverTakesManyGoroutines(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	observe := obs.LogObserver(obs.NewLogger(&out, slog.LevelDebug, "json"))
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range 50 {
				refused := event(revocation.StepRefused)
				refused.Reason = fmt.Sprint("reason ", i)
				observe(refused)
				observe(event(revocation.StepEnqueued))
			}
		})
	}
	all.Wait()
	enqueued := 0
	for _, one := range lines(t, out.String()) {
		if one["msg"] == "job enqueued" {
			enqueued++
		}
	}
	require.Equal(t, 8*50, enqueued)
}
