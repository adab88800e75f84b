package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"sever/handlers"
	secrets "sever/internal/secret"
	"sever/queue"
	"sever/revocation"
	"sever/source"
	"sever/source/verify"
)

const secret = "bench-secret-0123456789abcdef"

// rounds is in how many turns the two servers of a pair are measured: a machine
// that gets slower meanwhile slows both.
const rounds = 4

// BenchmarkReceive gives accepted deliveries per second, each fsynced before its
// 204, beside a bare Echo handler that reads and decodes the same body and keeps
// nothing. of-bare is the ratio of the two, the figure to quote.
//
// "receive" is the receive stage alone, as with --roles receive; "all" has
// dispatch and work in the same process, which decode every delivery besides.
func BenchmarkReceive(b *testing.B) {
	body := eventHookBody(b)
	header := http.Header{"Authorization": {secret}, "Content-Type": {"application/json"}}
	bare := newLoad(b, serveHandler(b, bareEcho()), "/v1/hooks/okta", header, body)
	for name, start := range map[string]func(*testing.B) string{"receive": startReceive, "all": startAll} {
		for _, connections := range []int{1, 16, 64, 256} {
			b.Run(fmt.Sprintf("%s/connections=%d", name, connections), func(b *testing.B) {
				sever := newLoad(b, start(b), "/v1/hooks/okta", header, body)
				compare(b, sever, bare, connections)
			})
		}
	}
}

func compare(b *testing.B, sever, bare load, connections int) {
	b.Helper()
	var ofSever, ofBare result
	share := max(b.N/rounds, connections)
	b.ResetTimer()
	for range rounds {
		ofBare.add(bare.run(b, connections, share))
		ofSever.add(sever.run(b, connections, share))
	}
	b.StopTimer()
	ofSever.sort()
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(ofSever.perSecond(), "accepted/s")
	b.ReportMetric(ofBare.perSecond(), "bare/s")
	b.ReportMetric(ofSever.perSecond()/ofBare.perSecond(), "of-bare")
	b.ReportMetric(ofSever.percentile(0.50), "p50-ms")
	b.ReportMetric(ofSever.percentile(0.99), "p99-ms")
}

// eventHookBody is about 2.5 KB, as Okta's own example is.
func eventHookBody(b *testing.B) []byte {
	b.Helper()
	var hook map[string]any
	sample := source.OktaSample{Type: "user.session.start", User: "00u1practice2person3", UUID: "bench", Published: time.Now()}
	require.NoError(b, json.Unmarshal(sample.Body(), &hook))
	event := hook["data"].(map[string]any)["events"].([]any)[0].(map[string]any)
	event["debugContext"] = map[string]any{"debugData": map[string]any{"requestUri": "/idp/idx/identify", "filler": strings.Repeat("x", 1100)}}
	body, err := json.Marshal(hook)
	require.NoError(b, err)
	return body
}

func bareEcho() http.Handler {
	e := echo.New()
	e.POST("/v1/hooks/okta", func(c echo.Context) error {
		body, err := io.ReadAll(c.Request().Body)
		if err != nil {
			return err
		}
		var hook any
		if err := json.Unmarshal(body, &hook); err != nil {
			return err
		}
		return c.NoContent(http.StatusNoContent)
	})
	return e
}

func serveHandler(b *testing.B, handler http.Handler) string {
	b.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	server := handlers.Server(handler, handlers.ServerConfig{Timeout: 2 * time.Second})
	go func() { _ = server.Serve(listener) }()
	b.Cleanup(func() { _ = server.Close() })
	return listener.Addr().String()
}

// startReceive runs the receive stage alone on the embedded store.
func startReceive(b *testing.B) string {
	b.Helper()
	verifier, err := verify.New(verify.Config{Type: "header", Secrets: []secrets.Secret{secrets.New(secret)}}, verify.Deps{})
	require.NoError(b, err)
	return serveSources(b, []source.Source{{Name: "okta", Org: "acme", Verifier: verifier, Accepted: http.StatusNoContent}})
}

// serveSources runs the receive stage with these sources on the embedded store.
func serveSources(b *testing.B, sources []source.Source) string {
	b.Helper()
	const week = 7 * 24 * time.Hour
	q, err := queue.Open(b.Context(), queue.Config{
		Dir: storeDir(b), MaxSize: 12 << 30, MaxBody: 4 << 20, AckWait: 5 * time.Second, Orgs: []string{"acme"},
		Retention: queue.Retention{Deliveries: week, Jobs: week, Ledger: 2 * week, Dead: 2 * week},
		Logger:    slog.New(slog.DiscardHandler),
	})
	require.NoError(b, err)
	log := q.DeliveryLog(1500*time.Millisecond, 64<<20)
	b.Cleanup(func() {
		log.Close()
		require.NoError(b, q.Close())
	})
	receiver, err := handlers.NewReceiver(log, sources, handlers.ReceiveConfig{
		Observer: func(event revocation.Event) {
			if event.Step == revocation.StepRefused { // which ends the benchmark: say why
				b.Log(event.Reason, event.Err)
			}
		},
	})
	require.NoError(b, err)
	return serveHandler(b, receiver)
}

// startAll runs everything, as `sever serve` does.
func startAll(b *testing.B) string {
	b.Helper()
	url, stop := serveEverything(b, "http://127.0.0.1:1", filepath.Join(storeDir(b), "store"), "", nil)
	b.Cleanup(stop)
	return strings.TrimPrefix(url, "http://")
}

// storeDir is on a real disk where BENCH_DIR says so: a temporary folder may be in
// memory, where an fsync costs nothing.
func storeDir(b *testing.B) string {
	b.Helper()
	dir, err := os.MkdirTemp(os.Getenv("BENCH_DIR"), "sever-bench-") //nolint:usetesting // see above
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, os.RemoveAll(dir)) })
	return dir
}
