package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/handlers"
	"sever/revocation"
)

// cards waits until the log has so many deliveries, and gives them.
func (s *site) cards(count int, args ...string) []handlers.DeliveryCard {
	s.tb.Helper()
	var cards []handlers.DeliveryCard
	require.Eventually(s.tb, func() bool {
		cards = parsed[[]handlers.DeliveryCard](s, append([]string{"deliveries", "list", "--json"}, args...)...)
		return len(cards) == count
	}, soon, tick, "%d deliveries", count)
	return cards
}

func TestOperateDeliveries(t *testing.T) {
	t.Parallel()
	s := newSite(t, "log: {level: debug}")
	require.Empty(t, s.cards(0))
	s.run(exitDone, "send", "okta", "--person", ada)
	s.job(ada, revocation.StateFinished)
	s.run(exitDone, "send", "okta", "--person", bob)
	s.job(bob, revocation.StateFinished)
	cards := s.cards(2)
	require.Equal(t, "okta", cards[0].Source)
	require.False(t, cards[0].Received.Before(cards[1].Received), "the newest first")
	require.Positive(t, cards[0].Bytes)
	require.Equal(t, cards[:1], s.cards(1, "--limit", "1"))
	require.Equal(t, cards, s.cards(2, "--since", "1h", "--source", "okta"))
	require.Empty(t, s.cards(0, "--source", "other"))
	require.Empty(t, s.cards(0, "--since", time.Now().Add(time.Hour).Format(time.RFC3339)))
	require.Regexp(t, `(?m)^`+cards[0].ID+` +20\S+ +okta +\d+ +0 +application/json$`, s.run(exitDone, "deliveries", "list").out)

	shown := s.run(exitDone, "deliveries", "show", cards[1].ID).out
	view := parsed[handlers.DeliveryView](s, "deliveries", "show", cards[1].ID)
	require.NotContains(t, shown, `"body"`, "no body without --raw")
	require.Len(t, view.Signals, 1)
	require.Equal(t, ada, view.Signals[0].Signal.Person.Value)
	verdict := view.Signals[0].Verdict
	require.Equal(t, "suspended", verdict.Rule)
	require.Equal(t, handlers.DoesRevoke, verdict.Does)
	require.Equal(t, "revoked", verdict.Record)
	require.Equal(t, s.job(ada, revocation.StateFinished).Job.ID, verdict.Job)
	require.False(t, verdict.Differs)
	raw := s.run(exitDone, "deliveries", "show", cards[1].ID, "--raw").out
	require.Len(t, raw, cards[1].Bytes)
	require.Contains(t, raw, ada)

	require.Equal(t, "1 deliveries are on their way again\n", s.run(exitDone, "deliveries", "replay", cards[1].ID, "--reason", "to be sure").out)
	again := s.cards(3)
	require.Equal(t, cards[1].ID, again[0].ID)
	require.Equal(t, 1, again[0].Redrives)
	s.run(exitDone, "deliveries", "replay", cards[1].ID)
	require.Equal(t, 2, s.cards(4)[0].Redrives, "the copy that came last is the one put back")
	require.Equal(t, "2 deliveries are on their way again\n", s.run(exitDone, "deliveries", "replay", "--since", "1h", "--yes").out)
	s.cards(6)
	s.serve.err.await(t, `(?s)("reason":"duplicate".*){4}`)
	require.Len(t, s.calls(), 2, "what is done stays done")

	var replays []revocation.AuditEntry
	for _, entry := range parsed[[]revocation.AuditEntry](s, "audit", "list", "--json") {
		if entry.Action != nil && entry.Action.Verb == "replay" {
			replays = append(replays, entry)
		}
	}
	require.Len(t, replays, 4, "each is on record")
	require.Equal(t, "to be sure", replays[3].Action.Reason)
	require.Equal(t, cards[1].ID, replays[3].Action.Target)
	s.end()
}

