package revocation

import (
	"regexp"
	"strings"
	"testing"
	"testing/quick"

	"github.com/stretchr/testify/require"
)

func TestDeriveIDIsTheSameForTheSameParts(t *testing.T) {
	t.Parallel()
	require.Equal(t, "job_dcfczszxtixva62jagklqqbvjl", DeriveID("job", "acme", "sig_1"), "ids are stored for years: they must never change")
	shape := regexp.MustCompile(`^dlv_[a-z2-7]{26}$`)
	require.NoError(t, quick.Check(func(parts []string) bool {
		id := DeriveID("dlv", parts...)
		return id == DeriveID("dlv", parts...) && shape.MatchString(id)
	}, nil))
}

func TestDeriveIDTellsPartsApart(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 300)
	different := [][]string{
		nil, {""}, {"", ""}, {"ab", "c"}, {"a", "bc"}, {"abc"}, {"abc", ""}, {"", "abc"}, {"\x01a"}, {"\x01", "a"}, {long}, {long, ""}, {long[1:], "a"},
	}
	seen := make(map[string][]string)
	for _, parts := range different {
		id := DeriveID("x", parts...)
		require.NotContains(t, seen, id, "%q and %q", parts, seen[id])
		seen[id] = parts
	}
	require.NotEqual(t, DeriveID("sig", "a"), DeriveID("job", "a"))
}

func TestNewDeliveryIsNamedByItsSourceAndBytes(t *testing.T) {
	t.Parallel()
	first := NewDelivery("okta", "application/json", []byte(`{"a":1}`), at(0))
	require.Equal(t, DeriveID("dlv", "okta", `{"a":1}`), first.ID, "as they are stored: it must never change")
	with := first.With("msg_1", map[string]string{"Ce-Type": "b", "Ce-Id": "a"})
	require.Equal(t, DeriveID("dlv", "okta", `{"a":1}`, "msg_1", "Ce-Id", "a", "Ce-Type", "b"), with.ID)
	require.Equal(t, first.ID, first.With("", nil).ID)
	require.Equal(t, first.ID, NewDelivery("okta", "text/plain", []byte(`{"a":1}`), at(9)).ID, "a resend has the same id")
	require.NotEqual(t, first.ID, NewDelivery("other", "application/json", []byte(`{"a":1}`), at(0)).ID)
	require.NotEqual(t, first.ID, NewDelivery("okta", "application/json", []byte(`{"a":1} `), at(0)).ID)
}

func TestNewJobIsNamedByOrgSignalAndScope(t *testing.T) {
	t.Parallel()
	signal := Signal{
		ID: "sig_1", Delivery: "dlv_1", Source: "okta", Org: "acme", Type: "user.lifecycle.suspend",
		Occurred: at(-5), Received: at(0), Person: Person{Kind: PersonOktaID, Value: "00uada00000000000001"},
	}
	job := NewJob(signal, "suspended", LaneCritical, Scope{OAuthTokens: true})
	require.Equal(t, Job{
		ID: JobID("acme", "sig_1", Scope{OAuthTokens: true}), Org: "acme", Lane: LaneCritical, Person: signal.Person,
		Scope: Scope{OAuthTokens: true}, Rule: "suspended", Type: "user.lifecycle.suspend", Signal: "sig_1",
		Delivery: "dlv_1", Source: "okta", Occurred: at(-5), Received: at(0), Enqueued: at(0),
	}, job)

	again := signal
	again.Delivery, again.Received, again.Occurred = "dlv_2", at(60), at(50)
	require.Equal(t, job.ID, NewJob(again, "other_rule", LaneBulk, Scope{OAuthTokens: true}).ID, "a duplicate is the same job")

	ids := map[string]bool{job.ID: true}
	for _, other := range []string{
		JobID("globex", "sig_1", Scope{OAuthTokens: true}),
		JobID("acme", "sig_2", Scope{OAuthTokens: true}),
		JobID("acme", "sig_1", Scope{}),
		JobID("acme", "sig_1", Scope{ForgetDevices: true}),
		JobID("acme", "sig_1", Scope{OAuthTokens: true, ForgetDevices: true}),
	} {
		require.NotContains(t, ids, other)
		ids[other] = true
	}
}

func TestDeadLetterIDs(t *testing.T) {
	t.Parallel()
	delivery := NewDelivery("okta", "application/json", []byte(`{}`), at(0))
	letter := DeadDelivery(delivery, "acme", "unreadable", at(1))
	require.Equal(t, letter.ID, DeadDelivery(delivery, "acme", "unreadable", at(99)).ID, "put aside twice is one letter")
	require.NotEqual(t, letter.ID, DeadDelivery(delivery, "acme", "nobody", at(1)).ID)
	redriven := delivery
	redriven.Redrives = 1
	require.NotEqual(t, letter.ID, DeadDelivery(redriven, "acme", "unreadable", at(1)).ID, "failing once more is a new letter")

	last := Record{ID: "aud_1", Job: Job{ID: "job_1", Org: "acme", Source: "okta"}, Attempt: 1, Reason: "forbidden"}
	dead := DeadJob(last, at(1))
	require.Equal(t, "forbidden", dead.Reason)
	require.Equal(t, "job_1", dead.Job.ID)
	require.Equal(t, "aud_1", dead.Last.ID)
	last.Attempt, last.ID, last.Reason = 2, "aud_2", "invalid"
	require.Equal(t, dead.ID, DeadJob(last, at(2)).ID, "a crash before the job is ended makes no second letter")
	last.Job.Redrives = 1
	require.NotEqual(t, dead.ID, DeadJob(last, at(2)).ID)

	raw := DeadRaw([]byte{1, 2}, "cut short", at(1))
	require.Equal(t, raw.ID, DeadRaw([]byte{1, 2}, "cut short", at(2)).ID)
	require.NotEqual(t, raw.ID, DeadRaw([]byte{1, 3}, "cut short", at(1)).ID)
}
