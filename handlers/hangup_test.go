package handlers_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

// goneWriter is the connection of someone who hung up before the answer.
type goneWriter struct {
	header   http.Header
	statuses []int
}

func (w *goneWriter) Header() http.Header       { return w.header }
func (w *goneWriter) WriteHeader(status int)    { w.statuses = append(w.statuses, status) }
func (w *goneWriter) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestHangingUpIsNoTroubleOfOurs(t *testing.T) {
	t.Parallel()
	t.Run("sender", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		req := httptest.NewRequest(http.MethodGet, "/v1/hooks/siem", http.NoBody)
		req.Header.Set(challengeHeader, challenge)
		w := &goneWriter{header: make(http.Header)}
		b.handler.ServeHTTP(w, req)
		require.Equal(t, []int{http.StatusOK}, w.statuses)
		require.Empty(t, b.events.all())
		require.Empty(t, b.logs.String())
	})
	t.Run("operator", func(t *testing.T) {
		t.Parallel()
		b := setupAdmin(t, adminToken)
		w := &goneWriter{header: make(http.Header)}
		b.handler.ServeHTTP(w, operator("GET", "/api/v1/jobs", ""))
		require.Equal(t, []int{http.StatusOK}, w.statuses)
		require.Empty(t, b.logs.String())
	})
}
