package app_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/internal/practice"
	"sever/revocation"
)

// timedSource signs with the time of each try. Its secret is HR_SECRET.
func timedSource() yamlMap {
	return yamlMap{
		"type": "hmac", "org": "acme",
		"verify": yamlMap{
			"header": "X-Signature", "signed": "{timestamp}.{body}", "secrets": []string{"env:HR_SECRET"},
			"timestamp": yamlMap{"header": "X-Time", "tolerance": "5m"},
		},
		"map": yamlMap{"person": yamlMap{"kind": "okta_id", "value": "person"}},
	}
}

// Sever's clock is wrong, the sender's is right. Its alerts are kept, nothing comes of them by itself, and whether
// the sender sends them again, signed anew, or an operator redrives them, each of them counts once.
func TestAStepOfTheClockLosesNoSignedAlert(t *testing.T) {
	t.Parallel()
	for name, by := range clockSteps() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newSources(t, yamlMap{"edr": timedSource()}, map[string]string{"HR_SECRET": "s3cret-of-the-edr"})
			about := func(user string) string { return `{"person": "` + user + `", "type": "stolen", "id": "` + user + `"}` }
			request := func(body string) *http.Request {
				sender := practice.Sender{Settings: r.load().Sources["edr"], Now: time.Now()}
				req, err := sender.Request(t.Context(), r.app.URL()+"/v1/hooks/edr", []byte(body), map[string]string{"Content-Type": "application/json"})
				require.NoError(t, err)
				return req
			}
			r.clock.jump(by)
			for _, user := range []string{person(1), person(2), person(1)} {
				given := r.exchange(request(about(user)))
				require.Equal(t, http.StatusServiceUnavailable, given.status)
				require.Contains(t, given.body, "kept as a dead letter")
			}
			forged := request(about(person(3)))
			forged.Header.Set("X-Signature", strings.Repeat("0", 64))
			require.Equal(t, http.StatusUnauthorized, r.exchange(forged).status)
			letters := r.dead()
			require.Len(t, letters, 2, "one for each alert")
			require.Len(t, r.seen.find(step(revocation.StepDeadLetter)), 2)
			require.Empty(t, r.calls())

			r.clock.jump(-by)
			require.Equal(t, http.StatusAccepted, r.exchange(request(about(person(1)))).status)
			r.seen.await(t, audited(revocation.OutcomeRevoked), 1)
			for _, letter := range letters {
				r.redrive(letter.ID)
			}
			r.seen.await(t, audited(revocation.OutcomeRevoked), 2)
			r.seen.await(t, duplicate, 1)
			require.Equal(t, map[string]int{person(1): 1, person(2): 1}, callsFor(r.calls()))
			require.Empty(t, r.letters())
		})
	}
}
