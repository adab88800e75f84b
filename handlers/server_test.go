package handlers_test

import (
	"crypto/tls"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/handlers"
)

func TestServerBoundsEverything(t *testing.T) {
	t.Parallel()
	logs := &lockedBuffer{}
	config := &tls.Config{MinVersion: tls.VersionTLS13}
	server := handlers.Server(http.NotFoundHandler(), handlers.ServerConfig{
		Timeout: 2 * time.Second, TLS: config, Logger: slog.New(slog.NewJSONHandler(logs, nil)),
	})
	require.Same(t, config, server.TLSConfig)
	require.Equal(t, 750*time.Millisecond, server.ReadHeaderTimeout)
	require.Equal(t, 2*time.Second, server.ReadTimeout)
	require.Equal(t, 2250*time.Millisecond, server.WriteTimeout)
	require.GreaterOrEqual(t, server.IdleTimeout, 75*time.Second)
	require.Equal(t, 64<<10, server.MaxHeaderBytes)

	// Okta gives up after 3s: headers at their slowest and then the whole Timeout.
	require.Less(t, server.ReadHeaderTimeout+2*time.Second, 3*time.Second)

	server.ErrorLog.Print("http: something odd")
	require.Contains(t, logs.String(), "something odd")
	require.Contains(t, logs.String(), `"level":"WARN"`)
}
