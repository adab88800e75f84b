package handshake_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/source"
	"sever/source/handshake"
)

var allTypes = []string{"okta", "graph", "event_grid", "cloudevents", "sns", "slack", "zoom", "crc", "meta", "discord", "hibob", "gusto"}

// FuzzHandshake looks that whatever comes, each handshake answers nothing but printable,
// bounded JSON or text, and fetches nothing but from Amazon SNS.
func FuzzHandshake(f *testing.F) {
	for _, seed := range [][4]string{
		{"GET", "", "X-Okta-Verification-Challenge: abc", ""},
		{"POST", "validationToken=a%20b", "", ""},
		{"POST", "", "Aeg-Event-Type: SubscriptionValidation", gridEvent(`"512d"`)},
		{"OPTIONS", "", "Webhook-Request-Origin: eventgrid.azure.net", ""},
		{"POST", "", "", confirmation("SubscriptionConfirmation", topic, subscribeURL)},
		{"POST", "", "", `{"type":"url_verification","challenge":"x"}`},
		{"POST", "", "", `{"payload":{"plainToken":"x"},"event":"endpoint.url_validation"}`},
		{"GET", "crc_token=abc", "", ""},
		{"GET", "hub.mode=subscribe&hub.verify_token=s3cret-token&hub.challenge=12", "", ""},
		{"POST", "", "", `{"type":1}`},
		{"POST", "", "", `Ping test`},
		{"POST", "", "", `{"verification_token":"x"}`},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3])
	}
	fetches := &offline{}
	var all []source.Handshake // made once: gusto's file is slow to write
	for _, kind := range allTypes {
		shake, err := handshake.New(settings(f, kind), deps(fetches))
		require.NoError(f, err)
		all = append(all, shake)
	}
	f.Fuzz(func(t *testing.T, method, query, header, body string) {
		fetches.requests = nil
		name, value, _ := strings.Cut(header, ": ")
		req := source.Request{
			Method: method, URL: &url.URL{Path: hook, RawQuery: query}, Header: http.Header{name: {value}},
			Body: []byte(body), Now: started.Add(time.Minute),
		}
		for _, shake := range all {
			reply, ok, err := shake.Answer(t.Context(), req)
			if !ok || err != nil {
				require.Zero(t, reply)
				continue
			}
			requireHarmless(t, reply)
		}
		for _, fetch := range fetches.requests {
			require.Equal(t, "https", fetch.URL.Scheme)
			require.Regexp(t, `^sns\.[a-z0-9-]+\.amazonaws\.com(\.cn)?$`, fetch.URL.Host)
		}
	})
}

func requireHarmless(t *testing.T, reply source.Reply) {
	t.Helper()
	require.Contains(t, []int{http.StatusOK, http.StatusAccepted, http.StatusServiceUnavailable}, reply.Status)
	require.LessOrEqual(t, len(reply.Body), 8<<10)
	texts := []string{string(reply.Body)}
	for name, value := range reply.Header {
		texts = append(texts, name, value)
	}
	for _, text := range texts {
		require.NotContains(t, text, "<")
		require.False(t, strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c > '~' }), "%q", text)
	}
	switch reply.ContentType {
	case jsonType:
		require.True(t, json.Valid(reply.Body))
	default:
		require.Equal(t, textType, reply.ContentType)
	}
}
