package handlers_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"sever/handlers"
	"sever/revocation"
)

type discardLog struct{}

func (discardLog) Append(context.Context, revocation.Delivery) error { return nil }

// silentWriter is an answer that nobody reads.
type silentWriter struct{ header http.Header }

func (w *silentWriter) Header() http.Header         { return w.header }
func (w *silentWriter) Write(p []byte) (int, error) { return len(p), nil }
func (w *silentWriter) WriteHeader(int)             {}

// BenchmarkReceive measures taking a delivery whose log costs nothing, beside bare
// Echo handlers that only read the same 2.5 KB, and that read and decode them.
func BenchmarkReceive(b *testing.B) {
	body := []byte(`{"eventType":"com.okta.event_hook","data":{"events":[` +
		strings.TrimSuffix(strings.Repeat(`{"uuid":"4e2f9a50-0001","eventType":"user.lifecycle.suspend","severity":"INFO"},`, 31), ",") + `]}}`)
	require.True(b, json.Valid(body))
	require.InDelta(b, 2500, len(body), 100)

	receiver, err := handlers.NewReceiver(discardLog{}, sources(), handlers.ReceiveConfig{})
	require.NoError(b, err)
	bare := func(handle echo.HandlerFunc) http.Handler {
		e := echo.New()
		e.POST("/v1/hooks/:source", handle)
		return e
	}
	for name, handler := range map[string]http.Handler{
		"sever": receiver,
		"bare-read": bare(func(c echo.Context) error {
			if _, err := io.ReadAll(c.Request().Body); err != nil {
				return err
			}
			return c.NoContent(http.StatusNoContent)
		}),
		"bare-read-decode": bare(func(c echo.Context) error {
			var value any
			if err := json.NewDecoder(c.Request().Body).Decode(&value); err != nil {
				return err
			}
			return c.NoContent(http.StatusNoContent)
		}),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				reader := bytes.NewReader(body)
				req := delivery(oktaHook, "", func(req *http.Request) {
					req.Body, req.ContentLength = io.NopCloser(reader), int64(len(body))
				})
				w := &silentWriter{header: make(http.Header)}
				for pb.Next() {
					reader.Reset(body)
					handler.ServeHTTP(w, req)
				}
			})
		})
	}
}
