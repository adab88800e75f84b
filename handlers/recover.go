package handlers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"runtime/debug"

	"github.com/labstack/echo/v4"
)

// errPanicked stands for a panic that was logged where it was caught.
var errPanicked = errors.New("panic while answering the request")

// recoverer turns a panic into errPanicked, so that one request cannot end the process.
func recoverer(logger *slog.Logger) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) (err error) {
			defer func() {
				if cause := recover(); cause != nil {
					if isAbort(cause) {
						panic(cause) // net/http's own way to cut a connection
					}
					logPanic(c.Request().Context(), logger, requestID(c), cause)
					err = errPanicked
				}
			}()
			return next(c)
		}
	}
}

func isAbort(cause any) bool {
	err, ok := cause.(error)
	return ok && errors.Is(err, http.ErrAbortHandler)
}

// logPanic names the kind of the panic and where it happened. The value itself is
// left out unless the runtime made it: it may quote the request, secret and all.
func logPanic(ctx context.Context, logger *slog.Logger, request string, cause any) {
	what := fmt.Sprintf("a %T", cause)
	if fault, ok := cause.(runtime.Error); ok {
		what = fault.Error()
	}
	logger.ErrorContext(ctx, "panic while answering a request",
		"request_id", request, "panic", shorten(what), "stack", string(debug.Stack()))
}
