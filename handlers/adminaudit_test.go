package handlers_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/handlers"
	"sever/revocation"
)

// evidenceOffice is the audit that the admin API works with.
type evidenceOffice struct{ *office }

func (o evidenceOffice) List(_ context.Context, query revocation.AuditQuery) (revocation.AuditPage, error) {
	err := o.note("audit of %s, %s, %s since %s, oldest %t, limit %d from %d", query.Org, query.User, query.Outcome,
		query.Since.UTC().Format(time.RFC3339), query.Oldest, query.Limit, query.From)
	return revocation.AuditPage{Next: 7}, err
}

func (o evidenceOffice) Check(_ context.Context, from string) (revocation.AuditCheck, error) {
	return revocation.AuditCheck{Entries: 3, Next: "ledger-1"}, o.note("check from %q", from)
}

func withEvidence(deps *handlers.AdminDeps) {
	deps.Evidence = evidenceOffice{deps.Holds.(holdOffice).office}
}

func TestAuditAPI(t *testing.T) {
	t.Parallel()
	for path, test := range map[string]struct{ asked, answer string }{
		"/api/v1/audit": {
			"audit of , ,  since 0001-01-01T00:00:00Z, oldest false, limit 100 from 0", `{"entries":[],"next":7}`,
		},
		"/api/v1/audit?org=acme&user=a%40acme.com&outcome=gone&since=2026-11-23T09:00:00Z&order=oldest&limit=7&from=9": {
			"audit of acme, a@acme.com, gone since 2026-11-23T09:00:00Z, oldest true, limit 7 from 9", `{"entries":[],"next":7}`,
		},
		"/api/v1/audit/verify": {
			`check from ""`, `{"entries":3,"records":0,"actions":0,"finished":0,"too_new":0,"unsure":0,"wrong":0,"problems":[],"next":"ledger-1"}`,
		},
		"/api/v1/audit/verify?from=ledger-12": {
			`check from "ledger-12"`, `{"entries":3,"records":0,"actions":0,"finished":0,"too_new":0,"unsure":0,"wrong":0,"problems":[],"next":"ledger-1"}`,
		},
	} {
		b := setupAdmin(t, adminToken, withEvidence)
		resp := serve(b.handler, operator("GET", path, ""))
		requireUncached(t, resp)
		require.JSONEq(t, test.answer, bodyOf(t, resp), path)
		require.Equal(t, []string{test.asked}, b.office.asked)
	}
}
