package handlers

import (
	"crypto/rand"

	"github.com/labstack/echo/v4"
)

// requestIDHeader is spelled as net/http canonicalizes it, so that it can be set
// without being rewritten on every request.
const requestIDHeader = "X-Request-Id"

// identify names the request on its answer, whatever that answer will be. The
// name is always ours: a sender's own could be chosen to mislead a reader of logs.
func identify(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		c.Response().Header()[requestIDHeader] = []string{rand.Text()}
		return next(c)
	}
}

func requestID(c echo.Context) string { return c.Response().Header().Get(requestIDHeader) }
