package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/revocation"
)

func TestOperateAudit(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	require.Empty(t, parsed[[]revocation.AuditEntry](s, "audit", "list", "--json"))
	require.Empty(t, s.run(exitDone, "audit", "export").out)
	s.run(exitDone, "revoke", ada, "--reason", "lost laptop")
	s.run(exitDone, "revoke", bob, "--reason", "left")
	s.job(bob, revocation.StateFinished)
	var entries []revocation.AuditEntry
	require.Eventually(t, func() bool { // the audit comes after the ledger
		entries = parsed[[]revocation.AuditEntry](s, "audit", "list", "--json")
		return len(entries) == 4
	}, soon, tick)
	for i, entry := range entries {
		require.Equal(t, uint64(4-i), entry.Seq, "the newest first")
	}
	require.Equal(t, "revoke", entries[3].Action.Verb)
	require.Equal(t, "lost laptop", entries[3].Action.Reason)
	require.Equal(t, ada, entries[2].Record.User)

	one := parsed[[]revocation.AuditEntry](s, "audit", "list", "--json", "--user", ada, "--outcome", "revoked", "--org", "acme", "--since", "1d")
	require.Equal(t, entries[2:3], one)
	for _, none := range []string{"--org=globex", "--outcome=gone", "--user=eve", "--since=" + time.Now().Add(time.Hour).Format(time.RFC3339)} {
		require.Empty(t, parsed[[]revocation.AuditEntry](s, "audit", "list", "--json", none), none)
	}
	require.Len(t, parsed[[]revocation.AuditEntry](s, "audit", "list", "--json", "--limit", "3"), 3)
	require.Regexp(t, `(?m)^2 +20\S+ +revoked +acme +`+ada+` +job_\S+ +\S+ +Okta ended the sessions$`, s.run(exitDone, "audit", "list").out)

	lines := strings.Split(strings.TrimSuffix(s.run(exitDone, "audit", "export", "--since", "1h", "--format", "jsonl").out, "\n"), "\n")
	require.Len(t, lines, 4)
	for i, line := range lines {
		var entry revocation.AuditEntry
		require.NoError(t, json.Unmarshal([]byte(line), &entry))
		require.Equal(t, entries[3-i], entry, "the oldest first")
	}

	require.Equal(t, "read 4 entries back, from the first to the last: 2 attempts, 2 actions\n"+
		"looked for the records of 2 finished jobs\n"+
		"nothing is missing; entries are not chained by hashes, so a replaced one would not be noticed\n",
		s.run(exitDone, "audit", "verify").out)
	require.Equal(t, revocation.AuditCheck{Entries: 4, Records: 2, Actions: 2, Finished: 2, Problems: []string{}},
		parsed[revocation.AuditCheck](s, "audit", "verify", "--json"))
	s.end()
}

// The parts of a long answer are asked for one by one, and added up.
func TestAuditInParts(t *testing.T) {
	t.Parallel()
	entry := func(seq uint64) revocation.AuditEntry {
		return revocation.AuditEntry{Seq: seq, Action: &revocation.Action{ID: "act_1", Verb: "drop", Reason: hostile}}
	}
	pages := []any{
		revocation.AuditPage{Entries: []revocation.AuditEntry{entry(9)}, Next: 7},
		revocation.AuditPage{Next: 3},
		revocation.AuditPage{Entries: []revocation.AuditEntry{entry(2)}},
	}
	got := shell{}.run(t, "audit", "export", "--admin", serveJSON(t, map[string][]any{"/api/v1/audit": pages}))
	require.Equal(t, exitDone, got.code, got.err)
	require.Equal(t, 2, strings.Count(got.out, "\n"))
	got = shell{}.run(t, "audit", "list", "--admin", serveJSON(t, map[string][]any{"/api/v1/audit": pages}))
	require.Equal(t, 3, strings.Count(got.out, "\n"))
	require.NotRegexp(t, control, got.out)

	got = shell{}.run(t, "audit", "verify", "--admin", serveJSON(t, map[string][]any{"/api/v1/audit/verify": {
		revocation.AuditCheck{Entries: 5, Records: 3, Actions: 1, Wrong: 2, Problems: []string{"entry 2 is no record of an action"}, Next: "ledger-1"},
		revocation.AuditCheck{Finished: 3, TooNew: 1, Unsure: 1, Wrong: 1, Problems: []string{hostile}},
	}}))
	require.Equal(t, exitFailed, got.code)
	require.Equal(t, "sever: the evidence is not whole\n", got.err)
	require.True(t, strings.HasPrefix(got.out, "read 5 entries back, from the first to the last: 3 attempts, 1 actions\n"+
		"looked for the records of 3 finished jobs\n1 of them finished just now, and their records are on their way: verify again\n"+
		"1 of them were not found in what of the audit could be read in time\n"+
		"wrong: entry 2 is no record of an action\nwrong: "), got.out)
	require.True(t, strings.HasSuffix(got.out, "\nand 1 more\n"), got.out)
	require.NotRegexp(t, control, got.out)

	got = shell{}.run(t, "audit", "verify", "--admin", serveJSON(t, map[string][]any{"/api/v1/audit/verify": {
		revocation.AuditCheck{Entries: 5, Finished: 3, Unsure: 1},
	}}))
	require.Equal(t, exitFailed, got.code, "not said to be whole")
	require.Contains(t, got.err, "verify again")
	require.NotContains(t, got.out, "nothing is missing")
}