// A changed policy is tried on the log before it is in force, and a replay then does what is new of it.
func TestOperateReplayOfAnotherPolicy(t *testing.T) {
	t.Parallel()
	_, okta := simulating(t)
	where := installation{okta: okta, more: "policy: {builtin: false}", store: filepath.Join(t.TempDir(), "store")}
	inForce := where.file(t)
	served := secrets().startProcess(t, "serve", "--config", inForce)
	where.listen, where.admin = serving(t, served)
	s := &site{tb: t, serve: served, okta: okta, file: where.file(t)}

	s.run(exitDone, "send", "okta", "--person", ada)
	s.run(exitDone, "send", "okta", "--person", bob)
	s.run(exitFailed, "send", "okta", "--file", s.broken())
	s.cards(3)
	s.dead(1)
	dry := []string{"deliveries", "replay", "--since", "7d", "--dry-run"}
	before := parsed[handlers.Replay](s, append(dry, "--json")...)
	require.Equal(t, 3, before.Deliveries)
	require.Equal(t, []handlers.ReplayCount{
		{Does: handlers.DoesFail, Record: handlers.RecordNone, Signals: 1},
		{Rule: "no_rule", Does: handlers.DoesIgnore, Record: handlers.RecordNone, Signals: 2},
	}, before.Counts)
	require.Empty(t, before.People)

	text, err := os.ReadFile(inForce)
	require.NoError(t, err)
	tried := filepath.Join(t.TempDir(), "tried.yaml")
	require.NoError(t, os.WriteFile(tried, []byte(strings.Replace(string(text), "builtin: false", "builtin: true", 1)), 0o600))
	other := parsed[handlers.Replay](s, append(dry, "--json", "--policy", tried)...)
	require.NotEqual(t, before.Policy, other.Policy)
	require.Len(t, other.People, 2, "what the file would do, before it is in force")
	require.Equal(t, before, parsed[handlers.Replay](s, append(dry, "--json")...), "which it is not")
	require.NoError(t, os.WriteFile(inForce, []byte(strings.Replace(string(text), "builtin: false", "builtin: true", 1)), 0o600))
	s.serve.err.await(t, `"msg":"a changed policy is in force"`)
	after := parsed[handlers.Replay](s, append(dry, "--json")...)
	require.NotEqual(t, before.Policy, after.Policy)
	require.Equal(t, other, after, "and that is what it does")
	require.Len(t, after.People, 2)
	require.NotContains(t, s.run(exitDone, append(dry, "--json")...).out, ada, "people are counted, not named")
	require.Equal(t, handlers.ReplayCount{Rule: "suspended", Does: handlers.DoesRevoke, Record: handlers.RecordNone, Differs: true, Signals: 2}, after.Counts[1])
	require.Len(t, after.Examples, 2)
	printed := s.run(exitDone, dry...).out
	require.Regexp(t, `^3 deliveries, 2 signals, 0 other events, by policy pol_\S+\n2 people would be revoked or held\n`, printed)
	require.Regexp(t, `(?m)^suspended +revoke +none +2 +yes$`, printed)
	require.Contains(t, printed, "\n2 signals differ from what was done, among them:\n")
	require.Empty(t, s.calls(), "a dry run does nothing")

	refused := s.run(exitUsage, "deliveries", "replay", "--since", "7d")
	require.Contains(t, refused.err, "look at it with --dry-run, then add --yes")
	s.run(exitDone, "deliveries", "replay", "--since", "7d", "--yes")
	s.job(ada, revocation.StateFinished)
	s.job(bob, revocation.StateFinished)
	s.dead(2)
	done := parsed[handlers.Replay](s, append(dry, "--json")...)
	require.Equal(t, 3, done.Deliveries, "copies are left alone")
	require.Equal(t, handlers.ReplayCount{Rule: "suspended", Does: handlers.DoesRevoke, Record: "revoked", Signals: 2}, done.Counts[1])
	require.Len(t, s.calls(), 2)
	s.end()
}

// broken is a file that no decoder reads.
func (s *site) broken() string {
	s.tb.Helper()
	file := filepath.Join(s.tb.TempDir(), "body")
	require.NoError(s.tb, os.WriteFile(file, []byte("{ not JSON"), 0o600))
	return file
}

// The parts of a long replay are asked for one by one, and added up.
func TestReplayInParts(t *testing.T) {
	t.Parallel()
	count := handlers.ReplayCount{Rule: "suspended", Does: handlers.DoesRevoke, Record: handlers.RecordNone, Differs: true, Signals: 2}
	diff := handlers.ReplayDiff{Delivery: "dlv_1", Source: "okta", Type: hostile, Verdict: handlers.Verdict{Rule: "suspended", Does: "revoke", Record: "none"}}
	part := handlers.Replay{
		Deliveries: 3, Signals: 2, Policy: "pol_1", Counts: []handlers.ReplayCount{count},
		People: []string{"per_1", "per_2"}, Examples: slices.Repeat([]handlers.ReplayDiff{diff}, 15), Next: "3-9",
	}
	last := part
	last.People, last.Next = []string{"per_2", "per_3"}, ""
	url := serveJSON(t, map[string][]any{"/api/v1/deliveries/replay": {part, last}})
	got := shell{}.run(t, "deliveries", "replay", "--since", "7d", "--dry-run", "--admin", url)
	require.Equal(t, exitDone, got.code, got.err)
	require.Contains(t, got.out, "6 deliveries, 4 signals, 0 other events, by policy pol_1\n3 people would be revoked or held\n")
	require.Regexp(t, `(?m)^suspended +revoke +none +4 +yes$`, got.out)
	require.Equal(t, 20, strings.Count(got.out, "dlv_1"))
	require.NotRegexp(t, control, got.out)
}

func TestDeliveriesUsage(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"deliveries replay":                             "name deliveries, or give --since",
		"deliveries replay d --since 7d":                "name deliveries, or give --since",
		"deliveries replay a b":                         "add --yes",
		"deliveries replay a --policy f.yaml":           "--policy goes with --dry-run",
		"deliveries replay a --dry-run --policy none":   "read configuration",
		"deliveries replay a --source okta":             "--source goes with --since",
		"deliveries replay --since yesterday --dry-run": `--since "yesterday" is neither`,
		"deliveries list --since -1h":                   "is neither",
		"deliveries list --since 7":                     "is neither",
		"audit export --format csv":                     "there is only jsonl",
		"audit list --since 1w":                         "is neither",
	} {
		got := shell{}.run(t, append(strings.Fields(line), "--admin", "http://"+nobody)...)
		require.Equal(t, exitUsage, got.code, line)
		require.Contains(t, got.err, want, line)
	}
}

func TestParseSince(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"7d": now.AddDate(0, 0, -7), "36h": now.Add(-36 * time.Hour), "1d12h": now.Add(-36 * time.Hour), "0d": now,
		"2026-11-01T00:00:00+01:00": time.Date(2026, 10, 31, 23, 0, 0, 0, time.UTC),
	} {
		since, ok := parseSince(text, now)
		require.True(t, ok, text)
		require.True(t, want.Equal(since), "%s: %s", text, since)
	}
	for _, text := range []string{"", "d", "7", "-7d", "7d-1h", "1h7d", "99999d", "soon", "2026-11-01"} {
		_, ok := parseSince(text, now)
		require.False(t, ok, text)
	}
}
