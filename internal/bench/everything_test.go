package bench

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/internal/app"
	"sever/internal/config"
	"sever/revocation"
)

// serveEverything runs all stages as `sever serve` does, on a store of its own, until stop is called. settings are
// further lines of its configuration, and observe hears every step.
func serveEverything(b *testing.B, okta, store, settings string, observe revocation.Observer) (url string, stop func()) {
	b.Helper()
	file := filepath.Join(filepath.Dir(store), "sever.yaml")
	require.NoError(b, os.WriteFile(file, fmt.Appendf(nil, `
listen: 127.0.0.1:0
admin: {listen: 127.0.0.1:0}
store: {dir: %q, max_size: 12GiB}
orgs: {acme: {url: %q, auth: {type: ssws, token: env:SECRET}}}
sources: {okta: {type: okta_event_hook, org: acme, verify: {secrets: [env:SECRET]}}}
%s
`, store, okta, settings), 0o600))
	cfg, err := config.Load(file, func(string) (string, bool) { return secret, true })
	require.NoError(b, err)
	running, err := app.New(b.Context(), cfg, app.Options{Roles: app.AllRoles(), Logger: slog.New(slog.DiscardHandler), Observer: observe})
	require.NoError(b, err)
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- running.Run(ctx) }()
	return running.URL(), func() {
		cancel()
		require.NoError(b, <-ended)
	}
}

// patient senders wait nearly as long as Okta does.
const patient = "receive: {timeout: 2900ms, append_timeout: 2800ms}"
