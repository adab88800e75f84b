package ssf_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/internal/secret"
	"sever/source/ssf"
)

func TestStreamLife(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"", "/tenants/7"} {
		from := newTransmitter(t, path)
		client := from.discover(t)
		require.Equal(t, from.issuer(), client.Metadata().Issuer)
		require.Equal(t, from.server.URL+"/keys", client.Metadata().JWKS)

		none, err := client.List(t.Context())
		require.NoError(t, err)
		require.Empty(t, none)

		events := ssf.DefaultEvents()
		stream, err := client.Create(t.Context(), ssf.StreamRequest{
			Endpoint: "https://sever.example/v1/hooks/sso", Authorization: secret.New("Bearer push"), Events: events, Description: "Sever",
		})
		require.NoError(t, err)
		require.Equal(t, ssf.Stream{
			ID: "stream-1", Issuer: from.issuer(), Audience: []string{audience}, Method: ssf.MethodPush,
			Endpoint: "https://sever.example/v1/hooks/sso", Requested: events, Delivered: events,
		}, stream)
		asked := from.streams["stream-1"]
		require.Equal(t, "Bearer push", asked["delivery"].(claims)["authorization_header"])
		require.Equal(t, "Sever", asked["description"])

		same, err := client.Get(t.Context(), "stream-1")
		require.NoError(t, err)
		require.Equal(t, stream, same)
		all, err := client.List(t.Context())
		require.NoError(t, err)
		require.Equal(t, []ssf.Stream{stream}, all)
		status, err := client.Status(t.Context(), "stream-1")
		require.NoError(t, err)
		require.Equal(t, ssf.Status{Status: "enabled"}, status, "and the endpoint's own query was kept")

		_, err = client.Create(t.Context(), ssf.StreamRequest{})
		require.ErrorContains(t, err, "create the stream: the transmitter answered 409; there is a stream already")
		require.NoError(t, client.Delete(t.Context(), "stream-1"))
		require.ErrorContains(t, client.Delete(t.Context(), "stream-1"), "answered 404; there is no such stream")
	}
}

func TestPollStreamHasNoAuthorization(t *testing.T) {
	t.Parallel()
	from := newTransmitter(t, "")
	stream, err := from.discover(t).Create(t.Context(), ssf.StreamRequest{Authorization: secret.New("Bearer push")})
	require.NoError(t, err)
	require.Equal(t, ssf.MethodPoll, stream.Method)
	require.NotContains(t, from.streams["stream-1"]["delivery"], "authorization_header")
}

func TestStreamOfAnotherIssuer(t *testing.T) {
	t.Parallel()
	from := newTransmitter(t, "")
	from.change = func(stream claims) { stream["iss"] = "https://someone.example" }
	_, err := from.discover(t).Create(t.Context(), ssf.StreamRequest{})
	var foreign *ssf.IssuerError
	require.ErrorAs(t, err, &foreign)
	require.Equal(t, "stream-1", foreign.StreamID)
	require.NotContains(t, err.Error(), "someone.example")
}

func TestStreamAnswersOfTrouble(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		status     int
		body, want string
		code       string
	}{
		"401":          {401, "", "ssf.token is not accepted", ""},
		"403":          {403, `{"error":"insufficient_scope","error_description":"secret detail"}`, "ssf.manage", "insufficient_scope"},
		"429":          {429, "", "asked too often", ""},
		"500":          {500, "<html>", "trouble of its own", ""},
		"400":          {400, `{"err":"invalid_request"}`, "does not understand", "invalid_request"},
		"hostile code": {400, `{"error":"` + strings.Repeat(`\u001b`, 200) + `"}`, "does not understand", `\x1b`},
		"302":          {302, "", "it redirects", ""},
		"no JSON":      {200, "<html>", "not valid JSON", ""},
		"no id":        {200, `{"iss":"x"}`, "no stream_id", ""},
		"too large":    {200, strings.Repeat(" ", 2<<20), "larger than", ""},
	} {
		from := newTransmitter(t, "")
		from.respond = func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", from.server.URL+"/elsewhere")
			w.WriteHeader(row.status)
			_, _ = w.Write([]byte(row.body))
		}
		_, err := from.discover(t).Get(t.Context(), "stream-1")
		require.ErrorContains(t, err, row.want, name)
		require.ErrorContains(t, err, "read the stream: ", name)
		require.Less(t, len(err.Error()), 800, name)
		for _, secret := range []string{managingToken, "secret detail", "\x1b", "<html>"} {
			require.NotContains(t, err.Error(), secret, name)
		}
		if row.code != "" {
			require.Contains(t, err.Error(), row.code, name)
		}
		require.Len(t, from.calls, 1, "%s: one attempt, and no redirect followed", name)
	}
}

