package okta_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/okta"
	"sever/okta/oktasim"
)

func TestGlobalTokenRevocation(t *testing.T) {
	t.Parallel()
	client, sim := startSim(t, oktasim.Options{})
	_, err := sim.StartSession(alice)
	require.NoError(t, err)
	receipt, err := client.GlobalTokenRevocation(t.Context(), alice)
	require.NoError(t, err)
	require.Equal(t, http.StatusNoContent, receipt.Status)
	require.NotEmpty(t, receipt.RequestID)
	require.Zero(t, sim.Sessions(alice))

	_, err = client.GlobalTokenRevocation(t.Context(), `x","format":"email`)
	require.Equal(t, okta.ClassInvalid, okta.ClassOf(err))
	require.Len(t, sim.Calls(), 1)
}

func TestGlobalTokenRevocationSendsTheDocumentedBody(t *testing.T) {
	t.Parallel()
	var line, body string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		line, body = r.Method+" "+r.RequestURI+" "+r.Header.Get("Authorization"), string(b)
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(server.Close)
	_, err := newClient(t, server.URL).GlobalTokenRevocation(t.Context(), alice)
	require.NoError(t, err)
	require.Equal(t, "POST /oauth2/v1/global-token-revocation SSWS "+testToken, line)
	require.JSONEq(t, `{"sub_id":{"format":"opaque","id":"`+alice+`"}}`, body)
}
