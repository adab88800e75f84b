package app_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/revocation"
)

func TestAStrangerStoresNothingAndLearnsNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, settings{})
	body := suspension(person(1), "forged")
	for name, header := range map[string]http.Header{
		"no secret":        {"Content-Type": {"application/json"}},
		"empty secret":     asOkta(""),
		"wrong secret":     asOkta("hook-secret-guessed"),
		"the start of it":  asOkta(hookSecret[:len(hookSecret)-1]),
		"more than it":     asOkta(hookSecret + "x"),
		"with a scheme":    asOkta("Bearer " + hookSecret),
		"in another case":  asOkta(strings.ToUpper(hookSecret)),
		"both, two header": {"Content-Type": {"application/json"}, "Authorization": {"guess", hookSecret}},
		"the admin token":  asOkta("Bearer " + adminToken),
	} {
		given := r.postWith(header, body)
		require.Equal(t, http.StatusUnauthorized, given.status, name)
		require.Empty(t, given.header.Get("WWW-Authenticate"), name)
		for _, telling := range []string{"secret", "header", "Authorization", "verify", "okta", hookSecret} {
			require.NotContains(t, given.body, telling, name)
		}
	}
	require.Empty(t, r.seen.find(step(revocation.StepAccepted)))

	// The next delivery is the first that is stored: nothing of the above comes up behind it.
	r.deliver(suspension(person(2), "real"))
	r.seen.await(t, audited(revocation.OutcomeRevoked), 1)
	require.Equal(t, map[string]int{person(2): 1}, callsFor(r.calls()))
	require.Empty(t, r.dead())
}

func TestWhatIsNoJSONIsKeptAsADeadLetter(t *testing.T) {
	t.Parallel()
	r := newRig(t, settings{})
	raw := "{\"eventType\": \"com.okta.event_hook\", \x00\xff cut of"
	given := r.post([]byte(raw))
	require.Equal(t, http.StatusBadRequest, given.status)
	require.Equal(t, "application/problem+json", given.header.Get("Content-Type"))

	r.seen.await(t, step(revocation.StepDeadLetter), 1)
	letters := r.dead()
	require.Len(t, letters, 1)
	require.NotNil(t, letters[0].Delivery)
	require.Equal(t, raw, string(letters[0].Delivery.Body))
	require.Equal(t, "okta", letters[0].Source)
	require.NotEmpty(t, letters[0].Reason)
	require.Empty(t, r.calls())
}

func TestAnIDThatIsNoneBecomesADeadLetterAndNoCall(t *testing.T) {
	t.Parallel()
	r := newRig(t, settings{})
	ids := []string{
		"00u1?x=", "00u1/..", "../00u1", "00u1%2f", "", strings.Repeat("0", 5000),
		"00uSeverTest00000001/..", "00uSeverTest00000001?", "00uSeverTest00000001%2f..", "00uSeverTest00000001\n",
		"00uSeverTest0000000\u0661", "me", ".", "00uSeverTest0000000", "someone@acme.example",
	}
	for i, id := range ids {
		r.deliver(suspension(id, id+" at "+person(i)))
	}
	r.seen.await(t, step(revocation.StepDeadLetter), len(ids))
	letters := r.dead()
	require.Len(t, letters, len(ids))
	for _, letter := range letters {
		require.Less(t, len(letter.Reason), 300)
		require.NotContains(t, letter.Reason, "\n")
	}
	require.Empty(t, r.okta.Calls())
	require.Empty(t, r.jobs(""))
}

// One event of a delivery that names nobody does not keep the others from acting.
func TestAnEventWithoutAPersonDoesNotStopItsNeighbours(t *testing.T) {
	t.Parallel()
	r := newRig(t, settings{})
	body := string(suspension("00u1/..", "bad"))
	event := func(body string) string {
		_, rest, _ := strings.Cut(body, `"events":[`)
		event, _, _ := strings.Cut(rest, `]},"eventId"`)
		return event
	}
	both := strings.Replace(body, event(body), event(body)+","+event(string(suspension(person(1), "good"))), 1)
	r.deliver([]byte(both))
	r.seen.await(t, audited(revocation.OutcomeRevoked), 1)
	r.seen.await(t, step(revocation.StepDeadLetter), 1)
	require.Equal(t, map[string]int{person(1): 1}, callsFor(r.calls()))
}

func TestWhatIsTooLargeIsRefusedAndNotStored(t *testing.T) {
	t.Parallel()
	r := newRig(t, settings{receive: "{max_body: 8KiB}"})
	fits := []byte(`{"data":{"events":[]},"pad":"` + strings.Repeat("x", 8<<10-31) + `"}`)
	require.Len(t, fits, 8<<10)
	r.deliver(fits)
	require.Equal(t, http.StatusRequestEntityTooLarge, r.post(append(fits, ' ')).status)
	require.Len(t, r.seen.find(step(revocation.StepAccepted)), 1)
}
