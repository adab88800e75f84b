package peer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"sever/bench/alert"
)

// ServeBare serves a bare Echo handler until ctx ends: it reads and decodes the body with encoding/json, answers 204 and keeps nothing.
func ServeBare(ctx context.Context, listen string) error {
	e := echo.New()
	e.POST(alert.Path, func(c echo.Context) error {
		body, err := io.ReadAll(c.Request().Body)
		if err != nil {
			return fmt.Errorf("read the body: %w", err)
		}
		var hook any
		if err := json.Unmarshal(body, &hook); err != nil {
			return fmt.Errorf("decode the body: %w", err)
		}
		return c.NoContent(http.StatusNoContent)
	})
	var ports net.ListenConfig
	listener, err := ports.Listen(ctx, "tcp", listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	server := &http.Server{Handler: e, ReadHeaderTimeout: 5 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}
