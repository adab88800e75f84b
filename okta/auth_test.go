package okta_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/okta"
)

func TestSSWSSetsTheHeader(t *testing.T) {
	t.Parallel()
	auth, err := okta.SSWS(testToken)
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://acme.okta.com", http.NoBody)
	require.NoError(t, err)
	require.NoError(t, auth.Authorize(t.Context(), req))
	require.Equal(t, "SSWS "+testToken, req.Header.Get("Authorization"))
}

func TestSSWSRefusesWhatIsNoToken(t *testing.T) {
	t.Parallel()
	for _, token := range []string{"", " ", "\t", testToken + "\n", "\n" + testToken, "SSWS " + testToken, testToken + "\x00", testToken + "\x7f", testToken + "é"} {
		_, err := okta.SSWS(token)
		require.Error(t, err, "%q", token)
		require.NotContains(t, err.Error(), testToken)
	}
}

func TestTokenIsNeverPrinted(t *testing.T) {
	t.Parallel()
	auth, err := okta.SSWS(testToken)
	require.NoError(t, err)
	cfg := okta.Config{BaseURL: "https://acme.okta.com", Auth: auth}
	client, err := okta.New(cfg)
	require.NoError(t, err)

	for _, value := range []any{auth, cfg, &cfg, client, *client, []any{auth}, map[string]any{"auth": auth}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			out := fmt.Sprintf(verb, value)
			require.NotContains(t, out, testToken)
			require.NotContains(t, out, fmt.Sprintf("%x", testToken))
		}
		var logged bytes.Buffer
		slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "value", value)
		slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "value", value)
		require.NotContains(t, logged.String(), testToken)
	}
	require.Equal(t, "[redacted]", fmt.Sprint(auth))
	require.Equal(t, "[redacted]", fmt.Sprintf("%#v", auth))
	encoded, err := json.Marshal(auth)
	require.NoError(t, err)
	require.NotContains(t, string(encoded), testToken)
}
