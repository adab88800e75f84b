package handlers

import (
	"io"
	"log/slog"

	"github.com/labstack/echo/v4"
)

// newEcho makes an Echo that names every request, outlives a panic, and renders
// errors by answerError alone: Echo's own handler does not look inside a wrapped
// error and would say 500 to all of them.
func newEcho(logger *slog.Logger, answerError echo.HTTPErrorHandler) *echo.Echo {
	e := echo.New()
	e.HideBanner = true
	e.HidePort = true
	e.Logger.SetOutput(io.Discard) // slog, passed in, is the only log
	e.HTTPErrorHandler = answerError
	e.Use(identify, recoverer(logger))
	return e
}