func TestStreamLists(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]int{
		`[]`: 0, "\n[{\"stream_id\":\"a\"},{\"stream_id\":\"b\"}]": 2, `{"stream_id":"a","iss":"x"}`: 1, `[{}]`: -1, `[7]`: -1, `[{"stream_id":"a"}`: -1, `null`: -1,
	} {
		from := newTransmitter(t, "")
		from.respond = func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }
		got, err := from.discover(t).List(t.Context())
		if want < 0 {
			require.Error(t, err, body)
			continue
		}
		require.NoError(t, err, body)
		require.Len(t, got, want, body)
	}
	from := newTransmitter(t, "")
	from.respond = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }
	got, err := from.discover(t).List(t.Context())
	require.NoError(t, err, "none is no failure")
	require.Empty(t, got)
}

func TestStreamStatusOfTrouble(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"status":"paused","reason":"x\ny"}`: "", `{"status":"gone"}`: "no status", `{}`: "no status", `[]`: "no JSON object",
	} {
		from := newTransmitter(t, "")
		from.respond = func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }
		status, err := from.discover(t).Status(t.Context(), "stream-1")
		if want == "" {
			require.NoError(t, err)
			require.Equal(t, ssf.Status{Status: "paused", Reason: `"x\ny"`}, status)
			continue
		}
		require.ErrorContains(t, err, want)
	}
}

func TestDiscover(t *testing.T) {
	t.Parallel()
	const good = `{"issuer":%q}`
	for name, row := range map[string]struct {
		status     int
		body, want string
	}{
		"not there":          {404, "", "its configuration is to be at http://127.0.0.1"},
		"redirect":           {302, "", "answered 302"},
		"no JSON":            {200, "<html>", "not valid JSON"},
		"another issuer":     {200, `{"issuer":"https://someone.example"}`, "of another issuer"},
		"no issuer":          {200, `{}`, "of another issuer"},
		"issuer in capitals": {200, `{"ISSUER":%q}`, "of another issuer"},
		"issuer twice":       {200, `{"issuer":%[1]q,"issuer":%[1]q}`, "given twice"},
		"endpoint http":      {200, `{"issuer":%q,"status_endpoint":"http://transmitter.example/"}`, "its status_endpoint is http"},
		"endpoint a file":    {200, `{"issuer":%q,"configuration_endpoint":"file:///etc/passwd"}`, "its configuration_endpoint is not an https URL"},
		"keys http":          {200, `{"issuer":%q,"jwks_uri":"http://transmitter.example/"}`, "its jwks_uri is http"},
		"too large":          {200, strings.Repeat(" ", 65<<10), "larger than"},
		"good":               {200, good, ""},
	} {
		var server *httptest.Server
		server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "" {
				t.Error("a token has no business here")
			}
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(row.status)
			body := row.body
			if strings.Contains(body, "%") {
				body = fmt.Sprintf(body, server.URL)
			}
			_, _ = w.Write([]byte(body))
		}))
		t.Cleanup(server.Close)
		client, err := ssf.Discover(t.Context(), server.URL, secret.New(managingToken), server.Client())
		if row.want != "" {
			require.ErrorContains(t, err, row.want, name)
			continue
		}
		require.NoError(t, err, name)
		_, err = client.Status(t.Context(), "s")
		require.ErrorContains(t, err, "names no endpoint for this")
	}
}

func TestDiscoverRefusesIssuers(t *testing.T) {
	t.Parallel()
	for issuer, want := range map[string]string{
		"":                                    "not an https URL",
		"transmitter.example":                 "not an https URL",
		"ftp://transmitter.example":           "not an https URL",
		"http://transmitter.example":          "is http",
		"http://127.0.0.1.evil.example":       "is http",
		"https://user:pw@transmitter.example": "user or password",
		"https://transmitter.example/?a=b":    "no query",
		"https://transmitter.example/#a":      "fragment",
	} {
		_, err := ssf.Discover(t.Context(), issuer, secret.Secret{}, &http.Client{})
		require.ErrorContains(t, err, "ssf.transmitter: ", issuer)
		require.ErrorContains(t, err, want, issuer)
		require.NotContains(t, err.Error(), "pw", issuer)
	}
}
