package app_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream" //nolint:depguard // reads what is on disk without Sever's own code
	"github.com/stretchr/testify/require"

	"sever/okta/oktasim"
	"sever/revocation"
)

// A scenario of everything that goes well and wrong, at the most talkative level:
// nothing that leaves Sever, or that it keeps, holds a secret.
func TestNoSecretIsEverShownOrKept(t *testing.T) {
	t.Parallel()
	r := newRig(t, settings{})
	r.okta.AddFaults(
		oktasim.Fault{Status: http.StatusServiceUnavailable}, oktasim.Fault{Cut: true},
		oktasim.Fault{Count: 2, Status: http.StatusForbidden},
	)
	r.deliver(suspension(person(1), "one"))
	r.seen.await(t, audited(revocation.OutcomeDead), 1)
	r.post([]byte("no JSON"))
	r.deliver(suspension("00u1/..", "nobody"))
	r.seen.await(t, step(revocation.StepDeadLetter), 3)
	r.postWith(asOkta(hookSecret+"x"), []byte("{}"))
	r.postWith(http.Header{"Authorization": {hookSecret}, "Content-Type": {"text/plain"}}, []byte("x"))
	challenge := http.Header{"Authorization": {hookSecret}, "X-Okta-Verification-Challenge": {"echo me"}}
	given, err := r.do(http.MethodGet, r.app.URL()+"/v1/hooks/okta", challenge, nil)
	require.NoError(t, err)
	require.JSONEq(t, `{"verification":"echo me"}`, given.body)
	r.admin(http.MethodPost, "/api/v1/revocations", order("login", "nobody@acme.example", "by hand"))
	r.seen.await(t, step(revocation.StepDeadLetter), 4)

	for _, letter := range r.dead() {
		if letter.Job != nil {
			r.redrive(letter.ID)
		}
	}
	r.jobs("")
	for _, path := range []string{"/metrics", "/readyz", "/livez", "/api/v1/nothing", "/api/v1/jobs/job_none"} {
		r.admin(http.MethodGet, path, "")
	}
	r.mustStop()
	var kept strings.Builder
	r.inStore(func(js jetstream.JetStream) {
		for _, stream := range []string{"DELIVERIES", "JOBS", "DEAD", "AUDIT", "KV_LEDGER", "KV_HELD", "WAKES"} {
			for _, msg := range messages(t, js, stream) {
				kept.Write(msg.Data)
			}
		}
	})

	for place, text := range map[string]string{"log": r.logs.String(), "answers": r.wire.String(), "store": kept.String()} {
		require.NotEmpty(t, text, place)
		for _, secret := range []string{hookSecret, oktaToken, adminToken} {
			require.NotContains(t, text, secret, place)
			require.NotContains(t, text, base64.StdEncoding.EncodeToString([]byte(secret)), place)
		}
	}
	require.Contains(t, r.logs.String(), `"level":"DEBUG"`) // as talkative as it gets
}
