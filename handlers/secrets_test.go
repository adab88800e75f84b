package handlers_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/revocation"
)

// TestNothingLeaks sends secret, challenge and hostile text through every kind of
// answer, and looks for them wherever anything comes out.
func TestNothingLeaks(t *testing.T) {
	t.Parallel()
	const hostile = "h0stile-text"
	b := setup(t)
	shake := func(path string, adjust ...func(*http.Request)) *http.Request {
		req := httptest.NewRequest(http.MethodGet, path, http.NoBody)
		req.Header.Set("Authorization", secret)
		for _, change := range adjust {
			change(req)
		}
		return req
	}
	requests := []*http.Request{
		delivery(oktaHook, jsonBody),
		delivery(oktaHook, hostile),
		delivery(oktaHook, ""),
		delivery(oktaHook, jsonBody, with("Content-Type", hostile)),
		delivery(oktaHook, jsonBody, with("Content-Encoding", hostile)),
		delivery(oktaHook, jsonBody, with("Authorization", hostile+secret)),
		delivery(oktaHook, jsonBody, method(hostile)),
		delivery("/v1/hooks/"+hostile, jsonBody),
		delivery("/"+hostile+"?"+hostile, jsonBody),
		delivery(oktaHook, jsonBody, with(requestHdr, hostile)),
		delivery(oktaHook, jsonBody, with("Authorization", "panic")), // its panic quotes the secret
		shake(oktaHook),
		shake(oktaHook, with(challengeHeader, challenge), with("Authorization", hostile)),
		shake(hrHook, with(challengeHeader, challenge)),
		shake("/v1/hooks/"+hostile, with(challengeHeader, challenge)),
	}
	var shown strings.Builder
	for _, req := range requests {
		resp := b.serve(req)
		fmt.Fprintln(&shown, resp.Status, resp.Header, bodyOf(t, resp))
	}
	b.log.err = errors.New("store is full")
	resp := b.serve(delivery(oktaHook, jsonBody))
	fmt.Fprintln(&shown, resp.Status, resp.Header, bodyOf(t, resp))
	answers := shown.String()

	// The one answer that must hold the challenge is the good handshake's, which is
	// looked at for its events and logs only.
	require.Equal(t, http.StatusOK, b.serve(shake(oktaHook, with(challengeHeader, challenge))).StatusCode)

	var observed strings.Builder
	for _, event := range b.events.all() {
		require.NotEqual(t, revocation.Step(""), event.Step)
		fmt.Fprintf(&observed, "%+v\n", event)
	}
	events := observed.String()
	logs := b.logs.String()
	require.Contains(t, logs, "panic while answering a request")
	for _, forbidden := range []string{secret, challenge, hostile} {
		require.NotContains(t, answers, forbidden)
		require.NotContains(t, events, forbidden)
		require.NotContains(t, logs, forbidden)
	}
	require.NotContains(t, answers, "store is full", "our own trouble is nobody's business")
	require.NotContains(t, answers, "Authorization", "a stranger is not told what is expected")
}
